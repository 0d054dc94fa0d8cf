"""Many scenarios of a plant at once in NumPy, for policies that try themselves out."""

from collections.abc import Callable, Sequence

import numpy as np

from counterpoint.opt.problems.stochastic_lot_sizing import FloatArray, IntArray, Scenario, StochasticLotSizing


def total_costs(
    instance: StochasticLotSizing, scenarios: Sequence[Scenario], act: Callable[[int, IntArray, IntArray], IntArray]
) -> FloatArray:
    """Return the cost of each scenario, float64 [B].

    Parameters
    ----------
    instance : StochasticLotSizing
    scenarios : sequence of Scenario
    act : callable
        From period, stocks [B, I] and setups [B, M] to choices [B, M] (0 idle, i + 1 item i) that machines can make.
    """
    stock = np.array([s.inventory for s in scenarios])
    setup = np.array([s.setup for s in scenarios])
    demand = np.stack([s.demand for s in scenarios], 1)
    machine, row = np.arange(instance.num_machines), np.arange(len(stock))[:, None]
    spent = np.zeros(len(stock))
    for period in range(instance.horizon):
        choice = act(period, stock, setup)
        is_on, item = choice > 0, choice - 1
        is_new = is_on & (choice != setup)
        made = np.where(is_on, instance.production[machine, item] - instance.setup_loss[machine, item] * is_new, 0)
        after = stock.copy()
        np.add.at(after, (row, item), made)
        left = after - demand[period]
        stock, setup = np.clip(left, 0, instance.max_inventory), choice
        spent += (instance.setup_cost[machine, item] * is_new).sum(1)
        spent += np.maximum(-left, 0) @ instance.lost_sales_cost + stock @ instance.holding_cost
    return spent
