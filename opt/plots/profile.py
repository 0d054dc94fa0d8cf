"""Performance profiles (Dolan and More 2002, Math. Program. 91:201-213)."""

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from counterpoint.opt.evaluation.paired import INSTANCE, held_objective, is_solved
from counterpoint.opt.evaluation.statistics import performance_profile, performance_ratios
from counterpoint.opt.plots.canvas import axes, colours, literal, plain, tidy, title
from counterpoint.opt.problems.table import problem

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["objective", "wall_s", "cpu_s"]
MEANING = {
    "objective": "objective",
    "wall_s": "wall time to the end of the run",
    "cpu_s": "CPU time to the end of the run",
}
STYLES = ("-", "--", "-.", ":")


def plot_profile(frame: "pd.DataFrame", ax: Any = None, *, measure: Measure = "objective", within: float = 0.0) -> Any:
    """Draw the share of cases that each method solves within a factor of the best of the compared methods.

    A case is an instance and seed; a failed run is never within any factor, so a curve's height at the
    right is the share of cases solved.

    Parameters
    ----------
    frame : DataFrame
        See `evaluation.frame.results_frame`.
    ax : Axes, optional
    measure : {"objective", "wall_s", "cpu_s"}
    within : float
        For times, a run counts as solved if its gap to the reference is at most this.

    Returns
    -------
    Axes
    """
    data = profile_frame(frame, measure=measure, within=within)
    ax = axes(ax, (7.0, 4.0))
    paint = colours(frame["method"])
    largest = 1.0
    for i, (name, curve) in enumerate(data.groupby("method", sort=False)):
        largest = max(largest, float(curve["factor"].max()))
        ax.step(
            curve["factor"], curve["share"], where="post", color=paint[str(name)], label=plain(name, 32), linewidth=1.6,
            linestyle=STYLES[i % len(STYLES)],
        )  # fmt: skip
    right = largest + max(0.05 * (largest - 1.0), 0.002)
    if largest > 4:
        ax.set_xscale("log")
    for line, (_, curve) in zip(ax.get_lines(), data.groupby("method", sort=False), strict=True):
        line.set_data([*curve["factor"], right], [*curve["share"], curve["share"].iloc[-1]])
    ax.set_xlim(1.0, right)
    ax.set_ylim(0.0, 1.02)
    ax.set_xlabel(f"{MEANING[measure]}: factor of the best compared method")
    ax.set_ylabel("share of cases")
    if not data.empty:
        literal(ax.legend(frameon=False, fontsize="small", loc="lower right").get_texts())
    title(ax, "Performance profile")
    tidy(ax, "both")
    return ax


def profile_frame(frame: "pd.DataFrame", *, measure: Measure = "objective", within: float = 0.0) -> "pd.DataFrame":
    """Return the steps of each method's profile: ``method``, ``factor`` (>= 1), ``share`` of cases in [0, 1].

    Cases (instance and seed) that not every method ran are left out. Raises ValueError for negative objectives.
    """
    import pandas as pd

    if measure == "objective":
        if any(problem(name).sense != "min" for name in set(frame["problem"])):
            raise ValueError("a profile of objectives needs a problem that minimises")
        cost = held_objective(frame)
    else:
        reached = is_solved(frame) & (frame["gap_to_reference"] <= within + 1e-12)
        cost = frame[measure].where(reached)
    wide = (
        frame.assign(cost=cost.fillna(math.inf))
        .pivot_table(
            index=[*INSTANCE, "seed"], columns="method", values="cost", aggfunc="min", sort=False, dropna=False
        )
        .dropna()
    )
    names = [str(name) for name in dict.fromkeys(frame["method"])]
    table = wide[names].to_numpy()
    if not len(table):
        return pd.DataFrame({"method": pd.Series(dtype=str), "factor": [], "share": []})
    ratios = performance_ratios(table)
    parts = []
    for i, name in enumerate(names):
        steps = np.unique(np.append(ratios[np.isfinite(ratios[:, i]), i], 1.0))
        parts.append(pd.DataFrame({"method": name, "factor": steps, "share": performance_profile(table, steps)[:, i]}))
    return pd.concat(parts, ignore_index=True)
