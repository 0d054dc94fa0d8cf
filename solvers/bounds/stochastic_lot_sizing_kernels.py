"""Compiled dynamic programming for one item of a plant: over its stock and the set of machines set up for it.

A set of machines is a whole number whose bit m stands for machine m of those that can make the item. The machines
that work for the item in a period are also those set up for it in the next. So with W(y, A) the expected cost to come
of stock y after production by the set A, the value of stock x with the set S set up is

    V(x, S) = min over A of  sum over m in A of (price_m + setup cost_m if m not in S)  +  W(x + production(A, S), A).

Each machine adds what it adds whatever the others do; so its two bits, S_m and A_m, can be minimised out one machine
after the other: 2^k k steps instead of 4^k. Stocks that no demand brings down to the limit are worth the same; the
rows end at the first of them and as many units higher as setups can take in one period (a changeover may lose more
than a machine makes), so cutting them short on the way changes nothing.

Rows hold stocks -below..limit + max_demand + below; before production 0..limit are looked at.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Words = NDArray[np.uint32] | NDArray[np.uint64]  # the latter for more than 32 machines
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]


@njit(cache=True, error_model="numpy")
def sell(value: Array, chance: Array, stage: Array, out: Array, work: Array, below: int) -> None:
    """Fill `out` [N, Y]: expected cost of a period and of `value` [N, X] after its demand, by stock after production.

    `chance` [D + 1] are the probabilities of each demand, `stage` [Y] the expected cost of the period, `work` [Y + D].
    """
    limit, most = value.shape[1] - 1, len(chance) - 1
    size = len(stage)
    for a in range(len(value)):
        for j in range(size + most):
            work[j] = value[a, min(max(j - below - most, 0), limit)]
        row = out[a]
        for j in range(size):
            row[j] = stage[j]
        for d in range(most + 1):
            if chance[d] > 0.0:
                _add(row, work[most - d : most - d + size], chance[d])


@njit(cache=True, error_model="numpy")
def _add(row: Array, other: Array, weight: float) -> None:
    for j in range(len(row)):
        row[j] += weight * other[j]


@njit(cache=True, error_model="numpy")
def produce(table: Array, choice: Words, made: Integers, loss: Integers, cost: Array, price: Array) -> int:
    """Turn values by working set into values by set that is set up.

    Parameters
    ----------
    table : float array [2, N, Y]
        In: the values in ``table[0]``; the rest is room to work in.
    choice : uint32 or uint64 array [2, N, Y]
        Room for the best working sets.
    made, loss, cost, price : array [k]
        Of the machines; those beyond the log2 N first have no bit: their setups cost nothing, and lose units or not,
        whichever is better (fewer units may be), a relaxation.

    Returns
    -------
    int
        Which of the two halves of `table` and `choice` holds the outcome.
    """
    rows = table.shape[1]
    for a in range(rows):
        choice[0, a, :] = a
    now = 0
    for m in range(len(made)):
        then = 1 - now
        if not _is_kept(m, rows):
            own = _bit(m, choice)
            for a in range(rows):
                old, old_set, new, new_set = table[now, a], choice[now, a], table[then, a], choice[then, a]
                _better(old, old, old_set, old_set, new, new_set, made[m], price[m], own)
                _better(new, old, new_set, old_set, new, new_set, made[m] - loss[m], price[m], own)
        else:
            bit, none = 1 << m, choice.dtype.type(0)
            for a in range(rows):
                if not a & bit:
                    b = a | bit
                    _better(
                        table[now, a], table[now, b], choice[now, a], choice[now, b], table[then, a], choice[then, a],
                        made[m] - loss[m], price[m] + cost[m], none,
                    )  # fmt: skip
                    _better(
                        table[now, a], table[now, b], choice[now, a], choice[now, b], table[then, b], choice[then, b],
                        made[m], price[m], none,
                    )  # fmt: skip
        now = then
    return now


@njit(cache=True, error_model="numpy")
def _is_kept(m: int, rows: int) -> bool:
    """Whether machine m has its setup kept in mind; no shift is as wide as a word, which would be undefined."""
    return m < 31 and 1 << m < rows


@njit(cache=True, error_model="numpy")
def _bit(m: int, choice: Words) -> Any:
    """Return machine m's bit in a word of `choice`; 0 beyond its last, which only makes slopes worse."""
    word = choice.dtype.type
    return word(1) << word(m) if m < 8 * choice.itemsize else word(0)


@njit(cache=True, error_model="numpy")
def _better(
    stay: Array, work: Array, stay_set: Words, work_set: Words, out: Array, out_set: Words, shift: int, extra: float,
    bit: Any,
) -> None:  # fmt: skip
    """Let a machine rest or work, `shift` units further on and `extra` dearer, whichever is less; set by set, [Y]."""
    size = len(stay)
    start = max(-shift, 0)  # lower stocks are out of reach
    stop = max(size - max(shift, 0), start)
    for j in range(start):
        out[j], out_set[j] = stay[j], stay_set[j]
    _least(
        stay[start:stop], work[start + shift : stop + shift], stay_set[start:stop],
        work_set[start + shift : stop + shift], out[start:stop], out_set[start:stop], extra, bit,
    )  # fmt: skip
    last, last_set = work[size - 1] + extra, work_set[size - 1] | bit
    for j in range(stop, size):
        is_less = last < stay[j]
        out[j] = last if is_less else stay[j]
        out_set[j] = last_set if is_less else stay_set[j]


@njit(cache=True, error_model="numpy")
def _least(
    stay: Array, work: Array, stay_set: Words, work_set: Words, out: Array, out_set: Words, extra: float, bit: Any
) -> None:
    """Written so that it becomes vector instructions: slices from 0, and both entries read whichever is taken."""
    for j in range(len(stay)):
        a, b = stay[j], work[j] + extra
        p, q = stay_set[j], work_set[j] | bit
        is_less = b < a
        out[j] = b if is_less else a
        out_set[j] = q if is_less else p


@njit(cache=True, error_model="numpy")
def backward(
    chance: Array,
    stage: Array,
    below: int,
    made: Integers,
    loss: Integers,
    cost: Array,
    price: Array,
    value: Array,
    choice: Words,
    post: Singles,
) -> None:
    """Solve the item's programme over T periods.

    Parameters
    ----------
    chance, stage : float array [1 or T, D + 1], [1 or T, Y]
        As in `sell`, for all periods or for each.
    below, made, loss, cost
        As in `sell` and `produce`.
    price : float array [T, k]
    value : float array [N, X]
        In: the value after the last period. Out: before the first.
    choice : uint32 or uint64 array [T, N, X]
        Out: the best working sets.
    post : float32 array [T or 0, N, Y]
        Out, if it has room for them: the values W after production.
    """
    rows, size = len(value), stage.shape[1]
    kinds = len(chance)
    table, best = np.empty((2, rows, size)), np.empty((2, rows, size), choice.dtype)
    work = np.empty(size + chance.shape[1] - 1)
    for t in range(len(price) - 1, -1, -1):
        sell(value, chance[min(t, kinds - 1)], stage[min(t, kinds - 1)], table[0], work, below)
        if len(post) > 0:
            for a in range(rows):
                for j in range(size):
                    post[t, a, j] = table[0, a, j]
        at = produce(table, best, made, loss, cost, price[t])
        for a in range(rows):
            for x in range(value.shape[1]):
                value[a, x] = table[at, a, x + below]
                choice[t, a, x] = best[at, a, x + below]


@njit(cache=True, error_model="numpy")
def forward(
    chance: Array, below: int, made: Integers, loss: Integers, mass: Array, choice: Words, usage: Array
) -> None:
    """Add to `usage` [T, k] the expected number of times that machines work, from `mass` [N, X] under `choice`."""
    rows, held = mass.shape
    limit, bits = held - 1, len(made)
    kinds, demands = chance.shape
    size = limit + demands + 2 * below
    after = np.empty((rows, size))
    for t in range(len(choice)):
        after[:, :] = 0.0
        for s in range(rows):
            for x in range(held):
                p = mass[s, x]
                if p <= 0.0:
                    continue
                working = choice[t, s, x]
                j = x + below
                for m in range(bits):
                    if working & _bit(m, choice):
                        usage[t, m] += p
                        j += made[m]
                        if _is_kept(m, rows) and not s & 1 << m:
                            j -= loss[m]
                after[working & choice.dtype.type(rows - 1), min(j, size - 1)] += p
        mass[:, :] = 0.0
        for a in range(rows):
            for j in range(size):
                p = after[a, j]
                if p > 0.0:
                    for d in range(demands):
                        mass[a, min(max(j - below - d, 0), limit)] += p * chance[min(t, kinds - 1), d]
