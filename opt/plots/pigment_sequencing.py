"""The chart of a production sequence: what is made in each period, and what it leaves in stock until it is due."""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.canvas import INK, axes, literal, plain, title
from counterpoint.opt.plots.job_colours import ink_on, job_colours
from counterpoint.opt.problems.pigment_sequencing import IDLE, PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check, stock_of

if TYPE_CHECKING:
    import pandas as pd

BAR = 0.8  # of a row's height
ALARM = "#B00020"
MAX_LABELS = 150  # periods in which items are named


def plot_production_sequence(
    instance: PigmentSequencing,
    sequence: ProductionSequence,
    ax: Any = None,
    *,
    labels: bool = True,
    legend: bool = True,
) -> Any:
    """Draw a sequence.

    Upper row: a box per unit, coloured and named by its item; thin lines mark changeovers. Below, a row per item:
    its stock at the end of each period as steps on a common scale, black ticks where units are due, red where stock
    is below zero (units are late).

    Parameters
    ----------
    instance : PigmentSequencing
    sequence : ProductionSequence
        Also an infeasible one; then the title says so.
    ax : Axes, optional
        Default: a new figure whose height fits the number of items.
    labels, legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    InstanceError
        If there is no sequence, or its periods or items are not the instance's.
    """
    frame = sequence_frame(instance, sequence)
    n, periods = instance.num_items, instance.num_periods
    ax = axes(ax, (10.0, float(np.clip(0.34 * (n + 2) + 1.2, 2.6, 9.5))))
    colour = job_colours(n)
    made = frame[frame["is_made"]]
    _boxes(ax, made["period"], np.full(len(made), -1.0), colour[made["item"]])
    changes = frame[frame["is_changeover"]]["period"].to_numpy()
    ax.vlines(changes - 0.5, -1 - BAR / 2 - 0.12, -1 + BAR / 2 + 0.12, color=INK, linewidth=0.9)
    if labels and periods <= MAX_LABELS:
        size = min(8.0, 500 / periods)
        literal(
            ax.text(t, -1, str(i), ha="center", va="center", fontsize=size, color=ink_on(colour[i]), clip_on=True)
            for t, i in made[["period", "item"]].itertuples(index=False)
        )
    _stocks(ax, frame, colour)
    due = frame[frame["is_due"]]
    ax.vlines(due["period"], due["item"] - BAR / 2, due["item"] + BAR / 2, color=INK, linewidth=1.1)
    _scale(ax, n, periods)
    verdict = check(instance, sequence)
    flaws = len(verdict.violations)
    stated = f"INFEASIBLE ({flaws} violation{'s' if flaws > 1 else ''}), " if flaws else ""
    title(
        ax,
        f"{plain(instance.name)}: {stated}cost {verdict.objective:g} = stocking {verdict.metrics['stocking_cost']:g} + "
        f"changeovers {verdict.metrics['changeover_cost']:g} ({verdict.metrics['changeovers']:g})",
    )
    if legend:
        _legend(ax, has_late=bool((frame["stock"] < 0).any()))
    return ax


def sequence_frame(instance: PigmentSequencing, sequence: ProductionSequence) -> "pd.DataFrame":
    """Return what the chart shows, a row per item and period.

    Columns: ``item``, ``period``, ``is_made``, ``is_due``, ``is_changeover`` (made after another item), ``stock`` (at
    the period's end; negative: units late).
    """
    import pandas as pd

    if sequence is None:
        raise InstanceError("there is no sequence to draw: the run found none")
    if check(instance, sequence).objective is None:
        raise InstanceError("the sequence has other periods or items than the instance, so it cannot be drawn")
    made = sequence.item == np.arange(instance.num_items)[:, None]
    periods = np.flatnonzero(sequence.item != IDLE)
    items = sequence.item[periods]
    is_changeover = np.zeros(instance.num_periods, bool)
    is_changeover[periods[1:][items[1:] != items[:-1]]] = True
    item, period = np.indices(made.shape)
    return pd.DataFrame(
        {
            "item": item.ravel(),
            "period": period.ravel(),
            "is_made": made.ravel(),
            "is_due": instance.orders.astype(bool).ravel(),
            "is_changeover": (made & is_changeover).ravel(),
            "stock": stock_of(instance, sequence).ravel(),
        }
    )


def _boxes(ax: Any, period: Any, row: Any, colour: Any) -> None:
    """Draw boxes of one period's width as one collection."""
    from matplotlib.collections import PolyCollection

    if len(row) == 0:
        return
    x, y = np.asarray(period, float), np.asarray(row, float)
    corners = [np.stack(p, axis=1) for p in _corners(x - 0.5, x + 0.5, y - BAR / 2, y + BAR / 2)]
    thin = 0.4 if len(x) <= 200 else 0.1
    boxes = PolyCollection(list(np.stack(corners, axis=1)), facecolors=colour, edgecolors="white", linewidths=thin)
    ax.add_collection(boxes, autolim=False)


def _corners(left: Any, right: Any, top: Any, bottom: Any) -> tuple[tuple[Any, Any], ...]:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _stocks(ax: Any, frame: "pd.DataFrame", colour: Any) -> None:
    """Draw the stock of each item as filled steps from its row's lower edge; shortages likewise, in red."""
    highest = max(1, int(frame["stock"].abs().max()))
    for item in range(len(colour)):
        rows = frame[frame["item"] == item]
        base = item + BAR / 2
        height = BAR * rows["stock"].abs().to_numpy() / highest
        left = np.arange(len(rows) + 1) - 0.5
        for shown, fill in (((rows["stock"] > 0).to_numpy(), colour[item]), ((rows["stock"] < 0).to_numpy(), ALARM)):
            level = base - np.where(shown, height, 0)
            ax.fill_between(left, base, np.r_[level, level[-1]], step="post", color=fill, alpha=0.85, linewidth=0)


def _scale(ax: Any, items: int, periods: int) -> None:
    ax.set_xlim(-0.5, periods - 0.5)
    ax.set_ylim(items - 0.5, -1.7)
    step = max(1, -(-items // 40))
    rows = range(0, items, step)
    ax.set_yticks([-1, *rows], ["made", *(f"item {i}" for i in rows)], fontsize=8 if items <= 25 else 6)
    ax.set_xlabel("period")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.axhline(-0.5, color="#bbbbbb", linewidth=0.8)
    for row in range(items):
        ax.axhline(row + BAR / 2, color="#e4e4e4", linewidth=0.6, zorder=0)


def _legend(ax: Any, *, has_late: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    entries: dict[str, Any] = {
        "stock at the end of the period": Patch(facecolor="#bbbbbb"),
        "unit due": Line2D([], [], color=INK, marker="|", linestyle="none", markersize=9),
        "changeover (upper row)": Line2D([], [], color=INK, marker="|", linestyle="none", markersize=12, alpha=0.7),
    }
    if has_late:
        entries["units late"] = Patch(facecolor=ALARM)
    below = ax.transAxes + ScaledTranslation(0, -0.38, ax.figure.dpi_scale_trans)  # inches under the axis
    ax.legend(
        entries.values(), entries.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below,
        ncols=4, frameon=False, fontsize=7, handlelength=1.6,
    )  # fmt: skip
