"""A run of a plant of parallel machines: what each machine makes, what is in stock, what it costs period by period."""

from typing import Any

import numpy as np

from counterpoint.opt.plots.canvas import INK, PALETTE, axes, literal, place_of, plain, tidy, title
from counterpoint.opt.plots.job_colours import ink_on, job_colours
from counterpoint.opt.problems.stochastic_lot_sizing import IDLE, Scenario, StochasticLotSizing, Trajectory

COSTS = (("setup", PALETTE[1]), ("lost sales", PALETTE[3]), ("holding", PALETTE[4]))
MAX_LABELS = 300
MIN_LABEL = 3  # periods that a number needs


def plot_plant(instance: StochasticLotSizing, scenario: Scenario, run: Trajectory, ax: Any = None) -> Any:
    """Draw a run.

    Above: a row per machine, coloured by the item it makes, items numbered from 0; a black mark is a changeover. In the
    middle: the stock of each item as a share of its limit, darker is fuller, red where sales are lost. Below: what each
    period costs, stacked: setups, lost sales, holding.

    Parameters
    ----------
    instance : StochasticLotSizing
    scenario : Scenario
        The one it was run in.
    run : Trajectory
    ax : Axes, optional
        Its place is divided into the panels.

    Returns
    -------
    Axes
        The one that was given or made, now empty: the panels stand in its place.
    """
    machines, items = instance.num_machines, instance.num_items
    heights = [0.22 * machines + 0.3, 0.16 * items + 0.3, 1.3]
    ax = axes(ax, (10.0, float(np.clip(sum(heights) + 1.0, 4.0, 11.0))))
    ax.set_axis_off()
    grid = place_of(ax).subgridspec(3, 1, height_ratios=heights)
    above = ax.figure.add_subplot(grid[0])
    middle, below = (ax.figure.add_subplot(grid[k], sharex=above) for k in (1, 2))
    _draw_machines(above, scenario, run, job_colours(items))
    _draw_stock(middle, instance, run)
    _draw_costs(below, instance, scenario, run)
    for panel in (above, middle):
        panel.tick_params(labelbottom=False)
    title(above, f"{plain(instance.name)}: cost {run.cost:,.6g}")
    return ax


def _draw_machines(ax: Any, scenario: Scenario, run: Trajectory, colour: Any) -> None:
    """Draw every stretch of periods in which a machine makes the same item."""
    labels = []
    for m, choice in enumerate(run.choice.T):
        first = np.flatnonzero(np.r_[True, choice[1:] != choice[:-1]])
        length = np.diff(np.r_[first, len(choice)])
        busy = choice[first] != IDLE
        first, length = first[busy], length[busy]
        item = choice[first] - 1
        ax.barh(np.full(len(first), m), length, 0.82, first - 0.5, color=colour[item], zorder=2)
        changed = first[(first > 0) | (choice[0] != scenario.setup[m])]
        ax.vlines(changed - 0.5, m - 0.41, m + 0.41, color=INK, linewidth=1.1, zorder=3)
        labels += [
            (begin + (periods - 1) / 2, m, i)
            for begin, periods, i in zip(first.tolist(), length.tolist(), item.tolist(), strict=True)
            if periods >= MIN_LABEL * len(choice) / 100
        ]
    if len(labels) <= MAX_LABELS:
        literal(
            ax.text(x, m, str(i), ha="center", va="center", fontsize=7, color=ink_on(colour[i]), zorder=4)
            for x, m, i in labels
        )
    machines = run.choice.shape[1]
    ax.set_ylim(machines - 0.4, -0.6)
    ax.set_xlim(-0.5, len(run.choice) - 0.5)
    ax.locator_params(axis="y", integer=True, nbins=min(machines, 10))
    ax.set_ylabel("machine", fontsize="small")
    ax.tick_params(labelsize="x-small", length=2)
    tidy(ax, "x")


def _draw_stock(ax: Any, instance: StochasticLotSizing, run: Trajectory) -> None:
    """Draw a row per item: grey by how full the store is, red where sales are lost."""
    from matplotlib.colors import to_rgb

    share = (run.inventory / instance.max_inventory).T[..., None]
    dark, red = np.array(to_rgb(PALETTE[0])), np.array(to_rgb(PALETTE[3]))
    picture = 1 - share * (1 - dark)
    picture[(run.lost > 0).T] = red
    ax.imshow(picture, aspect="auto", interpolation="nearest")
    ax.locator_params(axis="y", integer=True, nbins=min(instance.num_items, 10))
    ax.set_ylabel("stock of item", fontsize="small")
    ax.tick_params(labelsize="x-small", length=2)


def _draw_costs(ax: Any, instance: StochasticLotSizing, scenario: Scenario, run: Trajectory) -> None:
    """Stack what is paid in each period; the legend says the totals."""
    before = np.vstack([scenario.setup, run.choice[:-1]])
    is_new = (run.choice != IDLE) & (run.choice != before)
    machine = np.arange(instance.num_machines)
    paid = {
        "setup": (instance.setup_cost[machine, run.choice - 1] * is_new).sum(1),
        "lost sales": run.lost @ instance.lost_sales_cost,
        "holding": run.inventory @ instance.holding_cost,
    }
    edges, base = np.arange(len(run.choice) + 1) - 0.5, np.zeros(len(run.choice))
    for key, shade in COSTS[::-1]:
        label = f"{key} {paid[key].sum():,.5g}"
        ax.stairs(base + paid[key], edges, baseline=base, fill=True, color=shade, label=label)
        base = base + paid[key]
    ax.set_ylim(0, max(float(base.max()) * 1.05, 1e-9))
    ax.set_ylabel("cost", fontsize="small")
    ax.set_xlabel("period", fontsize="small")
    ax.tick_params(labelsize="x-small", length=2)
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize="x-small", frameon=False,
              handlelength=1.2, borderaxespad=0.1)  # fmt: skip
    tidy(ax, "y")
