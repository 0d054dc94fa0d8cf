"""The plant of parallel machines on a scenario tree, as a mixed-integer model in arrays.

Per machine m, item i that it can make, and node p at which something is decided: binary X (given the item) and D
(newly set up), D >= X - X at the parent; where a changeover loses units also D <= X and D <= 1 - X at the parent, so
that none are lost without one. Per node n and item: stock I up to its limit, lost sales Z and what is scrapped W, with
I - Z + W = I at the parent + sum_m (P X - SL D) - demand. Only a full store is cut: binary F, W <= F x all that can be
made, I >= F x limit; without it a plan would throw away what it costs to hold. Setups are paid with the probability of
p, lost sales and holding with that of n. N nodes, of them L leaves: 2 (N - L + 1) M I + 4 N I columns at most. D is
whole where X is. If setups are common, all nodes of a period decide alike: one X and D for the period.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.problems.stochastic_lot_sizing import IDLE, IntArray, StochasticLotSizing
from counterpoint.solvers.mip.model import INFINITY, Columns, FloatArray, LinearModel, Rows
from counterpoint.solvers.replan.scenario_tree import ROOT, Tree


@dataclass(frozen=True, slots=True, eq=False)
class TreeModel:
    """The model, and where its first decisions are.

    Parameters
    ----------
    model : LinearModel
    given, is_new : int64 array [P, K]
        Columns X and D of the nodes decided at (the present first) and the pairs.
    machine, item : int64 array [K]
        The pairs of a machine and an item that it can make.
    parent : int64 array [P]
        Row of the parent of each node decided at; -1 for the present.
    stage : int64 array [P]
        Period of each of those decisions, from 0.
    at : int64 array [N]
        Row of the decisions that lead to each node.
    stock, lost, scrapped, is_full : int64 array [N, I]
        Columns I, Z, W and F.
    """

    model: LinearModel
    given: IntArray
    is_new: IntArray
    machine: IntArray
    item: IntArray
    parent: IntArray
    stage: IntArray
    at: IntArray
    stock: IntArray
    lost: IntArray
    scrapped: IntArray
    is_full: IntArray

    def plan(self, values: FloatArray, machines: int) -> IntArray:
        """Return what each machine is given now and later, int64 [H, M]; where nodes differ, at the first of them."""
        plan = np.full((int(self.stage.max()) + 1, machines), IDLE, np.int64)
        for t in range(len(plan)):
            on = np.flatnonzero(values[self.given[np.argmax(self.stage == t)]] > 0.5)
            plan[t, self.machine[on]] = self.item[on] + 1
        return plan

    def values_of(
        self, instance: StochasticLotSizing, tree: Tree, inventory: IntArray, setup: IntArray, plan: IntArray
    ) -> FloatArray:
        """Return the values of a plan [H, M] of choices, the same at all nodes of a period, [columns]."""
        values = np.zeros(self.model.num_cols)
        item = self.item + 1
        given = plan[self.stage][:, self.machine] == item
        before = np.where(self.parent[:, None] < 0, setup[self.machine] == item, given[self.parent])
        values[self.given], values[self.is_new] = given, given & ~before
        units = given * instance.production[self.machine, self.item]
        units = units - (given & ~before) * instance.setup_loss[self.machine, self.item]
        made = units @ (self.item[:, None] == np.arange(instance.num_items))
        stock = np.zeros(tree.demand.shape)
        for node, parent in enumerate(tree.parent):
            left = (inventory if parent == ROOT else stock[parent]) + made[self.at[node]] - tree.demand[node]
            stock[node] = np.clip(left, 0.0, instance.max_inventory)
            values[self.lost[node]] = np.maximum(-left, 0.0)
            values[self.scrapped[node]] = over = np.maximum(left - instance.max_inventory, 0.0)
            values[self.is_full[node]] = over > 0
        values[self.stock] = stock
        return values


def tree_model(
    instance: StochasticLotSizing, tree: Tree, inventory: IntArray, setup: IntArray, *, is_common: bool = False
) -> TreeModel:
    """Return the model from a present state on; the stock may be given in fractions, setups may be common."""
    machine, item = np.nonzero(instance.production)
    nodes, items, pairs = len(tree.parent), instance.num_items, len(machine)
    inner = np.unique(tree.parent)  # nodes at which something is decided; ROOT comes first
    at = np.searchsorted(inner, tree.parent)  # row of each node's parent in `inner`
    chance = np.where(inner == ROOT, 1.0, tree.probability[inner])
    before = np.searchsorted(inner, tree.parent[inner[1:]])
    if is_common:
        at, chance = tree.stage, np.ones(int(tree.stage.max()) + 1)
        inner, before = np.arange(len(chance)), np.arange(len(chance) - 1)
    columns, rows = Columns(), Rows()
    cost = instance.setup_cost[machine, item]
    shape = (len(inner), pairs)
    given = columns.add(inner.size * pairs, 0, 1, integer=True).reshape(shape)
    is_new = columns.add(inner.size * pairs, 0, 1, cost=(chance[:, None] * cost).ravel()).reshape(shape)
    weight = tree.probability[:, None]
    stock, lost, scrapped = (
        columns.add(nodes * items, 0, upper, cost=np.broadcast_to(price, (nodes, items)).ravel()).reshape(nodes, items)
        for upper, price in (
            (np.tile(instance.max_inventory, nodes), weight * instance.holding_cost),
            (INFINITY, weight * instance.lost_sales_cost),
            (INFINITY, 0.0),
        )
    )
    is_full = columns.add(nodes * items, 0, 1, integer=True)
    most, limit = (np.tile(x, nodes).astype(float) for x in (instance.production.sum(0), instance.max_inventory))
    rows.add([(scrapped.ravel(), 1.0), (is_full, -most)], upper=0.0)
    rows.add([(stock.ravel(), 1.0), (is_full, -limit)], lower=0.0)
    # one item per machine
    row = np.arange(inner.size)[:, None] * instance.num_machines + machine
    rows.add_scattered(inner.size * instance.num_machines, row.ravel(), given.ravel(), 1.0, upper=1.0)
    # newly set up
    was = (setup[machine] == item + 1).astype(np.float64)
    rows.add([(is_new[0], 1.0), (given[0], -1.0)], lower=-was)
    if len(inner) > 1:
        rows.add([(is_new[1:].ravel(), 1.0), (given[1:].ravel(), -1.0), (given[before].ravel(), 1.0)], lower=0.0)
    # and no loss without a changeover
    loses = np.flatnonzero(instance.setup_loss[machine, item])
    rows.add([(is_new[:, loses].ravel(), 1.0), (given[:, loses].ravel(), -1.0)], upper=0.0)
    rows.add([(is_new[0, loses], 1.0)], upper=1.0 - was[loses])
    if len(inner) > 1:
        rows.add([(is_new[1:, loses].ravel(), 1.0), (given[before][:, loses].ravel(), 1.0)], upper=1.0)
    _balance(instance, rows, tree, inventory, (given[at], is_new[at]), (stock, lost, scrapped), (machine, item))
    stage = np.zeros(len(inner), np.int64)
    stage[at] = tree.stage
    return TreeModel(
        rows.finish(columns), given, is_new, machine, item, np.r_[-1, before], stage, at, stock, lost, scrapped,
        is_full.reshape(nodes, items),
    )  # fmt: skip


def _balance(
    instance: StochasticLotSizing, rows: Rows, tree: Tree, inventory: IntArray, made: Any, units: Any, pair: Any
) -> None:
    """Add I - Z + W - I at the parent - sum_m (P X - SL D) = -demand, a row per node and item."""
    (given, is_new), (stock, lost, scrapped), (machine, item) = made, units, pair
    nodes, items = stock.shape
    own = np.arange(nodes * items).reshape(nodes, items)
    later = np.flatnonzero(tree.parent != ROOT)
    first = (tree.parent == ROOT)[:, None] * np.asarray(inventory, np.float64)
    row_of_pair = own[:, item]
    shape = row_of_pair.shape
    parts = (
        (own, stock, 1.0),
        (own, lost, -1.0),
        (own, scrapped, 1.0),
        (own[later], stock[tree.parent[later]], -1.0),
        (row_of_pair, given, np.broadcast_to(-instance.production[machine, item], shape)),
        (row_of_pair, is_new, np.broadcast_to(instance.setup_loss[machine, item], shape)),
    )
    row, column, value = (
        np.concatenate([np.broadcast_to(part[k], part[0].shape).ravel() for part in parts]) for k in range(3)
    )
    right = (first - tree.demand).ravel()
    rows.add_scattered(nodes * items, row, column, value, lower=right, upper=right)
