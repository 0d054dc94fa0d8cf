"""What flows in the network of a hydrothermal system as it is operated, and where that breaks a limit.

Formulation: the branch of MATPOWER (Zimmerman, Murillo-Sanchez and Thomas 2011, IEEE Trans. Power Syst. 26:12-19),
an ideal transformer ``tap * exp(1j * shift)`` at the from-end of a pi line, with complex voltages.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch


class Excess(NamedTuple):
    """By how much a limit is broken at each place (at most 0: not at all), and what the tolerance is relative to."""

    what: str
    places: str  # buses, branches, reservoirs, generators or system
    amounts: FloatArray
    scale: Any = 1.0


def network_excesses(instance: Hydrothermal, stage: int, dispatch: Dispatch) -> Iterator[Excess]:
    """Yield by how much each balance and limit of the network is broken."""
    supply = _at_buses(instance, instance.generators.bus, dispatch.generation) + dispatch.deficit.sum(1)
    missing = instance.demand(stage) - supply
    scale = float(np.abs(instance.demand(stage)).sum())
    if instance.network_kind == "single-bus":
        missing = missing + instance.network.shunt_conductance
        yield Excess("active balance", "system", abs(missing.sum(keepdims=True)), scale)
    elif instance.network_kind == "ac":
        yield from _ac(instance, stage, dispatch, missing, scale)
    else:
        yield from _lossless(instance, dispatch, missing, scale)


def _lossless(instance: Hydrothermal, dispatch: Dispatch, missing: FloatArray, scale: float) -> Iterator[Excess]:
    network = instance.network
    if instance.network_kind == "dc":
        drop = _drop(instance, dispatch)
        flow = drop * network.reactance / (network.resistance**2 + network.reactance**2)
        yield from _angle_limits(instance, dispatch, drop)
    else:
        flow = np.asarray(dispatch.flow)
    out = _at_buses(instance, network.from_bus, flow) - _at_buses(instance, network.to_bus, flow)
    yield Excess("active balance", "buses", abs(missing + network.shunt_conductance + out), scale)
    yield Excess("flow", "branches", flow - network.rating, network.rating)
    yield Excess("reverse flow", "branches", -flow - network.reverse_rating, network.reverse_rating)


def _ac(instance: Hydrothermal, stage: int, dispatch: Dispatch, missing: FloatArray, scale: float) -> Iterator[Excess]:
    network, magnitude = instance.network, np.asarray(dispatch.voltage)
    at_from, at_to = branch_power(instance, magnitude, np.asarray(dispatch.angle))
    out = _at_buses(instance, network.from_bus, at_from) + _at_buses(instance, network.to_bus, at_to)
    active = missing + network.shunt_conductance * magnitude**2 + out.real
    yield Excess("active balance", "buses", abs(active), scale)
    demand = network.reactive_demand[stage % len(network.reactive_demand)]
    supply = _at_buses(instance, instance.generators.bus, np.asarray(dispatch.reactive))
    reactive = demand - supply - network.shunt_susceptance * magnitude**2 + out.imag
    yield Excess("reactive balance", "buses", abs(reactive), scale)
    yield Excess("apparent power from", "branches", abs(at_from) - network.rating, network.rating)
    yield Excess("apparent power to", "branches", abs(at_to) - network.rating, network.rating)
    yield Excess("voltage above", "buses", magnitude - network.max_voltage)
    yield Excess("voltage below", "buses", network.min_voltage - magnitude)
    yield from _angle_limits(instance, dispatch, _drop(instance, dispatch))


def branch_power(instance: Hydrothermal, magnitude: FloatArray, angle: FloatArray) -> tuple[Any, Any]:
    """Return the complex power that enters each branch at its from-end and at its to-end, complex128 [E] twice."""
    network = instance.network
    voltage = magnitude * np.exp(1j * angle)
    series = 1.0 / (network.resistance + 1j * network.reactance)
    ratio = network.tap * np.exp(1j * network.shift)
    shunt_from = network.from_conductance + 1j * network.from_susceptance
    shunt_to = network.to_conductance + 1j * network.to_susceptance
    v_from, v_to = voltage[network.from_bus], voltage[network.to_bus]
    current_from = (series + shunt_from) * v_from / abs(ratio) ** 2 - series / ratio.conj() * v_to
    current_to = (series + shunt_to) * v_to - series / ratio * v_from
    return v_from * current_from.conj(), v_to * current_to.conj()


def _angle_limits(instance: Hydrothermal, dispatch: Dispatch, drop: FloatArray) -> Iterator[Excess]:
    network = instance.network
    is_reference = np.arange(instance.num_buses) == network.reference
    yield Excess("angle of the reference", "buses", abs(np.asarray(dispatch.angle)) * is_reference)
    yield Excess("angle difference above", "branches", drop - network.max_angle)
    yield Excess("angle difference below", "branches", network.min_angle - drop)


def _drop(instance: Hydrothermal, dispatch: Dispatch) -> FloatArray:
    angle: FloatArray = np.asarray(dispatch.angle)
    return angle[instance.network.from_bus] - angle[instance.network.to_bus]


def _at_buses(instance: Hydrothermal, bus: Any, amounts: Any) -> Any:
    total = np.zeros(instance.num_buses, amounts.dtype)
    np.add.at(total, bus, amounts)
    return total


def name_of(instance: Hydrothermal, places: str, number: int) -> str:
    """Return how a place is called in messages."""
    names = {
        "reservoirs": instance.reservoirs.names,
        "generators": instance.generators.names,
        "buses": instance.network.names,
        "branches": tuple(map(str, range(instance.num_branches))),
    }
    kind = {"branches": "branch", "buses": "bus"}.get(places, places[:-1])
    return f"{kind} {names[places][number]}" if places in names else "the system"
