"""Compiled: capacity priced and every item planned by itself, thousands of times a second."""

from typing import Any

import numpy as np
from numba import njit

from counterpoint.opt.problems.lot_sizing import FloatArray
from counterpoint.solvers.dynamic_programming.lot_sizing_kernels import quadratic

MEMORY = 0.8  # of the last direction in the next
PATIENCE = 10  # steps without a better bound until they are halved
FIRST_STEP, LAST_STEP = 0.02, 2e-6  # of the bound, by Polyak's rule


@njit(cache=True)
def priced(
    demand: FloatArray,
    setup: FloatArray,
    unit: FloatArray,
    holding: FloatArray,
    backlog: FloatArray,
    times: FloatArray,
    price: FloatArray,
    use: FloatArray,
) -> float:
    """Plan every item at capacity's `price` [T]; return what they cost together and fill their `use` of it [T]."""
    items, periods = demand.shape
    cost_of_setup, cost_of_unit, lots = np.empty(periods), np.empty(periods), np.empty(periods)
    cost = 0.0
    use[:] = 0.0
    for i in range(items):
        for t in range(periods):
            cost_of_setup[t] = setup[i, t] + price[t] * times[i, 1]
            cost_of_unit[t] = unit[i, t] + price[t] * times[i, 0]
        cost += quadratic(demand[i], cost_of_setup, cost_of_unit, holding[i], backlog[i], lots)
        for t in range(periods):
            if lots[t] > 0:
                use[t] += times[i, 0] * lots[t] + times[i, 1]
    return cost


@njit(cache=True)
def raise_prices(
    demand: FloatArray,
    setup: FloatArray,
    unit: FloatArray,
    holding: FloatArray,
    backlog: FloatArray,
    times: FloatArray,
    capacity: FloatArray,
    price: FloatArray,
    steps: int,
) -> float:
    """Move `price` [T] to where the Lagrangian bound is high, by subgradients with a memory; return the bound."""
    periods = len(capacity)
    use, direction, trial = np.empty(periods), np.zeros(periods), price.copy()
    best, best_excess = -np.inf, np.zeros(periods)
    step, without = FIRST_STEP, 0
    for k in range(steps):
        bound = priced(demand, setup, unit, holding, backlog, times, trial, use)
        for t in range(periods):
            bound -= trial[t] * capacity[t]
            excess = use[t] - capacity[t]
            direction[t] = excess if k == 0 else (1 - MEMORY) * excess + MEMORY * direction[t]
        without += 1
        if bound > best:
            if bound > best + 1e-4 * step * abs(best) or k == 0:
                without = 0
            best = bound
            price[:], best_excess[:] = trial, use - capacity
        norm = _square(direction, trial)
        if without >= PATIENCE or norm == 0:  # a memory may lead nowhere from where the excess still would
            step, without = step / 2, 0
            trial[:], direction[:] = price, best_excess
            norm = _square(direction, trial)
        if step < LAST_STEP or norm == 0:
            break
        length = step * max(abs(best), 1e-9) / norm
        for t in range(periods):
            trial[t] = max(0.0, trial[t] + length * direction[t])
    return best


@njit(cache=True)
def _square(direction: FloatArray, price: FloatArray) -> float:
    """Return the square of a direction's length, without what would make prices of 0 negative."""
    square = 0.0
    for t in range(len(price)):
        if direction[t] > 0 or price[t] > 0:
            square += direction[t] * direction[t]
    return square


@njit(cache=True)
def regrets(
    demand: FloatArray,
    setup: FloatArray,
    unit: FloatArray,
    holding: FloatArray,
    backlog: FloatArray,
    regret: FloatArray,
) -> float:
    """Fill `regret` [T, T] of one item: what it costs more if a lot made in s serves period t; return its optimum.

    From the least costs of what comes before and after a lot, forwards and backwards; O(T^2). Infinite where nothing
    can be made, and for s > t without backlogging.
    """
    periods = len(demand)
    before, after = np.full(periods + 1, np.inf), np.full(periods + 1, np.inf)
    # least cost with a lot in s whose interval starts at a or before, and ends with t or after; setup apart
    starts, ends = np.full((periods, periods), np.inf), np.full((periods, periods), np.inf)
    before[0] = 0.0
    for s in range(periods):
        starts[s, s] = before[s]
        _late(demand, unit[s], backlog, before, s, starts[s])
        least = np.inf
        for a in range(s + 1):
            least = min(least, starts[s, a])
            starts[s, a] = least
        value, each = starts[s, s] + setup[s], unit[s]
        for t in range(s, periods):
            value += each * demand[t]
            each += holding[t]
            before[t + 1] = min(before[t + 1], value)
        if demand[s] == 0:
            before[s + 1] = min(before[s + 1], before[s])
    after[periods] = 0.0
    late = np.empty(periods)
    for s in range(periods - 1, -1, -1):
        value, each = 0.0, unit[s]
        for t in range(s, periods):
            value += each * demand[t]
            each += holding[t]
            ends[s, t] = value + after[t + 1]
        for t in range(periods - 2, s - 1, -1):
            ends[s, t] = min(ends[s, t], ends[s, t + 1])
        late[:] = np.inf
        late[s] = 0.0
        _late(demand, unit[s], backlog, np.zeros(periods + 1), s, late)
        for a in range(s + 1):
            after[a] = min(after[a], late[a] + setup[s] + ends[s, s])
        if demand[s] == 0:
            after[s] = min(after[s], after[s + 1])
    optimum = before[periods]
    for s in range(periods):
        for t in range(periods):
            if t >= s:
                regret[s, t] = starts[s, s] + setup[s] + ends[s, t] - optimum
            else:
                regret[s, t] = starts[s, t] + setup[s] + ends[s, s] - optimum
    return float(optimum)


@njit(cache=True)
def _late(demand: FloatArray, unit: float, backlog: FloatArray, before: FloatArray, s: int, cost: Any) -> None:
    """Set ``cost[a]``, a < s, to ``before[a]`` and what serving a..s-1 late, from a lot in s, costs."""
    if len(backlog) == 0:
        return
    wait, value = 0.0, 0.0
    for a in range(s - 1, -1, -1):
        wait += backlog[a]
        value += (unit + wait) * demand[a]
        cost[a] = before[a] + value
