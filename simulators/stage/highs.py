"""A stage problem held by one HiGHS object and solved again and again from the last basis.

HiGHS: Huangfu and Hall 2018 (Math. Prog. Comp. 10:119-142). A right-hand side moves only the bounds of the rows that
state or noise enter, in one call; everything else stays in the solver. The loop is compiled and holds no lock, so that
several objects work side by side in threads. What is done about hot starts that go wrong (HiGHS issues 1561, 2913,
3294): serial dual simplex, presolve off, one thread; a sample of the problems, and every one whose residuals are large
or that is not optimal, is solved again from nothing, and differences are counted and logged. What then still has no
status is solved by a new object (seen once in 100,000 Bolivian stages: "unknown", and optimal in a new object).
"""

import logging
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from counterpoint.opt.errors import MissingPackageError
from counterpoint.simulators.stage.model import (
    FAILED,
    INFEASIBLE,
    OPTIMAL,
    FloatArray,
    IntArray,
    StageModel,
    StageResults,
)

try:
    from counterpoint.simulators.stage import highs_library as library
    from counterpoint.simulators.stage.highs_kernels import IS_INFEASIBLE, IS_OPTIMAL, RESIDUALS, solve_rows
except MissingPackageError:  # a build of highspy without HiGHS' C functions: slower, the same numbers
    from counterpoint.simulators.stage import highs_python as library  # type: ignore[no-redef]
    from counterpoint.simulators.stage.highs_python import (  # type: ignore[no-redef,assignment]
        IS_INFEASIBLE,
        IS_OPTIMAL,
        RESIDUALS,
        solve_rows,
    )

CHECK_EVERY = 100  # problems, of which one is solved again from nothing
MOST_RESIDUAL = 1e-7  # relative; above it a problem is solved again from nothing
AGREEMENT = 1e-7  # relative, of objectives

STATUSES = np.full(64, FAILED)  # by HiGHS' own numbers
STATUSES[IS_OPTIMAL], STATUSES[IS_INFEASIBLE] = OPTIMAL, INFEASIBLE
MOST_DENSE = 10_000  # entries of a matrix that is multiplied as it is, zeros and all

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
        self._cuts = np.zeros((0, 2 + model.num_states))  # theta, intercept, slope, in the order of the rows
        touched = np.diff(model.state_matrix.indptr) + np.diff(model.noise_matrix.indptr) > 0
        self._moving: npt.NDArray[np.int32] = np.flatnonzero(touched).astype(np.int32)
        self._state_rows = np.flatnonzero(np.diff(model.state_matrix.indptr))
        self._state_part = -model.state_matrix[self._state_rows].toarray()  # [rows, S]
        self._moving_parts = tuple(_transposed(m[self._moving]) for m in (model.state_matrix, model.noise_matrix))
        self._moving_bounds = model.row_lower[self._moving], model.row_upper[self._moving]
        self._state_out: npt.NDArray[np.int32] = model.state_out.astype(np.int32)
        self._cost = np.r_[model.cost, self.weights]
        self._load()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy what is solved, never the solver: the other one starts from nothing."""
        return _copied, (self.model, self.weights, self.theta_lower, self._cuts)

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N incoming states [N, S], noises [N, W] and, if given, targets [N, S] of the outgoing state."""
        model, moving, n = self.model, self._moving, self.model.num_cols
        state, noise = _rows(state, model.num_states, "states"), _rows(noise, model.num_noises, "noises")
        count = len(state)
        targets = np.empty((0, model.num_states)) if target is None else _rows(target, model.num_states, "targets")
        if len(noise) != count or (target is not None and len(targets) != count):
            raise ValueError(f"{count} states need as many noises and targets")
        shift = state @ self._moving_parts[0] + noise @ self._moving_parts[1]
        x = np.full((count, n + len(self.weights)), np.nan)
        dual = np.full((count, len(self._state_rows)), np.nan)
        dual_target = np.full((count, model.num_states), np.nan if len(targets) else 0.0)
        objective, told = np.full(count, np.nan), np.zeros(count, np.int64)
        other = np.full((count, 2), np.nan)
        self._free_targets(target is None)
        lower, upper = self._moving_bounds[0] - shift, self._moving_bounds[1] - shift

        def solve(at: slice) -> int:
            checked, disagreed = solve_rows(
                self._handle, RESIDUALS, moving, lower[at], upper[at], self._state_out, targets[at], self._cost, x[at],
                self._state_rows, dual[at], dual_target[at], objective[at], told[at], other[at],
                model.num_rows + self.num_cuts, self.solved, CHECK_EVERY, MOST_RESIDUAL, AGREEMENT,
            )  # fmt: skip
            self.checked += checked
            self.disagreed += disagreed
            return disagreed

        disagreed = solve(slice(0, count))
        self.solved += count
        for i in np.flatnonzero(STATUSES[told] == FAILED):
            self._renew()  # what HiGHS remembers even when told to forget can keep it from an optimum
            disagreed += solve(slice(i, i + 1))
            if STATUSES[told[i]] == FAILED:  # dual simplex may end with rows that it cannot make feasible
                library.use_presolve(self._handle)
                disagreed += solve(slice(i, i + 1))
                self._renew()
        for i in np.flatnonzero(~np.isnan(other[:, 0])) if disagreed else ():
            _log.log(logging.WARNING if other[i, 0] == IS_OPTIMAL else logging.INFO,  # only a wrong optimum is news
                     "HiGHS from the last basis: status %d, %.12g; from nothing: %d, %.12g; the latter is kept",
                     *other[i], told[i], objective[i])  # fmt: skip
        return StageResults(
            objective=objective + model.offset,
            stage_cost=x[:, :n] @ model.cost + model.offset,
            state_out=x[:, model.state_out],
            dual_state=dual @ self._state_part,
            dual_target=dual_target,
            status=STATUSES[told],
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
        if not (np.isfinite(intercept).all() and np.isfinite(slope).all()) or intercept.shape != theta.shape:
            raise ValueError("a cut must be finite, with a future cost, an intercept and a slope each")
        c, s = slope.shape
        index = np.empty((c, s + 1), np.int32)
        index[:, 0] = self.model.num_cols + theta
        index[:, 1:] = self._state_out
        cuts = np.concatenate([self._cuts, np.column_stack([theta, intercept, slope])])
        self.num_cuts += c  # first: HiGHS fills arrays of so many rows, whatever interrupts what follows
        try:
            library.add_rows(self._handle, intercept, index, np.concatenate([np.ones((c, 1)), -slope], axis=1))
        except ValueError:
            self.num_cuts -= c
            raise
        self._cuts = cuts

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts; those that stay keep their place in the basis."""
        theta, intercept = np.asarray(theta, np.int64), np.asarray(intercept, np.float64)
        slope = np.asarray(slope, np.float64).reshape(len(theta), self.model.num_states)
        wanted = {row.tobytes(): i for i, row in enumerate(np.column_stack([theta, intercept, slope]))}
        gone = [i for i, row in enumerate(self._cuts) if wanted.pop(row.tobytes(), None) is None]
        if gone:
            library.delete_rows(self._handle, self.model.num_rows + np.array(gone))
            self._cuts = np.delete(self._cuts, gone, 0)
            self.num_cuts -= len(gone)
        new = sorted(wanted.values())
        self.add_cuts(theta[new], intercept[new], slope[new])

    def _load(self) -> None:
        """Hand the model to a new solver."""
        model, k = self.model, len(self.weights)
        self._handle = library.loaded(
            self._cost,
            (np.r_[model.col_lower, self.theta_lower], np.r_[model.col_upper, np.full(k, np.inf)]),
            (model.row_lower, model.row_upper),
            sparse.csr_array((model.matrix.data, model.matrix.indices, model.matrix.indptr),
                             shape=(model.num_rows, model.num_cols + k)),
        )  # fmt: skip
        self._end = weakref.finalize(self, library.destroy, self._handle)

    def _renew(self) -> None:
        """Go on with a new solver and the same cuts."""
        end = self._end
        self._load()
        end()  # last: whatever interrupts, the handle is of a solver that is there
        cuts, self._cuts, self.num_cuts = self._cuts, self._cuts[:0], 0
        self.add_cuts(cuts[:, 0].astype(np.int64), cuts[:, 1], cuts[:, 2:])

    def _free_targets(self, is_free: bool) -> None:
        """Give the outgoing state its own bounds again after problems with targets."""
        if is_free and self._has_target:
            out, model = self._state_out, self.model
            library.set_col_bounds(self._handle, out, model.col_lower[out], model.col_upper[out])
        self._has_target = not is_free


def _copied(model: StageModel, weights: FloatArray, theta_lower: FloatArray, cuts: FloatArray) -> HighsStage:
    stage = HighsStage(model, weights=weights, theta_lower=theta_lower)
    stage.add_cuts(cuts[:, 0].astype(np.int64), cuts[:, 1], cuts[:, 2:])
    return stage


def _transposed(matrix: sparse.csr_array) -> Any:
    """Return the transpose in the form that multiplies faster; contiguous results either way."""
    if matrix.shape[0] * matrix.shape[1] <= MOST_DENSE:
        return np.ascontiguousarray(matrix.toarray().T)
    return sparse.csr_array(matrix.T)


def _rows(given: FloatArray, width: int, what: str) -> FloatArray:
    array = np.ascontiguousarray(given, np.float64)
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(f"{what} must be of shape (N, {width}), not {array.shape}")
    if not np.isfinite(array).all():  # HiGHS would refuse the bounds and solve the problem before once more
        raise ValueError(f"{what} must be finite")
    return array
