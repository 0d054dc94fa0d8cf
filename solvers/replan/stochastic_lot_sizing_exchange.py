"""A plan of setups for a plant's next periods by exchange: what a machine is given in some periods, replaced.

One plan for all futures of a scenario tree (open loop). Its cost is simulated on the tree, and only the items that a
move touches are simulated again: some 0.1 us a node and item. The first plan of the replanning MIPs.
"""

import numpy as np
from numba import njit

from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, StochasticLotSizing
from counterpoint.solvers.replan.scenario_tree import FloatArray, Tree

MAX_SWEEPS = 20


def exchange(
    instance: StochasticLotSizing, tree: Tree, inventory: IntArray, setup: IntArray, plan: IntArray
) -> tuple[IntArray, float]:
    """Improve a plan until no replacement of consecutive periods of one machine is better, or after 20 sweeps.

    Parameters
    ----------
    instance : StochasticLotSizing
    tree : Tree
    inventory : int64 array [I]
    setup : int64 array [M]
        The present one; 0: none.
    plan : int64 array [H, M]
        A choice per period of the tree and machine, as in `StochasticLotSizing`; not changed.

    Returns
    -------
    plan : int64 array [H, M]
    cost : float
        Expected, over the tree.
    """
    better = np.ascontiguousarray(plan, np.int64) - 1
    cost = _exchange(
        better, np.asarray(setup, np.int64) - 1, instance.production.astype(np.float64),
        instance.setup_loss.astype(np.float64), instance.setup_cost, np.asarray(inventory, np.float64),
        instance.max_inventory.astype(np.float64), instance.holding_cost, instance.lost_sales_cost,
        tree.parent, tree.probability, tree.stage, tree.demand, MAX_SWEEPS,
    )  # fmt: skip
    return better + 1, float(cost)


@njit(cache=True)
def _item_cost(
    i: int, plan: IntArray, setup: IntArray, production: FloatArray, loss: FloatArray, inventory: FloatArray,
    limit: FloatArray, holding: FloatArray, lost: FloatArray, parent: IntArray, probability: FloatArray,
    stage: IntArray, demand: FloatArray, stock: FloatArray,
) -> float:  # fmt: skip
    """Return expected lost sales and holding of one item; `stock` [N] is room to work in."""
    periods, machines = plan.shape
    made = np.zeros(periods)
    for t in range(periods):
        for m in range(machines):
            if plan[t, m] == i:
                before = setup[m] if t == 0 else plan[t - 1, m]
                made[t] += production[m, i] - (loss[m, i] if before != i else 0.0)
    cost = 0.0
    for node in range(len(parent)):
        left = (stock[parent[node]] if parent[node] >= 0 else inventory[i]) + made[stage[node]] - demand[node, i]
        if left < 0:
            cost -= probability[node] * lost[i] * left
            left = 0.0
        left = min(left, limit[i])
        cost += probability[node] * holding[i] * left
        stock[node] = left
    return cost


@njit(cache=True)
def _setup_cost(m: int, plan: IntArray, setup: IntArray, cost: FloatArray) -> float:
    total, before = 0.0, setup[m]
    for t in range(len(plan)):
        if plan[t, m] >= 0 and plan[t, m] != before:
            total += cost[m, plan[t, m]]
        before = plan[t, m]
    return total


@njit(cache=True)
def _exchange(
    plan: IntArray, setup: IntArray, production: FloatArray, loss: FloatArray, setup_cost: FloatArray,
    inventory: FloatArray, limit: FloatArray, holding: FloatArray, lost: FloatArray, parent: IntArray,
    probability: FloatArray, stage: IntArray, demand: FloatArray, sweeps: int,
) -> float:  # fmt: skip
    """Improve `plan` [H, M] (items from 0, -1 for none) and return its cost."""
    periods, machines = plan.shape
    items = production.shape[1]
    stock = np.zeros(len(parent))
    of_item, of_machine = np.zeros(items), np.zeros(machines)
    for i in range(items):
        of_item[i] = _item_cost(
            i, plan, setup, production, loss, inventory, limit, holding, lost, parent, probability, stage, demand, stock
        )
    for m in range(machines):
        of_machine[m] = _setup_cost(m, plan, setup, setup_cost)
    old, touched = np.zeros(periods, np.int64), np.zeros(items, np.bool_)
    for _ in range(sweeps):
        is_better = False
        for m in range(machines):
            for first in range(periods):
                for end in range(first + 1, periods + 1):
                    least, best = -1e-9, -2
                    old[:] = plan[:, m]
                    for j in range(-1, items):
                        if (j >= 0 and production[m, j] == 0) or (old[first:end] == j).all():
                            continue
                        touched[:] = False
                        for t in range(first, min(end + 1, periods)):  # one more: its changeover may go or come
                            if old[t] >= 0:
                                touched[old[t]] = True
                        if j >= 0:
                            touched[j] = True
                        plan[first:end, m] = j
                        change = _setup_cost(m, plan, setup, setup_cost) - of_machine[m]
                        for i in range(items):
                            if touched[i]:
                                change += (
                                    _item_cost(
                                        i, plan, setup, production, loss, inventory, limit, holding, lost, parent,
                                        probability, stage, demand, stock,
                                    )
                                    - of_item[i]
                                )  # fmt: skip
                        if change < least:
                            least, best = change, j
                        plan[:, m] = old
                    if best == -2:
                        continue
                    is_better = True
                    plan[first:end, m] = best
                    of_machine[m] = _setup_cost(m, plan, setup, setup_cost)
                    for i in range(items):
                        of_item[i] = _item_cost(
                            i, plan, setup, production, loss, inventory, limit, holding, lost, parent, probability,
                            stage, demand, stock,
                        )  # fmt: skip
        if not is_better:
            break
    return float(of_item.sum() + of_machine.sum())
