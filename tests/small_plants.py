"""Plants small enough to try everything, and the values of doing so, in plain recursion."""

import itertools
from typing import Any

import numpy as np

from counterpoint.opt.problems.stochastic_lot_sizing import Scenario, StochasticLotSizing


def small_plant(seed: int, *, items: int = 2, machines: int = 2, horizon: int = 3) -> StochasticLotSizing:
    """A plant of a few items, with machines that cannot make some and setups that lose more than is made."""
    rng = np.random.default_rng(seed)
    shape = (machines, items)
    demand = rng.random((items, 3))
    limit = rng.integers(1, 4, items)
    return StochasticLotSizing(
        name=f"small-{seed}",
        production=rng.integers(0, 4, shape),
        setup_cost=rng.integers(0, 4, shape),
        setup_loss=rng.integers(0, 3, shape),
        holding_cost=rng.integers(0, 3, items) / 2,
        lost_sales_cost=rng.integers(0, 5, items),
        max_inventory=limit,
        demand_probability=demand / demand.sum(1, keepdims=True),
        horizon=horizon,
        initial_inventory=rng.integers(0, limit + 1),
        initial_setup=rng.integers(0, items + 1, machines),
    )


def period(
    plant: StochasticLotSizing, stock: Any, setup: Any, choice: Any, demand: Any
) -> tuple[tuple[int, ...], float]:
    """Stocks at the end of a period, and its cost."""
    left, cost = list(stock), 0.0
    for m, c in enumerate(choice):
        if c:
            is_new = setup[m] != c
            cost += plant.setup_cost[m, c - 1] * is_new
            left[c - 1] += int(plant.production[m, c - 1] - plant.setup_loss[m, c - 1] * is_new)
    for i, d in enumerate(demand):
        left[i] -= d
        cost += plant.lost_sales_cost[i] * max(-left[i], 0)
        left[i] = min(max(left[i], 0), int(plant.max_inventory[i]))
        cost += plant.holding_cost[i] * left[i]
    return tuple(left), cost


def least_expected_cost(plant: StochasticLotSizing, stock: Any, setup: Any, time: int = 0, known: Any = None) -> float:
    """The optimum over all policies from a state at a time."""
    known = {} if known is None else known
    key = (time, tuple(stock), tuple(setup))
    if time == plant.horizon:
        return 0.0
    if key not in known:
        demands = list(itertools.product(range(plant.max_demand + 1), repeat=plant.num_items))
        costs = []
        for choice in choices(plant):
            expected = 0.0
            for demand in demands:
                left, cost = period(plant, stock, setup, choice, demand)
                chance = float(np.prod([plant.demand_probability[i, d] for i, d in enumerate(demand)]))
                expected += chance * (cost + least_expected_cost(plant, left, choice, time + 1, known))
            costs.append(expected)
        known[key] = min(costs)
    return float(known[key])


def least_known_cost(plant: StochasticLotSizing, scenario: Scenario) -> float:
    """The optimum of somebody who knows the whole scenario."""
    states = {(tuple(scenario.inventory.tolist()), tuple(scenario.setup.tolist())): 0.0}
    for demand in scenario.demand.tolist():
        then: dict[Any, float] = {}
        for (stock, setup), spent in states.items():
            for choice in choices(plant):
                left, cost = period(plant, stock, setup, choice, demand)
                key = (left, choice)
                then[key] = min(then.get(key, np.inf), spent + cost)
        states = then
    return min(states.values())


def choices(plant: StochasticLotSizing) -> list[tuple[int, ...]]:
    """Every decision."""
    return list(itertools.product(*(np.flatnonzero(row).tolist() for row in plant.can_choose)))
