"""Compiled local search for orienteering: places go out of a walk and others come in, the rest is straightened."""

from typing import Any

import numba
import numpy as np

from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.simulators.splitmix import uniform
from counterpoint.solvers.rules.orienteering_kernels import fill

jit = numba.njit(cache=True, nogil=True)

LONGEST = 3  # of a stretch that is moved elsewhere
FORCED = 0.5  # share of steps that begin with a visit that pays little by itself


@jit
def straighten(order: IntArray, count: int, distance: FloatArray, is_symmetric: bool) -> None:
    """Shorten a walk by reversing stretches (only of symmetric distances) and moving short ones; the ends stay."""
    improved = True
    while improved:
        improved = False
        for i in range(1, count - 1):
            a, b = order[i - 1], order[i]
            if is_symmetric:
                for j in range(i + 1, count - 1):
                    c, d = order[j], order[j + 1]
                    if distance[a, c] + distance[b, d] < distance[a, b] + distance[c, d] - 1e-9:
                        order[i : j + 1] = order[i : j + 1][::-1].copy()
                        b = order[i]
                        improved = True
            for size in range(1, min(LONGEST, count - 1 - i) + 1):
                last, after = order[i + size - 1], order[i + size]
                gain = distance[a, b] + distance[last, after] - distance[a, after]
                if gain <= 1e-9:
                    continue
                for j in range(count - 1):
                    if i - 1 <= j < i + size:
                        continue
                    c, d = order[j], order[j + 1]
                    if distance[c, b] + distance[last, d] - distance[c, d] < gain - 1e-9:
                        moved = order[i : i + size].copy()
                        if j >= i + size:
                            order[i : j + 1 - size] = order[i + size : j + 1].copy()
                            order[j + 1 - size : j + 1] = moved
                        else:
                            order[j + 1 + size : i + size] = order[j + 1 : i].copy()
                            order[j + 1 : j + 1 + size] = moved
                        improved = True
                        break
                a, b = order[i - 1], order[i]


@jit
def _take_out(order: IntArray, count: int, distance: FloatArray, removed: int, state: Any) -> int:
    """Take some visits out, in a row or those nearest to a random place; return what the walk has left."""
    visits = count - 2
    if visits < 1:
        return count
    take = min(visits, 1 + int(uniform(state) * removed))
    if uniform(state) < 0.5:
        first = 1 + int(uniform(state) * (visits - take + 1))
        for k in range(first, count - take):
            order[k] = order[k + take]
        return count - take
    seed = int(uniform(state) * len(order))
    for _ in range(take):
        nearest = 1
        for k in range(2, count - 1):
            if distance[order[k], seed] < distance[order[nearest], seed]:
                nearest = k
        for k in range(nearest, count - 1):
            order[k] = order[k + 1]
        count -= 1
    return count


@jit
def _force_in(order: IntArray, count: int, distance: FloatArray, prize: FloatArray, limit: float, state: Any) -> int:
    """Put a random place into a walk where it costs least, if it fits and has a prize; return the walk's length."""
    c = 1 + min(len(order) - 3, int(uniform(state) * (len(order) - 2)))
    best, at, length = np.inf, 0, 0.0
    for k in range(1, count):
        a, b = order[k - 1], order[k]
        if a == c:
            return count
        length += distance[a, b]
        added = distance[a, c] + distance[c, b] - distance[a, b]
        if added < best:
            best, at = added, k
    if prize[c] <= 0.0 or length + best > limit:
        return count
    for k in range(count, at, -1):
        order[k] = order[k - 1]
    order[at] = c
    return count + 1


@jit
def length_of(order: IntArray, count: int, distance: FloatArray) -> float:
    """Return the length of a walk."""
    length = 0.0
    for k in range(1, count):
        length += distance[order[k - 1], order[k]]
    return length


@jit
def anneal(
    order: IntArray, count: int, best_order: IntArray, best_count: int, distance: FloatArray, prize: FloatArray,
    limit: float, is_symmetric: bool, tie: float, steps: int, hot: float, cold: float, removed: int, state: Any,
) -> tuple[int, int]:  # fmt: skip
    """Change a walk `steps` times while the temperature falls; return the lengths of it and of the best one's list.

    What is maximised is the prize less `tie` times the length, so that of equal prizes the shorter walk is kept.
    """
    cooling, temperature = (cold / hot) ** (1.0 / max(1, steps)), hot
    value = prize[order[:count]].sum() - tie * length_of(order, count, distance)
    best = prize[best_order[:best_count]].sum() - tie * length_of(best_order, best_count, distance)
    tried = order.copy()
    for _ in range(steps):
        tried[:count] = order[:count]
        size = _take_out(tried, count, distance, removed, state)
        if uniform(state) < FORCED:
            size = _force_in(tried, size, distance, prize, limit, state)
        power, noise = 0.5 + 1.5 * uniform(state), uniform(state)
        size = fill(tried, size, distance, prize, limit, power, noise, state)
        straighten(tried, size, distance, is_symmetric)
        size = fill(tried, size, distance, prize, limit, power, noise, state)
        new = prize[tried[:size]].sum() - tie * length_of(tried, size, distance)
        if new > value + temperature * np.log(1.0 - uniform(state)) and length_of(tried, size, distance) <= limit:
            order[:size] = tried[:size]
            count, value = size, new
            if new > best:
                best, best_count = new, size
                best_order[:size] = tried[:size]
        temperature *= cooling
    return count, best_count
