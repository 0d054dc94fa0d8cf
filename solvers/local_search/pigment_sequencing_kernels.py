"""Compiled moves of simulated annealing on production sequences, each judged in the length of the stretch it changes.

A move changes periods p..q of a sequence: it swaps the two ends, or takes one end to the other and shifts the rest by
a period. Until q, a move makes one unit more of the item `gains` and one less of `loses`; the stock must bear that.
"""

from typing import Any

import numba
import numpy as np

from counterpoint.opt.problems.pigment_sequencing import IDLE, IntArray
from counterpoint.simulators.splitmix import uniform

jit = numba.njit(cache=True, nogil=True)

SWAP, LATER, EARLIER = 0, 1, 2  # swap the ends; take the first to the end; take the last to the front


@jit
def _at(item: IntArray, p: int, q: int, kind: int, t: int) -> int:
    """Return what is made in period t, within p..q, after the move."""
    if kind == SWAP:
        return int(item[q] if t == p else item[p] if t == q else item[t])
    if kind == LATER:
        return int(item[p] if t == q else item[t + 1])
    return int(item[q] if t == p else item[t - 1])


@jit
def _gain_and_loss(item: IntArray, p: int, q: int, kind: int, t: int) -> tuple[int, int]:
    """Return the items of which one more and one less unit has been made at the end of period t, p <= t < q."""
    if kind == SWAP:
        return item[q], item[p]
    if kind == LATER:
        return item[t + 1], item[p]
    return item[q], item[t]


@jit
def move_cost(
    item: IntArray, stock: IntArray, stocking: IntArray, changeover: IntArray, p: int, q: int, kind: int, worst: float
) -> tuple[bool, int]:
    """Return whether a move is possible and what it adds to the cost; False also if that is more than `worst`."""
    added = 0
    for t in range(p, q):
        gains, loses = _gain_and_loss(item, p, q, kind, t)
        if gains != loses:
            if gains != IDLE:
                added += stocking[gains]
            if loses != IDLE:
                if stock[loses, t] < 1:
                    return False, 0
                added -= stocking[loses]
    before = p - 1
    while before >= 0 and item[before] == IDLE:
        before -= 1
    after = q + 1
    while after < len(item) and item[after] == IDLE:
        after += 1
    old = new = item[before] if before >= 0 else IDLE
    for t in range(p, q + 1):
        if item[t] != IDLE:
            if old != IDLE:
                added -= changeover[old, item[t]]
            old = item[t]
        made = _at(item, p, q, kind, t)
        if made != IDLE:
            if new != IDLE:
                added += changeover[new, made]
            new = made
    if after < len(item):
        if old != IDLE:
            added -= changeover[old, item[after]]
        if new != IDLE:
            added += changeover[new, item[after]]
    return added <= worst, added


@jit
def make_move(item: IntArray, stock: IntArray, p: int, q: int, kind: int) -> None:
    """Change a sequence and its stock [n, T] in place."""
    for t in range(p, q):
        gains, loses = _gain_and_loss(item, p, q, kind, t)
        if gains != IDLE:
            stock[gains, t] += 1
        if loses != IDLE:
            stock[loses, t] -= 1
    first, last = item[p], item[q]
    if kind == LATER:
        for t in range(p, q):
            item[t] = item[t + 1]
        item[q] = first
    elif kind == EARLIER:
        for t in range(q, p, -1):
            item[t] = item[t - 1]
        item[p] = last
    else:
        item[p], item[q] = last, first


@jit
def anneal(
    item: IntArray,
    stock: IntArray,
    stocking: IntArray,
    changeover: IntArray,
    cost: int,
    best: IntArray,
    best_cost: int,
    hot: float,
    cold: float,
    moves: int,
    reach: int,
    state: Any,
) -> tuple[int, int]:
    """Try `moves` moves while the temperature falls from `hot` to `cold`; return the cost and the best cost.

    `item` and `stock` are changed, the best sequence is kept in `best`. Stretches are at most `reach` periods long,
    short ones more often.
    """
    periods = len(item)
    cooling = (cold / hot) ** (1.0 / max(1, moves))
    temperature = hot
    for _ in range(moves):
        temperature *= cooling
        p = int(uniform(state) * (periods - 1))
        share = uniform(state)
        q = min(periods - 1, p + 1 + int(share * share * reach))
        kind = int(uniform(state) * 3)
        if kind == SWAP and item[p] == item[q]:
            continue
        worst = -temperature * np.log(1.0 - uniform(state))
        is_possible, added = move_cost(item, stock, stocking, changeover, p, q, kind, worst)
        if is_possible:
            make_move(item, stock, p, q, kind)
            cost += added
            if cost < best_cost:
                best_cost = cost
                best[:] = item
    return cost, best_cost
