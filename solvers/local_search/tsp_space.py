"""Distances as compiled kernels ask for them, closed tours made of paths, and lists of near neighbours.

A path from a to b is a closed tour with a link from b to a so cheap that no tour without it can be better; kernels know
closed tours only. They know symmetric ones only: of asymmetric distances each place i becomes two, 2i that is entered
and 2i + 1 that is left, with a link between them (Jonker and Volgenant 1983, Operations Research Letters 2:161-163).
Small instances have a matrix, large ones compute each distance from the points.
"""

from typing import Any, NamedTuple

import numba
import numpy as np

from counterpoint.opt.problems.places import EARTH_KM, METRICS, IntArray, radians
from counterpoint.opt.problems.tsp import Tsp

jit = numba.njit(cache=True, nogil=True)

MATRIX_PLACES = 3000  # up to here a matrix of float64 is made: 72 MB
MATRIX, EUCLIDEAN, EUC_2D, CEIL_2D, ATT, GEO, MAN_2D, MAX_2D, DOUBLED = range(9)
KINDS = dict(zip(("explicit", *METRICS[:-1]), range(8), strict=True))


class Space(NamedTuple):
    """What a kernel needs to know of distances.

    Parameters
    ----------
    matrix : float64 array [N, N] or [0, 0]
        Of N places also where the kernel sees 2N.
    points : float64 array [N, 2] or [0, 2]
        Radians for GEO.
    kind : int
        Which of the two, and by what metric.
    tail, head : int
        The link from b to a that closes a path; -1 without.
    link : float
        Its length, below 0.
    tolerance : float
        Gains up to this are rounding errors: 0 for whole distances.
    """

    matrix: Any
    points: Any
    kind: int
    tail: int
    head: int
    link: float
    tolerance: float


@jit
def leg(space: Any, i: int, j: int) -> float:
    """Return the distance from i to j."""
    if space.kind == MATRIX:
        return float(space.matrix[i, j])  # holds the link
    if space.kind == DOUBLED:
        if (i + j) % 2 == 0:
            return float(-space.link)
        if i % 2 == 0:
            i, j = j, i
        return float(space.link if i == j + 1 else space.matrix[i // 2, j // 2])
    if (i == space.tail and j == space.head) or (i == space.head and j == space.tail):
        return float(space.link)
    x, y = space.points[i, 0] - space.points[j, 0], space.points[i, 1] - space.points[j, 1]
    if space.kind == EUCLIDEAN:
        return float(np.sqrt(x * x + y * y))
    if space.kind == EUC_2D:
        return float(np.floor(np.sqrt(x * x + y * y) + 0.5))
    if space.kind == CEIL_2D:
        return float(np.ceil(np.sqrt(x * x + y * y)))
    if space.kind == MAN_2D:
        return float(np.floor(abs(x) + abs(y) + 0.5))
    if space.kind == MAX_2D:
        return float(np.floor(max(abs(x), abs(y)) + 0.5))
    if space.kind == ATT:
        return float(np.ceil(np.sqrt((x * x + y * y) / 10.0)))
    if i == j:
        return 0.0
    q2, q3 = np.cos(x), np.cos(space.points[i, 0] + space.points[j, 0])
    q1 = np.cos(y)
    angle = np.arccos(min(1.0, max(-1.0, 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3))))
    return float(np.floor(EARTH_KM * angle + 1.0))


@jit
def tour_length(space: Any, tour: IntArray) -> float:
    """Return the length of a closed tour, the link of a path included."""
    total = leg(space, tour[-1], tour[0])
    for k in range(len(tour) - 1):
        total += leg(space, tour[k], tour[k + 1])
    return float(total)


def space_of(instance: Tsp) -> Space:
    """Return the distances of an instance."""
    places = instance.places
    tail, head = (-1, -1) if instance.ends is None else instance.ends[::-1]
    n = len(places)
    if places.matrix is not None or n <= MATRIX_PLACES:
        matrix = places.distances().astype(np.float64)
        longest = max(float(matrix.max()), 1e-9)
        link, is_symmetric = -(n + 1.0) * longest, places.is_symmetric
        if instance.ends is not None:
            matrix[tail, head] = link
            if is_symmetric:
                matrix[head, tail] = link
        points, kind = np.empty((0, 2)), MATRIX if is_symmetric else DOUBLED
    else:
        assert places.points is not None
        matrix, points, kind = np.empty((0, 0)), np.array(places.points), KINDS[places.metric]
        if places.metric == "geo":
            points = np.stack(radians(points), axis=1)
        longest = 4.0 * EARTH_KM if kind == GEO else 2.0 * float(np.hypot(*np.ptp(points, axis=0))) + 2.0
        link = -(n + 1.0) * longest
    return Space(matrix, points, kind, tail, head, link, 0.25 if places.is_integral else 1e-11 * longest)


def renumbered(space: Space, near: IntArray, order: IntArray) -> tuple[Space, IntArray]:
    """Return distances and neighbours with place order[k] as k: what is near on a good tour then is near in memory."""
    new = np.empty(len(order), np.int64)
    new[order] = np.arange(len(order))
    if space.kind == DOUBLED:
        half = order[::2] // 2  # of a doubled tour that enters first
        matrix = space.matrix[np.ix_(half, half)]
    else:
        matrix = space.matrix[np.ix_(order, order)] if space.kind == MATRIX else space.matrix
    points = space.points if space.kind in (MATRIX, DOUBLED) else space.points[order]
    tail, head = -1, -1  # matrices hold the link
    if space.tail >= 0 and space.kind not in (MATRIX, DOUBLED):
        tail, head = int(new[space.tail]), int(new[space.head])
    return space._replace(matrix=matrix, points=points, tail=tail, head=head), new[near[order]]


def neighbours_of(space: Space, count: int) -> IntArray:
    """Return the `count` nearest of each place, nearest first, int64 [N, count] (or of 2N)."""
    if space.kind == MATRIX:
        return _nearest_in(space.matrix, count)
    if space.kind == DOUBLED:
        near = np.empty((2 * len(space.matrix), count), np.int64)
        near[1::2] = 2 * _nearest_in(space.matrix, count)
        near[::2] = 2 * _nearest_in(space.matrix.T, count) + 1
        return near
    from scipy.spatial import cKDTree

    points, norm = space.points, {MAN_2D: 1.0, MAX_2D: np.inf}.get(space.kind, 2.0)
    if space.kind == GEO:
        latitude, longitude = points.T
        east, north = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
        points = np.stack((east, north, np.sin(latitude)), axis=1)
    found = cKDTree(points).query(points, count + 1, p=norm)[1]
    is_self = found == np.arange(len(points))[:, None]
    is_self[~is_self.any(1), -1] = True  # among many places on one spot the place itself may be missing
    others: IntArray = found[~is_self].reshape(len(points), count).astype(np.int64)
    return others


def _nearest_in(matrix: Any, count: int) -> IntArray:
    n = len(matrix)
    found = np.empty((n, count), np.int64)
    for first in range(0, n, 256):
        rows = np.array(matrix[first : first + 256])
        rows[np.arange(len(rows)), np.arange(first, first + len(rows))] = np.inf
        near = np.argpartition(rows, count - 1, axis=1)[:, :count]
        by = np.argsort(np.take_along_axis(rows, near, 1), axis=1, kind="stable")
        found[first : first + 256] = np.take_along_axis(near, by, 1)
    return found


@jit
def nearest_neighbour(space: Any, near: IntArray) -> IntArray:
    """Return a tour that goes to the nearest of what is left, looked for among `near` first; O(N^2) at worst."""
    n = len(near)
    tour, left, at = np.empty(n, np.int64), np.arange(n, dtype=np.int64), np.arange(n, dtype=np.int64)
    step = 2 if space.kind == DOUBLED else 1  # a doubled tour enters 2i and leaves 2i + 1
    here = 0 if space.head < 0 else step * space.head
    count, k = n, 0
    while True:
        for place in range(here, here + step):
            tour[k] = place
            k += 1
            count -= 1
            moved = left[count]
            left[at[place]], at[moved] = moved, at[place]
            left[count], at[place] = place, count
        if k == n:
            return tour
        last = here + step - 1
        here = -1
        for m in range(near.shape[1]):
            j = near[last, m]
            if at[j] < count and (count == step or space.tail < 0 or j != step * space.tail):
                here = j
                break
        if here < 0:
            best = np.inf
            for m in range(count):
                j = left[m]
                if j % step == 0 and (count == step or space.tail < 0 or j != step * space.tail):
                    d = leg(space, last, j)
                    if d < best:
                        best, here = d, j


def opened(instance: Tsp, space: Space, tour: IntArray) -> IntArray:
    """Return a closed tour as the instance wants it: not doubled, a path cut open at its link and turned its way."""
    order: IntArray = tour.astype(np.int64)
    if space.kind == DOUBLED:
        order = order if order[0] // 2 == order[1] // 2 else np.roll(order, 1)
        order = order[::2] // 2 if order[0] % 2 == 0 else order[::-2] // 2
    if instance.ends is None:
        return order
    first, last = instance.ends
    order = np.roll(order, -int(np.flatnonzero(order == first)[0]))
    if order[-1] != last and space.kind != DOUBLED:
        order = np.roll(order[::-1], 1)
    assert order[-1] == last, "the link that closes the path was lost"
    return order
