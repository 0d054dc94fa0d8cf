"""One stage of a multistage stochastic linear program: one object for SDDP, TS-DDR, roll-outs and environments.

    minimise    cost @ x + offset
    subject to  row_lower <= matrix @ x + state_matrix @ v + noise_matrix @ w <= row_upper
                col_lower <= x <= col_upper

with v the state that comes in, w the noise of the stage, and ``x[state_out]`` the state that goes on. A target fixes
the latter. Formulation: Dowson and Kapelevich 2021 (INFORMS J. Comput. 33(1)), with the incoming state on the
right-hand side, where its price is the sum of the rows' duals: ``dQ/dv = -state_matrix.T @ y``, y the duals (derivative
of the optimal value by the right-hand side).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

OPTIMAL, INFEASIBLE, FAILED = 0, 1, 2  # of `StageResults.status`


@dataclass(frozen=True, slots=True, eq=False)
class StageModel:
    """The stage as arrays; n columns, m rows, S states, W noises.

    Parameters
    ----------
    cost, col_lower, col_upper : float64 array [n]
    matrix : scipy.sparse.csr_array [m, n]
    row_lower, row_upper : float64 array [m]
    state_matrix : scipy.sparse.csr_array [m, S]
    noise_matrix : scipy.sparse.csr_array [m, W]
    state_out : int64 array [S]
        The columns of the state that goes on, all different.
    offset : float
    columns, rows : mapping of str to int64 array
        Which columns and rows hold what ("turbined", "water balance", ...), for whoever reads solutions and prices.

    Raises
    ------
    ValueError
        If shapes do not fit together or a number is NaN.
    """

    cost: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    matrix: Any
    row_lower: FloatArray
    row_upper: FloatArray
    state_matrix: Any
    noise_matrix: Any
    state_out: IntArray
    offset: float = 0.0
    columns: Mapping[str, IntArray] = field(default_factory=dict)
    rows: Mapping[str, IntArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("matrix", "state_matrix", "noise_matrix"):
            matrix = sparse.csr_array(getattr(self, key), dtype=np.float64)
            matrix.sum_duplicates()
            object.__setattr__(self, key, matrix)
        m, n = self.matrix.shape
        for key, size in (("cost", n), ("col_lower", n), ("col_upper", n), ("row_lower", m), ("row_upper", m)):
            array = np.ascontiguousarray(getattr(self, key), np.float64)
            if array.shape != (size,) or np.isnan(array).any():
                raise ValueError(f"{key} must be {size} numbers, not of shape {array.shape}")
            object.__setattr__(self, key, array)
        state_out = np.array(self.state_out, np.int64)
        if len(set(state_out.tolist())) < len(state_out) or ((state_out < 0) | (state_out >= n)).any():
            raise ValueError("state_out must be different columns")
        object.__setattr__(self, "state_out", state_out)
        if self.state_matrix.shape != (m, len(state_out)) or self.noise_matrix.shape[0] != m:
            raise ValueError("state_matrix and noise_matrix must have a row for each row of the matrix")

    @property
    def num_cols(self) -> int:
        """N."""
        return int(self.matrix.shape[1])

    @property
    def num_rows(self) -> int:
        """M."""
        return int(self.matrix.shape[0])

    @property
    def num_states(self) -> int:
        """S."""
        return len(self.state_out)

    @property
    def num_noises(self) -> int:
        """W."""
        return int(self.noise_matrix.shape[1])

    def shift(self, state: FloatArray, noise: FloatArray) -> FloatArray:
        """What states [N, S] and noises [N, W] take from the rows' bounds, float64 [N, m]."""
        taken: FloatArray = (self.state_matrix @ state.T + self.noise_matrix @ noise.T).T
        return np.ascontiguousarray(taken)


@dataclass(frozen=True, slots=True, eq=False)
class StageResults:
    """Optima of N stage problems; where `status` is not OPTIMAL the rest of the row is NaN.

    Parameters
    ----------
    objective : float64 array [N]
        Future cost included where there is one.
    stage_cost : float64 array [N]
        ``cost @ x + offset``: without any future cost.
    state_out : float64 array [N, S]
    dual_state : float64 array [N, S]
        Derivative of the objective by the incoming state.
    dual_target : float64 array [N, S]
        Derivative of the objective by the target; zeros without targets.
    status : int array [N]
    x : float64 array [N, n] or None
        Solutions, where asked for.
    """

    objective: FloatArray
    stage_cost: FloatArray
    state_out: FloatArray
    dual_state: FloatArray
    dual_target: FloatArray
    status: IntArray
    x: FloatArray | None = None


class StageSolver(Protocol):
    """A back end that holds one stage and solves it again and again, warm.

    Future costs are K variables (one if cuts are averaged, one per child otherwise) with weights: the objective is the
    stage's cost plus ``sum_k weight[k] * theta[k]``, and cuts are ``theta[k] >= intercept + slope @ x[state_out]``.
    """

    model: StageModel

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N incoming states [N, S], noises [N, W] and, if given, targets [N, S] of the outgoing state."""

    def add_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add C cuts: theta [C], intercept [C], slope [C, S]."""

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts."""


Cuts = tuple[IntArray, FloatArray, FloatArray]  # theta [C], intercept [C], slope [C, S]


def checked_cuts(theta: Any, intercept: Any, slope: Any, num_states: int, num_thetas: int) -> Cuts:
    """Return copies of cuts as arrays; ValueError if they do not fit together, or are on a future cost there is not."""
    found = np.array(theta, np.int64).ravel(), np.array(intercept, np.float64).ravel()
    slopes = np.array(slope, np.float64).reshape(-1, num_states)
    if len(found[0]) and not 0 <= found[0].min() <= found[0].max() < num_thetas:
        raise ValueError("a cut on a future cost that does not exist")
    if not len(found[0]) == len(found[1]) == len(slopes):
        raise ValueError("expected an intercept and a slope for every cut")
    return *found, slopes


def joined_cuts(held: Cuts, more: Cuts) -> Cuts:
    """Return cuts, and others after them."""
    theta, intercept, slope = more
    slopes = np.reshape(slope, (-1, held[2].shape[1]))
    return (
        np.concatenate([held[0], np.ravel(theta)]),
        np.concatenate([held[1], np.ravel(intercept)]),
        np.concatenate([held[2], slopes]),
    )
