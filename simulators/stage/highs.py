"""A stage problem held by one HiGHS object and solved again and again from the last basis.

HiGHS: Huangfu and Hall 2018 (Math. Prog. Comp. 10:119-142). A right-hand side moves only the bounds of the rows that
state or noise enter, in one call; everything else stays in the solver. What is done about hot starts that go wrong
(HiGHS issues 1561, 2913, 3294): serial dual simplex, presolve off, one thread; a sample of the problems, and every
one whose residuals are large or that is not optimal, is solved again from nothing, and differences are counted and
logged.
"""

import logging
from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from counterpoint.simulators.stage.model import (
    FAILED,
    INFEASIBLE,
    OPTIMAL,
    FloatArray,
    IntArray,
    StageModel,
    StageResults,
)

_STATUS = highspy.HighsModelStatus
STATUSES = {_STATUS.kOptimal: OPTIMAL, _STATUS.kInfeasible: INFEASIBLE}
"""Every other status is FAILED."""
CHECK_EVERY = 100  # problems, of which one is solved again from nothing
MOST_RESIDUAL = 1e-6  # above it a problem is solved again from nothing
AGREEMENT = 1e-7  # relative, of objectives

_log = logging.getLogger(__name__)


class HighsStage:
    """A `StageSolver` over HiGHS.

    Parameters
    ----------
    model : StageModel
    weights : sequence of float
        Of the future costs theta in the objective; none: no future.
    theta_lower : sequence of float
        Lower bounds of the future costs, one each, finite.

    Attributes
    ----------
    solved, checked, disagreed : int
        Problems solved, those solved again from nothing, and those of them where the objectives differed.
    num_cuts : int

    Raises
    ------
    ValueError
        If weights and bounds do not fit together, or HiGHS refuses the model.
    """

    def __init__(self, model: StageModel, *, weights: Sequence[float] = (), theta_lower: Sequence[float] = ()) -> None:
        self.model = model
        self.weights = np.array(weights, np.float64)
        self.theta_lower = np.array(theta_lower, np.float64)
        if self.weights.shape != self.theta_lower.shape or self.weights.ndim != 1:
            raise ValueError(f"{len(self.weights)} future costs need as many lower bounds, not {len(self.theta_lower)}")
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all() and np.isfinite(self.theta_lower).all()):
            raise ValueError("future costs need finite weights of at least 0 and finite lower bounds")
        self.solved = self.checked = self.disagreed = self.num_cuts = 0
        self._has_target = False
        touched = np.diff(model.state_matrix.indptr) + np.diff(model.noise_matrix.indptr) > 0
        self._moving: npt.NDArray[np.int32] = np.flatnonzero(touched).astype(np.int32)
        self._state_rows = np.flatnonzero(np.diff(model.state_matrix.indptr))
        self._state_part = -model.state_matrix[self._state_rows].toarray()  # [rows, S]
        self._state_out: npt.NDArray[np.int32] = model.state_out.astype(np.int32)
        self._highs = _loaded(model, self.weights, self.theta_lower)

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N incoming states [N, S], noises [N, W] and, if given, targets [N, S] of the outgoing state."""
        model, moving, solver = self.model, self._moving, self._highs
        state, noise = np.asarray(state, np.float64), np.asarray(noise, np.float64)
        count = len(state)
        shift = model.shift(state, noise)[:, moving]
        lower = np.ascontiguousarray(model.row_lower[moving] - shift)
        upper = np.ascontiguousarray(model.row_upper[moving] - shift)
        n, size = model.num_cols, model.num_cols + len(self.weights)
        x = np.full((count, size), np.nan)
        dual = np.full((count, len(self._state_rows)), np.nan)
        dual_target = (
            np.zeros((count, model.num_states)) if target is None else np.full((count, model.num_states), np.nan)
        )
        status = np.full(count, FAILED)
        self._free_targets(target is None)
        for i in range(count):
            solver.changeRowsBounds(len(moving), moving, lower[i], upper[i])
            if target is not None:
                solver.changeColsBounds(len(self._state_out), self._state_out, target[i], target[i])
            status[i] = self._solve()
            if status[i] == OPTIMAL:
                found = solver.getSolution()
                x[i] = found.col_value
                dual[i] = np.array(found.row_dual)[self._state_rows]
                if target is not None:
                    dual_target[i] = np.array(found.col_dual)[self._state_out]
        stage_cost = x[:, :n] @ model.cost + model.offset
        objective = stage_cost + x[:, n:] @ self.weights if len(self.weights) else stage_cost.copy()
        return StageResults(
            objective=objective,
            stage_cost=stage_cost,
            state_out=x[:, model.state_out],
            dual_state=dual @ self._state_part,
            dual_target=dual_target,
            status=status,
            x=x[:, :n] if wants_x else None,
        )

    def add_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add C cuts ``theta[k] >= intercept + slope @ x[state_out]``: theta [C], intercept [C], slope [C, S]."""
        theta, intercept = np.asarray(theta, np.int64), np.asarray(intercept, np.float64)
        slope = np.asarray(slope, np.float64).reshape(len(theta), self.model.num_states)
        if len(theta) == 0:
            return
        if theta.min() < 0 or theta.max() >= len(self.weights):
            raise ValueError(f"a cut on a future cost that is not one of {len(self.weights)}")
        if not (np.isfinite(intercept).all() and np.isfinite(slope).all()):
            raise ValueError("a cut must be finite")
        c, s = slope.shape
        index = np.empty((c, s + 1), np.int32)
        index[:, 0] = self.model.num_cols + theta
        index[:, 1:] = self._state_out
        value = np.concatenate([np.ones((c, 1)), -slope], axis=1)
        start = np.arange(c, dtype=np.int32) * (s + 1)
        self._highs.addRows(c, intercept, np.full(c, np.inf), value.size, start, index.ravel(), value.ravel())
        self.num_cuts += c

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts."""
        if self.num_cuts:
            first = self.model.num_rows
            gone = np.arange(first, first + self.num_cuts, dtype=np.int32)
            self._highs.deleteRows(len(gone), gone)
            self.num_cuts = 0
        self.add_cuts(theta, intercept, slope)

    def _free_targets(self, is_free: bool) -> None:
        """Give the outgoing state its own bounds again after problems with targets."""
        if is_free and self._has_target:
            out, model = self._state_out, self.model
            self._highs.changeColsBounds(len(out), out, model.col_lower[out], model.col_upper[out])
        self._has_target = not is_free

    def _solve(self) -> int:
        """Solve, from nothing too where that is due; return the status."""
        solver = self._highs
        solver.run()
        status = STATUSES.get(solver.getModelStatus(), FAILED)
        self.solved += 1
        info = solver.getInfo()
        is_off = status != OPTIMAL or max(info.max_primal_infeasibility, info.max_dual_infeasibility) > MOST_RESIDUAL
        if not is_off and self.solved % CHECK_EVERY:
            return status
        warm = info.objective_function_value
        solver.clearSolver()
        solver.run()
        cold_status, cold = STATUSES.get(solver.getModelStatus(), FAILED), solver.getInfo().objective_function_value
        self.checked += 1
        if cold_status != status or (status == OPTIMAL and abs(cold - warm) > AGREEMENT * max(1.0, abs(cold))):
            self.disagreed += 1
            _log.warning("HiGHS from the last basis: status %d, %.12g; from nothing: %d, %.12g; the latter is kept",
                         status, warm, cold_status, cold)  # fmt: skip
        return cold_status


def _loaded(model: StageModel, weights: FloatArray, theta_lower: FloatArray) -> Any:
    solver = highspy.Highs()
    for key, value in (("output_flag", False), ("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 1),
                       ("threads", 1), ("parallel", "off")):  # fmt: skip
        if solver.setOptionValue(key, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS refuses the option {key}")
    k = len(weights)
    matrix = sparse.csr_array(model.matrix)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.num_cols + k, model.num_rows
    lp.col_cost_ = np.concatenate([model.cost, weights])
    lp.col_lower_ = np.concatenate([model.col_lower, theta_lower])
    lp.col_upper_ = np.concatenate([model.col_upper, np.full(k, np.inf)])
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = lp.num_col_, lp.num_row_
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if solver.passModel(lp) == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refuses the stage's model: check its bounds and coefficients")
    return solver
