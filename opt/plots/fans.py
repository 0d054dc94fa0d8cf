"""A quantity over time in many scenarios: the median, and bands that hold half and nine tenths of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from counterpoint.opt.plots.canvas import axes, colours, literal, plain, tidy, title

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
Paths = Mapping[str, npt.ArrayLike]


def plot_fans(paths: Paths, ax: Any = None, *, label: str = "", name: str = "") -> Any:
    """Draw fans.

    Parameters
    ----------
    paths : mapping of str to array [N, T]
        Of each policy, say, a path in each of N scenarios.
    ax : Axes, optional
    label, name : str
        What the vertical axis shows, and the title.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = plot_fans({"walk": np.random.default_rng(0).normal(size=(50, 20)).cumsum(1)}, label="level")
    >>> ax.get_ylabel()
    'level'
    """
    ax = axes(ax, (8.0, 4.0))
    table = fans_frame(paths)
    paint = colours(paths)
    for key in paths:
        rows = table.loc[table["name"] == key]
        for low, high, alpha in ((0.05, 0.95, 0.15), (0.25, 0.75, 0.3)):
            ax.fill_between(rows["time"], rows[low], rows[high], color=paint[key], alpha=alpha, linewidth=0)
        ax.plot(rows["time"], rows[0.5], color=paint[key], linewidth=1.6, label=plain(key))
    ax.set_xlabel("stage")
    ax.set_ylabel(label)
    ax.locator_params(axis="x", integer=True)
    ax.margins(x=0)
    literal(ax.legend(frameon=False, fontsize="small").get_texts())
    title(ax, name or "Median, with the middle half and nine tenths of the scenarios")
    tidy(ax, "y")
    return ax


def fans_frame(paths: Paths) -> "pd.DataFrame":
    """Return ``name``, ``time`` and a column per quantile (0.05, 0.25, 0.5, 0.75, 0.95), a row per name and time."""
    import pandas as pd

    found = []
    for key, values in paths.items():
        array = np.asarray(values, np.float64)
        if array.ndim != 2 or not array.size:
            raise ValueError(f"expected scenarios x times, not shape {array.shape}")
        quantiles = np.quantile(array, QUANTILES, axis=0)
        one = pd.DataFrame(quantiles.T, columns=list(QUANTILES))
        one.insert(0, "time", np.arange(array.shape[1]))
        one.insert(0, "name", key)
        found.append(one)
    return pd.concat(found, ignore_index=True)
