"""Times by method: a dot per run, wall or CPU, on a logarithmic axis."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from counterpoint.opt.evaluation.paired import is_solved
from counterpoint.opt.plots.canvas import INK, axes, colours, literal, plain, tidy, title

if TYPE_CHECKING:
    import pandas as pd

FLOOR_S = 1e-4  # a logarithmic axis has no 0
Measure = Literal["wall_s", "cpu_s", "time_to_best_s"]
MEANING = {"wall_s": "wall time", "cpu_s": "CPU time", "time_to_best_s": "time to the best solution (wall)"}


def plot_times(frame: "pd.DataFrame", ax: Any = None, *, measure: Measure = "wall_s") -> Any:
    """Draw the time of every run, methods as rows, the fastest median on top; crosses are runs without a solution.

    Parameters
    ----------
    frame : DataFrame
        See `evaluation.frame.results_frame`.
    ax : Axes, optional
    measure : {"wall_s", "cpu_s", "time_to_best_s"}

    Returns
    -------
    Axes
    """
    data = times_frame(frame, measure)
    order = list(dict.fromkeys(data["method"]))
    ax = axes(ax, (8.0, 0.42 * len(order) + 1.4))
    paint = colours(frame["method"])
    rng = np.random.default_rng(0)
    for row, name in enumerate(order):
        mine = data[(data["method"] == name) & data["seconds"].notna()]
        x = mine["seconds"].clip(lower=FLOOR_S)
        y = row + rng.uniform(-0.22, 0.22, len(mine))
        solved = mine["is_solved"].to_numpy()
        ax.scatter(x[solved], y[solved], s=14, color=paint[name], alpha=0.65, linewidths=0)
        ax.scatter(x[~solved], y[~solved], s=22, color="#B00020", marker="x", linewidths=1.0)
        if len(x):
            ax.vlines(x.median(), row - 0.34, row + 0.34, color=INK, linewidth=1.6)
    ax.set_xscale("log")
    for limit in frame["time_limit_s"].dropna().unique()[:3]:
        ax.axvline(max(limit, FLOOR_S), color=INK, linestyle="--", linewidth=0.8)
    ax.set_ylim(max(len(order), 1) - 0.5, -0.5)
    ax.set_yticks(range(len(order)), [plain(name, 32) for name in order])
    literal(ax.get_yticklabels())
    ax.set_xlabel("seconds (dashed: time limit)" if frame["time_limit_s"].notna().any() else "seconds")
    title(ax, MEANING[measure].capitalize() if measure != "cpu_s" else MEANING[measure])
    tidy(ax)
    return ax


def times_frame(frame: "pd.DataFrame", measure: Measure = "wall_s") -> "pd.DataFrame":
    """Return ``problem``, ``instance``, ``method``, ``seed``, ``seconds`` and ``is_solved``, fastest method first."""
    columns = frame[["problem", "instance", "instance_hash", "method", "seed"]]
    data = columns.assign(seconds=frame[measure], is_solved=is_solved(frame))
    rank = data["seconds"].fillna(np.inf).groupby(data["method"]).transform("median")
    return data.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank").reset_index(drop=True)
