"""The network's rows of a stage under ``ac`` as CasADi expressions: balances, angle differences, apparent power."""

from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.ac_network import flows_of, most_apparent
from counterpoint.simulators.stage.hydrothermal import deficit_levels, thermal_generators


@dataclass(frozen=True, slots=True, eq=False)
class NetworkRows:
    """Rows in this order: active balance [B], reactive balance [B], angle differences [E], apparent power squared.

    Parameters
    ----------
    expression : casadi.SX
    lower, upper : float64 array
        For a demand of 0: demands are added by `bounds`.
    """

    expression: Any
    lower: FloatArray
    upper: FloatArray

    def bounds(self, instance: Hydrothermal, stage_row: int) -> tuple[FloatArray, FloatArray]:
        """Return the rows' bounds with this row of demand."""
        demand, reactive = instance.network.demand[stage_row], instance.network.reactive_demand[stage_row]
        moved = np.zeros(len(self.lower))
        moved[: 2 * instance.num_buses] = np.concatenate([demand, -reactive])
        return self.lower + moved, self.upper + moved


def network_rows(instance: Hydrothermal, at: dict[str, Any]) -> NetworkRows:
    """Return the rows in the columns of `ac_model` but the reactive powers, given by their keys.

    The reactive power that leaves a bus is a row, not a column: within what the generators there can give together.
    Limits of apparent power that no angles can reach are left out.
    """
    network, flows, b = instance.network, flows_of(instance.network), instance.num_buses
    start, end = network.from_bus.tolist(), network.to_bus.tolist()
    angle, voltage = at["angle"], at["voltage"]
    at_start, at_end = picked(voltage, start), picked(voltage, end)
    difference, product = picked(angle, start) - picked(angle, end), at_start * at_end
    cosine, sine = product * ca.cos(difference), product * ca.sin(difference)
    own = (at_start**2, at_start**2, at_end**2, at_end**2)
    flow = [ca.DM(flows.own[i]) * own[i] + ca.DM(flows.cosine[i]) * cosine + ca.DM(flows.sine[i]) * sine
            for i in range(4)]  # fmt: skip
    leaves, enters = (_incidence(buses, b) for buses in (network.from_bus, network.to_bus))
    active = leaves @ flow[0] + enters @ flow[2] + ca.DM(network.shunt_conductance) * voltage**2
    reactive = leaves @ flow[1] + enters @ flow[3] - ca.DM(network.shunt_susceptance) * voltage**2
    bus, driven = instance.generators.bus, instance.reservoirs.generator
    made = (_incidence(bus[thermal_generators(instance)], b) @ at["thermal"]
            + _incidence(bus[driven], b) @ (ca.DM(instance.power_per_flow) * at["turbined"])
            + _incidence(deficit_levels(instance)[0], b) @ at["deficit"])  # fmt: skip
    most = most_apparent(network, flows)
    binding = [np.flatnonzero(most[i] >= network.rating).tolist() for i in (0, 1)]
    squared = ca.vertcat(*(picked(flow[2 * i] ** 2 + flow[2 * i + 1] ** 2, binding[i]) for i in (0, 1)))
    limits = np.concatenate([network.rating[binding[i]] ** 2 for i in (0, 1)])
    least, greatest = reactive_limits(instance)
    return NetworkRows(
        ca.vertcat(made - active, reactive, difference, squared),
        np.concatenate([np.zeros(b), least, network.min_angle, np.full(len(limits), -np.inf)]),
        np.concatenate([np.zeros(b), greatest, network.max_angle, limits]),
    )


def picked(vector: Any, places: list[int]) -> Any:
    """Return elements of a column; none of them is a column too, where CasADi makes a row of it."""
    return vector[places] if places else ca.SX(0, 1)


def reactive_limits(instance: Hydrothermal) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest reactive power of each bus's generators together, float64 [B] twice."""
    bus, b = instance.generators.bus, instance.num_buses
    least, most = np.zeros(b), np.zeros(b)
    np.add.at(least, bus, instance.generators.min_reactive)
    np.add.at(most, bus, instance.generators.max_reactive)
    return least, most


def shared_reactive(instance: Hydrothermal, asked: FloatArray) -> FloatArray:
    """Split buses' reactive power, float64 [..., B], among generators, each as far between its limits, [..., G]."""
    generators = instance.generators
    least, most = reactive_limits(instance)
    place = np.divide(asked - least, most - least, out=np.zeros(np.shape(asked)), where=most > least)
    place = np.clip(place, 0.0, 1.0)[..., generators.bus]
    shared: FloatArray = generators.min_reactive + place * (generators.max_reactive - generators.min_reactive)
    return shared


def _incidence(buses: IntArray, num_buses: int) -> Any:
    return ca.sparsify(ca.DM((buses == np.arange(num_buses)[:, None]).astype(np.float64)))
