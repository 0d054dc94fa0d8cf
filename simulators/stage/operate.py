"""The operation of a stage under the network that counts: what every policy uses to act.

A policy says what water is worth (cuts), or where storages should go (a target), or nothing (myopic); the cheapest
operation of the stage follows from that and from the instance's network.

Which of several equally cheap operations is taken matters later on: where water is worth nothing, the order in which
reservoirs are listed would change costs by a tenth. So ties are broken: water is kept rather than spilled, where it can
do most work and in the largest stores first (`tie_breaks`); what is reported is free of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch
from counterpoint.simulators.stage.cascade import Cascade, cascade_of, energy_per_volume
from counterpoint.simulators.stage.hydrothermal import angle_matrix, dispatch_of, stage_models
from counterpoint.simulators.stage.model import INFEASIBLE, OPTIMAL, StageModel, StageResults, StageSolver

TIE_BREAK = 1e-6  # of the dearest power; ten times less is lost in the tolerance of reduced costs

Cuts = tuple[FloatArray, FloatArray, float]  # intercept [C], slope [C, H], and what the future costs at least


@dataclass(slots=True, eq=False)
class Operator:
    """Operates a system stage by stage, with solvers that stay warm.

    Parameters
    ----------
    instance : Hydrothermal
        Operated under its `network_kind`.

    Examples
    --------
    >>> from counterpoint.datasets.hydrothermal.public import build
    >>> operator = Operator(build("case3"))
    >>> operator.dispatch(0, np.array([0.18]), np.array([80.0])).generation.round(3).tolist()
    [0.251, 0.0, 0.749]
    """

    instance: Hydrothermal
    _models: tuple[StageModel, ...] = field(init=False, repr=False)
    _keep: FloatArray = field(init=False, repr=False)
    _cascade: Cascade = field(init=False, repr=False)
    _angles: Any = field(init=False, repr=False)
    _solvers: dict[tuple[int, int], tuple[StageSolver, Cuts | None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        kind = self.instance.network_kind
        self._keep = tie_breaks(self.instance)
        self._models = tuple(_less(model, self._keep) for model in stage_models(self.instance)) if kind != "ac" else ()
        self._angles = angle_matrix(self.instance) if kind == "dc" else None
        self._cascade = cascade_of(self.instance)
        self._solvers = {}

    def dispatch(
        self,
        stage: int,
        storage: FloatArray,
        inflow: FloatArray,
        *,
        target: FloatArray | None = None,
        cuts: Cuts | None = None,
    ) -> Dispatch:
        """Return the cheapest operation of a stage.

        Parameters
        ----------
        stage : int
            From 0.
        storage : float64 array [H]
            At the start; moved to within its bounds.
        inflow : float64 array [H]
        target : float64 array [H], optional
            Storage that the stage must end with; moved to what can be reached.
        cuts : (intercept float64 [C], slope float64 [C, H], float), optional
            What the storage left behind will cost: at least ``intercept + slope @ storage``, and at least the number;
            in money of this stage. Solvers of a stage are kept, so hand in the same arrays every time.

        Raises
        ------
        InstanceError
            If the stage is infeasible.
        """
        targets = None if target is None else target[None]
        results = self.solve(stage, storage[None], inflow[None], target=targets, cuts=cuts)
        solver = self._solver(stage, cuts)
        x: Any = results.x
        held = self._held(storage)
        if self.instance.network_kind == "ac":
            from counterpoint.simulators.stage.ac import dispatch_of_ac

            return dispatch_of_ac(self.instance, solver.model, x[0], held, inflow)
        return dispatch_of(self.instance, solver.model, x[0], held, inflow, angles=self._angles)

    def solve(
        self,
        stage: int,
        storage: FloatArray,
        inflow: FloatArray,
        *,
        target: FloatArray | None = None,
        cuts: Cuts | None = None,
    ) -> StageResults:
        """Return the solutions of the same for N storages [N, H], inflows [N, H] and targets [N, H]; see `dispatch`.

        Raises
        ------
        InstanceError
            If one of them is infeasible.
        """
        solver, storage = self._solver(stage, cuts), self._held(storage)
        if target is None:
            results = solver.solve_many(storage, inflow, wants_x=True)
        else:
            near = self._reachable(storage, inflow, target)
            results = solver.solve_many(storage, inflow, near, wants_x=True)
            stuck = np.flatnonzero(results.status != OPTIMAL)
            if len(stuck):  # the network does not take the power of what must come from upstream
                near = self._reachable(storage[stuck], inflow[stuck], target[stuck], counts_turbines=False)
                _put(results, stuck, solver.solve_many(storage[stuck], inflow[stuck], near, wants_x=True))
        if len(bad := np.flatnonzero(results.status != OPTIMAL)):
            raise _infeasible(stage, storage[bad[0]], inflow[bad[0]], int(results.status[bad[0]]))
        kept = results.state_out @ self._keep
        return replace(results, objective=results.objective + kept, stage_cost=results.stage_cost + kept)

    def _held(self, storage: FloatArray) -> FloatArray:
        return np.clip(storage, 0.0, self.instance.reservoirs.max_volume)

    def _reachable(
        self, storage: FloatArray, inflow: FloatArray, target: FloatArray, *, counts_turbines: bool = True
    ) -> FloatArray:
        """Move targets to where water can be, given the targets upstream."""
        return self._cascade.targets(
            storage, inflow, lambda reservoir, _lower, _upper: target[:, reservoir], counts_turbines=counts_turbines
        )

    def _solver(self, stage: int, cuts: Cuts | None) -> StageSolver:
        """Return the solver of a stage with these cuts; without cuts, stages of the same demand share one."""
        row = stage % len(self.instance.network.demand)
        key = (row, -1 if cuts is None else stage)
        solver, held = self._solvers.get(key, (None, None))
        if solver is None or (cuts is not None and held is not None and held[2] != cuts[2]):
            solver, held = self._new_solver(row, () if cuts is None else (cuts[2],)), None
        if cuts is not None and (held is None or any(a is not b for a, b in zip(held[:2], cuts[:2], strict=True))):
            solver.set_cuts(np.zeros(len(cuts[0]), np.int64), cuts[0], cuts[1])
        self._solvers[key] = solver, cuts
        return solver

    def _new_solver(self, row: int, theta_lower: Iterable[float]) -> StageSolver:
        lower = tuple(theta_lower)
        weights = (1.0,) * len(lower)
        if self.instance.network_kind == "ac":
            from counterpoint.simulators.stage.ac import AcStage

            return AcStage(self.instance, row, weights=weights, theta_lower=lower, worth=self._keep)
        from counterpoint.simulators.stage.dual_simplex import linear_stage

        return linear_stage(self._models[row], weights=weights, theta_lower=lower)


def tie_breaks(instance: Hydrothermal) -> FloatArray:
    """Return what a unit of stored water is taken to be worth when nothing else tells, float64 [H].

    That is `TIE_BREAK` of the dearest generator's cost for the energy that the water can give, times 1 to 2 by the
    store's rank in energy: enough for a solver to see, too little to move a price.
    """
    energy = energy_per_volume(instance)
    capacity = energy * instance.reservoirs.max_volume
    rank = np.searchsorted(np.sort(capacity), capacity, "right") / len(capacity)
    dearest = np.abs(instance.generators.cost).max(initial=0.0) or instance.network.deficit_cost.max(initial=0.0)
    return np.asarray(TIE_BREAK * dearest * energy * (1.0 + rank), np.float64)


def _less(model: StageModel, worth: FloatArray) -> StageModel:
    cost = model.cost.copy()
    cost[model.state_out] -= worth
    return replace(model, cost=cost)


def _put(results: StageResults, at: Any, some: StageResults) -> None:
    for key in ("objective", "stage_cost", "state_out", "dual_state", "dual_target", "status", "x"):
        getattr(results, key)[at] = getattr(some, key)


def _infeasible(stage: int, storage: FloatArray, inflow: FloatArray, status: int) -> InstanceError:
    where = f"storages {np.array2string(storage, threshold=8)} and inflows {np.array2string(inflow, threshold=8)}"
    if status == INFEASIBLE:
        return InstanceError(f"stage {stage} is infeasible: no operation balances water and power with {where}")
    return InstanceError(f"stage {stage} could not be solved with {where}: the solver failed")
