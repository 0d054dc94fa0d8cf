"""What a network left undone when the time was over: the nearest place next."""

import numpy as np

from counterpoint.opt.problems.places import FloatArray, IntArray, Places, radians

MANY = 2000  # places from which on a tree finds the nearest


def nearest_next(places: Places, here: int, rest: IntArray) -> IntArray:
    """Return places in the order in which one gets to them by always going to the nearest.

    Of equals the first; as long as more than `MANY` are left, any, and what rounding makes equal may not be.
    O(n log n) for most, O(n^2) for matrices.
    """
    order: list[IntArray] = []
    while len(rest) > MANY and places.metric != "explicit":
        order.append(_by_tree(places, here, rest, len(rest) // 2))
        here = int(order[-1][-1])
        rest = rest[~np.isin(rest, order[-1])]
    rest = rest.copy()
    for k in range(len(rest) - 1):
        at = k + int(np.argmin(places.lengths(here, rest[k:])))
        here = int(rest[at])
        rest[k + 1 : at + 1] = rest[k:at].copy()
        rest[k] = here
    return np.concatenate((*order, rest))


def _by_tree(places: Places, here: int, rest: IntArray, count: int) -> IntArray:
    """Return the first `count` places; a tree forgets nothing, so that it is asked for more where all have been."""
    from scipy.spatial import cKDTree

    points, norm = _in_a_space(places)
    tree, is_left = cKDTree(points[rest]), np.ones(len(rest), bool)
    found = np.empty(count, np.int64)
    for k in range(count):
        seen = 4
        while not len(near := (at := np.atleast_1d(tree.query(points[here], seen, p=norm)[1]))[is_left[at]]):
            seen = min(4 * seen, len(rest))
        found[k] = near[0]
        is_left[near[0]] = False
        here = int(rest[near[0]])
    return rest[found]


def _in_a_space(places: Places) -> tuple[FloatArray, float]:
    """Return points and the p of the norm by which what is nearer is nearer, but for rounding."""
    points = np.asarray(places.points, np.float64)
    if places.metric == "geo":
        latitude, longitude = radians(points)
        east, north = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
        return np.stack((east, north, np.sin(latitude)), axis=1), 2.0
    return points, {"man-2d": 1.0, "max-2d": np.inf}.get(places.metric, 2.0)
