"""One row per method: what it solved, how good, how fast, and against whom."""

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from counterpoint.opt.evaluation.paired import INSTANCE, held_objective, is_solved, outcome
from counterpoint.opt.evaluation.statistics import bootstrap_interval, shifted_geometric_mean
from counterpoint.opt.problems.table import problem

if TYPE_CHECKING:
    import pandas as pd

RULE = (
    "Mean gaps are over the instances on which every compared method holds a solution on every seed it ran (methods "
    "that solved nothing at all left aside), so a method that fails cannot look better for it; medians are over all "
    "runs, a failed run counting as infinitely bad. Times of failed runs count as at least the time limit."
)


def summarise(frame: "pd.DataFrame", *, confidence: float = 0.95, seed: int = 0) -> "pd.DataFrame":
    """Return a row per method, best first; see `RULE` for how failures count.

    Parameters
    ----------
    frame : DataFrame
        See `frame.results_frame`.
    confidence : float
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Indexed by method (and problem, if there are several): ``runs``, ``instances``, ``solved``, ``optimal``
        (proven), ``failed`` (no verified solution and no proof that there is none), ``late``, ``not_run``
        (instances others ran and this method did not), ``common`` (instances behind the mean gap),
        ``mean_gap``, ``gap_low``, ``gap_high`` (bootstrap over instances), ``median_gap``, ``wall_s``,
        ``cpu_s`` (shifted geometric means, shift 1 s), ``primal_integral`` (mean, s), ``wins``, ``ties``,
        ``losses`` (runs against the best other method on the same instance and seed). Gaps are relative
        to the stated references. Ordered by the share of solved runs, then the mean gap.
    """
    import pandas as pd

    families = list(dict.fromkeys(frame["problem"]))
    if len(families) == 1:
        return _family(frame, confidence, seed)
    parts = {name: _family(frame[frame["problem"] == name], confidence, seed) for name in families}
    return pd.concat(parts, names=["problem"]) if parts else _family(frame, confidence, seed)


def common_instances(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of the instances on which every method of the frame holds a solution on every seed it ran.

    Methods that solved nothing at all are left out of the question, so that one broken method does not hide the rest.
    """
    solved = is_solved(frame) & np.isfinite(frame["gap_to_reference"])
    alive = set(frame.loc[is_solved(frame), "method"])
    rows = frame[frame["method"].isin(alive)]
    all_solved = solved[rows.index].groupby([rows[k] for k in [*INSTANCE, "method"]]).all()
    full = all_solved[all_solved].groupby(INSTANCE).size()
    keys = set(full[full == len(alive)].index)
    keep = [key in keys for key in rows[INSTANCE].itertuples(index=False, name=None)]
    return rows[np.array(keep, bool)]


def _family(frame: "pd.DataFrame", confidence: float, seed: int) -> "pd.DataFrame":
    import pandas as pd

    common = common_instances(frame)
    duel = against_best_other(frame)
    limits = frame.groupby(INSTANCE)["wall_s"].transform("max")
    penalty = frame["time_limit_s"].fillna(limits)
    solved = is_solved(frame)
    proof = frame["termination"].isin(["infeasible", "unbounded"]) & ~solved & (frame["status"] != "error")
    failed = ~solved & ~proof
    wall = frame["wall_s"].where(~failed, np.maximum(frame["wall_s"], penalty))
    cpu = frame["cpu_s"].where(~failed, np.maximum(frame["cpu_s"], penalty))
    num_instances = len(frame[INSTANCE].drop_duplicates())
    rows = {}
    for name in dict.fromkeys(frame["method"]):
        mine = frame["method"] == name
        shared = common[common["method"] == name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the table states n; Comparison.warnings says what it is worth
            gap = bootstrap_interval(
                shared["gap_to_reference"].to_numpy(),
                list(shared[INSTANCE].itertuples(index=False, name=None)),
                confidence=confidence,
                seed=seed,
            )
        ran = len(frame.loc[mine, INSTANCE].drop_duplicates())
        score = duel[mine].value_counts()
        rows[name] = {
            "runs": int(mine.sum()),
            "instances": ran,
            "solved": int(solved[mine].sum()),
            "optimal": int((frame.loc[mine, "status"] == "proven optimal").sum()),
            "failed": int(failed[mine].sum()),
            "late": int(frame.loc[mine, "is_late"].sum()),
            "not_run": num_instances - ran,
            "common": gap.n if len(shared) else 0,
            "mean_gap": gap.estimate,
            "gap_low": gap.low,
            "gap_high": gap.high,
            "median_gap": _median(frame.loc[mine, "gap_to_reference"].where(solved[mine], math.inf)),
            "wall_s": shifted_geometric_mean(wall[mine].to_numpy()),
            "cpu_s": shifted_geometric_mean(cpu[mine].to_numpy()),
            "primal_integral": float(frame.loc[mine, "primal_integral"].mean()),
            "wins": int(score.get("win", 0)),
            "ties": int(score.get("tie", 0)),
            "losses": int(score.get("loss", 0)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "method"
    if table.empty:
        return table
    order = np.lexsort((table["median_gap"], table["mean_gap"].fillna(math.inf), -(table["solved"] / table["runs"])))
    return table.iloc[order]


def against_best_other(frame: "pd.DataFrame") -> "pd.Series[str]":
    """Return, for each row, whether it wins, ties or loses against the best other method there and then.

    "There and then" is the same instance and seed; empty text where no other method ran.
    """
    import pandas as pd

    held = held_objective(frame)
    sign = frame["problem"].map({name: 1.0 if problem(name).sense == "min" else -1.0 for name in set(frame["problem"])})
    cost = (held * sign).fillna(math.inf).to_numpy()
    names = frame["method"].to_numpy()
    answers = np.full(len(frame), "", dtype=object)
    places = frame.groupby([*INSTANCE, "seed"], sort=False).indices
    for rows in places.values():
        best: dict[str, float] = {}
        for i in rows:
            best[names[i]] = min(best.get(names[i], math.inf), float(cost[i]))
        if len(best) < 2:
            continue
        for i in rows:
            other = min(value for name, value in best.items() if name != names[i])
            mine = float(cost[i])
            answers[i] = outcome(math.nan if math.isinf(mine) else mine, math.nan if math.isinf(other) else other)
    return pd.Series(answers, index=frame.index, dtype=object)


def _median(values: "pd.Series[float]") -> float:
    """Median of which failures (infinite) are part; infinite as soon as one of the two middle values is."""
    data = np.sort(values.fillna(math.inf).to_numpy())
    middle = (data[(len(data) - 1) // 2], data[len(data) // 2])
    return float(math.inf if math.isinf(middle[1]) else sum(middle) / 2)
