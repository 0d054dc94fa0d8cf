"""The travelling salesman by dynamic programming over sets of places: exact, up to 16 places.

Held and Karp 1962 (Journal of the SIAM 10:196-210); Bellman 1962 (Journal of the ACM 9:61-63). Closed tours and paths,
symmetric or not; O(2^N N^2).
"""

from typing import Any

import numba
import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import too_many_for_held_karp
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination


def solve(instance: Tsp, budget: Budget, seed: int, options: Any, report: Report) -> Outcome:
    """Return a shortest tour; UnsupportedError above 16 places."""
    if reason := too_many_for_held_karp(instance):
        raise UnsupportedError(f"held-karp {reason}")
    order = shortest(instance)
    cost = float(length(instance, order))
    return Outcome(Tour(order), cost, Termination.OPTIMAL, bound=cost)


def shortest(instance: Tsp) -> IntArray:
    """Return a shortest tour of at most 16 places; a closed one begins at place 0.

    Examples
    --------
    >>> from counterpoint.opt.problems.places import Places
    >>> line = Places("euclidean", [[0, 0], [5, 0], [1, 0], [3, 0]])
    >>> shortest(Tsp("line", line, (2, 1))).tolist()
    [2, 0, 3, 1]
    """
    first, last = instance.ends or (0, 0)
    between = np.setdiff1d(np.arange(instance.num_places), [first, last])
    inner = between[_between(instance.places.distances().astype(np.float64), between, first, last)]
    return np.concatenate(([first], inner, [last] if last != first else [])).astype(np.int64)


@numba.njit(cache=True, nogil=True)
def _between(matrix: Any, between: IntArray, first: int, last: int) -> IntArray:
    """Return the order of indices into `between` that is shortest from first through all to last."""
    m = len(between)
    cost = np.full((1 << m, m), np.inf)  # from first through a set of places to one of it
    came = np.zeros((1 << m, m), np.int8)
    for j in range(m):
        cost[1 << j, j] = matrix[first, between[j]]
    for places in range(1, 1 << m):
        for j in range(m):
            here = cost[places, j]
            if here == np.inf:
                continue
            for k in range(m):
                if not places >> k & 1:
                    there = here + matrix[between[j], between[k]]
                    if there < cost[places | 1 << k, k]:
                        cost[places | 1 << k, k] = there
                        came[places | 1 << k, k] = j
    order = np.empty(m, np.int64)
    if m == 0:
        return order
    places, best = (1 << m) - 1, np.inf
    here = 0
    for j in range(m):
        total = cost[places, j] + matrix[between[j], last]
        if total < best:
            best, here = total, j
    for k in range(m - 1, -1, -1):
        order[k] = here
        before = came[places, here]
        places ^= 1 << here
        here = int(before)
    return order
