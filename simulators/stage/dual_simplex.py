"""A stage problem of few rows, solved by a dual simplex method of our own; what it cannot prove goes to HiGHS.

HiGHS spends most of a small problem's time on its own preparations. Here a problem starts from the last basis with
nothing but its bounds changed (see `dual_simplex_loop`), and every optimum is proven before it is returned. Problems
that are infeasible, do not come to an end or cannot be proven are solved by `HighsStage`. The loop holds no lock of the
interpreter: threads run side by side.

Worth it up to some hundred rows, as the inverse is dense; cuts do not count but where they bind.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from scipy import sparse

from counterpoint.simulators.stage.dual_simplex_basis import BASIC, Basis, Program, fill_slot
from counterpoint.simulators.stage.dual_simplex_loop import SOLVED, restart, solve_rows
from counterpoint.simulators.stage.model import OPTIMAL, FloatArray, IntArray, StageModel, StageResults, StageSolver

SLOTS = 6  # for cuts, beyond one for each state and future cost
MOST_ROWS = 250
LEAST_SIZE, WIDEST = 1e4, 1e3  # a cost of 1e9 for what must not be would make any thermal plant as good as another

Cuts = tuple[IntArray, FloatArray, FloatArray]


def linear_stage(model: StageModel, *, weights: Sequence[float] = (), theta_lower: Sequence[float] = ()) -> StageSolver:
    """Return the solver that is fastest for a stage: ours for up to `MOST_ROWS` rows, HiGHS above."""
    if model.num_rows <= MOST_ROWS:
        return DualSimplexStage(model, weights=weights, theta_lower=theta_lower)
    from counterpoint.simulators.stage.highs import HighsStage

    return HighsStage(model, weights=weights, theta_lower=theta_lower)


class DualSimplexStage:
    """A `StageSolver`.

    Parameters
    ----------
    model : StageModel
    weights, theta_lower : sequence of float
        Of the future costs, as those of `HighsStage`.

    Attributes
    ----------
    solved, handed_over : int
        Problems solved, and those of them that HiGHS solved.
    num_cuts : int
    """

    def __init__(self, model: StageModel, *, weights: Sequence[float] = (), theta_lower: Sequence[float] = ()) -> None:
        from counterpoint.simulators.stage.highs import HighsStage

        self.model = model
        self.weights, self.theta_lower = np.array(weights, np.float64), np.array(theta_lower, np.float64)
        self.solved = self.handed_over = 0
        # also refuses what does not fit together
        self._highs = HighsStage(model, weights=self.weights.tolist(), theta_lower=self.theta_lower.tolist())
        self._has_cuts = True  # that object, the ones we have
        self._cuts: Cuts = (np.zeros(0, np.int64), np.zeros(0), np.zeros((0, model.num_states)))
        enters = np.diff(model.state_matrix.indptr) + np.diff(model.noise_matrix.indptr) > 0
        self._moving = np.flatnonzero(enters)
        self._moving_parts = model.state_matrix[self._moving], model.noise_matrix[self._moving]
        self._state_rows = np.flatnonzero(np.diff(model.state_matrix.indptr))
        self._state_part = -model.state_matrix[self._state_rows].toarray()
        self._program, self._basis = _begun(model, self.weights, self.theta_lower)
        self._pivots = 0

    @property
    def num_cuts(self) -> int:
        """Of all future costs."""
        return len(self._cuts[0])

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N incoming states [N, S], noises [N, W] and, if given, targets [N, S] of the outgoing state."""
        model, moving, n = self.model, self._moving, self.model.num_cols
        state = _rows(state, model.num_states, "states")
        noise = _rows(noise, model.num_noises, "noises")
        count = len(state)
        lower, upper = model.col_lower[None, model.state_out], model.col_upper[None, model.state_out]
        if target is not None:
            lower = upper = target = _rows(target, model.num_states, "targets")
        if len(noise) != count or (target is not None and len(target) != count):
            raise ValueError(f"{count} states need as many noises and targets")
        shift = (self._moving_parts[0] @ state.T + self._moving_parts[1] @ noise.T).T
        x, dual = np.zeros((count, n + len(self.weights))), np.zeros((count, len(self._state_rows)))
        dual_target, told = np.zeros((count, model.num_states)), np.empty(count, np.int64)
        self._pivots = solve_rows(
            self._program, self._basis, self._cuts, moving, np.ascontiguousarray(model.row_lower[moving] - shift),
            np.ascontiguousarray(model.row_upper[moving] - shift), np.ascontiguousarray(lower),
            np.ascontiguousarray(upper), self._state_rows, x, dual,
            dual_target, told, self._pivots,
        )  # fmt: skip
        stage_cost = x[:, :n] @ model.cost + model.offset
        results = StageResults(
            objective=stage_cost + x[:, n:] @ self.weights,
            stage_cost=stage_cost,
            state_out=x[:, model.state_out],
            dual_state=dual @ self._state_part,
            dual_target=np.zeros_like(dual_target) if target is None else dual_target,
            status=np.full(count, OPTIMAL),
            x=x[:, :n] if wants_x else None,
        )
        self.solved += count
        if len(hard := np.flatnonzero(told != SOLVED)):
            self._hand_over(results, hard, state, noise, target)
        return results

    def add_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add C cuts ``theta[k] >= intercept + slope @ x[state_out]``: theta [C], intercept [C], slope [C, S]."""
        more = self._checked(theta, intercept, slope)
        self._cuts = tuple(np.concatenate(pair) for pair in zip(self._cuts, more, strict=True))  # type: ignore[assignment]
        self._has_cuts = False

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts; those in the basis stay there if they are among the new ones."""
        old, self._cuts = self._cuts, self._checked(theta, intercept, slope)
        self._has_cuts = False
        basis, (thetas, intercepts, slopes) = self._basis, self._cuts
        first = len(basis.x) - len(basis.slot_cut)
        for slot, cut in enumerate(basis.slot_cut.tolist()):
            if cut < 0:
                continue
            is_same = (thetas == old[0][cut]) & (intercepts == old[1][cut]) & (slopes == old[2][cut]).all(1)
            if is_same.any():
                basis.slot_cut[slot] = int(is_same.argmax())
            elif basis.where[first + slot] == BASIC:
                fill_slot(self._program, basis, slot, -1, 0, 0.0, old[2][cut])
            else:
                restart(self._program, basis)
                break

    def _checked(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> Cuts:
        theta, intercept = np.array(theta, np.int64), np.array(intercept, np.float64)
        slope = np.array(slope, np.float64).reshape(len(theta), self.model.num_states)
        if len(theta) and (theta.min() < 0 or theta.max() >= len(self.weights)):
            raise ValueError(f"a cut on a future cost that is not one of {len(self.weights)}")
        if not (np.isfinite(intercept).all() and np.isfinite(slope).all()) or intercept.shape != theta.shape:
            raise ValueError("a cut must be finite, with a future cost, an intercept and a slope each")
        return theta, intercept, slope

    def _hand_over(
        self, results: StageResults, hard: IntArray, state: FloatArray, noise: FloatArray, target: FloatArray | None
    ) -> None:
        """Let HiGHS solve some of the problems."""
        if not self._has_cuts:
            self._highs.set_cuts(*self._cuts)
            self._has_cuts = True
        self.handed_over += len(hard)
        targets = None if target is None else target[hard]
        some = self._highs.solve_many(state[hard], noise[hard], targets, wants_x=results.x is not None)
        for field in fields(StageResults):
            if getattr(results, field.name) is not None:
                getattr(results, field.name)[hard] = getattr(some, field.name)


def _begun(model: StageModel, weights: FloatArray, theta_lower: FloatArray) -> tuple[Program, Basis]:
    """Return the program and the basis of all activities."""
    k = len(weights)
    slots = model.num_states + k + SLOTS if k else 0
    n, m = model.num_cols + k, model.num_rows + slots
    matrix = sparse.csc_array(sparse.hstack([model.matrix, sparse.csr_array((model.num_rows, k))]))
    theta = model.num_cols + np.arange(k)
    in_cuts = np.concatenate([model.state_out, theta]) if k else np.zeros(0, np.int64)
    cost = np.concatenate([model.cost, weights, np.zeros(m)])
    program = Program(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(np.float64), cost, in_cuts,
        np.isin(np.arange(n), in_cuts), model.state_out.copy(), theta, _size(model, cost),
    )  # fmt: skip
    free = np.full(slots, np.inf)
    lower = np.concatenate([model.col_lower, theta_lower, model.row_lower, -free])
    upper = np.concatenate([model.col_upper, np.full(k, np.inf), model.row_upper, free])
    basis = Basis(
        np.zeros(n + m), cost.copy(), lower, upper, np.zeros(n + m, np.int64), np.zeros(m, np.int64), np.zeros((m, m)),
        np.zeros(m), np.zeros(m), np.zeros((slots, n)), np.full(slots, -1, np.int64),
    )  # fmt: skip
    restart(program, basis)
    return program, basis


def _size(model: StageModel, cost: FloatArray) -> float:
    """Return what reduced costs are measured by: the largest cost, unless ordinary ones would vanish beside it.

    States may cost next to nothing to break ties, and do not count as ordinary.
    """
    sizes = np.abs(np.delete(model.cost, model.state_out))
    ordinary = WIDEST * sizes.min(initial=np.inf, where=sizes > 0)
    return max(1e-300, min(float(np.abs(cost).max(initial=0.0)), max(LEAST_SIZE, ordinary)))


def _rows(given: FloatArray, width: int, what: str) -> FloatArray:
    array = np.asarray(given, np.float64)
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(f"expected {what} of shape [N, {width}], not {list(array.shape)}")
    if not np.isfinite(array).all():  # nothing is out of bounds that are no numbers
        raise ValueError(f"{what} must be finite")
    return np.ascontiguousarray(array)
