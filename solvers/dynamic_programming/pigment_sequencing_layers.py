"""Exact states of pigment sequencing, layer by layer, kept if a bound allows and only so many of them.

A state is how many units of each item have been made, going back from the last period, the item made last and the
period that was: each unit is made as late as its due date and the one after it allow, which never costs more. Of two
states that differ in period and cost alone, one that is no later and no cheaper is dropped. What a state still costs
is bounded by the relaxation, with the memory that bounds it best: a state knows the last order made of every item.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from counterpoint.opt.problems.pigment_sequencing import IntArray
from counterpoint.solvers.dynamic_programming.pigment_sequencing_relaxation import (
    FloatArray,
    Orders,
    jit,
)

WORD = 63  # bits used of a key's word
PARENTS = 20_000  # expanded between two looks at the clock
PRIME = np.int64(0x1F3B5A9D3C7E4B1)


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """How counts are packed into words: item i is added in steps of ``1 << shift[i]`` to word ``word[i]``."""

    word: IntArray
    shift: IntArray
    mask: IntArray
    num_words: int


@dataclass(slots=True, eq=False)
class Layer:
    """States with the same number of units made.

    Parameters
    ----------
    key : int64 array [B, W]
        Packed counts.
    order, time, cost : int64 array [B]
        The order made last, its period (-1 and T before the first), and the cost so far.
    reduced, bound : float64 array [B]
        Cost less the prices collected; lower bound on the cost of a whole plan through the state.
    parent : int64 array [B]
        State of the layer before.
    """

    key: IntArray
    order: IntArray
    time: IntArray
    cost: IntArray
    reduced: FloatArray
    bound: FloatArray
    parent: IntArray

    def take(self, which: Any) -> "Layer":
        """Return some of the states."""
        return Layer(*(getattr(self, name)[which] for name in self.__slots__))

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.order)


def packing_of(orders: Orders) -> Packing:
    """Give each item the bits its number of orders needs, no item across words."""
    word, shift, mask = [], [], []
    at, used = 0, 0
    for count in np.diff(orders.first).tolist():
        bits = max(1, int(count).bit_length())
        if used + bits > WORD:
            at, used = at + 1, 0
        word.append(at)
        shift.append(used)
        mask.append((1 << bits) - 1)
        used += bits
    return Packing(np.array(word), np.array(shift), np.array(mask), at + 1)


def root(orders: Orders, packing: Packing) -> Layer:
    """Return the layer of the one state in which nothing is made."""
    nothing = np.zeros(1, np.int64)
    return Layer(
        np.zeros((1, packing.num_words), np.int64),
        nothing - 1,
        nothing + orders.num_periods,
        nothing,
        np.zeros(1),
        np.zeros(1),
        nothing - 1,
    )


def empty_layer(size: int, num_words: int) -> Layer:
    """Return room for states."""
    order, time, cost, parent = (np.empty(size, np.int64) for _ in range(4))
    return Layer(np.empty((size, num_words), np.int64), order, time, cost, np.empty(size), np.empty(size), parent)


@jit
def _slot(key: IntArray, order: int, words: npt.NDArray[np.int64], size: int) -> int:
    """Hash a state to one of `size` (a power of two) slots."""
    value = np.int64(order + 1) * PRIME
    for w in range(len(words)):
        value = (value ^ (words[w] + (value >> np.int64(29)))) * PRIME
    return int((value ^ (value >> np.int64(32))) & np.int64(size - 1))


@jit
def expand(
    begin: int,
    end: int,
    remaining: int,
    upper: float,
    slack: float,
    item: IntArray,
    due: IntArray,
    first: IntArray,
    stocking: IntArray,
    changeover: IntArray,
    prices: FloatArray,
    total: float,
    table: FloatArray,
    word: IntArray,
    shift: IntArray,
    mask: IntArray,
    key: IntArray,
    order: IntArray,
    time: IntArray,
    cost: IntArray,
    reduced: FloatArray,
    new_key: IntArray,
    new_order: IntArray,
    new_time: IntArray,
    new_cost: IntArray,
    new_reduced: FloatArray,
    new_bound: FloatArray,
    new_parent: IntArray,
    slots: IntArray,
    follows: IntArray,
    count: int,
) -> int:
    """Append the successors of states ``begin:end`` that may lead to less than `upper`; return how many there are.

    A bound less than `slack` too high does no harm: costs are whole numbers.
    `remaining` orders are left after this layer. `slots` (all -1 at first) and `follows` chain states of one hash.
    Dominated states keep their place, with an infinite bound. O(n^2) per state.
    """
    n = len(stocking)
    size = first[n]
    made = np.empty(n, np.int64)
    words = np.empty(key.shape[1], np.int64)
    for b in range(begin, end):
        for i in range(n):
            made[i] = (key[b, word[i]] >> shift[i]) & mask[i]
        last = order[b]
        for i in range(n):
            new = first[i + 1] - 1 - made[i]
            if new < first[i]:
                continue
            at = min(due[new], time[b] - 1)
            if at < remaining:  # too few periods for what is left
                continue
            step = stocking[i] * (due[new] - at)
            if last >= 0:
                step += changeover[i, item[last]]
            value = reduced[b] + step - prices[new]
            rest = -np.inf
            if remaining == 0:  # the relaxation might make an order again
                rest = 0.0
            elif table.shape[2] == 1:
                rest = table[at, new, 0]
            else:
                for j in range(n):
                    if j != i:
                        memory = size + j if made[j] == 0 else first[j + 1] - made[j]
                        rest = max(rest, table[at, new, memory])
                if n == 1:
                    rest = table[at, new, size + 1]
            bound = total + value + rest
            if bound > upper - 1 + slack:
                continue
            words[:] = key[b]
            words[word[i]] += np.int64(1) << shift[i]
            paid = cost[b] + step
            slot = _slot(key, new, words, len(slots))
            is_dominated = False
            other = slots[slot]
            while other >= 0:
                if new_order[other] == new and new_bound[other] < np.inf:
                    is_same = True
                    for w in range(len(words)):
                        if new_key[other, w] != words[w]:
                            is_same = False
                    if is_same:
                        if new_time[other] >= at and new_cost[other] <= paid:
                            is_dominated = True
                            break
                        if new_time[other] <= at and new_cost[other] >= paid:
                            new_bound[other] = np.inf
                other = follows[other]
            if is_dominated:
                continue
            new_key[count] = words
            new_order[count] = new
            new_time[count] = at
            new_cost[count] = paid
            new_reduced[count] = value
            new_bound[count] = bound
            new_parent[count] = b
            follows[count] = slots[slot]
            slots[slot] = count
            count += 1
    return count
