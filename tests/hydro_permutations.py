"""The same hydrothermal system with its parts in another order; costs must not change."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Inflows, arrays_of
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Scenario


@dataclass(frozen=True)
class Order:
    """Which old reservoir, generator, bus and branch comes at each place, int arrays."""

    reservoirs: Any
    generators: Any
    buses: Any
    branches: Any


def random_order(instance: Hydrothermal, rng: np.random.Generator) -> Order:
    """Any order of everything."""
    sizes = (instance.num_reservoirs, instance.num_generators, instance.num_buses, instance.num_branches)
    return Order(*(rng.permutation(n) for n in sizes))


def permuted(instance: Hydrothermal, order: Order) -> Hydrothermal:
    """The instance in that order."""
    new_generator, new_bus = np.argsort(order.generators), np.argsort(order.buses)
    parts = {key: arrays_of(getattr(instance, key)) for key in ("reservoirs", "generators", "network")}
    water = {k: _taken(v, order.reservoirs) for k, v in parts["reservoirs"].items()}
    for key in ("turbined_to", "spilled_to"):
        water[key] = getattr(instance.reservoirs, key)[np.ix_(order.reservoirs, order.reservoirs)]
    water["generator"] = new_generator[water["generator"]]
    plants = {k: _taken(v, order.generators) for k, v in parts["generators"].items()}
    plants["bus"] = new_bus[plants["bus"]]
    grid = {}
    for key, value in parts["network"].items():
        if key in ("demand", "reactive_demand", "deficit_limit"):
            grid[key] = value[:, order.buses]
        elif key == "reference":
            grid[key] = int(new_bus[value])
        elif key in ("names", "deficit_cost", "shunt_conductance", "shunt_susceptance", "min_voltage", "max_voltage"):
            grid[key] = _taken(value, order.buses)
        else:
            grid[key] = _taken(value, order.branches)
    for key in ("from_bus", "to_bus"):
        grid[key] = new_bus[grid[key]]
    inflows, first = instance.inflows, instance.inflows.first
    return replace(
        instance,
        reservoirs=type(instance.reservoirs)(**water),
        generators=type(instance.generators)(**plants),
        network=type(instance.network)(**grid),
        inflows=Inflows(
            inflows.rows[:, :, order.reservoirs],
            inflows.probability,
            None if first is None else first[order.reservoirs],
        ),
    )


def permuted_scenario(scenario: Scenario, order: Order) -> Scenario:
    """What happens, for the permuted instance."""
    return Scenario(scenario.opening, scenario.inflow[:, order.reservoirs])


def permuted_dispatch(dispatch: Dispatch, order: Order) -> Dispatch:
    """The same operation, for the permuted instance."""
    by = {"turbined": order.reservoirs, "spilled": order.reservoirs, "generation": order.generators,
          "deficit": order.buses, "flow": order.branches, "angle": order.buses, "voltage": order.buses,
          "reactive": order.generators}  # fmt: skip
    found = {key: getattr(dispatch, key) for key in by}
    return Dispatch(**{key: None if value is None else value[by[key]] for key, value in found.items()})


def _taken(value: Any, at: Any) -> Any:
    return tuple(value[i] for i in at) if isinstance(value, tuple) else value[at]
