"""A learning curve: one figure of a training log over iterations."""

from typing import TYPE_CHECKING, Any

from counterpoint.opt.errors import UnknownNameError
from counterpoint.opt.plots.canvas import PALETTE, axes, plain, tidy

if TYPE_CHECKING:
    import pandas as pd


def plot_learning(frame: "pd.DataFrame", ax: Any = None, figure: str = "cost") -> Any:
    """Draw a column of a training log; rows that lack it (iterations without an evaluation) are skipped.

    Raises
    ------
    UnknownNameError
        If the log has no such column.
    """
    if figure not in frame.columns:
        raise UnknownNameError("figure in this log", figure, (str(c) for c in frame.columns))
    ax = axes(ax)
    rows = frame[frame[figure].notna()]
    marker = "o" if len(rows) <= 60 else ""
    ax.plot(rows["iteration"], rows[figure], color=PALETTE[0], marker=marker, markersize=4)
    ax.set_xlabel("iteration")
    ax.set_ylabel(plain(figure))
    tidy(ax, grid="both")
    return ax
