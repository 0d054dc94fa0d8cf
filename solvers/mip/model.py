"""A mixed-integer linear model as arrays, and a way to write its rows in blocks."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from counterpoint.opt.errors import InstanceError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
INFINITY = float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """Minimise or maximise ``cost @ x + offset`` over ``row_lower <= A x <= row_upper`` and bounds on x.

    Parameters
    ----------
    cost, col_lower, col_upper : float array [n]
        Infinite bounds are ``-inf`` and ``inf``.
    is_integer : bool array [n]
    matrix : scipy.sparse.csr_array [m, n]
        No entry twice; made canonical if it is not.
    row_lower, row_upper : float array [m]
    offset : float
    sense : {"min", "max"}

    Raises
    ------
    InstanceError
        If shapes do not fit together or a number is NaN.
    """

    cost: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    is_integer: BoolArray
    matrix: Any
    row_lower: FloatArray
    row_upper: FloatArray
    offset: float = 0.0
    sense: Literal["min", "max"] = "min"

    def __post_init__(self) -> None:
        matrix = sparse.csr_array(self.matrix)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        object.__setattr__(self, "matrix", matrix)
        for key, size in (("cost", 1), ("col_lower", 1), ("col_upper", 1), ("row_lower", 0), ("row_upper", 0)):
            array = np.ascontiguousarray(getattr(self, key), np.float64)
            object.__setattr__(self, key, array)
            if array.shape != (matrix.shape[size],):
                raise InstanceError(f"{key} has shape {array.shape}, but the matrix has {matrix.shape[size]} of them")
            if np.isnan(array).any():
                raise InstanceError(f"{key} holds NaN")
        object.__setattr__(self, "is_integer", np.ascontiguousarray(self.is_integer, np.bool_))
        if self.is_integer.shape != (self.num_cols,):
            raise InstanceError(f"is_integer has shape {self.is_integer.shape}, expected ({self.num_cols},)")
        if not (np.isfinite(self.cost).all() and np.isfinite(matrix.data).all()):
            raise InstanceError("costs and coefficients must be finite")

    @property
    def num_cols(self) -> int:
        """Number of variables n."""
        return int(self.matrix.shape[1])

    @property
    def num_rows(self) -> int:
        """Number of rows m."""
        return int(self.matrix.shape[0])

    def violation(self, values: FloatArray) -> float:
        """Return the largest amount by which `values` [n] break a row, a bound or integrality; 0 if none."""
        activity = self.matrix @ values
        gaps = (
            self.row_lower - activity,
            activity - self.row_upper,
            self.col_lower - values,
            values - self.col_upper,
            np.abs(values - np.round(values))[self.is_integer],
        )
        return max(0.0, *(float(gap.max(initial=0.0)) for gap in gaps))


class Columns:
    """Hands out column numbers in blocks and remembers bounds, integrality and cost."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = []
        self._charges: list[tuple[Any, Any]] = []

    def add(
        self, count: int, lower: Any, upper: Any, *, integer: bool = False, cost: Any = 0.0
    ) -> npt.NDArray[np.int64]:
        """Add `count` columns; bounds and costs are scalars or vectors [count]; return their numbers."""
        vectors = [np.broadcast_to(np.asarray(v, np.float64), (count,)) for v in (lower, upper, cost)]
        self._parts.append((vectors[0], vectors[1], vectors[2], np.full(count, integer)))
        self.size += count
        return np.arange(self.size - count, self.size)

    def charge(self, columns: Any, cost: Any) -> None:
        """Add to the costs of columns, which may repeat."""
        self._charges.append((columns, cost))

    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
        """Return lower bounds, upper bounds, costs and integrality, each [n]."""
        lower, upper, cost, integer = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        for columns, extra in self._charges:
            np.add.at(cost, columns, extra)
        return lower, upper, cost, integer


class Rows:
    """Collects rows in blocks of arrays; repeated columns in a row are added up."""

    def __init__(self) -> None:
        self.size = 0
        self._row: list[npt.NDArray[np.int64]] = []
        self._column: list[npt.NDArray[np.int64]] = []
        self._value: list[FloatArray] = []
        self._lower: list[FloatArray] = []
        self._upper: list[FloatArray] = []

    def add(self, terms: list[tuple[Any, Any]], lower: Any = -INFINITY, upper: Any = INFINITY) -> None:
        """Add one row per entry of the first term's columns.

        Parameters
        ----------
        terms : list of (columns [r], coefficient scalar or [r])
        lower, upper : scalar or [r]
        """
        count = len(terms[0][0])
        here = np.arange(self.size, self.size + count)
        for columns, coefficient in terms:
            self._entries(here, np.asarray(columns, np.int64), coefficient)
        self._bounds(count, lower, upper)

    def add_scattered(
        self, count: int, row: Any, column: Any, coefficient: Any, lower: Any = -INFINITY, upper: Any = INFINITY
    ) -> None:
        """Add `count` rows given as triplets; `row` counts from 0 within the block."""
        self._entries(self.size + np.asarray(row, np.int64), np.asarray(column, np.int64), coefficient)
        self._bounds(count, lower, upper)

    def finish(self, columns: Columns, offset: float = 0.0, sense: Literal["min", "max"] = "min") -> LinearModel:
        """Return the model of these rows over `columns`."""
        shape = (self.size, columns.size)
        empty = np.zeros(0)
        row, column, value = (
            np.concatenate(parts) if parts else empty for parts in (self._row, self._column, self._value)
        )
        matrix = sparse.coo_array((value, (row.astype(np.int32), column.astype(np.int32))), shape=shape).tocsr()
        matrix.eliminate_zeros()
        col_lower, col_upper, cost, is_integer = columns.arrays()
        return LinearModel(
            cost,
            col_lower,
            col_upper,
            is_integer,
            matrix,
            np.concatenate([empty, *self._lower]),
            np.concatenate([empty, *self._upper]),
            offset,
            sense,
        )

    def _entries(self, row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], coefficient: Any) -> None:
        self._row.append(row)
        self._column.append(column)
        self._value.append(np.broadcast_to(np.asarray(coefficient, np.float64), row.shape))

    def _bounds(self, count: int, lower: Any, upper: Any) -> None:
        self._lower.append(np.broadcast_to(np.asarray(lower, np.float64), (count,)))
        self._upper.append(np.broadcast_to(np.asarray(upper, np.float64), (count,)))
        self.size += count
