"""Verify a written result or solution against its instance, with no solver in sight."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.opt.codec import decode_result, load_json
from counterpoint.opt.errors import BoundError, InstanceError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.table import problem, resolve
from counterpoint.opt.result import Check, Result, SolutionStatus
from counterpoint.opt.solving import check_against_reference


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found.

    Parameters
    ----------
    is_confirmed : bool
        The file holds a feasible solution, and what it says of objective, metrics and status is true. A bound is
        only compared with the objective and with what is known of public instances: no checker can prove it.
    check : Check or None
        None if the file holds no solution.
    message : str
    """

    is_confirmed: bool
    check: Check | None
    message: str


def verify_file(path: str | Path, instance: str | None = None) -> Verdict:
    """Verify a result file, or with `instance` (a file or benchmark name) a bare solution file.

    A solution is tagged JSON, or in the field's own format where there is one (``.tour``, ``.sol``).

    Raises
    ------
    InstanceError
        If the file is not what it should be.
    """
    try:
        raw = Path(path).read_bytes()
        if instance is not None and (foreign := _foreign(Path(path), raw, instance)) is not None:
            return foreign
        data = load_json(raw)
        if isinstance(data, dict) and data.get("type") == "counterpoint-result":
            return verify(decode_result(data), load_instance(instance) if instance else None)
        if instance is None:
            raise InstanceError("not a result file; to check a bare solution, name its --instance")
        shop = load_instance(instance)
        _refuse_sequential(shop.problem)
        return _verdict(shop, problem(shop.problem).load("decode")(data))
    except OSError as error:
        raise InstanceError(f"cannot read it: {error.strerror}", file=str(path)) from None
    except InstanceError as error:
        raise (error if error.file else error.at(str(path))) from None


def _foreign(path: Path, raw: bytes, instance: str) -> Verdict | None:
    """Verify a solution in the field's own format; None if the file is JSON or the problem has no such format."""
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b""):
        return None
    shop = load_instance(instance)
    parts = dict(problem(shop.problem).parts)
    return _verdict(shop, resolve(parts["read_solution"])(path)) if "read_solution" in parts else None


def _verdict(instance: Any, solution: Any) -> Verdict:
    family = problem(instance.problem)
    if not isinstance(solution, family.load("solution")):
        raise InstanceError("this is an instance, not a solution")
    found: Check = family.load("check")(instance, solution)
    return Verdict(found.is_feasible, found, str(found))


def verify(result: Result, instance: Any = None) -> Verdict:
    """Verify a result against the instance given, or else the one it carries.

    Status, objective, metrics and bound are all compared with what the checker finds.

    Raises
    ------
    InstanceError
        If the problem is sequential: no result holds the scenario that a run was in.
    """
    if instance is not None and instance.content_hash != result.instance_hash:
        return Verdict(False, None, "the result is for another instance (content differs)")
    instance = instance if instance is not None else result.instance
    if instance is None:
        return Verdict(False, None, "the result carries no instance; name one")
    if instance.content_hash != result.instance_hash:
        return Verdict(False, None, "the instance inside the file does not match its hash")
    if result.solution is None:
        return Verdict(False, None, f"no solution: {result.solution_status}, stopped by {result.termination}")
    _refuse_sequential(result.problem)
    verdict: Check = problem(result.problem).load("check")(instance, result.solution)
    if not verdict.is_feasible or verdict.objective is None:
        return Verdict(False, verdict, str(verdict))
    complaints = _complaints(result, verdict)
    try:
        check_against_reference(instance, verdict.objective, result.bound)
    except BoundError as error:
        complaints.append(str(error))
    return Verdict(not complaints, verdict, "; ".join(complaints) or str(verdict))


def _refuse_sequential(name: str) -> None:
    if problem(name).kind == "sequential":
        raise InstanceError(f"{name} is a sequential problem: a run is checked with its scenario, by Episode.check()")


def _complaints(result: Result, verdict: Check) -> list[str]:
    """What the result says that is not so."""
    objective = float(verdict.objective or 0.0)
    slack = problem(result.problem).slack(objective)
    found = []
    if result.objective is None or abs(result.objective - objective) > slack:
        found.append(f"it says objective {result.objective}, the checker finds {objective:g}")
    wrong = [k for k, v in result.metrics.items() if abs(verdict.metrics.get(k, float("nan")) - v) > slack]
    if wrong or set(result.metrics) - set(verdict.metrics):
        found.append(f"metrics differ: {json.dumps(sorted(wrong or result.metrics))}")
    sense = problem(result.problem).sense
    if result.sense != sense:
        found.append(f"it says sense {json.dumps(result.sense)}, but {result.problem} is a {sense} problem")
    sign = 1 if sense == "min" else -1
    if result.bound is not None and sign * (result.bound - objective) > slack:
        found.append(f"its bound {result.bound:g} contradicts the objective {objective:g}")
    closed = result.bound is not None and abs(result.bound - objective) <= slack
    if result.solution_status is SolutionStatus.OPTIMAL and not closed:
        found.append("it claims proven optimality, but its bound does not meet the objective")
    if result.solution_status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE):
        found.append(f"it says its solution is {result.solution_status}, the checker finds it feasible")
    return found
