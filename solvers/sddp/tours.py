"""The order in which a node's noises are solved: neighbours after each other, so that a warm simplex has less to do.

A tour by nearest neighbours (measured: a quarter more problems a second on 82 noises of four regions). It changes no
result but the choice among several optima.
"""

import numpy as np

from counterpoint.simulators.stage.model import FloatArray, IntArray

MOST = 2000  # noises; of more, the given order is kept


def tour_of(noise: FloatArray) -> IntArray:
    """Return a permutation of noises [N, W], int64 [N], each next one near the last, from the first on; O(N^2 W)."""
    count = len(noise)
    if not 2 < count <= MOST:
        return np.arange(count)
    scale = noise.std(0)
    points = noise / np.where(scale > 0, scale, 1.0)
    tour = np.zeros(count, np.int64)
    is_free = np.ones(count, np.bool_)
    is_free[0] = False
    for i in range(1, count):
        distance = ((points - points[tour[i - 1]]) ** 2).sum(1)
        tour[i] = np.where(is_free, distance, np.inf).argmin()
        is_free[tour[i]] = False
    return tour
