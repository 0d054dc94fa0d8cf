"""The chart of a packing: every item by weight and value, and which are in."""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.canvas import INK, axes, literal, plain, tidy, title
from counterpoint.opt.problems.knapsack import Knapsack, Packing, check

if TYPE_CHECKING:
    import pandas as pd

IN, OUT = "#0072B2", "#888888"


def plot_packing(instance: Knapsack, packing: Packing, ax: Any = None, *, legend: bool = True) -> Any:
    """Draw a packing: filled dots are packed, circles are left out.

    The line is the density at which packing by value per weight would first fail: good packings have what is above it.

    Parameters
    ----------
    instance : Knapsack
    packing : Packing
        Also one that is too heavy; then the title says so.
    ax : Axes, optional
        Default: a new figure.
    legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    InstanceError
        If there is no packing, or it has items that there are not.
    """
    frame = packing_frame(instance, packing)
    found = check(instance, packing)
    ax = axes(ax, (6.0, 4.5))
    size = float(np.clip(3000 / len(frame), 3, 28))
    left, packed = frame[~frame["is_packed"]], frame[frame["is_packed"]]
    ax.scatter(
        left["weight"], left["value"], s=size, facecolors="none", edgecolors=OUT, linewidths=0.9, label="left out"
    )
    ax.scatter(packed["weight"], packed["value"], s=size, c=IN, linewidths=0, label="packed")
    density = break_density(instance)
    if density is not None:
        reach = float(frame["weight"].max())
        ax.plot(
            [0, reach],
            [0, density * reach],
            color=INK,
            linewidth=0.8,
            linestyle="--",
            label=f"{density:.3g} per weight",
        )
        ax.set_ylim(top=float(frame["value"].max()) * 1.05 + 1)
    ax.set_xlabel("weight")
    ax.set_ylabel("value")
    tidy(ax, "both")
    if legend:
        literal(ax.legend(frameon=False, fontsize="small").get_texts())
    bad = len(found.violations)
    trouble = f", INFEASIBLE ({bad} violation{'s' * (bad > 1)})" if bad else ""
    weight = f"weight {found.metrics['weight']:.0f} of {instance.capacity}"
    title(ax, f"{plain(instance.name)}: value {found.objective:.0f}, {weight}{trouble}")
    return ax


def packing_frame(instance: Knapsack, packing: Packing) -> "pd.DataFrame":
    """Return a row per item: item, value, weight, density (infinite without weight), is_packed."""
    import pandas as pd

    if not isinstance(packing, Packing):
        raise InstanceError("there is no packing to draw")
    if len(packing.items) and not (packing.items[0] >= 0 and packing.items[-1] < instance.num_items):
        raise InstanceError(f"packs items that there are not; expected 0..{instance.num_items - 1}")
    items = np.arange(instance.num_items)
    return pd.DataFrame(
        {
            "item": items,
            "value": instance.value,
            "weight": instance.weight,
            "density": _density(instance),
            "is_packed": np.isin(items, packing.items),
        }
    )


def break_density(instance: Knapsack) -> float | None:
    """Return the value per weight of the first item that does not fit, taken by density; None if all fit."""
    order = np.argsort(-_density(instance), kind="stable")
    over = np.flatnonzero(np.cumsum(instance.weight[order]) > instance.capacity)
    return float(_density(instance)[order[over[0]]]) if len(over) else None


def _density(instance: Knapsack) -> Any:
    free = instance.weight == 0
    return np.where(free, np.inf, instance.value / np.where(free, 1, instance.weight))
