"""What no policy can beat on a hydrothermal system in one scenario, with all inflows known: perfect information.

A linear program over the reported stages (see `solvers.mip.hydrothermal`): it has every operation of a policy among
its solutions, and nothing after the reported stages to pay for, so its optimum is at most what any policy pays. Solved
for one scenario after the other from the last basis.

Under ``ac`` the program is the network flow relaxation of Coffrin, Hijazi and Van Hentenryck 2016 (PSCC, "Network flow
and copper plate relaxations for AC transmission systems"), and where Clarabel is installed and time suffices the cone
relaxation, which is tighter (`hydrothermal_soc`). Lossless DC equations would be no bound: their flows need not be
possible under AC, nor those of AC under DC.
"""

import time
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Scenario
from counterpoint.opt.result import Termination
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import StageModel
from counterpoint.solvers.mip.hydrothermal import box_bound, chain, extensive_form
from counterpoint.solvers.mip.warm_program import WarmProgram


def perfect_information(instance: Hydrothermal, scenario: Scenario, time_limit_s: float) -> float:
    """Return a lower bound on the reported cost in this scenario of every policy, even one that knows all of it.

    Parameters
    ----------
    instance : Hydrothermal
    scenario : Scenario
    time_limit_s : float
        Wall seconds. Where they do not suffice, the bound is what the columns' bounds alone cost: weak, not wrong.

    Raises
    ------
    InstanceError
        If the scenario is shorter than the reported stages, or no operation is feasible in it.
    """
    deadline = time.monotonic() + time_limit_s
    stages = instance.reported_stages
    if len(scenario.inflow) < stages:
        raise InstanceError(f"a scenario of {len(scenario.inflow)} stages, expected {stages} or more")
    program = _program(instance)
    initial = instance.reservoirs.initial_volume
    solved = program.solve(initial, scenario.inflow[:stages].ravel(), deadline - time.monotonic())
    if solved.termination is Termination.INFEASIBLE:
        raise InstanceError("no operation of the system is feasible in this scenario")
    if solved.termination is not Termination.OPTIMAL:
        return box_bound(program.model)
    if instance.network_kind == "ac" and find_spec("clarabel"):
        from counterpoint.solvers.bounds.hydrothermal_soc import soc_bound

        return max(solved.objective, soc_bound(instance, scenario, deadline - time.monotonic()))
    return solved.objective


def relaxed_stages(instance: Hydrothermal) -> tuple[StageModel, ...]:
    """Return stages that cost at most what those of the instance cost, and are linear: its own unless under ``ac``."""
    return _network_flow(instance) if instance.network_kind == "ac" else stage_models(instance)


@lru_cache(maxsize=4)
def _program(instance: Hydrothermal) -> WarmProgram:
    stages = instance.reported_stages
    tree = chain(np.zeros((stages, instance.num_reservoirs)))
    return WarmProgram(extensive_form(relaxed_stages(instance), tree, instance.discount))


def _network_flow(instance: Hydrothermal) -> tuple[StageModel, ...]:
    """Return the network flow relaxation of ``ac``: flows of a transport network, and power may vanish at every bus.

    Why it has every AC operation among its solutions: let a branch's flow be the active power f that enters at its from
    end, so |f| <= rating. At its to end -f + loss enters. The loss is at least 0 where the resistance and the
    conductances are (series and shunt elements of the pi circuit then only consume; the ideal transformer does
    neither), so what arrives is at most f. Elsewhere the loss is still at least -2 rating, by the limits of both ends.
    A bus's shunt takes conductance * v^2, at least the lesser of that at the voltage's ends. So supply less outgoing
    flows is at least demand less these allowances, which is the row; reactive power and angles are left out.
    """
    network = instance.network
    taken = network.shunt_conductance * np.array((network.min_voltage, network.max_voltage)) ** 2
    allowance = network.shunt_conductance - taken.min(0)  # the transport network has the shunt at voltage 1
    parts = (network.resistance, network.from_conductance, network.to_conductance)
    is_passive = (np.array(parts) >= 0).all(0)
    np.add.at(allowance, network.to_bus, np.where(is_passive, 0.0, 2 * network.rating))
    relaxed = []
    for model in stage_models(instance, "transport"):
        row_lower, row_upper = model.row_lower.copy(), model.row_upper.copy()
        row_lower[model.rows["power"]] -= allowance
        row_upper[model.rows["power"]] = np.inf
        cost, col_lower, col_upper = model.cost.copy(), model.col_lower.copy(), model.col_upper.copy()
        flow = model.columns["flow"]
        cost[flow], col_lower[flow], col_upper[flow] = 0.0, -network.rating, network.rating
        relaxed.append(replace(model, cost=cost, col_lower=col_lower, col_upper=col_upper,
                               row_lower=row_lower, row_upper=row_upper))  # fmt: skip
    return tuple(relaxed)
