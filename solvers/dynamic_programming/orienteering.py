"""Orienteering to proven optimality, by the shortest way through every subset of places (Held and Karp 1962).

Source: Held and Karp 1962 (Journal of SIAM 10:196-210). O(2^m m^2) time and O(2^m m) memory for m places between ends.
"""

import numba
import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import many_between
from counterpoint.opt.problems.orienteering import Orienteering, check
from counterpoint.opt.problems.places import FloatArray
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.rules.orienteering import opened

jit = numba.njit(cache=True, nogil=True)


def solve(instance: Orienteering, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Maximise the prize; at most 20 places between the ends. A time limit is not looked at: it takes half a second.

    Raises
    ------
    UnsupportedError
        If there are more places.
    """
    if reason := many_between(instance):
        raise UnsupportedError(f"subset-dp {reason}")
    walk = opened(instance)
    m = len(walk.place) - 2
    distance = walk.distance.astype(np.float64)
    visits = []
    if m:
        shortest = _shortest(distance, walk.limit)
        home = (shortest + distance[1:-1, -1]).min(axis=1)
        prize = np.zeros(1)
        for k in range(1, m + 1):
            prize = np.concatenate([prize, prize + walk.prize[k]])
        chosen = int(np.argmax(np.where(home <= walk.limit, prize, 0.0)))
        way = distance[:, -1]
        while chosen:
            last = int(np.argmin(shortest[chosen] + way[1:-1]))
            visits.append(last + 1)
            chosen ^= 1 << last
            way = distance[:, last + 1]
    solution = walk.walk(visits[::-1])
    objective = check(instance, solution).objective
    return Outcome(solution, objective, Termination.OPTIMAL, bound=objective)


@jit
def _shortest(distance: FloatArray, limit: float) -> FloatArray:
    """Return the least length from the first end through a subset to its last place, [2^m, m]; inf above the limit."""
    m = len(distance) - 2
    shortest = np.full((1 << m, m), np.inf)
    for k in range(m):
        if distance[0, k + 1] <= limit:
            shortest[1 << k, k] = distance[0, k + 1]
    for chosen in range(1, 1 << m):
        for last in range(m):
            length = shortest[chosen, last]
            if length == np.inf:
                continue
            for k in range(m):
                if chosen >> k & 1:
                    continue
                longer = length + distance[last + 1, k + 1]
                if longer <= limit and longer < shortest[chosen | 1 << k, k]:
                    shortest[chosen | 1 << k, k] = longer
    return shortest
