"""Places and the distances between them: what every routing problem is built on.

The metrics are those of TSPLIB (Reinelt 1991, ORSA Journal on Computing 3:376-384; the rules of rounding stand in its
manual of 1995) and the plain Euclidean one. Distances of rounded metrics are whole, and exact: int64.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Metric = Literal["euclidean", "euc-2d", "ceil-2d", "att", "geo", "man-2d", "max-2d", "explicit"]
METRICS: tuple[str, ...] = get_args(Metric)
MAX_PLACES = 1_000_000
MAX_MATRIX = 20_000  # places, of which a matrix of distances is made: 3.2 GB
MAX_COORDINATE = 1e9
MAX_DISTANCE = 10**12
PI = 3.141592  # as TSPLIB has it
EARTH_KM = 6378.388


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """N places.

    Parameters
    ----------
    metric : str
        One of `METRICS`: ``euclidean`` is not rounded; ``euc-2d``, ``man-2d`` and ``max-2d`` are rounded to the nearest
        whole number, ``ceil-2d`` up; ``att`` and ``geo`` are TSPLIB's; ``explicit`` has a matrix.
    points : float64 array [N, 2], optional
        Needed unless the metric is explicit, and for pictures then. For ``geo``: degrees and minutes, DDD.MM, latitude
        first.
    matrix : int64 or float64 array [N, N], optional
        ``[i, j]``: from i to j, at least 0; need not be symmetric. The diagonal does not count and is made 0.

    Raises
    ------
    InstanceError
    """

    metric: Metric
    points: FloatArray | None = None
    matrix: Any = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InstanceError(f"expected one of {', '.join(METRICS)}, not {self.metric!r}", place=("metric",))
        if self.points is not None:
            object.__setattr__(self, "points", _points(self.points))
        if (self.matrix is not None) != (self.metric == "explicit"):
            raise InstanceError("a matrix goes with the explicit metric, and with no other", place=("matrix",))
        if self.matrix is not None:
            object.__setattr__(self, "matrix", _matrix(self.matrix))
        elif self.points is None:
            raise InstanceError(f"metric {self.metric} needs points", place=("points",))
        if self.points is not None and self.matrix is not None and len(self.points) != len(self.matrix):
            raise InstanceError(f"{len(self.points)} points, but a matrix of {len(self.matrix)}", place=("points",))

    def __len__(self) -> int:
        return len(self.points if self.matrix is None else self.matrix)  # type: ignore[arg-type]

    @property
    def is_integral(self) -> bool:
        """Whether distances are whole numbers."""
        return self.metric != "euclidean" and (self.matrix is None or self.matrix.dtype == np.int64)

    @property
    def is_symmetric(self) -> bool:
        """Whether there and back are the same; O(N^2) for a matrix."""
        return self.matrix is None or bool(np.array_equal(self.matrix, self.matrix.T))

    def lengths(self, origin: npt.ArrayLike, destination: npt.ArrayLike) -> Any:
        """Return distances between pairs of places, int64 or float64 of the shape that the two broadcast to."""
        origin, destination = np.asarray(origin), np.asarray(destination)
        if self.matrix is not None:
            return self.matrix[origin, destination]
        assert self.points is not None
        return distance(self.metric, self.points[origin], self.points[destination])

    def distances(self) -> Any:
        """Return the matrix of distances, int64 or float64 [N, N], its diagonal 0.

        Raises
        ------
        InstanceError
            If it would not fit into memory.
        """
        if self.matrix is not None:
            return self.matrix
        n = len(self)
        if n > MAX_MATRIX:
            raise InstanceError(f"a matrix of {n} x {n} distances is too large: at most {MAX_MATRIX} places")
        found = np.empty((n, n), np.int64 if self.is_integral else np.float64)
        everywhere, rows = np.arange(n), max(1, 10_000_000 // n)
        for first in range(0, n, rows):
            some = everywhere[first : first + rows]
            found[some] = self.lengths(some[:, None], everywhere)
        np.fill_diagonal(found, 0)  # geo says 1 for a place and itself
        return found

    def facts(self) -> bytes:
        """Return everything that counts, for a hash."""
        return (
            b"/".join(
                f"{key}{getattr(array, 'shape', ())}{getattr(array, 'dtype', '')}".encode()
                + (b"" if array is None else np.ascontiguousarray(array).tobytes())
                for key, array in (("points", self.points), ("matrix", self.matrix))
            )
            + self.metric.encode()
        )


def distance(metric: str, a: FloatArray, b: FloatArray) -> Any:
    """Return distances between points [..., 2] by a metric that needs no matrix."""
    if metric == "geo":
        return _geographical(a, b)
    x, y = a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]
    if metric == "man-2d":
        return _nearest(np.abs(x) + np.abs(y))
    if metric == "max-2d":
        return np.maximum(_nearest(np.abs(x)), _nearest(np.abs(y)))
    square = x * x + y * y
    if metric == "att":
        pseudo = np.sqrt(square / 10.0)
        rounded = _nearest(pseudo)
        return rounded + (rounded < pseudo)
    straight = np.sqrt(square)
    if metric == "euclidean":
        return straight
    return np.ceil(straight).astype(np.int64) if metric == "ceil-2d" else _nearest(straight)  # or euc-2d


def _nearest(x: FloatArray) -> Any:
    return np.floor(x + 0.5).astype(np.int64)


def _geographical(a: FloatArray, b: FloatArray) -> Any:
    (lat_a, lon_a), (lat_b, lon_b) = radians(a), radians(b)
    q1, q2, q3 = np.cos(lon_a - lon_b), np.cos(lat_a - lat_b), np.cos(lat_a + lat_b)
    angle = np.arccos(np.clip(0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3), -1.0, 1.0))
    return (EARTH_KM * angle + 1.0).astype(np.int64)


def radians(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return latitudes and longitudes of points given as degrees and minutes."""
    degrees = np.trunc(points)
    radians = PI * (degrees + 5.0 * (points - degrees) / 3.0) / 180.0
    return radians[..., 0], radians[..., 1]


def _points(values: Any) -> FloatArray:
    try:
        points = np.array(values, np.float64)
    except (ValueError, TypeError):
        points = np.array(np.nan)
    if points.ndim != 2 or points.shape[1] != 2 or not 1 <= len(points) <= MAX_PLACES:
        raise InstanceError(f"expected 1 to {MAX_PLACES} points of two numbers, not {points.shape}", place=("points",))
    if not (np.abs(points) <= MAX_COORDINATE).all():  # also refuses NaN
        bad = int(np.flatnonzero(~(np.abs(points) <= MAX_COORDINATE).all(1))[0])
        raise InstanceError(f"expected coordinates within +-{MAX_COORDINATE:g}", place=("points", bad))
    points.setflags(write=False)
    return points


def _matrix(values: Any) -> Any:
    try:
        given = np.array(values)
    except ValueError:
        given = np.array(None)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.dtype.kind not in "iuf" or not given.size:
        raise InstanceError(f"expected a square matrix of numbers, not of shape {given.shape}", place=("matrix",))
    if len(given) > MAX_MATRIX:
        raise InstanceError(f"expected at most {MAX_MATRIX} places", place=("matrix",))
    matrix = given.astype(np.float64 if given.dtype.kind == "f" else np.int64)
    np.fill_diagonal(matrix, 0)
    if not ((matrix >= 0) & (matrix <= MAX_DISTANCE)).all():  # also refuses NaN
        bad = np.argwhere(~((matrix >= 0) & (matrix <= MAX_DISTANCE)))[0].tolist()
        raise InstanceError(
            f"expected distances in 0..{MAX_DISTANCE}, not {matrix[tuple(bad)]}", place=("matrix", *bad)
        )
    matrix.setflags(write=False)
    return matrix
