"""The time-indexed changeover-flow model of pigment sequencing, as sparse arrays.

Binary x[i, t]: item i is made in period t; y[i, t]: it is the item made last (the machine is set up for it, also while
it idles); continuous f[i, j, t]: the flow of that state from period t - 1 to t, z[j, t] = sum_{i != j} f[i, j, t].

    min  sum h_i (sum of due periods - sum_t t x[i, t]) + sum q_ij f[i, j, t]
    sum_i y[i, t] = 1,  sum_j f[i, j, t] = y[i, t - 1],  sum_i f[i, j, t] = y[j, t],  z <= x <= y,
    sum_{u <= t} x[i, u] >= orders due by t, with equality at the end.

A change is paid only by making (z <= x), so that nothing is gained by going round through a third item while idle.
The state before the first unit is free, so that it costs nothing. Cuts on the stock s at the end of period t - 1 and
the next p orders, due in d_1 < .. < d_p (van Eijl and van Hoesel 1997, Operations Research Letters 20:7-13, for
discrete lot-sizing with start-up costs; a counterpart of the (l, S) inequalities):

    s >= sum_{k <= p} (1 - y[i, t + k - 1] - sum_{t + k <= u <= d_k} z[i, u])
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.pigment_sequencing import IDLE, IntArray, PigmentSequencing, ProductionSequence
from counterpoint.solvers.mip.model import Columns, FloatArray, LinearModel, Rows


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The model and its columns.

    Parameters
    ----------
    linear : LinearModel
    made, state : int64 array [n, T]
        Columns of x and y.
    change : int64 array [n, T - 1]
        Columns of z, of periods 1 to T - 1.
    flow : int64 array [n, n, T - 1]
        Columns of f, likewise.
    """

    linear: LinearModel
    made: IntArray
    state: IntArray
    change: IntArray
    flow: IntArray


def build(instance: PigmentSequencing, depth: int) -> Model:
    """Build the model, with cuts on up to `depth` orders (0: none)."""
    n, periods = instance.num_items, instance.num_periods
    columns, rows = Columns(), Rows()
    time = np.arange(periods)
    earliness = -instance.stocking_cost[:, None] * time
    made = columns.add(n * periods, 0, 1, integer=True, cost=earliness.ravel()).reshape(n, periods)
    state = columns.add(n * periods, 0, 1, integer=True).reshape(n, periods)
    change = columns.add(n * (periods - 1), 0, 1).reshape(n, periods - 1)
    paid = np.broadcast_to(instance.changeover_cost[:, :, None], (n, n, periods - 1))
    flow = columns.add(paid.size, 0, 1, cost=paid.ravel()).reshape(n, n, periods - 1)

    rows.add([(state[i], 1.0) for i in range(n)], 1, 1)
    rows.add([(made.ravel(), 1.0), (state.ravel(), -1.0)], upper=0)
    if periods > 1:
        for i in range(n):
            rows.add([*((flow[i, j], 1.0) for j in range(n)), (state[i, :-1], -1.0)], 0, 0)
            rows.add([*((flow[j, i], 1.0) for j in range(n)), (state[i, 1:], -1.0)], 0, 0)
            rows.add([*((flow[j, i], 1.0) for j in range(n) if j != i), (change[i], -1.0)], 0, 0)
        rows.add([(change.ravel(), 1.0), (made[:, 1:].ravel(), -1.0)], upper=0)
    due = instance.orders.cumsum(axis=1)
    upto = np.tril_indices(periods)
    for i in range(n):
        most = np.where(time == periods - 1, due[i, -1], np.inf)
        rows.add_scattered(periods, upto[0], made[i, upto[1]], 1.0, due[i], most)
    for i in range(n):
        _cut(rows, instance, i, made, state, change, depth)
    offset = sum(int(h) * int(instance.due_periods(i).sum()) for i, h in enumerate(instance.stocking_cost))
    return Model(rows.finish(columns, float(offset)), made, state, change, flow)


def _cut(
    rows: Rows, instance: PigmentSequencing, item: int, made: IntArray, state: IntArray, change: IntArray, depth: int
) -> None:
    """Add the cuts of one item: a row per period and number of orders."""
    due = instance.due_periods(item)
    for t in range(instance.num_periods):
        met = int(np.searchsorted(due, t))
        before = made[item, :t]
        terms: list[IntArray] = []
        for k, last in enumerate(due[met : met + depth].tolist(), 1):
            # a start-up in period u is column u - 1 of `change`
            terms += [state[item, t + k - 1 : t + k], change[item, t + k - 1 : last]]
            found = np.concatenate([before, *terms])
            rows.add_scattered(1, np.zeros(len(found), np.int64), found, 1.0, met + k)


def start_values(instance: PigmentSequencing, model: Model, sequence: ProductionSequence) -> FloatArray:
    """Return the values of all columns for a feasible sequence."""
    item = sequence.item
    values = np.zeros(model.linear.num_cols)
    working = np.flatnonzero(item != IDLE)
    values[model.made[item[working], working]] = 1.0
    # the last item made up to each period; before the first unit, the first item
    at = np.searchsorted(working, np.arange(len(item)), side="right") - 1
    state = item[working[np.maximum(at, 0)]]
    values[model.state[state, np.arange(len(item))]] = 1.0
    period = np.arange(len(item) - 1)
    values[model.flow[state[:-1], state[1:], period]] = 1.0
    moved = np.flatnonzero(state[:-1] != state[1:])
    values[model.change[state[1:][moved], moved]] = 1.0
    return values


def sequence_of(model: Model, values: FloatArray) -> ProductionSequence:
    """Return the sequence that integer values stand for."""
    made = values[model.made] > 0.5
    return ProductionSequence(np.where(made.any(axis=0), made.argmax(axis=0), IDLE))
