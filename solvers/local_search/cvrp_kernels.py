"""Compiled ruin and recreate for vehicle routing: strings of routes near to each other are taken out and put back.

Routes are linked lists: `links` holds for each place what comes after it, before it, and its route; for each route its
first and last customer, their number and load. 0, the depot, stands for the end of a route.
"""

from typing import Any

import numba
import numpy as np

from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.simulators.splitmix import uniform

jit = numba.njit(cache=True, nogil=True)

AFTER, BEFORE, ROUTE = 0, 1, 2  # rows of links [3, N]
FIRST, LAST, COUNT, LOAD = 0, 1, 2, 3  # rows of routes [4, R]


@jit
def _take_out(links: IntArray, routes: IntArray, demand: IntArray, distance: FloatArray, c: int) -> float:
    """Remove a customer; return by how much the routes grow."""
    r, a, b = links[ROUTE, c], links[BEFORE, c], links[AFTER, c]
    if a:
        links[AFTER, a] = b
    else:
        routes[FIRST, r] = b
    if b:
        links[BEFORE, b] = a
    else:
        routes[LAST, r] = a
    routes[COUNT, r] -= 1
    routes[LOAD, r] -= demand[c]
    links[ROUTE, c] = -1
    grown = -distance[a, c] - distance[c, b]
    return float(grown + distance[a, b] if a or b else grown)


@jit
def _put_in(links: IntArray, routes: IntArray, demand: IntArray, c: int, r: int, a: int) -> None:
    """Put a customer into route `r` behind `a` (0: in front)."""
    b = links[AFTER, a] if a else routes[FIRST, r]
    links[AFTER, c], links[BEFORE, c], links[ROUTE, c] = b, a, r
    if a:
        links[AFTER, a] = c
    else:
        routes[FIRST, r] = c
    if b:
        links[BEFORE, b] = c
    else:
        routes[LAST, r] = c
    routes[COUNT, r] += 1
    routes[LOAD, r] += demand[c]


@jit
def _below(state: Any, n: int) -> int:
    return min(n - 1, int(uniform(state) * n))


@jit
def _ruin(
    links: IntArray, routes: IntArray, demand: IntArray, distance: FloatArray, near: IntArray, out: IntArray,
    marks: IntArray, mark: int, removed: float, longest: int, state: Any,
) -> tuple[int, float]:  # fmt: skip
    """Take strings out of routes near a random customer; return how many customers, and by how much routes grow."""
    n, used = links.shape[1], 0
    for r in range(routes.shape[1]):
        used += routes[COUNT, r] > 0
    longest_here = min(float(longest), (n - 1) / used)
    strings = int(uniform(state) * max(1.0, 4.0 * removed / (1.0 + longest_here) - 1.0) + 1.0)
    seed = 1 + _below(state, n - 1)
    gone, ruined, grown = 0, 0, 0.0
    for c in near[seed]:
        if ruined >= strings:
            break
        r = links[ROUTE, c]
        if r < 0 or marks[r] == mark:
            continue
        size = routes[COUNT, r]
        take = int(uniform(state) * min(float(size), longest_here) + 1.0)
        take = min(take, size)
        keep = 0  # customers within the string that stay
        if take < size and take > 1 and uniform(state) < 0.5:
            keep = 1
            while take + keep < size and uniform(state) > 0.01:
                keep += 1
        place, k = 0, routes[FIRST, r]
        while k != c:
            k, place = links[AFTER, k], place + 1
        low, high = max(0, place - take - keep + 1), min(place, size - take - keep)
        start = low + _below(state, high - low + 1)
        hole = 1 + _below(state, take - 1) if keep else take
        k = routes[FIRST, r]
        for _ in range(start):
            k = links[AFTER, k]
        for step in range(take + keep):
            following = links[AFTER, k]
            if step < hole or step >= hole + keep:
                grown += _take_out(links, routes, demand, distance, k)
                out[gone] = k
                gone += 1
            k = following
        marks[r] = mark
        ruined += 1
    return gone, grown


@jit
def _arrange(out: IntArray, gone: int, demand: IntArray, distance: FloatArray, keys: FloatArray, state: Any) -> None:
    """Put the customers taken out into the order in which they go back."""
    kind = _below(state, 11)
    for k in range(gone):
        c = out[k]
        if kind < 4:
            keys[k] = uniform(state)
        elif kind < 8:
            keys[k] = -demand[c]
        elif kind < 10:
            keys[k] = -distance[0, c]
        else:
            keys[k] = distance[0, c]
    for k in range(1, gone):
        c, key, at = out[k], keys[k], k
        while at > 0 and keys[at - 1] > key:
            out[at], keys[at] = out[at - 1], keys[at - 1]
            at -= 1
        out[at], keys[at] = c, key


@jit
def _recreate(
    links: IntArray, routes: IntArray, demand: IntArray, distance: FloatArray, capacity: int, out: IntArray, gone: int,
    blink: float, state: Any,
) -> float:  # fmt: skip
    """Put customers back where that is cheapest, blind now and then to a position; return by how much routes grow."""
    grown = 0.0
    for k in range(gone):
        c = out[k]
        best, best_r, best_a, empty = np.inf, -1, 0, -1
        skip = 1 + int(np.log(1.0 - uniform(state)) / np.log(1.0 - blink)) if blink > 0.0 else 2**62
        for r in range(routes.shape[1]):
            if routes[COUNT, r] == 0:
                if empty < 0:
                    empty = r
                continue
            if routes[LOAD, r] + demand[c] > capacity:
                continue
            a, b = 0, routes[FIRST, r]
            while True:
                skip -= 1
                if skip:
                    added = distance[a, c] + distance[c, b] - distance[a, b]
                    if added < best:
                        best, best_r, best_a = added, r, a
                else:
                    skip = 1 + int(np.log(1.0 - uniform(state)) / np.log(1.0 - blink))
                if b == 0:
                    break
                a, b = b, links[AFTER, b]
        alone = distance[0, c] + distance[c, 0]
        if empty >= 0 and alone < best:
            best, best_r, best_a = alone, empty, 0
        if best_r < 0:
            return np.inf
        _put_in(links, routes, demand, c, best_r, best_a)
        grown += best
    return grown


@jit
def anneal(
    links: IntArray, routes: IntArray, cost: float, best_links: IntArray, best_routes: IntArray, best: float,
    demand: IntArray, distance: FloatArray, capacity: int, near: IntArray, steps: int, hot: float, cold: float,
    removed: float, longest: int, blink: float, state: Any,
) -> tuple[float, float]:  # fmt: skip
    """Ruin and recreate `steps` times while the temperature falls from `hot` to `cold`; return the cost and the best.

    `links` and `routes` are changed; the best routes are kept in `best_links` and `best_routes`.
    """
    out, keys = np.empty(links.shape[1], np.int64), np.empty(links.shape[1])
    marks = np.full(routes.shape[1], -1, np.int64)
    old_links, old_routes = links.copy(), routes.copy()
    cooling, temperature = (cold / hot) ** (1.0 / max(1, steps)), hot
    for step in range(steps):
        gone, grown = _ruin(
            links, routes, demand, distance, near, out, marks, step, removed, longest, state
        )  # fmt: skip
        _arrange(out, gone, demand, distance, keys, state)
        grown += _recreate(links, routes, demand, distance, capacity, out, gone, blink, state)
        if grown < -temperature * np.log(1.0 - uniform(state)):
            cost += grown
            old_links[:], old_routes[:] = links, routes
            if cost < best - 1e-9 * abs(best):
                best = cost
                best_links[:], best_routes[:] = links, routes
        else:
            links[:], routes[:] = old_links, old_routes
        temperature *= cooling
    return cost, best
