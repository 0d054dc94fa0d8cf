"""The judge of a run of a hydrothermal system: recomputed from what was dispatched, by `hydrothermal`'s definitions.

All stages at once, and in real numbers: the branch equations are those of ACPPowerModel (Coffrin, Bent, Sundar, Ng and
Lubin 2018, PSCC). It shares no code with the simulator.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import COSTS, Scenario, Trajectory
from counterpoint.opt.result import Check, Violation

TOLERANCE = 1e-6  # of what is decided, relative to the numbers it is about where they are above 1
MONEY = 1e-9  # relative, on costs
SHOWN = 20  # violations of one kind; of more, the worst
NETWORK_PARTS = {"single-bus": (), "transport": ("flow",), "dc": ("angle",), "ac": ("angle", "voltage", "reactive")}

Parts = dict[str, FloatArray]


def check(instance: Hydrothermal, scenario: Scenario, run: Trajectory) -> Check:
    """Recompute the cost of a run and name every violation.

    Violation kinds: ``shape``, ``storage`` (out of bounds, or other than the dispatch makes it), ``turbined``,
    ``spilled``, ``generation``, ``deficit``, ``reactive``, ``flow``, ``voltage``, ``angle`` (out of bounds),
    ``coupling`` (a plant's power is not what it turbines), ``balance``, ``reactive balance``, ``cost``.
    """
    parts = _parts(instance, scenario, run)
    if parts is None:
        return Check(None, (Violation("shape", "the run or its scenario", 1.0),))
    storage, stored = _storage(instance, scenario, parts, run)
    violations = list(_worst(instance, (*stored, *_plants(instance, parts), *_network(instance, parts))))
    stage_cost = _stage_cost(instance, parts, storage)
    weight = instance.discount ** np.arange(instance.reported_stages)
    costs = dict(zip(COSTS, (weight @ stage_cost).tolist(), strict=True))
    total = float(sum(costs.values()))
    told = {"total": (run.cost, total), **{key: (run.costs.get(key, np.nan), costs[key]) for key in COSTS}}
    allowed = MONEY * max(1.0, sum(map(abs, costs.values())))
    for where, (said, found) in told.items():
        if not abs(said - found) <= allowed:  # so that NaN fails
            violations.append(Violation("cost", where, abs(said - found), allowed))
    off = abs(run.stage_cost - stage_cost).max(initial=0.0)
    if not off <= MONEY * max(1.0, float(abs(stage_cost).max(initial=0.0))):
        violations.append(Violation("cost", "a stage", float(off), MONEY))
    return Check(total, tuple(violations), costs)


def _parts(instance: Hydrothermal, scenario: Scenario, run: Trajectory) -> Parts | None:
    """Return what was dispatched in all stages, stacked; None if anything has not the shape it must have."""
    t, h, g, b = instance.reported_stages, instance.num_reservoirs, instance.num_generators, instance.num_buses
    shapes = {"turbined": (t, h), "spilled": (t, h), "generation": (t, g), "flow": (t, instance.num_branches),
              "deficit": (t, *instance.network.deficit_cost.shape), "angle": (t, b), "voltage": (t, b),
              "reactive": (t, g)}  # fmt: skip
    keys = ("turbined", "spilled", "generation", "deficit", *NETWORK_PARTS[instance.network_kind])
    if len(run.dispatch) != t or run.storage.shape != (t, h) or run.stage_cost.shape != (t, len(COSTS)):
        return None
    if scenario.inflow.shape != (instance.horizon, h):
        return None
    parts: Parts = {}
    for key in keys:
        try:
            parts[key] = np.array([getattr(d, key) for d in run.dispatch], np.float64)
        except (ValueError, TypeError):
            return None
        if parts[key].shape != shapes[key] or not np.isfinite(parts[key]).all():
            return None
    return parts


# What is off, by (kind, whose, amounts [T, n], scale): an amount above the tolerance times the scale is a violation.
Off = tuple[str, str, FloatArray, Any]


def _storage(
    instance: Hydrothermal, scenario: Scenario, parts: Parts, run: Trajectory
) -> tuple[FloatArray, tuple[Off, ...]]:
    """Return the storages [T, H] that follow, and what is off with them."""
    reservoirs, k = instance.reservoirs, instance.volume_per_flow
    kept = np.eye(instance.num_reservoirs)
    inflow = scenario.inflow[: instance.reported_stages]
    change = k * inflow - k * parts["turbined"] @ (kept - reservoirs.turbined_to)
    change -= parts["spilled"] @ (kept - reservoirs.spilled_to)
    storage, beyond = np.empty_like(change), np.empty_like(change)
    volume = reservoirs.initial_volume
    for t, delta in enumerate(change):
        after = volume + delta
        volume = storage[t] = np.clip(after, 0.0, reservoirs.max_volume)
        beyond[t] = abs(after - volume)
    scale = np.maximum(1.0, reservoirs.max_volume)
    return storage, (
        ("storage", "reservoir", beyond, scale),
        ("storage", "reservoir", abs(run.storage - storage), scale),
    )


def _plants(instance: Hydrothermal, parts: Parts) -> Iterator[Off]:
    reservoirs, generators = instance.reservoirs, instance.generators
    zero = np.zeros(instance.num_reservoirs)
    yield _outside("turbined", "reservoir", parts["turbined"], zero, reservoirs.max_turbined)
    yield _outside("spilled", "reservoir", parts["spilled"], zero, zero + np.inf)
    yield _outside("generation", "generator", parts["generation"], generators.min_power, generators.max_power)
    power = parts["turbined"] * reservoirs.production / instance.base_power
    off = abs(parts["generation"][:, reservoirs.generator] - power)
    yield "coupling", "reservoir", off, np.maximum(1.0, power)
    limits = instance.network.deficit_limit[np.arange(len(power)) % len(instance.network.deficit_limit)]
    for level in range(limits.shape[2]):
        limit = limits[:, :, level]
        yield _outside("deficit", "bus", parts["deficit"][:, :, level], np.zeros_like(limit), limit)
    if instance.network_kind == "ac":
        yield _outside("reactive", "generator", parts["reactive"], generators.min_reactive, generators.max_reactive)


def _network(instance: Hydrothermal, parts: Parts) -> Iterator[Off]:
    network, kind = instance.network, instance.network_kind
    at = np.arange(instance.reported_stages) % len(network.demand)
    demand = network.demand[at]
    scale = np.maximum(1.0, abs(demand).sum(1, keepdims=True))
    at_bus = np.eye(instance.num_buses)[instance.generators.bus]
    short = demand - parts["generation"] @ at_bus - parts["deficit"].sum(2)
    if kind == "single-bus":
        short = (short + network.shunt_conductance).sum(1, keepdims=True)
        yield "balance", "system", abs(short), scale
        return
    at_from, at_to = (np.eye(instance.num_buses)[ends] for ends in (network.from_bus, network.to_bus))
    if kind != "transport":
        drop = parts["angle"] @ (at_from - at_to).T
        yield _outside("angle", "branch", drop, network.min_angle, network.max_angle)
        fixed = np.where(np.arange(instance.num_buses) == network.reference, 0.0, np.inf)
        yield _outside("angle", "bus", parts["angle"], -fixed, fixed)
    if kind == "ac":
        yield from _ac(instance, parts, short, scale, drop, at_from, at_to)
        return
    flow = (
        parts["flow"] if kind == "transport" else drop / (network.reactance + network.resistance**2 / network.reactance)
    )
    yield _outside("flow", "branch", flow, -network.reverse_rating, network.rating)
    yield "balance", "bus", abs(short + network.shunt_conductance + flow @ (at_from - at_to)), scale


def _ac(
    instance: Hydrothermal,
    parts: Parts,
    short: FloatArray,
    scale: FloatArray,
    drop: FloatArray,
    at_from: Any,
    at_to: Any,
) -> Iterator[Off]:
    network, v = instance.network, parts["voltage"]
    yield _outside("voltage", "bus", v, network.min_voltage, network.max_voltage)
    square = network.resistance**2 + network.reactance**2
    g, b, m = network.resistance / square, -network.reactance / square, network.tap**2
    re, im = network.tap * np.cos(network.shift), network.tap * np.sin(network.shift)
    vf, vt = v @ at_from.T, v @ at_to.T
    cos, sin = vf * vt * np.cos(drop), vf * vt * np.sin(drop)
    p_from = (g + network.from_conductance) / m * vf**2 + (-g * re + b * im) / m * cos + (-b * re - g * im) / m * sin
    q_from = -(b + network.from_susceptance) / m * vf**2 - (-b * re - g * im) / m * cos + (-g * re + b * im) / m * sin
    p_to = (g + network.to_conductance) * vt**2 + (-g * re - b * im) / m * cos - (-b * re + g * im) / m * sin
    q_to = -(b + network.to_susceptance) * vt**2 - (-b * re + g * im) / m * cos - (-g * re - b * im) / m * sin
    for p, q in ((p_from, q_from), (p_to, q_to)):
        yield "flow", "branch", np.hypot(p, q) - network.rating, np.maximum(1.0, network.rating)
    yield "balance", "bus", abs(short + network.shunt_conductance * v**2 + p_from @ at_from + p_to @ at_to), scale
    demand = network.reactive_demand[np.arange(len(v)) % len(network.reactive_demand)]
    supply = parts["reactive"] @ np.eye(instance.num_buses)[instance.generators.bus] + network.shunt_susceptance * v**2
    yield "reactive balance", "bus", abs(demand - supply + q_from @ at_from + q_to @ at_to), scale


def _outside(kind: str, whose: str, amounts: FloatArray, low: FloatArray, high: FloatArray) -> Off:
    bound = np.where(amounts < low, low, high)
    return (
        kind,
        whose,
        np.maximum(low - amounts, amounts - high),
        np.maximum(1.0, abs(np.where(np.isinf(bound), 0.0, bound))),
    )


def _worst(instance: Hydrothermal, found: tuple[Off, ...]) -> Iterator[Violation]:
    """Yield what is above the tolerance, the worst of each kind first."""
    names = {"reservoir": instance.reservoirs.names, "generator": instance.generators.names,
             "bus": instance.network.names}  # fmt: skip
    for kind, whose, amounts, scale in found:
        allowed = np.broadcast_to(TOLERANCE * scale, amounts.shape)
        stages, places = np.nonzero(~(amounts <= allowed))  # so that NaN fails
        order = np.argsort(-amounts[stages, places], kind="stable")[:SHOWN]
        for t, n in zip(stages[order].tolist(), places[order].tolist(), strict=True):
            name = names[whose][n] if whose in names else n
            yield Violation(kind, f"stage {t}, {whose} {name}", float(amounts[t, n]), float(allowed[t, n]))


def _stage_cost(instance: Hydrothermal, parts: Parts, storage: FloatArray) -> FloatArray:
    """Return what each stage costs, by `COSTS`, float64 [T, 5]."""
    reservoirs, network = instance.reservoirs, instance.network
    missing = np.maximum(reservoirs.min_volume - storage, 0) @ reservoirs.min_volume_cost
    missing += np.maximum(reservoirs.min_turbined - parts["turbined"], 0) @ reservoirs.min_turbined_cost
    flow = parts["flow"] @ network.flow_cost if instance.network_kind == "transport" else np.zeros(len(storage))
    return np.column_stack([
        parts["generation"] @ instance.generators.cost,
        np.einsum("tbl,bl->t", parts["deficit"], network.deficit_cost),
        parts["spilled"] @ reservoirs.spill_cost,
        flow,
        missing,
    ])  # fmt: skip
