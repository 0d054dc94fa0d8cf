"""Compiled: which machines work for which items, when every item has a value for every stock and set of machines.

Few machines: sets of them are whole numbers, and the best assignment is found by a dynamic programme over the items
whose state is the set of machines given away; an item is offered only sets that beat all their own subsets. Many
machines: local search, one machine to another item, or two machines exchanged, from the present setups and from none.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]


class Tables(NamedTuple):
    """The items of a plant, one after the other; item i has k_i machines, N_i rows and Y_i stocks after production.

    Parameters
    ----------
    post : float32 array
        Expected cost to come after production, every item's [T, N_i, Y_i].
    first_post, first : int64 array [I + 1]
        Where each item begins in `post`, and in the four arrays that follow.
    machine, made, loss : int64 array [sum of k_i]
    setup_cost : float array [sum of k_i]
    rows, sizes, below : int64 array [I]
        N_i; Y_i; how far below 0 the stocks after production begin.
    """

    post: Singles
    first_post: Integers
    first: Integers
    machine: Integers
    made: Integers
    loss: Integers
    setup_cost: Array
    rows: Integers
    sizes: Integers
    below: Integers


@njit(cache=True, error_model="numpy")
def decide(tables: Tables, period: int, stock: Integers, setup: Integers, is_exact: bool, choice: Integers) -> None:
    """Fill `choice` [B, M] for `stock` [B, I] and `setup` [B, M]; 0 idle, i + 1 item i.

    `is_exact` needs room and time for 2^M sets of machines.
    """
    for b in range(len(stock)):
        if is_exact:
            assign(tables, period, stock[b], setup[b], -1, 0, choice[b])
        else:
            _search(tables, period, stock[b], setup[b], choice[b])


@njit(cache=True, error_model="numpy")
def assign(
    tables: Tables, period: int, stock: Integers, setup: Integers, banned: int, banned_choice: int, choice: Integers
) -> float:
    """Find the best assignment by dynamic programming over sets of machines.

    Fill `choice` [M] and return its cost, setups now and the items' expected costs to come. Unless `banned` is -1, that
    machine must choose otherwise than `banned_choice`; if it cannot, the cost is infinite.
    """
    items, full = len(stock), 1 << len(setup)
    total, then = np.full(full, np.inf), np.empty(full)
    pick = np.empty((items, full), np.int64)
    total[0] = 0.0
    apart = 1 << banned if banned >= 0 else 0
    for i in range(items):
        k = tables.first[i + 1] - tables.first[i]
        cost, least = np.empty(1 << k), np.empty(1 << k)
        given = np.empty(1 << k, np.int64)
        _fill_costs(tables, period, i, stock[i], setup, cost, given)
        for u in range(full):
            then[u] = total[u] + cost[0]
            pick[i, u] = 0
        least[0] = cost[0]
        for a in range(1, len(cost)):
            is_apart = given[a] & apart != 0
            if is_apart and banned_choice == i + 1:
                cost[a] = np.inf
            below = np.inf
            rest = a
            while rest:
                bit = rest & -rest
                below = min(below, least[a ^ bit])
                rest ^= bit
            least[a] = min(below, cost[a])
            if cost[a] >= below and not (is_apart and banned_choice == 0):
                continue  # some of these machines would be better left alone
            for u in range(full):
                if not u & given[a] and total[u] + cost[a] < then[u | given[a]]:
                    then[u | given[a]] = total[u] + cost[a]
                    pick[i, u | given[a]] = given[a]
        total, then = then, total
    best, used = np.inf, 0
    for u in range(full):
        if total[u] < best and (banned_choice != 0 or u & apart == apart):
            best, used = total[u], u
    choice[:] = 0
    for i in range(items - 1, -1, -1):
        for m in range(len(setup)):
            if pick[i, used] >> m & 1:
                choice[m] = i + 1
        used ^= pick[i, used]
    return best


@njit(cache=True, error_model="numpy")
def _fill_costs(tables: Tables, period: int, i: int, stock: int, setup: Integers, cost: Array, given: Integers) -> None:
    """Fill `cost` [2^k] of every set of an item's machines, setups now included, and which machines it is, `given`."""
    first, rows, size = tables.first[i], tables.rows[i], tables.sizes[i]
    shift = np.empty(len(cost), np.int64)
    cost[0], given[0], shift[0] = 0.0, 0, stock + tables.below[i]
    for bit in range(tables.first[i + 1] - first):
        e = first + bit
        is_new = setup[tables.machine[e]] != i + 1
        for a in range(1 << bit):
            b = a | 1 << bit
            cost[b] = cost[a] + (tables.setup_cost[e] if is_new else 0.0)
            shift[b] = shift[a] + tables.made[e] - (tables.loss[e] if is_new else 0)
            given[b] = given[a] | 1 << tables.machine[e]
    start = tables.first_post[i] + period * rows * size
    for a in range(len(cost)):
        cost[a] += tables.post[start + (a & (rows - 1)) * size + min(shift[a], size - 1)]


@njit(cache=True, error_model="numpy")
def _search(tables: Tables, period: int, stock: Integers, setup: Integers, choice: Integers) -> None:
    """Local search from the present setups and from idle machines; the better of the two."""
    machines, items = len(setup), len(stock)
    entry = np.full((machines, items), -1, np.int64)
    for i in range(items):
        for e in range(tables.first[i], tables.first[i + 1]):
            entry[tables.machine[e], i] = e
    best = np.inf
    trial = np.zeros(machines, np.int64)
    for attempt in range(2):
        row, shift, extra = np.zeros(items, np.int64), stock + tables.below, np.zeros(items)
        trial[:] = 0
        for m in range(machines):
            i = setup[m] - 1
            if attempt == 0 and i >= 0 and entry[m, i] >= 0:
                trial[m] = i + 1
                _move(tables, i, entry[m, i], setup, 1, row, shift, extra)
        while _improve(tables, period, setup, entry, trial, row, shift, extra):
            pass
        total = 0.0
        for i in range(items):
            total += _cost(tables, period, i, row, shift, extra)
        if total < best:
            best = total
            choice[:] = trial


@njit(cache=True, error_model="numpy")
def _improve(
    tables: Tables, period: int, setup: Integers, entry: Integers, trial: Integers, row: Integers, shift: Integers,
    extra: Array,
) -> bool:  # fmt: skip
    """Make the first moves that help, machine by machine; return whether there was one."""
    machines, items = entry.shape
    is_better = False
    for m in range(machines):
        for other in range(-1, machines):
            for i in range(items + 1 if other < 0 else 1):
                old = trial[m]
                new = i if other < 0 else trial[other]
                if new == old or (new > 0 and entry[m, new - 1] < 0):
                    continue
                if other >= 0 and old > 0 and entry[other, old - 1] < 0:
                    continue
                before = _pair(tables, period, old, new, row, shift, extra)
                _exchange(tables, m, other, old, new, setup, entry, row, shift, extra)
                if _pair(tables, period, old, new, row, shift, extra) < before - 1e-9:
                    trial[m] = new
                    if other >= 0:
                        trial[other] = old
                    is_better = True
                else:
                    _exchange(tables, m, other, new, old, setup, entry, row, shift, extra)
    return is_better


@njit(cache=True, error_model="numpy")
def _exchange(
    tables: Tables, m: int, other: int, old: int, new: int, setup: Integers, entry: Integers, row: Integers,
    shift: Integers, extra: Array,
) -> None:  # fmt: skip
    """Give `m` the choice `new` for `old`, and the machine `other`, if there is one, the reverse."""
    if old > 0:
        _move(tables, old - 1, entry[m, old - 1], setup, -1, row, shift, extra)
        if other >= 0:
            _move(tables, old - 1, entry[other, old - 1], setup, 1, row, shift, extra)
    if new > 0:
        _move(tables, new - 1, entry[m, new - 1], setup, 1, row, shift, extra)
        if other >= 0:
            _move(tables, new - 1, entry[other, new - 1], setup, -1, row, shift, extra)


@njit(cache=True, error_model="numpy")
def _move(
    tables: Tables, i: int, e: int, setup: Integers, sign: int, row: Integers, shift: Integers, extra: Array
) -> None:
    """Add a machine (entry `e`) to an item's set, or take it away with `sign` -1."""
    is_new = setup[tables.machine[e]] != i + 1
    shift[i] += sign * (tables.made[e] - (tables.loss[e] if is_new else 0))
    extra[i] += sign * (tables.setup_cost[e] if is_new else 0.0)
    place = e - tables.first[i]
    if place < 31 and 1 << place < tables.rows[i]:  # a shift as wide as a word would be undefined
        row[i] ^= 1 << place


@njit(cache=True, error_model="numpy")
def _pair(tables: Tables, period: int, old: int, new: int, row: Integers, shift: Integers, extra: Array) -> float:
    """Return the cost of the items of two choices, of which one may be idle."""
    total = 0.0
    if old > 0:
        total += _cost(tables, period, old - 1, row, shift, extra)
    if new > 0:
        total += _cost(tables, period, new - 1, row, shift, extra)
    return total


@njit(cache=True, error_model="numpy")
def _cost(tables: Tables, period: int, i: int, row: Integers, shift: Integers, extra: Array) -> float:
    """Return an item's cost with its present set."""
    size = tables.sizes[i]
    start = tables.first_post[i] + (period * tables.rows[i] + row[i]) * size
    return float(extra[i] + tables.post[start + min(shift[i], size - 1)])
