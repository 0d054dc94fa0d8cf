"""Many scenarios of a hydrothermal system at once, stage by stage: the batched twin of `simulators.hydrothermal`.

The same operator solves the same stages, N at a time, so that costs are those of the SimPy reference; where a stage has
several optima the two may carry on from different ones, and then from different storages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Scenario
from counterpoint.simulators.stage.operate import Cuts, Operator

Targets = Callable[[int, FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class RollOut:
    """N scenarios as they were run over T stages.

    Parameters
    ----------
    cost : float64 array [N]
        Discounted.
    stage_cost : float64 array [N, T]
        Undiscounted.
    storage : float64 array [N, T, H]
        At the end of each stage.
    water_value : float64 array [N, T, H]
        What one unit more at the start of the stage would have saved, then and later.
    """

    cost: FloatArray
    stage_cost: FloatArray
    storage: FloatArray
    water_value: FloatArray


def roll_out(
    instance: Hydrothermal,
    scenarios: Sequence[Scenario],
    *,
    cuts: Sequence[Cuts] | None = None,
    targets: Targets | None = None,
    stages: int | None = None,
    operator: Operator | None = None,
) -> RollOut:
    """Run a policy through scenarios; without cuts and targets, the one of least cost now.

    Parameters
    ----------
    instance : Hydrothermal
    scenarios : sequence of Scenario
    cuts : sequence of (intercept, slope, least), optional
        What the storage left behind costs, for every stage; see `Operator.dispatch`.
    targets : callable, optional
        ``targets(stage, storage [N, H], inflow [N, H])`` returns where storages should go, [N, H]; they are moved to
        what can be reached.
    stages : int, optional
        Default: the reported ones.
    operator : Operator, optional
        One whose solvers are warm.

    Raises
    ------
    OptionError
        If there are both cuts and targets, or cuts of too few stages.
    InstanceError
        If a stage is infeasible.
    """
    count = instance.reported_stages if stages is None else stages
    if cuts is not None and targets is not None:
        raise OptionError("a policy has cuts or targets, not both")
    if cuts is not None and len(cuts) < count:
        raise OptionError(f"cuts of {len(cuts)} stages for {count}")
    if not 0 < count <= instance.horizon:
        raise OptionError(f"stages must be in 1..{instance.horizon}, not {count}")
    if any(s.inflow.shape != (instance.horizon, instance.num_reservoirs) for s in scenarios) or not scenarios:
        raise InstanceError(f"expected scenarios of {instance.horizon} stages and {instance.num_reservoirs} reservoirs")
    operator = Operator(instance) if operator is None else operator
    inflow = np.stack([s.inflow for s in scenarios])  # [N, T, H]
    held = np.tile(instance.reservoirs.initial_volume, (len(inflow), 1))
    stage_cost = np.empty((len(inflow), count))
    storage, water_value = (np.empty((len(inflow), count, instance.num_reservoirs)) for _ in range(2))
    for t in range(count):
        target = None if targets is None else targets(t, held, inflow[:, t])
        found = operator.solve(t, held, inflow[:, t], target=target, cuts=None if cuts is None else cuts[t])
        held = np.clip(found.state_out, 0.0, instance.reservoirs.max_volume)
        stage_cost[:, t], storage[:, t], water_value[:, t] = found.stage_cost, held, -found.dual_state
    return RollOut(stage_cost @ instance.discount ** np.arange(count), stage_cost, storage, water_value)
