"""The stages of a hydrothermal system as what training needs: any stages, any states, targets; costs and prices."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import FloatArray, IntArray, StageModel, StageResults
from counterpoint.simulators.stage.parallel import StagePool
from counterpoint.simulators.stage.soft_target import soft_targets, solve_softly


class Stages:
    """Solves stages towards targets, on several workers.

    Parameters
    ----------
    instance : Hydrothermal
        Operated under its `network_kind`.
    workers : int, optional
        Default: the processors that this process may use.
    penalty : float, optional
        Of a unit of storage beside its target; None: targets are constraints. Not under ``ac`` itself.
    models : sequence of StageModel, optional
        What stands for the stages, as from `linear_models`; under ``ac`` None is the full equations.
    """

    def __init__(
        self,
        instance: Hydrothermal,
        workers: int | None = None,
        penalty: float | None = None,
        models: Sequence[StageModel] | None = None,
    ) -> None:
        self.workers, self.penalty = workers, penalty
        self.is_ac = instance.network_kind == "ac" and models is None
        if self.is_ac:
            from counterpoint.simulators.stage.ac import AcStage

            self.makes: list[Any] = [partial(AcStage, instance, row) for row in range(len(instance.network.demand))]
        else:
            from counterpoint.simulators.stage.dual_simplex import linear_stage

            models = linear_models(instance) if models is None else models
            soft = models if penalty is None else tuple(soft_targets(model, penalty) for model in models)
            self.makes = [partial(linear_stage, model) for model in soft]
        self.pools: dict[int, StagePool] = {}

    def __call__(self, stage: IntArray, state: FloatArray, noise: FloatArray, target: FloatArray) -> StageResults:
        """Solve N stages: numbers [N] from 0, states, noises and targets [N, H]."""
        row = stage % len(self.makes)
        parts = [(np.flatnonzero(row == r), int(r)) for r in np.unique(row)]
        found = [(at, self._solve(r, state[at], noise[at], target[at])) for at, r in parts]
        if len(found) == 1:
            return found[0][1]
        order = np.argsort(np.concatenate([at for at, _ in found]))
        keys = ("objective", "stage_cost", "state_out", "dual_state", "dual_target", "status")
        return StageResults(*(np.concatenate([getattr(part, key) for _, part in found])[order] for key in keys))

    def fresh(self) -> None:
        """Forget what was solved: where optima are not unique, prices depend on what a warm solver solved before.

        Not needed under ``ac``, where every problem is solved from the same point.
        """
        if not self.is_ac:
            self.close()

    def close(self) -> None:
        """End the workers."""
        for pool in self.pools.values():
            pool.close()
        self.pools = {}

    def _solve(self, row: int, state: FloatArray, noise: FloatArray, target: FloatArray) -> StageResults:
        if row not in self.pools:
            self.pools[row] = StagePool(self.makes[row], workers=self.workers, uses_processes=self.is_ac)
        if self.penalty is None:
            return self.pools[row].solve_many(state, noise, target)
        return solve_softly(self.pools[row], state, noise, target)


def linear_models(instance: Hydrothermal) -> tuple[StageModel, ...]:
    """Return the stages as linear programs, one for each row of demand; under ``ac`` its relaxation (`tangents`)."""
    if instance.network_kind == "ac":
        from counterpoint.simulators.stage.tangents import tangent_models

        return tangent_models(instance)
    return stage_models(instance)


def greatest_cost(models: Sequence[StageModel]) -> float:
    """Return the greatest cost of a unit of anything in a stage: what "auto" penalties are."""
    return max(float(np.abs(model.cost).max()) for model in models)
