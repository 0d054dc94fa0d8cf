"""The plant of parallel machines on a scenario tree, as a mixed-integer model in arrays.

Per machine m, item i that it can make, and node p at which something is decided: binary X (given the item) and D
(newly set up), D >= X - X at the parent; where a changeover loses units also D <= X and D <= 1 - X at the parent, so
that none are lost without one. Per node n and item: stock I up to its limit, lost sales Z and what is scrapped W, with
I - Z + W = I at the parent + sum_m (P X - SL D) - demand. Only a full store is cut: binary F, W <= F x all that can be
made, I >= F x limit; without it a plan would throw away what it costs to hold. Setups are paid with the probability of
p, lost sales and holding with that of n. N nodes, of them L leaves: 2 (N - L + 1) M I + 4 N I columns at most.
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
    """

    model: LinearModel
    given: IntArray
    is_new: IntArray
    machine: IntArray
    item: IntArray
    parent: IntArray

    def choice(self, values: FloatArray, machines: int) -> IntArray:
        """Return what each machine is given at once, int64 [M]."""
        choice = np.full(machines, IDLE, np.int64)
        on = np.flatnonzero(values[self.given[0]] > 0.5)
        choice[self.machine[on]] = self.item[on] + 1
        return choice

    def keeping(self, setup: IntArray) -> FloatArray:
        """Return a partial start: every machine goes on with its setup; NaN where HiGHS is to find the value."""
        start = np.full(self.model.num_cols, np.nan)
        start[self.given] = setup[self.machine] == self.item + 1
        start[self.is_new] = 0.0
        return start


def tree_model(instance: StochasticLotSizing, tree: Tree, inventory: IntArray, setup: IntArray) -> TreeModel:
    """Return the model from a present state on; the stock may be given in fractions."""
    machine, item = np.nonzero(instance.production)
    nodes, items, pairs = len(tree.parent), instance.num_items, len(machine)
    inner = np.unique(tree.parent)  # nodes at which something is decided; ROOT comes first
    at = np.searchsorted(inner, tree.parent)  # row of each node's parent in `inner`
    chance = np.where(inner == ROOT, 1.0, tree.probability[inner])
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
    before = np.searchsorted(inner, tree.parent[inner[1:]])
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
    return TreeModel(rows.finish(columns), given, is_new, machine, item, np.r_[-1, before])


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
