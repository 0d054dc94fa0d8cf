"""A hydrothermal stage, or a tree of them, in Pyomo: element by element, in the planner's words, for readers.

Written from the problem's statement (`opt.problems.hydrothermal`) and not from the arrays that the solvers use, so that
the two check each other: plants have a power of their own and, under ``dc``, buses have angles. `pprint` shows it,
``write("stage.lp")`` or ``.mps`` exports it, any solver that Pyomo knows can run it. It is in nobody's loop: building
takes longer than solving.
"""

from typing import Any

import pyomo.environ as pyo

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.solvers.mip.hydrothermal import Tree, chain

MAX_CELLS = 200_000


def build_stage(
    instance: Hydrothermal, stage: int, storage: FloatArray, inflow: FloatArray, network_kind: str | None = None
) -> pyo.ConcreteModel:
    """Write one stage; see `build_tree`, of which it is the case of one node.

    Parameters
    ----------
    instance : Hydrothermal
    stage : int
        From 0.
    storage, inflow : float64 array [H]
    network_kind : {"single-bus", "transport", "dc"}, optional
        Default: the instance's own.
    """
    return build_tree(instance, chain(inflow[None], start=stage), storage, network_kind)


def build_tree(
    instance: Hydrothermal, tree: Tree, storage: FloatArray, network_kind: str | None = None
) -> pyo.ConcreteModel:
    """Write the deterministic equivalent of a tree of inflows.

    Parameters
    ----------
    instance : Hydrothermal
    tree : Tree
    storage : float64 array [H]
        Before the first stage.
    network_kind : {"single-bus", "transport", "dc"}, optional
        Default: the instance's own.

    Returns
    -------
    pyomo.environ.ConcreteModel
        Variables by node (from 0) and name: `storage` (at the stage's end), `turbined`, `spilled`, `volume_shortfall`,
        `turbined_shortfall`, `power`, `deficit`, `flow`, `angle`. Constraints `water`, `plant`, `supply`, `ohm`,
        `angle_difference`. Expressions `stage_cost` by node; objective `cost`, expected and discounted.

    Raises
    ------
    UnsupportedError
        If the network is not linear, or the model would have more than `MAX_CELLS` variables.
    """
    kind = instance.network_kind if network_kind is None else network_kind
    if kind not in ("single-bus", "transport", "dc"):
        raise UnsupportedError(f"{kind} is no linear network: expected single-bus, transport or dc")
    cells = 5 * instance.num_reservoirs + instance.num_generators + instance.network.deficit_limit[0].size
    cells += instance.num_branches + instance.num_buses
    if tree.num_nodes * cells > MAX_CELLS:
        raise UnsupportedError(f"{tree.num_nodes} nodes x {cells} variables are too many for Pyomo")
    model = pyo.ConcreteModel(instance.name)
    _sets(model, instance, tree)
    _water(model, instance, tree, storage)
    _power(model, instance, tree, kind)
    _costs(model, instance, tree, kind)
    return model


def _sets(model: pyo.ConcreteModel, instance: Hydrothermal, tree: Tree) -> None:
    network = instance.network
    buses = _labels(network.names, "bus")
    lines = [
        f"{buses[i]} to {buses[j]}" for i, j in zip(network.from_bus.tolist(), network.to_bus.tolist(), strict=True)
    ]
    model.nodes = pyo.RangeSet(0, tree.num_nodes - 1)
    model.reservoirs = pyo.Set(initialize=_labels(instance.reservoirs.names, "reservoir"))
    model.generators = pyo.Set(initialize=_labels(instance.generators.names, "generator"))
    model.buses = pyo.Set(initialize=buses)
    model.branches = pyo.Set(initialize=_labels(tuple(lines), "branch"))
    model.levels = pyo.RangeSet(1, network.deficit_cost.shape[1])


def _water(model: pyo.ConcreteModel, instance: Hydrothermal, tree: Tree, initial: FloatArray) -> None:
    """Storages, flows and what falls short of minima."""
    parts, k = instance.reservoirs, instance.volume_per_flow
    number = {name: r for r, name in enumerate(model.reservoirs)}
    name_of = list(model.reservoirs)
    every = (model.nodes, model.reservoirs)
    model.storage = pyo.Var(*every, bounds=lambda m, n, r: (0, float(parts.max_volume[number[r]])))
    model.turbined = pyo.Var(*every, bounds=lambda m, n, r: (0, float(parts.max_turbined[number[r]])))
    model.spilled = pyo.Var(*every, within=pyo.NonNegativeReals)
    model.volume_shortfall = pyo.Var(*every, within=pyo.NonNegativeReals)
    model.turbined_shortfall = pyo.Var(*every, within=pyo.NonNegativeReals)

    def water(m: pyo.ConcreteModel, n: int, name: str) -> Any:
        r, parent = number[name], int(tree.parent[n])
        before = float(initial[r]) if parent < 0 else m.storage[parent, name]
        arrives = [m.turbined[n, name_of[u]] for u in parts.turbined_to[:, r].nonzero()[0]]
        spills = [m.spilled[n, name_of[u]] for u in parts.spilled_to[:, r].nonzero()[0]]
        natural = float(tree.inflow[n, r])
        return m.storage[n, name] == (
            before + k * (natural - m.turbined[n, name] + sum(arrives)) - m.spilled[n, name] + sum(spills)
        )

    model.water = pyo.Constraint(*every, rule=water)

    def least_volume(m: pyo.ConcreteModel, n: int, name: str) -> Any:
        least = float(parts.min_volume[number[name]])
        return m.storage[n, name] + m.volume_shortfall[n, name] >= least if least else pyo.Constraint.Skip

    model.least_volume = pyo.Constraint(*every, rule=least_volume)

    def least_turbined(m: pyo.ConcreteModel, n: int, name: str) -> Any:
        least = float(parts.min_turbined[number[name]])
        return m.turbined[n, name] + m.turbined_shortfall[n, name] >= least if least else pyo.Constraint.Skip

    model.least_turbined = pyo.Constraint(*every, rule=least_turbined)


def _power(model: pyo.ConcreteModel, instance: Hydrothermal, tree: Tree, kind: str) -> None:
    """Generators, deficits and the network."""
    network, machines = instance.network, instance.generators
    generator = {name: g for g, name in enumerate(model.generators)}
    bus, branch = ({name: i for i, name in enumerate(names)} for names in (model.buses, model.branches))
    reservoirs, generators, buses = list(model.reservoirs), list(model.generators), list(model.buses)

    def limit(m: pyo.ConcreteModel, n: int, name: str, level: int) -> tuple[float, float | None]:
        most = float(network.deficit_limit[tree.stage[n] % len(network.demand), bus[name], level - 1])
        return 0.0, most if most < float("inf") else None

    def flow_limits(m: pyo.ConcreteModel, n: int, e: str) -> tuple[float, float]:
        return -float(network.reverse_rating[branch[e]]), float(network.rating[branch[e]])

    model.power = pyo.Var(
        model.nodes,
        model.generators,
        bounds=lambda m, n, g: _pair(machines.min_power, machines.max_power, generator[g]),
    )
    model.deficit = pyo.Var(model.nodes, model.buses, model.levels, bounds=limit)

    def plant(m: pyo.ConcreteModel, n: int, name: str) -> Any:
        r = reservoirs.index(name)
        driven = generators[int(instance.reservoirs.generator[r])]
        return m.power[n, driven] == float(instance.power_per_flow[r]) * m.turbined[n, name]

    model.plant = pyo.Constraint(model.nodes, model.reservoirs, rule=plant)

    def given(m: pyo.ConcreteModel, n: int, b: int) -> Any:
        """Generation and deficits less demand, of a bus."""
        made = [m.power[n, generators[g]] for g in (machines.bus == b).nonzero()[0]]
        missing = [m.deficit[n, buses[b], level] for level in m.levels]
        return sum(made) + sum(missing) - float(instance.demand(int(tree.stage[n]))[b] + network.shunt_conductance[b])

    if kind == "single-bus":
        model.supply = pyo.Constraint(
            model.nodes, rule=lambda m, n: sum(given(m, n, b) for b in range(len(buses))) == 0
        )
        return
    model.flow = pyo.Var(model.nodes, model.branches, bounds=flow_limits)

    def supply(m: pyo.ConcreteModel, n: int, name: str) -> Any:
        b = bus[name]
        leaves = sum(m.flow[n, e] for e, i in branch.items() if network.from_bus[i] == b)
        comes = sum(m.flow[n, e] for e, i in branch.items() if network.to_bus[i] == b)
        return given(m, n, b) + comes == leaves

    model.supply = pyo.Constraint(model.nodes, model.buses, rule=supply)

    if kind == "dc":
        _angles(model, instance, branch)


def _angles(model: pyo.ConcreteModel, instance: Hydrothermal, branch: dict[str, int]) -> None:
    network, buses = instance.network, list(model.buses)
    model.angle = pyo.Var(model.nodes, model.buses)
    for n in model.nodes:
        model.angle[n, buses[network.reference]].fix(0.0)

    def difference(m: pyo.ConcreteModel, n: int, e: str) -> Any:
        return m.angle[n, buses[network.from_bus[branch[e]]]] - m.angle[n, buses[network.to_bus[branch[e]]]]

    def ohm(m: pyo.ConcreteModel, n: int, e: str) -> Any:
        r, x = float(network.resistance[branch[e]]), float(network.reactance[branch[e]])
        return m.flow[n, e] == x / (r**2 + x**2) * difference(m, n, e)

    model.ohm = pyo.Constraint(model.nodes, model.branches, rule=ohm)

    def angle_difference(m: pyo.ConcreteModel, n: int, e: str) -> Any:
        low, high = _pair(network.min_angle, network.max_angle, branch[e])
        return pyo.inequality(low, difference(m, n, e), high)

    model.angle_difference = pyo.Constraint(model.nodes, model.branches, rule=angle_difference)


def _costs(model: pyo.ConcreteModel, instance: Hydrothermal, tree: Tree, kind: str) -> None:
    parts, network = instance.reservoirs, instance.network

    def stage_cost(m: pyo.ConcreteModel, n: int) -> Any:
        total = sum(float(c) * m.power[n, g] for c, g in zip(instance.generators.cost, m.generators, strict=True))
        for b, name in enumerate(m.buses):
            total += sum(float(network.deficit_cost[b, level - 1]) * m.deficit[n, name, level] for level in m.levels)
        for r, name in enumerate(m.reservoirs):
            total += float(parts.spill_cost[r]) * m.spilled[n, name]
            total += float(parts.min_volume_cost[r]) * m.volume_shortfall[n, name]
            total += float(parts.min_turbined_cost[r]) * m.turbined_shortfall[n, name]
        if kind == "transport":
            total += sum(float(c) * m.flow[n, e] for c, e in zip(network.flow_cost, m.branches, strict=True))
        return total

    model.stage_cost = pyo.Expression(model.nodes, rule=stage_cost)

    weight = tree.probability * instance.discount ** (tree.stage - tree.stage[0])
    model.cost = pyo.Objective(expr=sum(float(weight[n]) * model.stage_cost[n] for n in model.nodes))


def _pair(low: FloatArray, high: FloatArray, at: int) -> tuple[float, float]:
    return float(low[at]), float(high[at])


def _labels(names: tuple[str, ...], what: str) -> list[str]:
    """Return the names, those that are empty or come again with their number."""
    clean = [name.strip() for name in names]
    return [
        name if name and clean.count(name) == 1 else f"{name or what} ({number})" for number, name in enumerate(clean)
    ]
