"""A node's solvers: a few of them side by side, each with a fixed share of every batch.

A warm simplex may return another of several optima when it has solved other problems before. So the shares are fixed by
the number of lanes, which is an option, and never by the number of workers: results do not depend on those.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.simulators.stage.model import (
    INFEASIBLE,
    OPTIMAL,
    FloatArray,
    IntArray,
    StageModel,
    StageResults,
    StageSolver,
)
from counterpoint.solvers.sddp.cuts import CutPool
from counterpoint.solvers.sddp.graph import Node
from counterpoint.solvers.sddp.tours import tour_of

MakeSolver = Callable[..., StageSolver]
"""``make(model, weights=..., theta_lower=...)``, as `linear_stage`, `HighsStage` and `ClarabelStage` do."""
LEAST_SHARE = 4  # problems a lane is worth starting for


@dataclass(slots=True, eq=False)
class NodeSolver:
    """The solvers of one node.

    Parameters
    ----------
    node : Node
    solvers : tuple of StageSolver
        One a lane.
    pool : CutPool, optional
        Of its future; None: it has none.
    threads : ThreadPoolExecutor, optional
        None: lanes run one after another.

    Attributes
    ----------
    tour : int64 array
        The order in which the node's noises are best solved.
    """

    node: Node
    solvers: tuple[StageSolver, ...]
    pool: CutPool | None = None
    threads: ThreadPoolExecutor | None = None
    tour: IntArray = field(init=False)
    num_solved: int = 0
    _held: Any = None  # bool [C, K], the cuts in the solvers

    def __post_init__(self) -> None:
        self.tour = tour_of(self.node.noise)

    def solve(self, state: FloatArray, noise: FloatArray, *, wants_x: bool = False) -> StageResults:
        """Solve for states [N, S] and noises [N, W].

        Raises
        ------
        InstanceError
            If one has no optimum: nothing that is not optimal becomes a number.
        """
        count = len(state)
        lanes = max(1, min(len(self.solvers), count // LEAST_SHARE))
        ends = [count * lane // lanes for lane in range(lanes + 1)]
        shares = list(zip(self.solvers, ends[:-1], ends[1:], strict=False))

        def run(share: tuple[StageSolver, int, int]) -> StageResults:
            solver, first, last = share
            return solver.solve_many(state[first:last], noise[first:last], wants_x=wants_x)

        parts = list(map(run, shares) if self.threads is None or lanes == 1 else self.threads.map(run, shares))
        self.num_solved += count
        results = parts[0] if len(parts) == 1 else _joined(parts)
        if bad := np.flatnonzero(results.status != OPTIMAL).tolist():
            raise _no_optimum(self.node, state[bad[0]], noise[bad[0]], int(results.status[bad[0]]))
        return results

    def add_cuts(self, num_new: int, *, refresh: bool) -> None:
        """Hand the last cuts of the pool to the solvers; with `refresh`, exactly those that are active."""
        pool = self.pool
        if pool is None:
            return
        new = np.ones((num_new, pool.num_thetas), np.bool_)
        self._held = new if self._held is None else np.r_[self._held, new]
        if refresh and (pool.active != self._held).any():
            self._held = pool.active
            cut, which = np.nonzero(self._held)
            for solver in self.solvers:
                solver.set_cuts(which, pool.intercept[cut, which], pool.slope[cut, which])
            return
        last = slice(pool.count - num_new, pool.count)
        theta = np.tile(np.arange(pool.num_thetas), num_new)
        intercept, slope = pool.intercept[last].ravel(), pool.slope[last].reshape(-1, pool.num_states)
        for solver in self.solvers:
            solver.add_cuts(theta, intercept, slope)


def _joined(parts: Sequence[StageResults]) -> StageResults:
    columns: dict[str, Any] = {f.name: [getattr(part, f.name) for part in parts] for f in fields(StageResults)}
    merged: dict[str, Any] = {key: None if c[0] is None else np.concatenate(c) for key, c in columns.items()}
    return StageResults(**merged)


def _no_optimum(node: Node, state: FloatArray, noise: FloatArray, status: int) -> InstanceError:
    model: StageModel = node.model
    with np.printoptions(threshold=12, precision=6):
        what = "is infeasible" if status == INFEASIBLE else "was not solved to an optimum"
        return InstanceError(
            f"the stage {what} for state {state} and noise {noise}. Every state that can be reached must leave the "
            "stage feasible (relatively complete recourse): give what cannot be met a price (deficit, slack). Check "
            f"the bounds of its {model.num_cols} columns, that its cost is bounded, and the size of its numbers",
            place=("nodes", node.name),
        )
