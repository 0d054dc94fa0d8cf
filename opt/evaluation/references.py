"""Which value each gap is measured to, and what kind of value that is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterpoint.opt.problems.table import problem
from counterpoint.opt.result import Reference, Result, SolutionStatus, Termination

Key = tuple[str, str, str]  # problem, content hash, name: two instances may share a name, or a content

GIVEN = "given"
BEST_KNOWN = "best known"
PROVEN = "proven bound"
BEST_OF_COMPARED = "best of compared"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The value the gaps of one instance are measured to.

    Parameters
    ----------
    value : float or None
        None if nothing at all is known.
    kind : str
        "given" by the user; "best known" from the register of public instances; "proven bound" if the
        compared methods (or the register) prove a bound that the best compared objective attains, or
        if a registered bound is all there is; else "best of compared"; "none".
    source : str
    """

    value: float | None
    kind: str
    source: str = ""


def instance_key(result: Result) -> Key:
    """Return what tells this result's instance from all others."""
    return result.problem, result.instance_hash, result.instance_name


def is_valid(result: Result) -> bool:
    """True if the run holds a verified feasible solution and nothing it claimed was wrong."""
    held = result.solution_status in (SolutionStatus.FEASIBLE, SolutionStatus.OPTIMAL)
    return held and result.objective is not None and result.termination is not Termination.ERROR


def yardsticks(
    results: Sequence[Result],
    references: Mapping[str, float | Reference] | None = None,
) -> dict[Key, Yardstick]:
    """Return the yardstick of every instance among the results.

    Parameters
    ----------
    results : sequence of Result
    references : mapping, optional
        Content hash or instance name -> value (or `Reference`, of which the known solution counts).

    Notes
    -----
    Runs that ended in an error lend neither their objective nor their bound. O(number of results).
    """
    groups: dict[Key, list[Result]] = {}
    for result in results:
        groups.setdefault(instance_key(result), []).append(result)
    return {key: _yardstick(key, group, references or {}) for key, group in groups.items()}


def _yardstick(key: Key, group: list[Result], references: Mapping[str, float | Reference]) -> Yardstick:
    family, content, name = key
    sense = group[0].sense
    given = references.get(content, references.get(name))
    if isinstance(given, Reference):
        value = _known(given, sense)
        if value is not None:
            return Yardstick(value, GIVEN, given.source)
    elif given is not None:
        if not math.isfinite(given):
            raise ValueError(f"the reference of {name!r} must be a finite number, not {given}")
        return Yardstick(float(given), GIVEN)
    register = _registered(family, group)
    known = None if register is None else _known(register, sense)
    if register is not None and known is not None:
        return Yardstick(known, BEST_KNOWN, register.source)
    best = _best((r.objective for r in group if is_valid(r)), sense)
    bounds = [r.bound for r in group if r.termination is not Termination.ERROR]
    proven = None if register is None else _proven(register, sense)
    bound = _best([*bounds, proven], "max" if sense == "min" else "min")
    if best is not None and bound is not None and math.isclose(best, bound, rel_tol=1e-9, abs_tol=1e-9):
        return Yardstick(best, PROVEN, "attained by a compared method")
    if best is not None:
        return Yardstick(best, BEST_OF_COMPARED)
    return Yardstick(bound, PROVEN) if bound is not None else Yardstick(None, NONE)


def _registered(family: str, group: list[Result]) -> Reference | None:
    """What the family's register of public instances knows; it needs the instance itself."""
    instance: Any = next((r.instance for r in group if r.instance is not None), None)
    if instance is None:
        return None
    found: Reference | None = problem(family).load("reference")(instance)
    return found


def _known(reference: Reference, sense: str) -> float | None:
    """Value of the best known solution."""
    return reference.upper_bound if sense == "min" else reference.lower_bound


def _proven(reference: Reference, sense: str) -> float | None:
    """Value of the best proven bound."""
    return reference.lower_bound if sense == "min" else reference.upper_bound


def _best(values: Iterable[float | None], sense: str) -> float | None:
    found = [v for v in values if v is not None and math.isfinite(v)]
    return (min if sense == "min" else max)(found, default=None)
