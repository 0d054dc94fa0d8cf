"""How a bound and the simulated cost of a policy come together over the iterations of its training."""

from typing import TYPE_CHECKING, Any

from counterpoint.opt.plots.canvas import PALETTE, axes, tidy, title

if TYPE_CHECKING:
    import pandas as pd


def plot_convergence(frame: "pd.DataFrame", ax: Any = None) -> Any:
    """Draw the bound as a line, each iteration's simulated cost as a dot, and the running mean of the last tenth.

    Parameters
    ----------
    frame : DataFrame
        With columns ``iteration``, ``bound`` and ``simulation``, a row per iteration.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes(ax, (8.0, 4.0))
    window = max(1, len(frame) // 10)
    ax.scatter(frame["iteration"], frame["simulation"], s=10, color=PALETTE[1], alpha=0.5, linewidths=0,
               label="simulated cost of the iteration")  # fmt: skip
    ax.plot(frame["iteration"], frame["simulation"].rolling(window, min_periods=1).mean(), color=PALETTE[3],
            linewidth=1.4, label=f"its mean over {window} iteration{'s' if window > 1 else ''}")  # fmt: skip
    ax.plot(frame["iteration"], frame["bound"], color=PALETTE[0], linewidth=1.8, label="bound")
    ax.set_xlabel("iteration")
    ax.set_ylabel("cost")
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False, fontsize="small")
    title(ax, f"bound {frame['bound'].iloc[-1]:,.7g} after {int(frame['iteration'].iloc[-1])} iterations")
    tidy(ax, "y")
    return ax
