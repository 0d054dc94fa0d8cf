"""The tidy table of a comparison: one row per run, every objective recomputed, every gap to a named reference."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from counterpoint.opt.errors import encodable
from counterpoint.opt.evaluation.references import Key, Yardstick, instance_key, is_valid, yardsticks
from counterpoint.opt.evaluation.statistics import primal_integral
from counterpoint.opt.result import Reference, Result, Termination

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "problem", "instance", "instance_hash", "features", "method", "version", "options", "seed", "termination",
    "status", "objective", "claimed_objective", "bound", "gap_to_bound", "reference", "reference_kind",
    "gap_to_reference", "wall_s", "cpu_s", "time_limit_s", "threads", "is_late", "time_to_best_s",
    "primal_integral", "iterations", "solver", "message",
)  # fmt: skip


def results_frame(
    results: Sequence[Result],
    references: Mapping[str, float | Reference] | None = None,
) -> "pd.DataFrame":
    """Return one row per result.

    Parameters
    ----------
    results : sequence of Result
    references : mapping, optional
        Content hash or name of an instance -> the value its gaps are measured to.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, then one ``metric_<name>`` per figure of the family's checker. ``status`` is
        "error" for a run whose claims the checker refuted, whatever it still holds, and such a row has
        no gap. ``gap_to_reference`` is relative (0.01 is one per cent worse than the reference, negative
        is better); it is infinite where the reference is 0 and the objective is not.
        ``primal_integral`` (seconds) runs to the longest time limit any method had on that instance.
    """
    import pandas as pd

    yards = yardsticks(results, references)
    horizons: dict[Key, float] = {}
    for r in results:
        key = instance_key(r)
        horizons[key] = max(horizons.get(key, 0.0), r.wall_s if r.time_limit_s is None else r.time_limit_s)
    rows = [_row(r, yards[instance_key(r)], horizons[instance_key(r)]) for r in results]
    metrics = sorted({f"metric_{key}" for r in results for key in r.metrics})
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *metrics])
    numbers = [
        "objective", "claimed_objective", "bound", "gap_to_bound", "reference", "gap_to_reference", "wall_s", "cpu_s",
        "time_limit_s", "time_to_best_s", "primal_integral", "iterations", *metrics,
    ]  # fmt: skip
    return frame.astype(dict.fromkeys(numbers, "float64") | {"is_late": "bool"})


def reference_gap(objective: float | None, reference: float | None, sense: str = "min") -> float:
    """Return how much worse than the reference an objective is, relative to the reference.

    0 if they are equal, infinite if only the reference is 0, NaN if either is missing.

    >>> round(reference_gap(110.0, 100.0), 12), round(reference_gap(110.0, 100.0, "max"), 12)
    (0.1, -0.1)
    """
    if objective is None or reference is None:
        return math.nan
    worse = (objective - reference) * (1.0 if sense == "min" else -1.0)
    if worse == 0:
        return 0.0
    return math.copysign(math.inf, worse) if reference == 0 else worse / abs(reference)


def time_to_best(result: Result) -> float | None:
    """Return the wall seconds at which the final objective was first held; None if none is."""
    if result.objective is None:
        return None
    reached = [p.wall_s for p in result.trace if p.objective == result.objective]
    return min(reached, default=result.wall_s)


def _row(r: Result, yard: Yardstick, horizon_s: float) -> dict[str, Any]:
    valid = is_valid(r)
    trace = [(p.wall_s, p.objective) for p in r.trace if p.objective is not None] if valid else []
    if valid and not trace and r.objective is not None:
        trace = [(r.wall_s, r.objective)]
    integral = None if yard.value is None else primal_integral(trace, yard.value, horizon_s, sense=r.sense)
    return {
        "problem": r.problem,
        "instance": encodable(r.instance_name),
        "instance_hash": r.instance_hash,
        "features": "" if r.instance is None else ", ".join(sorted(r.instance.features)),
        "method": encodable(r.method),
        "version": r.method_version,
        "options": json.dumps(dict(r.options), sort_keys=True, default=str),
        "seed": r.seed,
        "termination": str(r.termination),
        "status": "error" if r.termination is Termination.ERROR else str(r.solution_status),
        "objective": r.objective,
        "claimed_objective": r.claimed_objective,
        "bound": r.bound,
        "gap_to_bound": r.gap if valid else None,
        "reference": yard.value,
        "reference_kind": yard.kind,
        "gap_to_reference": reference_gap(r.objective if valid else None, yard.value, r.sense),
        "wall_s": r.wall_s,
        "cpu_s": r.cpu_s,
        "time_limit_s": r.time_limit_s,
        "threads": r.threads,
        "is_late": r.is_late,
        "time_to_best_s": time_to_best(r) if valid else None,
        "primal_integral": integral,
        "iterations": r.iterations,
        "solver": encodable(r.solver),
        "message": encodable(r.message),
        **{f"metric_{key}": value for key, value in r.metrics.items()},
    }
