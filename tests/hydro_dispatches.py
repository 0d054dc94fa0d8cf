"""Random operation of hydrothermal systems that is allowed, made without any solver.

Whatever the storages and inflows: some of the water is turbined, what does not fit is spilled, thermal plants run at
random, angles and voltages are random, and what is then missing at a bus is a deficit. For systems as
`datasets.generators.hydrothermal.river` makes them: nothing must run, deficits have no limit.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation


class RandomOperator:
    """A policy that operates at random."""

    def __init__(self, instance: Hydrothermal, seed: int) -> None:
        self.instance, self.rng = instance, np.random.default_rng(seed)
        self.dispatches: list[Dispatch] = []

    def start(self, episode: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Dispatch:
        """Decide."""
        self.dispatches.append(random_dispatch(self.instance, observation, self.rng))
        return self.dispatches[-1]


class Script:
    """A policy that has written down what it does."""

    def __init__(self, *dispatches: Any) -> None:
        self.dispatches, self.seen = dispatches, []

    def start(self, episode: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Any:
        """Read out."""
        self.seen.append(observation)
        return self.dispatches[observation.stage]


def random_dispatch(instance: Hydrothermal, observation: Observation, rng: np.random.Generator) -> Dispatch:
    """Operate one stage at random."""
    turbined, spilled = _water(instance, observation, rng)
    network, generators = instance.network, instance.generators
    thermal = rng.random(instance.num_generators) * generators.max_power
    thermal[instance.reservoirs.generator] = 0.0
    angle, flow = rng.normal(0, 0.02, instance.num_buses), rng.normal(0, 1, instance.num_branches)
    angle[network.reference] = 0.0
    voltage = rng.uniform(0.95, 1.05, instance.num_buses)
    flow = np.clip(flow * network.rating, -network.reverse_rating, network.rating)
    power = instance.power_per_flow * turbined
    for scale in (*0.5 ** np.arange(12), 0.0):
        share = scale if instance.network_kind != "ac" else min(scale, 0.5)
        generation = thermal * share
        generation[instance.reservoirs.generator] = power * share
        v = 1 + share * (voltage - 1)
        out, reactive_out, is_within = _network(instance, flow * share, angle * share, v)
        need = instance.demand(observation.stage) + out
        np.subtract.at(need, generators.bus, generation)
        if is_within and (need >= 0).all():
            break
    else:
        raise AssertionError("no random operation found")
    water = turbined * share
    spilled = _spill(instance, observation, water, spilled * share)
    parts = {"single-bus": {}, "transport": {"flow": flow * share}, "dc": {"angle": angle * share},
             "ac": {"angle": angle * share, "voltage": v}}[instance.network_kind]  # fmt: skip
    if instance.network_kind == "ac":
        parts["reactive"] = _reactive(instance, observation.stage, reactive_out, v)
    return Dispatch(water, spilled, generation, need[:, None], **parts)


def with_generators_everywhere(instance: Hydrothermal, rng: np.random.Generator) -> Hydrothermal:
    """A generator at every bus that makes any reactive power, and branches with taps, shifts and all."""
    e, g = instance.num_branches, instance.num_generators
    bus = np.concatenate([np.arange(instance.num_buses), rng.integers(instance.num_buses, size=g)])[:g]
    assert g >= instance.num_buses
    much = np.full(g, 1e3)
    network = replace(
        instance.network,
        demand=np.ones_like(instance.network.demand) * instance.network.demand.mean() * 2,
        reactance=instance.network.reactance * 4,
        tap=rng.uniform(0.98, 1.02, e),
        shift=rng.normal(0, 0.003, e),
        from_conductance=rng.uniform(0, 0.02, e),
        to_conductance=rng.uniform(0, 0.02, e),
        to_susceptance=rng.uniform(0, 0.05, e),
        shunt_susceptance=rng.normal(0, 0.05, instance.num_buses),
        shunt_conductance=rng.uniform(0, 0.02, instance.num_buses),
        rating=np.full(e, 1e3),
    )
    generators = replace(instance.generators, bus=bus, min_reactive=-much, max_reactive=much)
    return replace(instance, network=network, generators=generators)


def _water(instance: Hydrothermal, seen: Observation, rng: np.random.Generator) -> tuple[Any, Any]:
    available = np.maximum(seen.storage / instance.volume_per_flow + seen.inflow, 0.0)
    most = instance.generators.max_power[instance.reservoirs.generator] / instance.power_per_flow
    limit = np.minimum(np.minimum(instance.reservoirs.max_turbined, available), most)
    turbined = rng.random(instance.num_reservoirs) * limit
    left = (available - turbined) * instance.volume_per_flow
    return turbined, rng.random(instance.num_reservoirs) * left * (rng.random(instance.num_reservoirs) < 0.3)


def _spill(instance: Hydrothermal, seen: Observation, turbined: Any, wanted: Any) -> Any:
    """What is wanted and, from the top of each river down, what does not fit."""
    parts, k = instance.reservoirs, instance.volume_per_flow
    spilled = wanted.copy()
    into = parts.turbined_to | parts.spilled_to
    order, left = [], set(range(instance.num_reservoirs))
    while left:
        free = [r for r in left if not any(into[u, r] for u in left)]
        order += free
        left -= set(free)
    for r in order:
        arrives = k * parts.turbined_to[:, r] @ turbined + parts.spilled_to[:, r] @ spilled
        volume = seen.storage[r] + k * (seen.inflow[r] - turbined[r]) + arrives - spilled[r]
        spilled[r] += max(volume - parts.max_volume[r], 0.0)
    return spilled


def _network(instance: Hydrothermal, flow: Any, angle: Any, voltage: Any) -> tuple[Any, Any, bool]:
    """What leaves each bus, active and reactive (by the admittance matrix), and whether branches are within limits."""
    network, b = instance.network, instance.num_buses
    out, reactive = np.zeros(b) + network.shunt_conductance, np.zeros(b)
    drop = angle[network.from_bus] - angle[network.to_bus]
    if instance.network_kind == "single-bus":
        return out, reactive, True
    if instance.network_kind == "ac":
        admittance = np.diag(network.shunt_conductance + 1j * network.shunt_susceptance)
        for e, (i, j) in enumerate(zip(network.from_bus, network.to_bus, strict=True)):
            y = 1 / complex(network.resistance[e], network.reactance[e])
            a = network.tap[e] * np.exp(1j * network.shift[e])
            admittance[i, i] += (y + complex(network.from_conductance[e], network.from_susceptance[e])) / abs(a) ** 2
            admittance[j, j] += y + complex(network.to_conductance[e], network.to_susceptance[e])
            admittance[i, j] -= y / np.conj(a)
            admittance[j, i] -= y / a
        u = voltage * np.exp(1j * angle)
        power = u * np.conj(admittance @ u)
        return power.real, power.imag, bool((abs(drop) < 1).all())
    if instance.network_kind == "dc":
        flow = drop * network.reactance / (network.resistance**2 + network.reactance**2)
    np.add.at(out, network.from_bus, flow)
    np.subtract.at(out, network.to_bus, flow)
    return out, reactive, bool(((flow <= network.rating) & (-flow <= network.reverse_rating)).all())


def _reactive(instance: Hydrothermal, stage: int, out: Any, voltage: Any) -> Any:
    demand = instance.network.reactive_demand[stage % len(instance.network.reactive_demand)]
    made = np.zeros(instance.num_generators)
    made[: instance.num_buses] = demand + out  # generator b is at bus b
    return made
