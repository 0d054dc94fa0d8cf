"""A run of a hydrothermal system: what is stored, who generates, what it costs, stage by stage."""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.plots.canvas import INK, PALETTE, axes, literal, place_of, plain, tidy, title
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import COSTS, Scenario, Trajectory

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 6  # reservoirs with a colour of their own; the others are one area
SOURCES = (("hydro", PALETTE[0]), ("thermal", PALETTE[1]), ("deficit", PALETTE[3]))


def plot_hydrothermal(instance: Hydrothermal, scenario: Scenario, run: Trajectory, ax: Any = None) -> Any:
    """Draw a run.

    Above: the storage of each reservoir, stacked, the largest at the bottom; the dashed line is the inflow of the stage
    in the same units. In the middle: generation by water and by fuel, and what was not supplied, up to the demand
    (losses and local supply make the difference). Below: what each stage costs.

    Parameters
    ----------
    instance : Hydrothermal
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
    ax = axes(ax, (10.0, 7.0))
    ax.set_axis_off()
    grid = place_of(ax).subgridspec(3, 1, height_ratios=[3, 3, 2])
    above = ax.figure.add_subplot(grid[0])
    middle, below = (ax.figure.add_subplot(grid[k], sharex=above) for k in (1, 2))
    table = stages_frame(instance, scenario, run)
    _draw_storage(above, instance, run, table)
    _draw_generation(middle, instance, table)
    _draw_costs(below, run)
    for panel in (above, middle):
        panel.tick_params(labelbottom=False)
    above.set_xlim(-0.5, len(table) - 0.5)
    title(above, f"{plain(instance.name)}: cost {run.cost:,.6g}")
    return ax


def stages_frame(instance: Hydrothermal, scenario: Scenario, run: Trajectory) -> "pd.DataFrame":
    """Return a row per stage: ``demand``, ``hydro``, ``thermal``, ``deficit`` (power, MW where the base power is).

    Then ``inflow``, ``spilled`` and ``stored`` (units of volume, all reservoirs together) and ``cost``.
    """
    import pandas as pd

    driven = np.zeros(instance.num_generators, bool)
    driven[instance.reservoirs.generator] = True
    power = np.array([one.generation for one in run.dispatch]).reshape(-1, instance.num_generators)
    stages = len(run.dispatch)
    return pd.DataFrame(
        {
            "demand": [instance.demand(t).sum() * instance.base_power for t in range(stages)],
            "hydro": power[:, driven].sum(1) * instance.base_power,
            "thermal": power[:, ~driven].sum(1) * instance.base_power,
            "deficit": [one.deficit.sum() * instance.base_power for one in run.dispatch],
            "inflow": scenario.inflow[:stages].sum(1) * instance.volume_per_flow,
            "spilled": [one.spilled.sum() for one in run.dispatch],
            "stored": run.storage.sum(1),
            "cost": run.stage_cost.sum(1),
        },
        index=pd.RangeIndex(stages, name="stage"),
    )


def storage_frame(instance: Hydrothermal, run: Trajectory) -> "pd.DataFrame":
    """Return the storage at the end of each stage, a row per stage and a column per reservoir, units of volume."""
    import pandas as pd

    index = pd.RangeIndex(len(run.storage), name="stage")
    return pd.DataFrame(run.storage, columns=[plain(name) for name in instance.reservoirs.names], index=index)


def _draw_storage(ax: Any, instance: Hydrothermal, run: Trajectory, table: "pd.DataFrame") -> None:
    order = np.argsort(-instance.reservoirs.max_volume, kind="stable")
    shown = order[:SHOWN] if len(order) > SHOWN + 1 else order
    layers = [(plain(instance.reservoirs.names[r], 16).strip(), run.storage[:, r]) for r in shown]
    if len(shown) < len(order):
        layers.append((f"{len(order) - len(shown)} others", run.storage[:, order[len(shown) :]].sum(1)))
    _stack(ax, [(name, values, PALETTE[k % len(PALETTE)]) for k, (name, values) in enumerate(layers)])
    ax.plot(table.index, table["inflow"], color=INK, linestyle="--", linewidth=0.9, label="inflow")
    ax.set_ylim(top=max(ax.get_ylim()[1], 1.05 * float(table["inflow"].max())))
    ax.set_ylabel("storage" + (", hm³" if instance.stage_hours else ""), fontsize="small")
    _legend(ax)
    tidy(ax, "y")


def _draw_generation(ax: Any, instance: Hydrothermal, table: "pd.DataFrame") -> None:
    layers = [(f"{key}, mean {table[key].mean():,.4g}", table[key].to_numpy(), shade) for key, shade in SOURCES]
    _stack(ax, layers)
    edges = np.arange(len(table) + 1) - 0.5
    ax.stairs(table["demand"], edges, baseline=None, color=INK, linewidth=1.2, label="demand")
    ax.set_ylabel("power" + (", MW" if instance.stage_hours else ""), fontsize="small")
    _legend(ax)
    tidy(ax, "y")


def _draw_costs(ax: Any, run: Trajectory) -> None:
    shades = (PALETTE[1], PALETTE[3], PALETTE[4], PALETTE[2], PALETTE[5])
    layers = [
        (f"{key} {run.costs[key]:,.6g}", run.stage_cost[:, k], shades[k])
        for k, key in enumerate(COSTS)
        if run.stage_cost[:, k].any()
    ]
    _stack(ax, layers)
    ax.set_ylabel("cost", fontsize="small")
    ax.set_xlabel("stage", fontsize="small")
    ax.locator_params(axis="x", integer=True)
    _legend(ax)
    tidy(ax, "y")


def _stack(ax: Any, layers: list[tuple[str, FloatArray, str]]) -> None:
    """Draw values per stage on top of each other."""
    if not layers:
        return
    base = np.zeros(len(layers[0][1]))
    edges = np.arange(len(base) + 1) - 0.5
    for label, values, shade in layers:
        ax.stairs(base + values, edges, baseline=base, fill=True, color=shade, label=label)
        base = base + values
    ax.set_ylim(min(0.0, float(base.min())), max(float(base.max()) * 1.05, 1e-9))


def _legend(ax: Any) -> None:
    ax.tick_params(labelsize="x-small", length=2)
    if ax.get_legend_handles_labels()[0]:
        found = ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=9, fontsize="x-small", frameon=False,
                          handlelength=1.2, borderaxespad=0.1, columnspacing=1.0)  # fmt: skip
        literal(found.get_texts())
