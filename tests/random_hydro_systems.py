"""Random small hydrothermal systems with everything in them that a stage can have."""

from dataclasses import replace
from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import HM3_PER_HOUR, Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Generators, Inflows, Network, Reservoirs


def random_system(seed: int, kind: Any = "dc", *, horizon: int = 4, passive: bool = True) -> Hydrothermal:
    """Return a system: cascades, minima, levels of deficit, shunts, parallel branches, perhaps islands.

    Deficits can be as large as they like, so that every stage is feasible. Without `passive`, some resistances are
    negative.
    """
    rng = np.random.default_rng(seed)
    h, thermal, b = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(1, 7))
    e = int(rng.integers(0, 2 * b)) if b > 1 else 0
    g, d, levels = h + thermal, int(rng.integers(1, 4)), int(rng.integers(1, 4))
    hours = float(rng.choice([1.0, 24.0, 168.0]))
    k = HM3_PER_HOUR * hours
    down = np.triu(rng.random((h, h)) < 0.4, 1)
    down &= np.cumsum(down, 1) == 1  # one at most below each
    spilled_to = down & (rng.random((h, h)) < 0.7)
    turbined_to = down & (rng.random((h, h)) < 0.8)
    most = rng.uniform(5, 30, h)
    volume = rng.uniform(0, 3, h) * k * most * (rng.random(h) < 0.85)  # some cannot hold anything
    driver = rng.permutation(g)[:h]
    production = rng.uniform(0.5, 5, h)
    demand = rng.uniform(0, 0.9, (d, b)) * (rng.random(b) < 0.8)
    bus, max_power = rng.integers(0, b, g), rng.uniform(0.2, 1.0, g)
    min_power = np.minimum(0.1, demand.min(0)[bus] / g) * (rng.random(g) < 0.5)  # what the bus itself can take
    min_power[driver] = 0.0
    generators = Generators(
        tuple(f"g{i}" for i in range(g)), bus, rng.uniform(0, 100, g), min_power, max_power,
        np.full(g, -0.5), np.full(g, 0.5),
    )  # fmt: skip
    reservoirs = Reservoirs(
        tuple(f"r{i}" for i in range(h)), volume * rng.uniform(0, 0.5, h), volume, volume * rng.random(h),
        most * rng.uniform(0, 0.3, h) * (rng.random(h) < 0.5), most, rng.choice([0.0, 3.0, 20.0], h),
        rng.choice([0.0, 5.0], h), rng.choice([0.0, 0.01, 1.0], h), production, driver, turbined_to, spilled_to,
    )  # fmt: skip
    limit = rng.uniform(0.1, 0.5, (d, b, levels)) * (rng.random((b, levels)) < 0.7)
    limit[:, :, -1] = np.inf
    ends = np.array([rng.permutation(b)[:2] for _ in range(e)], np.int64).reshape(e, 2)
    rating, one_way = rng.uniform(0.05, 0.8, e), rng.random(e) < 0.3
    resistance = rng.uniform(0, 0.1, e) * (1 if passive else rng.choice([-1, 1], e))
    network = Network(
        names=tuple(f"b{i}" for i in range(b)),
        demand=demand,
        reactive_demand=demand / 5,
        deficit_cost=np.sort(rng.uniform(200, 900, (b, levels)), axis=1),
        deficit_limit=limit,
        shunt_conductance=rng.uniform(0, 0.02, b),
        shunt_susceptance=np.zeros(b),
        min_voltage=np.full(b, 0.9),
        max_voltage=np.full(b, 1.1),
        reference=int(rng.integers(b)),
        from_bus=ends[:, 0],
        to_bus=ends[:, 1],
        rating=rating,
        reverse_rating=np.where(one_way, 0.0, rating * rng.uniform(0.3, 1.0, e)),
        flow_cost=np.where(one_way, rng.uniform(0, 0.5, e), 0.0),
        resistance=resistance,
        reactance=rng.uniform(0.05, 0.5, e) * rng.choice([1.0, 1.0, 1.0, -0.2], e),
        from_conductance=np.zeros(e),
        from_susceptance=np.zeros(e),
        to_conductance=np.zeros(e),
        to_susceptance=np.zeros(e),
        tap=np.ones(e),
        shift=np.zeros(e),
        min_angle=rng.uniform(-0.6, -0.02, e),
        max_angle=rng.uniform(0.02, 0.6, e),
    )
    n = int(rng.integers(1, 4))
    weights = rng.random((2, n)) + 0.1
    inflows = Inflows(rng.uniform(0, 25, (2, n, h)), weights / weights.sum(1, keepdims=True))
    return Hydrothermal(f"random {seed}", horizon, horizon, kind, reservoirs, generators, network, inflows, k, hours,
                        100.0 / 5, float(rng.choice([1.0, 0.95])))  # fmt: skip


def random_state(instance: Hydrothermal, count: int, seed: int) -> tuple[Any, Any]:
    """Return storages and inflows, float64 [N, H] twice."""
    rng = np.random.default_rng([seed, 1])
    h = instance.num_reservoirs
    return rng.random((count, h)) * instance.reservoirs.max_volume, rng.uniform(0, 25, (count, h))


def permuted(instance: Hydrothermal, seed: int) -> tuple[Hydrothermal, Any]:
    """Return the same system with buses, branches, generators and reservoirs in another order, and the reservoirs'."""
    rng = np.random.default_rng(seed)
    bus, branch = rng.permutation(instance.num_buses), rng.permutation(instance.num_branches)
    plant, generator = rng.permutation(instance.num_reservoirs), rng.permutation(instance.num_generators)
    new_bus, new_generator = np.argsort(bus), np.argsort(generator)
    parts, net, machines = instance.reservoirs, instance.network, instance.generators
    moved = {f: getattr(parts, f)[plant] for f in parts.__dataclass_fields__ if f not in ("names", "generator")}
    moved = {f: a[:, plant] if a.ndim == 2 else a for f, a in moved.items()}
    reservoirs = replace(parts, names=tuple(parts.names[i] for i in plant),
                         generator=new_generator[parts.generator[plant]], **moved)  # fmt: skip
    generators = replace(machines, names=tuple(machines.names[i] for i in generator),
                         bus=new_bus[machines.bus[generator]],
                         **{f: getattr(machines, f)[generator] for f in machines.__dataclass_fields__
                            if f not in ("names", "bus")})  # fmt: skip
    by_bus = {f: getattr(net, f)[bus] for f in ("deficit_cost", "shunt_conductance", "shunt_susceptance",
                                                "min_voltage", "max_voltage")}  # fmt: skip
    of_branch = set(net.__dataclass_fields__) - set(by_bus) - {
        "names", "demand", "reactive_demand", "deficit_limit", "reference", "from_bus", "to_bus"
    }  # fmt: skip
    network = replace(
        net, names=tuple(net.names[i] for i in bus), demand=net.demand[:, bus],
        reactive_demand=net.reactive_demand[:, bus], deficit_limit=net.deficit_limit[:, bus],
        reference=int(new_bus[net.reference]), from_bus=new_bus[net.from_bus[branch]],
        to_bus=new_bus[net.to_bus[branch]], **by_bus, **{f: getattr(net, f)[branch] for f in of_branch},
    )  # fmt: skip
    inflows = replace(instance.inflows, rows=instance.inflows.rows[:, :, plant])
    return replace(instance, reservoirs=reservoirs, generators=generators, network=network, inflows=inflows), plant
