r"""The standard model tightened by (l,S) inequalities, separated at the root.

For an item, a period l and any S of {1..l} (Barany, Van Roy and Wolsey 1984, Math. Prog. Study 22:32-43):

.. math::
    \textstyle\sum_{t \in S} x_t + \sum_{t \le l,\, t \notin S} d_{tl}\, y_t \ge d_{1l}, \quad d_{tl} = d_t + ... + d_l

The most violated S for each l takes the smaller of the two terms, period by period: O(n T^2) for all of them. They
are separated not at the optimum of the relaxation but half-way to a core point inside (in-out separation, Ben-Ameur
and Neto 2007, Networks 49:3-17), which needs a third of the rounds; without any left the relaxation is as strong as
the facility-location model. Cuts that are not tight in the end are dropped.

With backlogging these do not hold. In their place stand those of the intervals k..l (the simplest of Pochet and
Wolsey 1988, Math. Prog. 40:317-335): what a block of periods without setup needs comes from stock or is owed,

.. math::
    s_{k-1} + r_l + d_{kl} (y_k + ... + y_l) \ge d_{kl}

They are weaker than the facility-location model.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from counterpoint.opt.budget import Clock
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.lot_sizing_net import FloatArray, NetData
from counterpoint.solvers.mip.lot_sizing_standard import StandardModel
from counterpoint.solvers.mip.model import INFINITY, LinearModel

MAX_SUMS = 20_000_000  # n T^2 numbers, of which separation holds about five at once: 1 GB
VIOLATION = 1e-7  # of the demand in question, at least of 1
INWARD = 0.5  # where between core and relaxation to separate
SLACK = 0.05  # of its right-hand side: a cut further away is dropped
PRUNED_ROUNDS = 100  # no cut is dropped later on, so that no cycle goes on for ever

Cuts = tuple[sparse.csr_array, FloatArray]  # rows and lower bounds


class TightModel(StandardModel):
    """The standard model with cuts; columns as there.

    Parameters
    ----------
    net : NetData
    clock : Clock
        Separation ends with it; the cuts found so far are kept.

    Attributes
    ----------
    root_bound : float or None
        Of the relaxation at the end; proven even if separation was stopped early.
    rounds : int
    termination : Termination
        Of the last relaxation: optimal, infeasible (then so is the instance), or why it was stopped.

    Raises
    ------
    UnsupportedError
        If separation would take too much memory.
    """

    def __init__(self, net: NetData, clock: Clock) -> None:
        n, T = net.demand.shape
        if n * T * T > MAX_SUMS:
            raise UnsupportedError(
                f"separation needs items x periods^2 = {n * T * T} numbers, more than {MAX_SUMS}; use "
                + ("mip-standard" if net.instance.capacity is not None else "wagner-whitin")
            )
        super().__init__(net)
        bare = self.model
        relaxed = replace(bare, is_integer=np.zeros(bare.num_cols, bool))
        # each period makes its own demand: no cut is violated there, whether or not the capacity allows it
        core = np.zeros(bare.num_cols)
        core[self.lots], core[self.setups] = net.demand, 1.0
        self.root_bound, self.rounds = None, 0
        while True:
            result = solve_model(relaxed, time_limit_s=clock.remaining_s())
            self.termination = Termination.INTERRUPTED if result.is_interrupted else result.termination
            if self.termination is not Termination.OPTIMAL or result.values is None:
                break
            self.root_bound, self.rounds = result.objective, self.rounds + 1
            rows, lower, core = self._separate(result.values, core)
            if not len(lower):
                break
            if self.rounds <= PRUNED_ROUNDS:
                relaxed = _pruned(relaxed, bare.num_rows, result.values, SLACK)
            relaxed = _extended(relaxed, rows, lower)
        if result.values is not None and self.termination is Termination.OPTIMAL:
            relaxed = _pruned(relaxed, bare.num_rows, result.values, VIOLATION)
        self.model = replace(relaxed, is_integer=bare.is_integer)

    def _separate(self, values: FloatArray, core: FloatArray) -> tuple[sparse.csr_array, FloatArray, FloatArray]:
        """Return cuts between core and values, or at the values if there are none between; and the next core."""
        cuts = self._cuts_at(values)
        if not len(cuts[1]):
            return *cuts, core
        while True:
            middle = INWARD * values + (1 - INWARD) * core
            inner = self._cuts_at(middle)
            if len(inner[1]):
                return *inner, core
            if np.abs(middle - core).max() < VIOLATION:
                return *cuts, core
            core = middle

    def _cuts_at(self, values: FloatArray) -> Cuts:
        if self.backlog is None:
            return self._subset_cuts(values)
        return self._interval_cuts(values)

    def _subset_cuts(self, values: FloatArray) -> Cuts:
        """(l,S): for each item and l the most violated S, if any is violated."""
        total, between = _sums(self.net.demand)
        by_setup = between * values[self.setups][:, :, None]
        lots = np.broadcast_to(values[self.lots][:, :, None], by_setup.shape)
        early = np.triu(np.ones(between.shape[1:], bool))  # t <= l
        in_set = (lots < by_setup) & early
        left = np.where(in_set, lots, by_setup).sum(axis=1)
        item, last = np.nonzero(total - left > VIOLATION * np.maximum(1.0, total))
        chosen = in_set[item, :, last]
        row, t = np.nonzero(chosen)
        weight = np.where(chosen, 0.0, between[item, :, last])
        setup_row, setup_t = np.nonzero(weight)
        rows = _matrix(
            [(row, self.lots[item[row], t], np.ones(len(row))),
             (setup_row, self.setups[item[setup_row], setup_t], weight[setup_row, setup_t])],
            len(item), len(values),
        )  # fmt: skip
        return rows, total[item, last]

    def _interval_cuts(self, values: FloatArray) -> Cuts:
        """With backlogging: every violated interval k..l."""
        assert self.backlog is not None
        _, between = _sums(self.net.demand)
        stock = np.pad(values[self.stock][:, :-1], ((0, 0), (1, 0)))[:, :, None]
        setups = np.pad(np.cumsum(values[self.setups], axis=1), ((0, 0), (1, 0)))
        count = setups[:, None, 1:] - setups[:, :-1, None]
        left = stock + values[self.backlog][:, None, :] + between * count
        item, first, last = np.nonzero(between - left > VIOLATION * np.maximum(1.0, between))
        amount = between[item, first, last]
        inside = np.arange(between.shape[1])
        row, t = np.nonzero((inside >= first[:, None]) & (inside <= last[:, None]))
        held = np.flatnonzero(first > 0)
        rows = _matrix(
            [(held, self.stock[item[held], first[held] - 1], np.ones(len(held))),
             (np.arange(len(item)), self.backlog[item, last], np.ones(len(item))),
             (row, self.setups[item[row], t], amount[row])],
            len(item), len(values),
        )  # fmt: skip
        return rows, amount


def _sums(demand: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return d_1l [n, l] and d_tl [n, t, l], 0 where t > l."""
    total = np.cumsum(demand, axis=1)
    before = np.pad(total, ((0, 0), (1, 0)))[:, :-1]
    between = np.triu(np.maximum(total[:, None, :] - before[:, :, None], 0.0))
    return total, between


def _matrix(parts: list[tuple[Any, Any, Any]], rows: int, columns: int) -> sparse.csr_array:
    row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sparse.coo_array((value, (row, column)), shape=(rows, columns)).tocsr()


def _pruned(model: LinearModel, keep_first: int, values: FloatArray, slack: float) -> LinearModel:
    """Drop rows beyond the first that are not (nearly) tight."""
    gap = model.matrix @ values - model.row_lower
    keep = gap <= slack * np.maximum(1.0, np.abs(model.row_lower))
    keep[:keep_first] = True
    return replace(model, matrix=model.matrix[keep], row_lower=model.row_lower[keep], row_upper=model.row_upper[keep])


def _extended(model: LinearModel, rows: sparse.csr_array, lower: FloatArray) -> LinearModel:
    return replace(
        model,
        matrix=sparse.vstack([model.matrix, rows]).tocsr(),
        row_lower=np.concatenate([model.row_lower, lower]),
        row_upper=np.concatenate([model.row_upper, np.full(len(lower), INFINITY)]),
    )
