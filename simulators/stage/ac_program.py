"""The nonlinear program of a stage under ``ac`` as CasADi functions: rows, their bounds, and Ipopt on them.

Variables: the columns of `ac_model` but the reactive powers, then K future costs. Rows: those of the model, those of
the network (`ac_rows`), cuts.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import casadi as ca

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.simulators.stage.ac_model import ac_model
from counterpoint.simulators.stage.ac_rows import NetworkRows, network_rows, picked

# Mehrotra's steps (mehrotra_algorithm) take a fifth less time and must stay off: Ipopt crashes with them when it goes
# into restoration, as in some infeasible stages.
IPOPT: dict[str, Any] = {
    "tol": 1e-8, "constr_viol_tol": 1e-8, "bound_relax_factor": 1e-10, "acceptable_iter": 0, "max_iter": 300,
    "print_level": 0, "sb": "yes", "mumps_pivot_order": 0,
}  # fmt: skip
CASADI: dict[str, Any] = {
    "print_time": False, "calc_lam_p": False, "calc_multipliers": False, "error_on_fail": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Ipopt on a stage.

    Parameters
    ----------
    solver : casadi.Function
        ``x0, lbx, ubx, lbg, ubg, p`` to ``x, f, g, lam_g``; p is the cuts' slopes [C * S], then the future cost [C * K]
        that each is about, then the weights of the future costs [K], then what stored water is worth [S].
    network : NetworkRows
        The rows between those of the model and the cuts.
    """

    solver: Any
    network: NetworkRows


@lru_cache(maxsize=16)
def program_of(instance: Hydrothermal, thetas: int, cuts: int) -> Program:
    """Return the program with room for this many future costs and cuts."""
    model = ac_model(instance)
    linear = model.num_cols - instance.num_generators
    z = ca.SX.sym("z", linear + thetas)
    at = {key: picked(z, columns.tolist()) for key, columns in model.columns.items() if key != "reactive"}
    slope, which = ca.SX.sym("slope", cuts, model.num_states), ca.SX.sym("which", cuts, thetas)
    weight, worth = ca.SX.sym("weight", thetas), ca.SX.sym("worth", model.num_states)
    network = network_rows(instance, at)
    matrix = ca.sparsify(ca.DM(model.matrix[:, :linear].toarray()))
    stored = z[model.state_out.tolist()]
    cut_rows = which @ z[linear:] - slope @ stored
    problem = {
        "x": z,
        "f": ca.dot(ca.DM(model.cost[:linear]), z[:linear]) + ca.dot(weight, z[linear:]) - ca.dot(worth, stored),
        "g": ca.vertcat(matrix @ z[:linear], network.expression, cut_rows),
        "p": ca.vertcat(ca.vec(slope), ca.vec(which), weight, worth),
    }
    return Program(ca.nlpsol("stage", "ipopt", problem, {**CASADI, "ipopt": IPOPT}), network)
