"""Compiled recursions of one item without capacity: O(T log T) over envelopes of lines, and the plain O(T^2) one.

An optimal plan splits the periods into intervals a..b that share no stock and no backlog; each is served by one lot in
a period i, a <= i <= b (a = i without backlogging). With G(b) the least cost of periods 0..b-1, D, V and W running
sums of demand, of demand times P (holding cost of all earlier periods) and of demand times Q (likewise, backlog):

    M(i) = min over a <= i of  G(a) + c_i (D_i - D_a) + Q_i (D_i - D_a) - (W_i - W_a)
    G(b) = min over i < b  of  M(i) + f_i + c_i (D_b - D_i) + (V_b - V_i) - P_i (D_b - D_i)

For fixed a the first is a line in c_i + Q_i, for fixed i the second a line in D_b. All places where the lines are
asked for are known beforehand, so each minimum is kept in a tree over them, one line a node: O(log T) per line and
question, for costs in any order (the tree is due to Li Chao; the reduction to lines to Wagelmans, van Hoesel and Kolen
1992, Operations Research 40:S145-S156, Federgruen and Tzur 1991, Management Science 37:909-925, and Aggarwal and Park
1993, Operations Research 41:549-571).
"""

from typing import Any

import numpy as np
from numba import njit

from counterpoint.opt.problems.lot_sizing import FloatArray


@njit(cache=True)
def _insert(at: FloatArray, slope: FloatArray, height: FloatArray, held: Any, line: int) -> None:
    """Add ``height[line] + slope[line] * x`` to the tree `held` over the sorted places `at`."""
    low, high, node = 0, len(at) - 1, 1
    while True:
        other = held[node]
        if other < 0:
            held[node] = line
            return
        middle = (low + high) // 2
        if height[line] + slope[line] * at[middle] < height[other] + slope[other] * at[middle]:
            held[node], line, other = line, other, line
        if low == high:
            return
        # the loser at the middle can win on one side only
        if height[line] + slope[line] * at[low] < height[other] + slope[other] * at[low]:
            node, high = 2 * node, middle
        elif height[line] + slope[line] * at[high] < height[other] + slope[other] * at[high]:
            node, low = 2 * node + 1, middle + 1
        else:
            return


@njit(cache=True)
def _lowest(at: FloatArray, slope: FloatArray, height: FloatArray, held: Any, place: int) -> int:
    """Return the line that is lowest at ``at[place]``."""
    low, high, node, best = 0, len(at) - 1, 1, -1
    x = at[place]
    while True:
        line = held[node]
        if line < 0:  # nothing was ever pushed further down
            return best
        if best < 0 or height[line] + slope[line] * x < height[best] + slope[best] * x:
            best = line
        if low == high:
            return best
        middle = (low + high) // 2
        if place <= middle:
            node, high = 2 * node, middle
        else:
            node, low = 2 * node + 1, middle + 1


@njit(cache=True)
def envelope(
    demand: FloatArray, setup: FloatArray, unit: FloatArray, holding: FloatArray, backlog: FloatArray, lots: FloatArray
) -> float:
    """Fill `lots` with an optimal plan of one item and return its cost; all [T], `backlog` [0] if there is none."""
    periods = len(demand)
    total, held_sum, late_sum = np.zeros(periods + 1), np.zeros(periods + 1), np.zeros(periods + 1)
    held_cost, late_cost = np.zeros(periods + 1), np.zeros(periods + 1)
    for t in range(periods):
        total[t + 1] = total[t] + demand[t]
        held_sum[t + 1] = held_sum[t] + demand[t] * held_cost[t]
        held_cost[t + 1] = held_cost[t] + holding[t]
        if len(backlog):
            late_sum[t + 1] = late_sum[t] + demand[t] * late_cost[t]
            late_cost[t + 1] = late_cost[t] + backlog[t]
    size = 2
    while size < 2 * periods:
        size *= 2
    size *= 2
    at, rank = np.zeros(0), np.zeros(0, np.int64)
    if len(backlog):
        place = unit + late_cost[:periods]
        order = np.argsort(place)
        at, rank = place[order], np.empty(periods, np.int64)
        rank[order] = np.arange(periods)
    start_slope, start_height = -total, np.empty(periods + 1)
    starts = np.full(size if len(backlog) else 1, -1, np.int32)
    lot_slope, lot_height = unit - held_cost[:periods], np.empty(periods)
    made = np.full(size, -1, np.int32)
    least = np.zeros(periods + 1)
    first = np.arange(periods)  # where the interval of a lot in period i starts
    maker = np.full(periods + 1, -1, np.int64)  # which lot serves the interval that ends before b; -1: none is needed
    for i in range(periods):
        value = least[i]
        if len(backlog):
            start_height[i] = least[i] + late_sum[i]
            _insert(at, start_slope, start_height, starts, i)
            a = _lowest(at, start_slope, start_height, starts, rank[i])
            quantity = total[i] - total[a]
            late = least[a] + place[i] * quantity - (late_sum[i] - late_sum[a])
            if late < value:
                value, first[i] = late, a
        lot_height[i] = value + setup[i] - lot_slope[i] * total[i] - held_sum[i]
        _insert(total[1:], lot_slope, lot_height, made, i)
        j = _lowest(total[1:], lot_slope, lot_height, made, i)
        least[i + 1] = lot_height[j] + lot_slope[j] * total[i + 1] + held_sum[i + 1]
        maker[i + 1] = j
        if demand[i] == 0 and least[i] <= least[i + 1]:
            least[i + 1], maker[i + 1] = least[i], -1
    _recover(demand, maker, first, lots)
    return float(least[periods])


@njit(cache=True)
def quadratic(
    demand: FloatArray, setup: FloatArray, unit: FloatArray, holding: FloatArray, backlog: FloatArray, lots: FloatArray
) -> float:
    """Do what `envelope` does by trying every interval, without running sums: slower, and its check."""
    periods = len(demand)
    least = np.full(periods + 1, np.inf)
    least[0] = 0.0
    first = np.arange(periods)
    maker = np.full(periods + 1, -1, np.int64)
    for i in range(periods):
        value, late, wait = least[i], 0.0, 0.0
        if len(backlog):
            for a in range(i - 1, -1, -1):
                wait += backlog[a]
                late += (unit[i] + wait) * demand[a]
                if least[a] + late < value:
                    value, first[i] = least[a] + late, a
        value += setup[i]
        each = unit[i]
        for b in range(i, periods):
            value += each * demand[b]
            each += holding[b]
            if value < least[b + 1]:
                least[b + 1], maker[b + 1] = value, i
        if demand[i] == 0 and least[i] <= least[i + 1]:
            least[i + 1], maker[i + 1] = least[i], -1
    _recover(demand, maker, first, lots)
    return float(least[periods])


@njit(cache=True)
def _recover(demand: FloatArray, maker: Any, first: Any, lots: FloatArray) -> None:
    """Walk back over the intervals; a lot is the sum of its demands, not a difference of running sums."""
    lots[:] = 0.0
    b = len(demand)
    while b > 0:
        i = maker[b]
        if i < 0:
            b -= 1
            continue
        for t in range(first[i], b):
            lots[i] += demand[t]
        b = first[i]
