"""Compiled insertion for orienteering: each place waiting knows where it costs least, and little changes at a time."""

from typing import Any

import numba
import numpy as np

from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.simulators.splitmix import uniform

jit = numba.njit(cache=True, nogil=True)


@jit
def fill(
    order: IntArray,
    count: int,
    distance: FloatArray,
    prize: FloatArray,
    limit: float,
    power: float,
    noise: float,
    state: Any,
) -> int:
    """Insert places into a walk until none fits, those of most prize^power per detour first; return its new length.

    Parameters
    ----------
    order : int64 array [n]
        The walk is its first `count`, ends included; changed in place.
    count : int
    distance : float64 array [n, n]
    prize : float64 array [n]
        Only places of prizes above 0 are inserted.
    limit : float
    power, noise : float
        A score is multiplied by a random factor in [1, 1 + noise].
    state : uint64 array [1]
        Of the random numbers; not used without noise.
    """
    n = len(order)
    is_in = np.zeros(n, np.bool_)
    length = 0.0
    for k in range(count):
        is_in[order[k]] = True
        if k:
            length += distance[order[k - 1], order[k]]
    behind, detour = np.zeros(n, np.int64), np.full(n, np.inf)
    worth = prize**power
    waiting, size = np.empty(n, np.int64), 0
    for c in range(n):
        if not is_in[c] and prize[c] > 0.0:
            waiting[size] = c
            size += 1
            for k in range(count - 1):
                added = distance[order[k], c] + distance[c, order[k + 1]] - distance[order[k], order[k + 1]]
                if added < detour[c]:
                    detour[c], behind[c] = added, order[k]
    while size:
        best, best_score = -1, -1.0
        for w in range(size):
            c = waiting[w]
            if length + detour[c] > limit:
                continue
            score = worth[c] / max(detour[c], 1e-12)
            if noise > 0.0:
                score *= 1.0 + noise * uniform(state)
            if score > best_score:
                best, best_score = w, score
        if best < 0:
            break
        c = waiting[best]
        size -= 1
        waiting[best] = waiting[size]
        length += detour[c]
        k = 0
        while order[k] != behind[c]:
            k += 1
        for j in range(count, k + 1, -1):
            order[j] = order[j - 1]
        order[k + 1] = c
        count += 1
        a, b = order[k], order[k + 2]
        for w in range(size):
            other = waiting[w]
            if behind[other] == a:  # where it was to go is gone
                detour[other] = np.inf
                for j in range(count - 1):
                    i, h = order[j], order[j + 1]
                    added = distance[i, other] + distance[other, h] - distance[i, h]
                    if added < detour[other]:
                        detour[other], behind[other] = added, i
                continue
            before = distance[a, other] + distance[other, c] - distance[a, c]
            after = distance[c, other] + distance[other, b] - distance[c, b]
            if min(before, after) < detour[other]:
                detour[other], behind[other] = (before, a) if before <= after else (after, c)
    return count
