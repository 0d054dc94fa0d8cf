"""Time to target: when each run first came close enough to its instance's reference."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from counterpoint.opt.evaluation.references import instance_key, is_valid, yardsticks
from counterpoint.opt.evaluation.statistics import time_to_target
from counterpoint.opt.result import Reference, Result

if TYPE_CHECKING:
    import pandas as pd


def target_frame(
    results: Sequence[Result], within: float = 0.01, references: Mapping[str, float | Reference] | None = None
) -> "pd.DataFrame":
    """Return, for each run, the wall seconds until an objective within a share of the reference was held.

    Parameters
    ----------
    results : sequence of Result
    within : float
        Relative distance to the reference, >= 0: 0.01 asks for one per cent.
    references : mapping, optional
        As in `frame.results_frame`.

    Returns
    -------
    DataFrame
        ``problem``, ``instance``, ``instance_hash``, ``method``, ``seed``, ``target`` (the objective asked for) and
        ``seconds``, infinite for a run that never got there or failed.
    """
    import pandas as pd

    if not within >= 0:
        raise ValueError(f"within must be at least 0, not {within}")
    yards = yardsticks(results, references)
    rows = []
    for r in results:
        reference = yards[instance_key(r)].value
        target = math.nan
        seconds = math.inf
        if reference is not None:
            target = reference + (1 if r.sense == "min" else -1) * within * abs(reference)
            trace = [(p.wall_s, p.objective) for p in r.trace if p.objective is not None]
            if is_valid(r) and r.objective is not None:
                seconds = time_to_target([*trace, (r.wall_s, r.objective)], target, sense=r.sense)
        rows.append((r.problem, r.instance_name, r.instance_hash, r.method, r.seed, target, seconds))
    return pd.DataFrame(rows, columns=["problem", "instance", "instance_hash", "method", "seed", "target", "seconds"])
