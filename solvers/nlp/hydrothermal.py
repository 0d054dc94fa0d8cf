"""Operation of a hydrothermal system under ``ac`` with all inflows known: one nonlinear program over the horizon.

The linear part is the extensive form of the stages' (`solvers.mip.hydrothermal`) for one scenario, the network's rows
those of `simulators.stage.ac_rows`, once a stage. Solved by Ipopt (Waechter and Biegler 2006, Math. Prog. 106:25-57).
It knows what no policy knows, so it is a yardstick and never a policy; and being a local optimum it proves nothing:
what does is `solvers.bounds.hydrothermal_soc`. Two starts that agree are the evidence that there is no better one near.
"""

from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Scenario
from counterpoint.simulators.stage.ac_model import ac_model, dispatch_of_ac
from counterpoint.simulators.stage.ac_program import CASADI, IPOPT
from counterpoint.simulators.stage.ac_rows import network_rows, picked, shared_reactive
from counterpoint.solvers.mip.hydrothermal import chain, extensive_form


@dataclass(frozen=True, slots=True, eq=False)
class Foresight:
    """What perfect foresight makes of a scenario.

    Parameters
    ----------
    stage_cost : float64 array [T]
        Undiscounted.
    cost : float
        Of all T stages, discounted: what was minimised.
    reported : float
        Of the reported stages among them, discounted.
    dispatch : tuple of Dispatch
        One a stage.
    iterations : int
        Of Ipopt.
    """

    stage_cost: FloatArray
    cost: float
    reported: float
    dispatch: tuple[Dispatch, ...]
    iterations: int


def perfect_foresight_ac(
    instance: Hydrothermal, scenario: Scenario, horizon: int | None = None, *, start: int = 0
) -> Foresight:
    """Return the locally optimal operation in a scenario that is known from the beginning.

    Parameters
    ----------
    instance : Hydrothermal
        Whatever its network, it is operated under ``ac``.
    scenario : Scenario
    horizon : int, optional
        Stages to plan for; default: the instance's.
    start : int
        Which starting point: 0 is flat and half-way; others are drawn from this seed.

    Raises
    ------
    InstanceError
        If Ipopt does not succeed.
    """
    stages = instance.horizon if horizon is None else horizon
    if not 1 <= stages <= min(instance.horizon, len(scenario.inflow)):
        raise OptionError(f"horizon must be in 1..{min(instance.horizon, len(scenario.inflow))}, not {stages}")
    models = tuple(ac_model(instance, row) for row in range(len(instance.network.demand)))
    linear = models[0].num_cols - instance.num_generators
    inflow = scenario.inflow[:stages]
    whole = extensive_form(models, chain(inflow), instance.discount)
    kept = np.flatnonzero(np.arange(whole.num_cols) % models[0].num_cols < linear)
    initial = instance.reservoirs.initial_volume
    shift = whole.shift(initial[None], inflow.reshape(1, -1))[0]
    solver, network = _solver(instance, whole, kept, stages)
    bounds = [network.bounds(instance, t % len(models)) for t in range(stages)]
    row_lower, row_upper = (np.concatenate([first - shift, *(pair[i] for pair in bounds)])
                            for i, first in enumerate((whole.row_lower, whole.row_upper)))  # fmt: skip
    lower, upper = whole.col_lower[kept], whole.col_upper[kept]
    found = solver(x0=_start(instance, models[0], stages, linear, start), lbx=lower, ubx=upper, lbg=row_lower,
                   ubg=row_upper)  # fmt: skip
    stats = solver.stats()
    if not stats["success"]:
        raise InstanceError(f"no operation found for {stages} stages under ac: {stats['return_status']}")
    x = np.clip(np.asarray(found["x"]).ravel(), lower, upper).reshape(stages, linear)
    of_network = np.asarray(found["g"]).ravel()[whole.num_rows :].reshape(stages, -1)
    b = instance.num_buses
    asked = of_network[:, b : 2 * b] + instance.network.reactive_demand[np.arange(stages) % len(models)]
    x = np.concatenate([x, shared_reactive(instance, asked)], axis=1)
    return _foresight(instance, models, x, inflow, int(stats["iter_count"]))


def _solver(instance: Hydrothermal, whole: Any, kept: Any, stages: int) -> tuple[Any, Any]:
    """Return Ipopt on the program of so many stages, and the network's rows of one."""
    model = ac_model(instance)
    linear = model.num_cols - instance.num_generators
    z = ca.SX.sym("z", linear)
    of = {key: picked(z, at.tolist()) for key, at in model.columns.items() if key != "reactive"}
    network = network_rows(instance, of)
    one = ca.Function("stage", [z], [network.expression])
    x = ca.SX.sym("x", linear * stages)
    matrix = whole.matrix.tocsc()[:, kept].tocsc()
    pattern = ca.Sparsity(matrix.shape[0], matrix.shape[1], matrix.indptr.tolist(), matrix.indices.tolist())
    rows = ca.DM(pattern, matrix.data)
    by_stage = ca.horzsplit(ca.reshape(x, linear, stages))
    problem = {"x": x, "f": ca.dot(ca.DM(whole.cost[kept]), x),
               "g": ca.vertcat(rows @ x, *(one(part) for part in by_stage))}  # fmt: skip
    options = {**IPOPT, "max_iter": 1000}
    return ca.nlpsol("horizon", "ipopt", problem, {**CASADI, "ipopt": options}), network


def _start(instance: Hydrothermal, model: Any, stages: int, linear: int, start: int) -> FloatArray:
    lower, upper = model.col_lower[:linear], model.col_upper[:linear]
    bounded = np.isfinite(lower) & np.isfinite(upper)
    span = np.where(bounded, upper, 0.0) - np.where(bounded, lower, 0.0)
    random = np.random.default_rng([start, 0])
    share = np.full((stages, linear), 0.5) if start == 0 else random.uniform(0.2, 0.8, (stages, linear))
    x = np.where(bounded, lower, 0.0) + share * span
    x[:, model.columns["deficit"]] = 0.0
    voltage = model.columns["voltage"]
    near = 1.0 if start == 0 else random.uniform(0.97, 1.03, (stages, len(voltage)))
    x[:, voltage] = np.clip(near, instance.network.min_voltage, instance.network.max_voltage)
    flat: FloatArray = x.ravel()
    return flat


def _foresight(instance: Hydrothermal, models: Any, x: FloatArray, inflow: FloatArray, iterations: int) -> Foresight:
    storage, dispatches = instance.reservoirs.initial_volume, []
    stage_cost = np.empty(len(x))
    for t, solution in enumerate(x):
        model = models[t % len(models)]
        dispatches.append(dispatch_of_ac(instance, model, solution, storage, inflow[t]))
        stage_cost[t] = model.cost @ solution + model.offset
        storage = solution[model.state_out]
    discounted = stage_cost * instance.discount ** np.arange(len(x))
    reported = float(discounted[: instance.reported_stages].sum())
    return Foresight(stage_cost, float(discounted.sum()), reported, tuple(dispatches), iterations)
