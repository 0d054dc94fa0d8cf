"""Gaps by method: a dot per run, the median as a line."""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.evaluation.paired import is_solved
from counterpoint.opt.plots.canvas import INK, axes, colours, literal, plain, tidy, title

if TYPE_CHECKING:
    import pandas as pd


def plot_gaps(frame: "pd.DataFrame", ax: Any = None) -> Any:
    """Draw the gap of every run to its instance's reference, methods as rows, best median on top.

    Runs without a solution, or without a defined gap, are no dots: their number stands at the right.

    Parameters
    ----------
    frame : DataFrame
        See `evaluation.frame.results_frame`.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    data = gaps_frame(frame)
    order = list(dict.fromkeys(data["method"]))
    ax = axes(ax, (8.0, 0.42 * len(order) + 1.4))
    paint = colours(frame["method"])
    rng = np.random.default_rng(0)  # spreads the dots, nothing else
    ticks = []
    for row, name in enumerate(order):
        mine = data[data["method"] == name]
        drawn = mine.loc[np.isfinite(mine["gap_percent"]), "gap_percent"]
        ax.scatter(drawn, row + rng.uniform(-0.22, 0.22, len(drawn)), s=14, color=paint[name], alpha=0.65, linewidths=0)
        if len(drawn):
            ax.vlines(drawn.median(), row - 0.34, row + 0.34, color=INK, linewidth=1.6)
        missing = len(mine) - len(drawn)
        ticks.append(plain(name, 32) + (f"\n({missing} of {len(mine)} without)" if missing else ""))
    ax.set_ylim(max(len(order), 1) - 0.5, -0.5)
    literal(ax.set_yticks(range(len(order)), ticks) and ax.get_yticklabels())
    ax.axvline(0, color="#888888", linewidth=0.8)
    ax.set_xlabel("gap to reference, %")
    kinds = ", ".join(dict.fromkeys(frame["reference_kind"]))
    title(ax, f"Gap to: {kinds}")
    tidy(ax)
    return ax


def gaps_frame(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return ``problem``, ``instance``, ``method``, ``seed`` and ``gap_percent`` (NaN for failed runs), best first."""
    columns = frame[["problem", "instance", "instance_hash", "method", "seed"]]
    data = columns.assign(gap_percent=100 * frame["gap_to_reference"].where(is_solved(frame)))
    rank = data["gap_percent"].fillna(np.inf).groupby(data["method"]).transform("median")
    return data.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank").reset_index(drop=True)
