"""What no operation under ``ac`` can cost less than in one scenario with all inflows known: cones over the horizon.

The program of `solvers.bounds.hydrothermal` with the second-order cone relaxation of every stage (`stage.cones`) in the
place of the network flow relaxation: tighter, since losses, voltages and reactive power count, and slower. The bound is
what Clarabel's multipliers prove, see `stage.clarabel`.
"""

import time
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import sparse

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Scenario
from counterpoint.simulators.stage.clarabel import ClarabelStage
from counterpoint.simulators.stage.cones import ConicModel, conic_models
from counterpoint.simulators.stage.model import INFEASIBLE, OPTIMAL
from counterpoint.solvers.mip.hydrothermal import box_bound, chain, extensive_form


def soc_bound(instance: Hydrothermal, scenario: Scenario, time_limit_s: float, horizon: int | None = None) -> float:
    """Return a lower bound on what the first stages cost in this scenario, of every policy, even one that knows it.

    Parameters
    ----------
    instance : Hydrothermal
    scenario : Scenario
    time_limit_s : float
        Wall seconds. Where they do not suffice, the bound is what the columns' bounds alone cost: weak, not wrong.
    horizon : int, optional
        Stages to plan and pay for; default: the reported ones.

    Raises
    ------
    InstanceError
        If the scenario is shorter, or no operation is feasible in it.
    """
    deadline = time.monotonic() + time_limit_s
    stages = instance.reported_stages if horizon is None else horizon
    if len(scenario.inflow) < stages:
        raise InstanceError(f"a scenario of {len(scenario.inflow)} stages, expected {stages} or more")
    stage = _stage(instance, stages)
    stage.time_limit_s = deadline - time.monotonic()
    initial, inflow = instance.reservoirs.initial_volume[None], scenario.inflow[:stages].reshape(1, -1)
    solved = stage.solve_many(initial, inflow) if stage.time_limit_s > 0 else None
    if solved is not None and solved.status[0] == INFEASIBLE:
        raise InstanceError("no operation of the system is feasible in this scenario")
    weak = box_bound(stage.model)
    return max(weak, float(solved.objective[0])) if solved is not None and solved.status[0] == OPTIMAL else weak


@lru_cache(maxsize=4)
def _stage(instance: Hydrothermal, stages: int) -> ClarabelStage:
    """Return the stages as one stage whose noise is all the inflows in a row."""
    conics = conic_models(instance)
    tree = chain(np.zeros((stages, instance.num_reservoirs)))
    whole = extensive_form(tuple(conic.linear for conic in conics), tree, instance.discount)
    eye = sparse.eye_array(stages, format="csr")
    cones = conics[0]  # they do not depend on demand
    return ClarabelStage(
        ConicModel(
            replace(whole, columns={}, rows={}),
            sparse.kron(eye, cones.cone_matrix, "csr"),
            np.tile(cones.cone_offset, stages),
            np.tile(cones.cone_sizes, stages),
        )
    )
