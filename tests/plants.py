"""Random small plants, and what they do in a form that shares no code with the package."""

from typing import Any

import numpy as np

from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing


def random_plant(rng: np.random.Generator, *, horizon: int = 100, most: int = 6) -> StochasticLotSizing:
    """A plant of up to `most` items and machines; some cannot make anything, some lose more than they make."""
    items, machines = int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))
    shape = (machines, items)
    limit = rng.integers(1, 30, items)
    demand = rng.random((items, int(rng.integers(1, 9)))) * (rng.random((items, 1)) < 0.9)
    demand[:, 0] += 0.1
    return StochasticLotSizing(
        name="random",
        production=rng.integers(0, 12, shape) * (rng.random(shape) < 0.7),
        setup_cost=rng.integers(0, 20, shape) / 4,
        setup_loss=rng.integers(0, 5, shape),
        holding_cost=rng.random(items).round(2),
        lost_sales_cost=(rng.random(items) * 5).round(2),
        max_inventory=limit,
        demand_probability=demand / demand.sum(1, keepdims=True),
        horizon=horizon,
        initial_inventory=rng.integers(0, limit + 1),
        initial_setup=rng.integers(0, items + 1, machines),
        is_random_start=bool(rng.random() < 0.5),
    )


def scalar_reference(plant: StochasticLotSizing, scenario: Any, choices: Any) -> tuple[list[list[int]], float]:
    """Stocks at the end of every period, and the total cost, by plain arithmetic on Python numbers."""
    production, setup_cost = plant.production.tolist(), plant.setup_cost.tolist()
    setup_loss, limit = plant.setup_loss.tolist(), plant.max_inventory.tolist()
    holding, lost_sales = plant.holding_cost.tolist(), plant.lost_sales_cost.tolist()
    stock, setup = scenario.inventory.tolist(), scenario.setup.tolist()
    stocks, cost = [], 0.0
    for choice, demand in zip(choices.tolist(), scenario.demand.tolist(), strict=True):
        for m, c in enumerate(choice):
            if c != 0:
                stock[c - 1] += production[m][c - 1]
                if setup[m] != c:
                    cost += setup_cost[m][c - 1]
                    stock[c - 1] -= setup_loss[m][c - 1]
            setup[m] = c
        for i, d in enumerate(demand):
            stock[i] -= d
            if stock[i] < 0:
                cost += lost_sales[i] * -stock[i]
                stock[i] = 0
            elif stock[i] > limit[i]:
                stock[i] = limit[i]
            cost += holding[i] * stock[i]
        stocks.append(stock.copy())
    return stocks, cost
