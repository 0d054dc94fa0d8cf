"""One stage with second-order cones, by Clarabel, an interior-point solver (Goulart and Chen 2024, arXiv 2405.12762).

The solver is set up once for a set of cuts, and only its right-hand side changes after that. An interior-point dual is
feasible up to a small residual only, and a cut must never lie above what it cuts off. So `StageResults.objective` is
what the multipliers prove: their dual objective less what the residual can be worth between the columns' bounds.
"""

from typing import Any

import clarabel
import numpy as np
from scipy import sparse

from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.cones import ConicModel
from counterpoint.simulators.stage.model import (
    FAILED,
    INFEASIBLE,
    OPTIMAL,
    StageResults,
    checked_cuts,
    joined_cuts,
)

TOLERANCE = 1e-8
FEASIBILITY = 1e-9  # what a residual is worth is what a proven bound loses
STEPS = (0.99, 0.9, 0.7)  # of the way to the boundary; what stalls with long steps is tried with shorter ones
GAP = 1e-7  # relative, between cost and what is proven, at which what Clarabel calls almost solved is solved
ROOM = 1e3  # how far, relative to the solution, a column without any bound is taken to go


class ClarabelStage:
    """A stage with cones: `StageSolver` over Clarabel.

    Parameters
    ----------
    conic : ConicModel
    weights, theta_lower : sequence of float
        Of the future costs; none: no future cost.

    Attributes
    ----------
    time_limit_s : float
        Wall seconds for one problem; beyond them it has failed.
    """

    def __init__(self, conic: ConicModel, *, weights: Any = (), theta_lower: Any = ()) -> None:
        self.conic, self.model, self.time_limit_s = conic, conic.linear, np.inf
        self.weights, self.theta_lower = np.array(weights, np.float64), np.array(theta_lower, np.float64)
        if self.weights.shape != self.theta_lower.shape or not np.isfinite(self.theta_lower).all():
            raise ValueError("expected a finite lower bound for every future cost")
        self._theta, self._intercept = np.zeros(0, np.int64), np.zeros(0)
        self._slope = np.zeros((0, self.model.num_states))
        self._held: dict[bool, _Held] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the solvers, which another process sets up anew."""
        return {**self.__dict__, "_held": {}}

    def add_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add C cuts: theta [C], intercept [C], slope [C, S]."""
        self.set_cuts(*joined_cuts((self._theta, self._intercept, self._slope), (theta, intercept, slope)))

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts."""
        self._theta, self._intercept, self._slope = checked_cuts(
            theta, intercept, slope, self.model.num_states, len(self.weights)
        )
        self._held = {}

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N states [N, S], noises [N, W] and, if given, targets [N, S]; see `StageSolver`."""
        has_target = target is not None
        if has_target not in self._held:
            self._held[has_target] = _Held(self, (self._theta, self._intercept, self._slope), has_target)
        held, model = self._held[has_target], self.model
        count, states = state.shape
        results = StageResults(
            objective=np.full(count, np.nan), stage_cost=np.full(count, np.nan),
            state_out=np.full((count, states), np.nan), dual_state=np.full((count, states), np.nan),
            dual_target=np.full((count, states), np.nan), status=np.full(count, FAILED, np.int64),
            x=np.full((count, model.num_cols), np.nan) if wants_x else None,
        )  # fmt: skip
        shift = model.shift(state, noise)
        for i in range(count):
            status, solution, right = held.solve(shift[i], None if target is None else target[i])
            results.status[i] = status
            if status != OPTIMAL:
                continue
            x, z = np.array(solution.x), np.array(solution.z)
            own = np.clip(x[: model.num_cols], model.col_lower, model.col_upper)
            results.objective[i] = held.proven(x, z, right) + model.offset
            results.stage_cost[i] = model.cost @ own + model.offset
            results.state_out[i] = own[model.state_out]
            results.dual_state[i] = held.by_state.T @ z
            results.dual_target[i] = -z[held.targets] if has_target else 0.0
            if results.x is not None:
                results.x[i] = own
        return results


class _Held:
    """Clarabel's form of a stage, ``A x + s = b`` with s in cones, and its solver."""

    def __init__(self, stage: ClarabelStage, cuts: tuple[IntArray, FloatArray, FloatArray], has_target: bool) -> None:
        conic, model, k = stage.conic, stage.model, len(stage.weights)
        n, states = model.num_cols + k, model.num_states
        free = np.full(k, np.inf)
        self.lower = np.concatenate([model.col_lower, stage.theta_lower])
        self.upper = np.concatenate([model.col_upper, free])
        self.cost = np.concatenate([model.cost, stage.weights])
        if has_target:  # the storage that goes on has no bounds of its own, so that the target has the whole price
            self.lower[model.state_out], self.upper[model.state_out] = -np.inf, np.inf
        eye, rows = sparse.eye_array(n, format="csr"), _padded(model.matrix, n)
        is_equal, fixed = model.row_lower == model.row_upper, self.lower == self.upper
        below, above = (np.isfinite(bound) & ~is_equal for bound in (model.row_lower, model.row_upper))
        low, high = (np.isfinite(bound) & ~fixed for bound in (self.lower, self.upper))
        aims = np.arange(n)[model.state_out] if has_target else np.zeros(0, np.int64)
        theta, intercept, slope = cuts
        c = len(theta)
        of_cuts = sparse.csr_array(
            (np.ones(c), (np.arange(c), model.num_cols + theta)), shape=(c, n)
        ) - sparse.csr_array(
            (slope.ravel(), (np.repeat(np.arange(c), states), np.tile(model.state_out, c))), shape=(c, n)
        )
        begins = int(is_equal.sum() + fixed.sum()) + len(aims) + int(above.sum() + below.sum())
        self.aims, self.low, self.high = aims, np.flatnonzero(low), np.flatnonzero(high)
        self.high_rows = slice(begins, begins + len(self.high))
        self.low_rows = slice(self.high_rows.stop, self.high_rows.stop + len(self.low))
        self.theta, self.theta_low = theta, np.arange(self.low_rows.stop - k, self.low_rows.stop)
        cone = _padded(conic.cone_matrix, n)
        blocks = [
            rows[is_equal],
            eye[fixed],
            eye[aims],
            rows[above],
            -rows[below],
            eye[high],
            -eye[low],
            -of_cuts,
            -cone,
        ]
        self.matrix = sparse.vstack(blocks, format="csc")
        self.right = np.concatenate([
            model.row_lower[is_equal], self.lower[fixed], np.zeros(len(aims)), model.row_upper[above],
            -model.row_lower[below], self.upper[high], -self.lower[low], -intercept, conic.cone_offset,
        ])  # fmt: skip
        equalities = int(is_equal.sum() + fixed.sum()) + len(aims)
        self.targets = slice(equalities - len(aims), equalities) if has_target else slice(0, 0)
        shifted = sparse.eye_array(model.num_rows, format="csr")
        rest = sparse.csr_array((len(self.right) - equalities - int(above.sum() + below.sum()), model.num_rows))
        pad = sparse.csr_array((equalities - int(is_equal.sum()), model.num_rows))
        # what a shift of the rows takes from the right-hand side, and how states move it
        self.shifts = sparse.vstack([shifted[is_equal], pad, shifted[above], -shifted[below], rest], format="csr")
        self.by_state = self.shifts @ model.state_matrix
        kinds = [clarabel.ZeroConeT(equalities),
                 clarabel.NonnegativeConeT(len(self.right) - equalities - len(conic.cone_offset)),
                 *(clarabel.SecondOrderConeT(int(size)) for size in conic.cone_sizes)]  # fmt: skip
        self.stage, self.kinds = stage, kinds
        self.solvers: list[Any] = [None] * len(STEPS)

    def solve(self, shift: FloatArray, target: FloatArray | None) -> tuple[int, Any, FloatArray]:
        """Return status, Clarabel's solution and the right-hand side."""
        right = self.right - self.shifts @ shift
        right[self.targets] = target if target is not None else 0.0
        status, solution = FAILED, None
        for attempt in range(len(STEPS)):
            solver = self._solver(attempt)
            settings = solver.get_settings()
            settings.time_limit = self.stage.time_limit_s
            solver.update(b=right, settings=settings)
            solution = solver.solve()
            said = str(solution.status)
            status = OPTIMAL if said == "Solved" else INFEASIBLE if said == "PrimalInfeasible" else FAILED
            if said == "AlmostSolved":
                x = np.array(solution.x)
                cost, proven = self.cost @ x, self.proven(x, np.array(solution.z), right)
                status = OPTIMAL if abs(cost - proven) <= GAP * max(1.0, abs(cost)) else FAILED
            if status != FAILED or said == "MaxTime":
                break
        return status, solution, right

    def _solver(self, attempt: int) -> Any:
        if self.solvers[attempt] is None:
            settings = clarabel.DefaultSettings()
            settings.verbose, settings.presolve_enable = False, False  # with presolve the right-hand side cannot change
            settings.tol_gap_abs = settings.tol_gap_rel = TOLERANCE
            settings.tol_feas = FEASIBILITY
            settings.max_step_fraction = STEPS[attempt]
            zero = sparse.csc_matrix((len(self.cost), len(self.cost)))
            matrix = sparse.csc_matrix(self.matrix)
            self.solvers[attempt] = clarabel.DefaultSolver(zero, self.cost, matrix, self.right, self.kinds, settings)
        return self.solvers[attempt]

    def proven(self, x: FloatArray, z: FloatArray, right: FloatArray) -> float:
        """Return what the multipliers prove, ``-right @ z + min over x within bounds of (c + A' z) @ x``.

        Where a column has one bound only, a residual of the wrong sign is first taken from that bound's multiplier,
        which comes to the column being at the bound. Multipliers of cuts are scaled to the weight of what they cut.
        """
        z = z.copy()
        of_cuts, k = slice(self.low_rows.stop, self.low_rows.stop + len(self.theta)), len(self.theta_low)
        total = np.bincount(self.theta, z[of_cuts], k) if len(self.theta) else np.zeros(k)
        wanted = self.cost[len(self.cost) - k :] - z[self.theta_low]
        scale = np.divide(wanted, total, out=np.ones(k), where=(total > 0) & (wanted > 0))
        z[of_cuts] *= scale[self.theta]
        residual = self.cost + self.matrix.T @ z
        lower, upper = self.lower.copy(), self.upper.copy()
        if self.targets.stop:
            lower[self.aims] = upper[self.aims] = right[self.targets]
        of_lower, of_upper = np.zeros(len(lower)), np.zeros(len(lower))
        of_lower[self.low], of_upper[self.high] = z[self.low_rows], z[self.high_rows]
        far = ROOM * (1.0 + np.abs(x))
        lowest = np.where(np.isfinite(lower), lower, np.where(of_upper >= residual, upper, -far))
        highest = np.where(np.isfinite(upper), upper, np.where(of_lower >= -residual, lower, far))
        return float(np.where(residual >= 0, residual * lowest, residual * highest).sum() - right @ z)


def _padded(matrix: Any, width: int) -> Any:
    m, n = matrix.shape
    return sparse.hstack([matrix, sparse.csr_array((m, width - n))], format="csr")
