"""Compiled: the best assignment and some others, each played on along sampled demands; the cheapest is taken.

One step of policy improvement (Bertsekas, Tsitsiklis and Wu 1997, Journal of Heuristics 3:245-262): every candidate is
followed by the policy itself for some periods, on the same demands, and then by the items' expected costs to come.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from counterpoint.solvers.lagrangian.stochastic_lot_sizing_kernels import Array, Integers, Tables, assign

CANDIDATES = 5  # the best assignment among them
CERTAINTY = 0.5  # standard errors by which another must be cheaper


class Plant(NamedTuple):
    """What costs and moves; arrays as in `StochasticLotSizing`."""

    production: Integers
    setup_loss: Integers
    setup_cost: Array
    holding_cost: Array
    lost_sales_cost: Array
    max_inventory: Integers


@njit(cache=True, error_model="numpy")
def decide_by_rollout(
    tables: Tables,
    plant: Plant,
    periods: Integers,
    stock: Integers,
    setup: Integers,
    demand: Integers,
    choice: Integers,
) -> None:
    """Fill `choice` [B, M] for `stock` [B, I] and `setup` [B, M].

    `periods` [H + 1] says which periods of the tables belong to now and the H - 1 periods after; the last is where the
    play ends, -1 if nothing comes after it. `demand` is [S, H, I].
    """
    for b in range(len(stock)):
        _improve(tables, plant, periods, stock[b], setup[b], demand, choice[b])


@njit(cache=True, error_model="numpy")
def _improve(
    tables: Tables,
    plant: Plant,
    periods: Integers,
    stock: Integers,
    setup: Integers,
    demand: Integers,
    choice: Integers,
) -> None:
    found = _candidates(tables, periods[0], stock, setup)
    choice[:] = found[0]
    if len(found) == 1:
        return
    costs = np.empty((len(found), len(demand)))
    for n in range(len(found)):
        for s in range(len(demand)):
            costs[n, s] = _play(tables, plant, periods, stock.copy(), setup.copy(), demand[s], found[n].copy())
    least = 0.0
    for n in range(1, len(found)):
        change = costs[n] - costs[0]
        value = change.mean() + CERTAINTY * change.std() / np.sqrt(len(demand))
        if value < least:
            least = value
            choice[:] = found[n]


@njit(cache=True, error_model="numpy")
def _candidates(tables: Tables, period: int, stock: Integers, setup: Integers) -> Integers:
    """Return the best assignment, and the best in which a given machine does something else, cheapest first, [n, M]."""
    machines = len(setup)
    found, cost = np.zeros((machines + 1, machines), np.int64), np.empty(machines + 1)
    cost[0] = assign(tables, period, stock, setup, -1, 0, found[0])
    for m in range(machines):
        cost[m + 1] = assign(tables, period, stock, setup, m, found[0, m], found[m + 1])
    kept, count = np.empty((CANDIDATES, machines), np.int64), 1
    kept[0] = found[0]
    for n in np.argsort(cost[1:], kind="mergesort") + 1:
        if count == CANDIDATES or cost[n] == np.inf:
            break
        is_known = False
        for k in range(count):
            if np.all(kept[k] == found[n]):
                is_known = True
        if not is_known:
            kept[count] = found[n]
            count += 1
    return kept[:count]


@njit(cache=True, error_model="numpy")
def _play(
    tables: Tables,
    plant: Plant,
    periods: Integers,
    stock: Integers,
    setup: Integers,
    demand: Integers,
    choice: Integers,
) -> float:
    """Return the cost along `demand` [H, I], from `choice` on, and what is expected after."""
    total = 0.0
    for h in range(len(demand)):
        if h > 0:
            assign(tables, periods[h], stock, setup, -1, 0, choice)
        for m in range(len(setup)):
            i = choice[m] - 1
            if i >= 0:
                stock[i] += plant.production[m, i]
                if setup[m] != choice[m]:
                    total += plant.setup_cost[m, i]
                    stock[i] -= plant.setup_loss[m, i]
            setup[m] = choice[m]
        for i in range(len(stock)):
            left = stock[i] - demand[h, i]
            total += plant.lost_sales_cost[i] * max(-left, 0)
            stock[i] = min(max(left, 0), plant.max_inventory[i])
            total += plant.holding_cost[i] * stock[i]
    if periods[len(demand)] >= 0:
        total += assign(tables, periods[len(demand)], stock, setup, -1, 0, choice)
    return total
