"""The one-tree bound of the symmetric travelling salesman, raised by subgradient steps.

Held and Karp 1970, 1971 (Operations Research 18:1138-1162; Mathematical Programming 1:6-25), with the step of Held,
Wolfe and Crowder 1974 (Mathematical Programming 6:62-88). For a path from a to b the relaxation is a spanning tree in
which a and b want one edge and all others two. Any prices of places give a bound, so that a run may stop anywhere.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.opt.problems.tsp import Tsp

jit = numba.njit(cache=True, nogil=True)

STEPS = 300
SAFETY = 1e-9  # of the bound's terms: rounding errors of sums


@dataclass(frozen=True, slots=True)
class OneTree:
    """A proven bound and the prices that prove it.

    Parameters
    ----------
    bound : float
        No tour is shorter; whole where distances are.
    relaxed : float
        The same, not rounded up.
    prices : float64 array [N]
        Added to a place's distances.
    """

    bound: float
    relaxed: float
    prices: FloatArray


def one_tree_bound(
    instance: Tsp, upper: float, steps: int = STEPS, stop: Callable[[], bool] = lambda: False
) -> OneTree:
    """Return a lower bound on the length of a symmetric instance's tours; O(steps N^2), of memory O(N^2).

    Parameters
    ----------
    instance : Tsp
        Symmetric, of at least 3 places.
    upper : float
        The length of a tour: it sets the length of steps.
    steps : int
    stop : callable
        Asked before each step but the first.

    Raises
    ------
    ValueError
        If the instance is not such.

    Examples
    --------
    >>> from counterpoint.opt.problems.places import Places
    >>> square = Places("euc-2d", [[0, 0], [0, 10], [10, 10], [10, 0]])
    >>> one_tree_bound(Tsp("square", square), 40).bound
    40.0
    """
    if "asymmetric" in instance.features or instance.num_places < 3:
        raise ValueError("the one-tree bound needs symmetric distances and at least 3 places")
    matrix, wanted, is_path = relaxation_of(instance)
    n = len(matrix)
    prices, best_prices = np.zeros(n), np.zeros(n)
    best, patience, scale = -math.inf, 0, 2.0
    previous = np.zeros(n)
    for step in range(steps):
        if step and stop():
            break
        value, degree, _, _ = spanning(matrix, prices, is_path)
        value -= float(prices @ wanted)
        if value > best:
            best, best_prices, patience = value, prices.copy(), 0
        else:
            patience += 1
            if patience >= 8:
                scale, patience = scale / 2, 0
        slope = (degree - wanted).astype(np.float64)
        norm = float(slope @ slope)
        if norm == 0 or best >= upper or scale < 1e-4:
            break
        direction = 0.7 * slope + 0.3 * previous  # a memory damps the zigzag
        prices = prices + scale * max(upper - value, 1e-6 * abs(upper)) / norm * direction
        previous = slope
    relaxed = best - SAFETY * (abs(best) + float(np.abs(best_prices) @ wanted))
    bound = float(math.ceil(relaxed - 1e-6)) if instance.places.is_integral else relaxed
    return OneTree(max(0.0, bound), relaxed, best_prices)


def surplus_of(instance: Tsp, prices: FloatArray) -> FloatArray:
    """Return by how much the relaxation at `prices` gets longer when it must use an edge, [N, N]; O(N^2).

    A tour with the edge is at least the bound plus this long (the alpha of Helsgaun 2000, EJOR 126:106-130).
    """
    matrix, _, is_path = relaxation_of(instance)
    _, _, parent, sequence = spanning(matrix, prices, is_path)
    surplus: FloatArray = _surplus(matrix, prices, parent, sequence, is_path)
    return surplus


def relaxation_of(instance: Tsp) -> tuple[Any, IntArray, bool]:
    """Return float64 distances [N, N], the degrees wanted [N], and whether this is a path."""
    matrix = instance.places.distances().astype(np.float64)
    wanted = np.full(len(matrix), 2)
    if instance.ends is not None:
        wanted[list(instance.ends)] = 1
        first, last = instance.ends
        matrix[first, last] = matrix[last, first] = np.inf  # with it nothing else could be visited
    return matrix, wanted, instance.ends is not None


@jit
def spanning(matrix: Any, prices: FloatArray, is_path: bool) -> tuple[float, IntArray, IntArray, IntArray]:
    """Return the length of the cheapest one-tree or spanning tree under prices, degrees, parents and Prim's sequence.

    For a one-tree `parent` and `sequence` leave the special place out, which is 0; the first place is its own parent.
    """
    n = len(matrix)
    root = 0 if is_path else 1
    degree = np.zeros(n, np.int64)
    parent = np.full(n, root)
    sequence = np.empty(n - root, np.int64)
    away = np.full(n, np.inf)
    is_in = np.zeros(n, np.bool_)
    total, here = 0.0, root
    is_in[here] = True
    if not is_path:
        is_in[0] = True
    sequence[0] = here
    for k in range(1, n - root):
        nearest, best = -1, np.inf
        price = prices[here]
        for j in range(n):
            if not is_in[j]:
                d = matrix[here, j] + price + prices[j]
                if d < away[j]:
                    away[j] = d
                    parent[j] = here
                if nearest < 0 or away[j] < best:
                    nearest, best = j, away[j]
        total += best
        degree[nearest] += 1
        degree[parent[nearest]] += 1
        is_in[nearest] = True
        sequence[k] = here = nearest
    if not is_path:
        a, b = -1, -1
        for j in range(1, n):
            d = matrix[0, j] + prices[j]
            if a < 0 or d < matrix[0, a] + prices[a]:
                a, b = j, a
            elif b < 0 or d < matrix[0, b] + prices[b]:
                b = j
        total += matrix[0, a] + prices[a] + matrix[0, b] + prices[b] + 2 * prices[0]
        degree[0] = 2
        degree[a] += 1
        degree[b] += 1
    return total, degree, parent, sequence


@jit
def _surplus(matrix: Any, prices: FloatArray, parent: IntArray, sequence: IntArray, is_path: bool) -> FloatArray:
    n = len(matrix)
    longest = np.zeros((n, n))  # on the way through the tree
    for k in range(1, len(sequence)):
        j = sequence[k]
        p = parent[j]
        last = matrix[p, j] + prices[p] + prices[j]
        for m in range(k):
            i = sequence[m]
            longest[i, j] = longest[j, i] = max(longest[p, i], last) if i != p else last
    surplus = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                surplus[i, j] = max(0.0, matrix[i, j] + prices[i] + prices[j] - longest[i, j])
    if not is_path:
        second = np.sort(matrix[0, 1:] + prices[1:])[1] + prices[0]
        for j in range(1, n):
            surplus[0, j] = surplus[j, 0] = max(0.0, matrix[0, j] + prices[0] + prices[j] - second)
    return surplus
