"""A production plan: a panel per item with lots, demand, stock and backlog; use of the capacity; split of the cost."""

from typing import Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.canvas import INK, PALETTE, axes, literal, place_of, plain, tidy, title
from counterpoint.opt.problems.lot_sizing import FloatArray, LotSizing, ProductionPlan, net_stock
from counterpoint.opt.problems.lot_sizing_check import check

LOT, STOCK, LATE, SETUP = PALETTE[0], PALETTE[4], PALETTE[3], PALETTE[1]
COSTS = (("setup_cost", SETUP), ("holding_cost", STOCK), ("unit_cost", LOT), ("backlog_cost", LATE))
PANEL = (2.7, 1.0)  # inches that an item's panel needs at least
MAX_BARS = 200  # periods; of more, only outlines are drawn
MAX_STEPS = 2_000  # periods; of more, means over blocks of them are drawn: no screen shows more, and it takes long


def plot_lot_sizing(instance: LotSizing, plan: ProductionPlan, ax: Any = None, *, max_items: int = 12) -> Any:
    """Draw a plan.

    A panel per item over the periods, numbered from 0: bars are lots, the black line is demand, the pale area is stock
    at the end of the period, the red area below zero is backlog (in a plan that is not feasible, stock that is
    missing). Of more than 2,000 periods, means over blocks of them are drawn. Below the panels stand the time that
    lots and setups take of the capacity, and what the cost is made of.

    Parameters
    ----------
    instance : LotSizing
    plan : ProductionPlan
        Of the instance's shape.
    ax : Axes, optional
        Its place is divided into the panels; of more items than fit, the first are shown.
    max_items : int
        How many items to show at most.

    Returns
    -------
    Axes
        The one that was given or made, now empty: the panels stand in its place.

    Raises
    ------
    InstanceError
        If the plan is not of the instance's shape.
    """
    if plan.lots.shape != instance.demand.shape:
        raise InstanceError(f"expected a plan of shape {instance.demand.shape}, not {plan.lots.shape}")
    shown = max(1, min(instance.num_items, max_items))
    if ax is None:
        rows = -(-shown // 3)
        ax = axes(None, (10.0, 1.35 * rows + (1.2 if instance.capacity is not None else 0.0) + 1.3))
    width, height = _inches(ax)
    columns = int(np.clip(width // PANEL[0], 1, min(3, shown)))
    room = height - 0.8 - (0.9 if instance.capacity is not None else 0.0)
    rows = int(np.clip(room // PANEL[1], 1, -(-shown // columns)))
    shown = min(shown, rows * columns)
    verdict = check(instance, plan)
    ax.set_axis_off()
    state = f"cost {verdict.objective:,.10g}" if verdict.is_feasible else "not feasible"
    some = "" if shown == instance.num_items else f", {shown} of {instance.num_items} items"
    panels, use, split = _panels(ax, rows, columns, shown, instance.capacity is not None)
    title(panels[0], f"{plain(instance.name, 40 if width > 8 else 20)}: {state}{some}")
    net = net_stock(instance, plan.lots)
    starts = np.arange(0, instance.num_periods, -(-instance.num_periods // MAX_STEPS))
    label = "period" if len(starts) == instance.num_periods else f"period (means of {starts[1]})"
    for i, panel in enumerate(panels):
        idle = np.flatnonzero(plan.setups[i] & (plan.lots[i] <= 0))
        _draw_item(panel, starts, instance.demand[i], plan.lots[i], net[i], idle)
        _name(panel, f"item {i}" if instance.num_items > 1 else "units")
        if i + columns < shown:
            panel.tick_params(labelbottom=False)
        elif instance.capacity is None:
            panel.set_xlabel(label, fontsize="small", labelpad=1)
    if instance.capacity is not None:
        _draw_use(use, starts, instance, plan, instance.capacity)
        use.set_xlabel(label, fontsize="small", labelpad=1)
    _legend(panels[:shown], panels[columns - 1])
    _draw_split(split, dict(verdict.metrics))
    return ax


def _panels(ax: Any, rows: int, columns: int, shown: int, has_use: bool) -> tuple[list[Any], Any, Any]:
    """Divide the place of `ax`: a grid for items, one strip for the capacity if there is one, one for the cost."""
    figure = ax.figure
    heights = [1.0 * rows, *([0.8] if has_use else []), 0.16]
    outer = place_of(ax).subgridspec(len(heights), 1, height_ratios=heights)
    inner = outer[0].subgridspec(rows, columns)
    panels: list[Any] = []
    for i in range(shown):
        panels.append(figure.add_subplot(inner[i // columns, i % columns], sharex=panels[0] if panels else None))
    use = figure.add_subplot(outer[1], sharex=panels[0]) if has_use else None
    return panels, use, figure.add_subplot(outer[-1])


def _means(values: FloatArray, starts: Any) -> FloatArray:
    """Return the mean of each block of periods."""
    means: FloatArray = np.add.reduceat(values, starts) / np.diff([*starts, len(values)])
    return means


def _draw_item(ax: Any, starts: Any, demand: FloatArray, lots: FloatArray, net: FloatArray, idle_setups: Any) -> None:
    edges = np.append(starts, len(demand)) - 0.5
    late = _means(np.minimum(net, 0.0), starts)
    demand, lots, held = (_means(values, starts) for values in (demand, lots, np.maximum(net, 0.0)))
    ax.stairs(held, edges, fill=True, color=STOCK, alpha=0.45, label="stock", zorder=1)
    if late.any():
        ax.stairs(late, edges, fill=True, color=LATE, alpha=0.85, label="backlog", zorder=1)
    if len(demand) <= MAX_BARS:
        ax.bar(np.arange(len(demand)), lots, 0.55, color=LOT, label="lot", zorder=2)
    else:
        ax.stairs(lots, edges, fill=True, color=LOT, label="lot", zorder=2)
    ax.stairs(demand, edges, color=INK, linewidth=0.9, label="demand", zorder=3)
    if len(idle_setups):
        ax.plot(
            idle_setups, np.zeros(len(idle_setups)), "^", color=SETUP, markersize=4, label="setup, no lot", zorder=4
        )
    ax.set_xlim(edges[0], edges[-1])
    ax.locator_params(axis="x", integer=True)
    ax.locator_params(axis="y", nbins=4)
    ax.tick_params(labelsize="x-small", length=2)
    tidy(ax, "y")


def _draw_use(ax: Any, starts: Any, instance: LotSizing, plan: ProductionPlan, capacity: FloatArray) -> None:
    """Stack the time of lots and of setups, with the capacity above them."""
    edges = np.append(starts, instance.num_periods) - 0.5
    lots, setups, capacity = (
        _means(values, starts)
        for values in (instance.unit_time @ plan.lots, instance.setup_time @ plan.setups, capacity)
    )
    ax.stairs(lots, edges, fill=True, color=LOT, alpha=0.8, label="lots")
    ax.stairs(lots + setups, edges, baseline=lots, fill=True, color=SETUP, alpha=0.9, label="setups")
    ax.stairs(capacity, edges, color=INK, linewidth=1.1, label="capacity")
    ax.set_ylim(0, 1.12 * max(float(capacity.max()), float((lots + setups).max()), 1e-9))
    ax.locator_params(axis="y", nbins=3)
    ax.tick_params(labelsize="x-small", length=2)
    tidy(ax, "y")
    _name(ax, "time used")
    _above(ax, *ax.get_legend_handles_labels())


def _draw_split(ax: Any, metrics: dict[str, float]) -> None:
    """One bar, divided into the parts of the cost; each says its share in the legend above it."""
    total = sum(metrics.get(key, 0.0) for key, _ in COSTS)
    left = 0.0
    for key, colour in COSTS:
        value = metrics.get(key, 0.0)
        if value > 0:
            figure = f"{value:,.0f}" if value >= 1_000 else f"{value:.6g}"
            label = f"{key.removesuffix('_cost')} {figure} ({100 * value / total:.0f} %)"
            ax.barh(0, value, 1.0, left, color=colour, label=label)
            left += value
    ax.set_xlim(0, max(left, 1e-9))
    ax.set_axis_off()
    if left > 0:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=4, fontsize="x-small", frameon=False,
                  handlelength=1.0, borderaxespad=0.2)  # fmt: skip


def _legend(panels: list[Any], above: Any) -> None:
    """Name every mark of the items' panels once."""
    marks = {label: handle for p in panels for handle, label in zip(*p.get_legend_handles_labels(), strict=True)}
    _above(above, list(marks.values()), list(marks))


def _above(ax: Any, handles: Any, labels: Any) -> None:
    """Put a legend above the axes, to the right."""
    ax.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=5, fontsize="x-small",
              frameon=False, handlelength=1.2, borderpad=0.1, borderaxespad=0.1, columnspacing=1.0)  # fmt: skip


def _inches(ax: Any) -> tuple[float, float]:
    """Return width and height of the place of an axes, labels included."""
    figure, place = ax.figure, ax.get_subplotspec()
    if place is None:
        width, height = ax.get_window_extent().size / figure.dpi
        return float(width), float(height)
    rows, columns = place.get_gridspec().get_geometry()
    width, height = figure.get_size_inches()
    return float(width * len(place.colspan) / columns), float(height * len(place.rowspan) / rows)


def _name(ax: Any, text: str) -> None:
    literal([ax.set_ylabel(text, fontsize="small", labelpad=2)])
