"""The nonlinear program of a stage under ``ac`` as CasADi functions: rows, their bounds, and Ipopt on them.

Variables: the columns of `ac_model` but the reactive powers, then K future costs. Rows: those of the model, active
balance [B], reactive balance [B], angle differences [E], apparent power (where it can reach the rating), cuts.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import casadi as ca
import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.ac_model import ac_model
from counterpoint.simulators.stage.ac_network import flows_of, most_apparent
from counterpoint.simulators.stage.hydrothermal import deficit_levels, thermal_generators

SAFE: dict[str, Any] = {
    "tol": 1e-8, "constr_viol_tol": 1e-8, "bound_relax_factor": 1e-10, "acceptable_iter": 0, "max_iter": 300,
    "print_level": 0, "sb": "yes", "mumps_pivot_order": 0,
}  # fmt: skip
# Mehrotra's steps have no safeguard: a fifth fewer iterations, and where they fail the safe way is still open.
# Scaling and refinement of the linear systems, which the well-scaled program does not need, cost another 13 %.
FAST: dict[str, Any] = {
    **SAFE, "mehrotra_algorithm": "yes", "max_iter": 60, "mumps_permuting_scaling": 0, "mumps_scaling": 0,
    "min_refinement_steps": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Functions of a stage and the bounds that do not depend on demand, storage, inflow or target.

    Parameters
    ----------
    fast, safe : casadi.Function
        ``x0, lbx, ubx, lbg, ubg, p`` to ``x, f, g, lam_g``; p is the cuts' slopes [C * S], then the
        future cost [C * K] that each is about, then the weights of the future costs [K].
    reactive : slice
        The rows of the reactive balance.
    row_lower, row_upper : float64 array
        Of the rows after those of the model, cuts excluded, for a demand of 0.
    """

    fast: Any
    safe: Any
    reactive: slice
    row_lower: FloatArray
    row_upper: FloatArray


@lru_cache(maxsize=16)
def program_of(instance: Hydrothermal, thetas: int, cuts: int) -> Program:
    """Return the program with room for this many future costs and cuts."""
    model, network = ac_model(instance), instance.network
    b, m = instance.num_buses, model.num_rows
    linear = model.num_cols - instance.num_generators
    z = ca.SX.sym("z", linear + thetas)
    at = {key: z[columns.tolist()] for key, columns in model.columns.items() if key != "reactive"}
    slope, which = ca.SX.sym("slope", cuts, model.num_states), ca.SX.sym("which", cuts, thetas)
    weight = ca.SX.sym("weight", thetas)
    active, reactive, apparent = _network_rows(instance, at["angle"], at["voltage"])
    made = ca.SX(_from_generators(instance, thermal_generators(instance))) @ at["thermal"]
    driven = instance.reservoirs.generator
    made += ca.SX(_from_generators(instance, driven) * instance.power_per_flow) @ at["turbined"]
    made += _sparse(_incidence(deficit_levels(instance)[0], b)) @ at["deficit"]
    difference = at["angle"][network.from_bus.tolist()] - at["angle"][network.to_bus.tolist()]
    theta = z[linear:]
    rows = ca.vertcat(
        _sparse(model.matrix[:, :linear]) @ z[:linear], made - active, reactive, difference, apparent[0],
        which @ theta - slope @ at["storage"],
    )  # fmt: skip
    cost = ca.DM(model.cost[:linear]).T @ z[:linear] + ca.dot(weight, theta)
    problem = {"x": z, "f": cost, "g": rows, "p": ca.vertcat(ca.vec(slope), ca.vec(which), weight)}
    options = {"print_time": False, "calc_lam_p": False, "calc_multipliers": False, "error_on_fail": False}
    limits = apparent[1]
    return Program(
        fast=ca.nlpsol("fast", "ipopt", problem, {**options, "ipopt": FAST}),
        safe=ca.nlpsol("safe", "ipopt", problem, {**options, "ipopt": SAFE}),
        reactive=slice(m + b, m + 2 * b),
        row_lower=np.concatenate([np.zeros(b), _at_buses(instance, instance.generators.min_reactive),
                                  network.min_angle, np.full(len(limits), -np.inf)]),
        row_upper=np.concatenate([np.zeros(b), _at_buses(instance, instance.generators.max_reactive),
                                  network.max_angle, limits]),
    )  # fmt: skip


def _network_rows(instance: Hydrothermal, angle: Any, voltage: Any) -> tuple[Any, Any, tuple[Any, FloatArray]]:
    """Return active and reactive power that leaves each bus, and apparent power squared with its limits."""
    network, flows = instance.network, flows_of(instance.network)
    start, end = network.from_bus.tolist(), network.to_bus.tolist()
    difference, product = angle[start] - angle[end], voltage[start] * voltage[end]
    cosine, sine = product * ca.cos(difference), product * ca.sin(difference)
    own = (voltage[start] ** 2, voltage[start] ** 2, voltage[end] ** 2, voltage[end] ** 2)
    flow = [ca.DM(flows.own[i]) * own[i] + ca.DM(flows.cosine[i]) * cosine + ca.DM(flows.sine[i]) * sine
            for i in range(4)]  # fmt: skip
    leaves, enters = (_sparse(_incidence(buses, instance.num_buses)) for buses in (network.from_bus, network.to_bus))
    active = leaves @ flow[0] + enters @ flow[2] + ca.DM(network.shunt_conductance) * voltage**2
    reactive = leaves @ flow[1] + enters @ flow[3] - ca.DM(network.shunt_susceptance) * voltage**2
    most = most_apparent(network, flows)
    binding = [np.flatnonzero(most[end_of] >= network.rating).tolist() for end_of in (0, 1)]
    squared = ca.vertcat(*((flow[2 * i] ** 2 + flow[2 * i + 1] ** 2)[binding[i]] for i in (0, 1)))
    limits = np.concatenate([network.rating[binding[i]] ** 2 for i in (0, 1)])
    return active, reactive, (squared, limits)


def _incidence(buses: IntArray, num_buses: int) -> FloatArray:
    return (buses == np.arange(num_buses)[:, None]).astype(np.float64)


def _from_generators(instance: Hydrothermal, which: IntArray) -> FloatArray:
    return _incidence(instance.generators.bus[which], instance.num_buses)


def _at_buses(instance: Hydrothermal, of_generators: FloatArray) -> FloatArray:
    return np.bincount(instance.generators.bus, of_generators, instance.num_buses)


def _sparse(matrix: Any) -> Any:
    dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    return ca.sparsify(ca.DM(dense))
