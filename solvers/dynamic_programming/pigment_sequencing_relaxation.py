"""A Lagrangian bound on pigment sequencing: dynamic programming over the two items made last, orders priced.

Orders are numbered item by item, each item's by due date, and made in that order. Going back in time, what a plan
still costs depends on how many units of every item are made; the relaxation forgets all of that but

- the order made last (going back: the earliest so far), after which its item's order of one rank lower must follow,
- and one order of another item, `memory`, which its item must likewise follow on if it is the next other item.

So an order may be made twice or never, which a price per order makes up for: a plan that makes each order once
collects all prices. Subgradient steps raise the bound. This is state-space relaxation (Christofides, Mingozzi and
Toth 1981, Networks 11:145-164) with 2-cycle elimination (Houck et al. 1980, Opsearch 17:93-109), on the counts of
items in place of the cities visited.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from counterpoint.opt.problems.pigment_sequencing import IntArray, PigmentSequencing

FloatArray = npt.NDArray[np.float64]
jit = numba.njit(cache=True, nogil=True)


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """The orders of an instance in the numbering used here.

    Parameters
    ----------
    item, due, rank : int64 array [N + n + 1]
        Of each order. The n entries after the orders stand for "none made yet" of each item (rank: its number of
        orders), the last one for "no other item" (item -1); both serve as memory only.
    first : int64 array [n + 1]
        Orders of item i are ``first[i] : first[i + 1]``.
    stocking, changeover : int64 arrays [n], [n, n]
    num_periods : int
    """

    item: IntArray
    due: IntArray
    rank: IntArray
    first: IntArray
    stocking: IntArray
    changeover: IntArray
    num_periods: int

    @property
    def size(self) -> int:
        """Number of orders N."""
        return int(self.first[-1])


def orders_of(instance: PigmentSequencing) -> Orders:
    """Number the orders of an instance."""
    n = instance.num_items
    item, due = np.nonzero(instance.orders)
    first = np.concatenate([[0], np.cumsum(instance.orders.sum(axis=1))])
    rank = np.arange(len(item)) - first[item]
    return Orders(
        np.concatenate([item, np.arange(n), [-1]]),
        np.concatenate([due, np.full(n + 1, -1)]),
        np.concatenate([rank, np.diff(first), [0]]),
        first,
        np.array(instance.stocking_cost),
        np.array(instance.changeover_cost),
        instance.num_periods,
    )


@jit
def cost_to_go(
    item: IntArray,
    due: IntArray,
    rank: IntArray,
    first: IntArray,
    stocking: IntArray,
    changeover: IntArray,
    prices: FloatArray,
    table: FloatArray,
    forget: bool,
) -> None:
    """Fill `table` [T + 1, N, E]: least reduced cost of periods before t, given the order made last and the memory.

    With `forget` the memory counts for nothing and E is 1. O(T N (E + n)).
    """
    size, n = first[-1], len(stocking)
    width = 1 if forget else size
    held = np.empty(size)  # of each order in period `at`: stocking cost less price; infinite if it cannot be made
    cheapest = np.empty((n, width))  # of each item in period `at`, given the order that becomes the memory
    table[0] = 0.0
    for at in range(table.shape[0] - 1):
        before, now = table[at], table[at + 1]
        cheapest[:] = np.inf
        for new in range(size):
            i = item[new]
            held[new] = np.inf
            if due[new] >= at >= rank[new]:
                held[new] = stocking[i] * (due[new] - at) - prices[new]
                for o in range(width):
                    cheapest[i, o] = min(cheapest[i, o], held[new] + before[new, o])
        for o in range(size):
            i = item[o]
            low, second, low_item = np.inf, np.inf, 0
            for j in range(n):
                if j != i:
                    value = changeover[j, i] + cheapest[j, 0 if forget else o]
                    if value < low:
                        second = low
                        low, low_item = value, j
                    elif value < second:
                        second = value
            same = held[o - 1] if rank[o] > 0 else np.inf
            for memory in range(now.shape[1]):
                now[o, memory] = min(before[o, memory], low)
            if not forget:  # the item remembered may not begin anew
                for memory in range(first[low_item], first[low_item + 1]):
                    now[o, memory] = min(before[o, memory], second)
                now[o, size + low_item] = min(before[o, size + low_item], second)
            if same < np.inf:
                for memory in range(now.shape[1]):
                    now[o, memory] = min(now[o, memory], same + before[o - 1, memory])
            if not forget:  # but go on where it was
                for new in range(size):
                    j = item[new]
                    if j != i and held[new] < np.inf:
                        memory = new + 1 if new + 1 < first[j + 1] else size + j
                        now[o, memory] = min(now[o, memory], changeover[j, i] + held[new] + before[new, o])


@jit
def cheapest_path(
    item: IntArray,
    due: IntArray,
    rank: IntArray,
    first: IntArray,
    stocking: IntArray,
    changeover: IntArray,
    prices: FloatArray,
    table: FloatArray,
    forget: bool,
    visits: IntArray,
) -> float:
    """Return the least reduced cost of all periods; count in `visits` [N] how often its plan makes each order."""
    n = len(stocking)
    periods = table.shape[0] - 1
    nothing = 0 if forget else table.shape[2] - 1
    visits[:] = 0
    value, o, t = np.inf, -1, periods
    for at in range(periods):
        for i in range(n):
            new = first[i + 1] - 1  # going back, an item's last order comes first
            if new >= first[i] and due[new] >= at >= rank[new]:
                held = stocking[i] * (due[new] - at) - prices[new] + table[at, new, nothing]
                if held < value:
                    value, o, t = held, new, at
    if o < 0:
        return value
    memory = nothing
    visits[o] += 1
    while t > 0:
        i, at, goal = item[o], t - 1, table[t, o, memory]
        t = at
        if table[at, o, memory] <= goal + 1e-9:
            continue
        next_order, next_memory, least = -1, memory, np.inf
        for new in range(first[-1]):
            other = item[new]
            if not due[new] >= at >= rank[new]:
                continue
            if other == i:
                if new != o - 1:
                    continue
                keep = memory
            else:
                if not forget and item[memory] == other and rank[new] != rank[memory] - 1:
                    continue
                keep = 0 if forget else o
            held = stocking[other] * (due[new] - at) - prices[new] + changeover[other, i] + table[at, new, keep]
            if held < least:
                least, next_order, next_memory = held, new, keep
        o, memory = next_order, next_memory
        visits[o] += 1
    return value
