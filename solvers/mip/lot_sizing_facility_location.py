r"""The facility-location model of lot-sizing as arrays: which part of each demand is made when.

Krarup and Bilde (1977), in Numerische Methoden bei Optimierungsaufgaben 3:155-180; its linear relaxation is as
strong as all (l,S) inequalities (Barany, Van Roy and Wolsey 1984, Math. Prog. Study 22:32-43). On net data
(`lot_sizing_net`), w_ist is the share of demand d_it made in s, s <= t (any s with backlogging):

.. math::
    \textstyle\sum_s w_{ist} = 1, \quad w_{ist} \le y_{is}, \quad
    \sum_i (a_i \sum_t d_{it} w_{ist} + b_i y_{is}) \le C_s

- a share costs its unit cost and the holding (s < t) or backlog cost (s > t) of the periods between;
- where the capacity limits a lot, also sum_t d_it w_ist <= M_is y_is, as in the standard model;
- for heuristics, capacity may be exceeded at a stated price per unit, some shares alone be allowed, and some setups
  be decided: what is left out makes the program small.
"""

import numpy as np

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan, capacity_use
from counterpoint.solvers.mip.lot_sizing_net import BoolArray, FloatArray, NetData
from counterpoint.solvers.mip.model import INFINITY, Columns, Rows

MAX_SHARES = 2_000_000


def is_too_large(instance: LotSizing) -> bool:
    """Whether the model would have more than `MAX_SHARES` shares."""
    return instance.num_items * instance.num_periods**2 > 2 * MAX_SHARES


def refuse_too_large(instance: LotSizing) -> None:
    """Raise `UnsupportedError`, naming another method, if the model would have more than `MAX_SHARES` shares."""
    if is_too_large(instance):
        raise UnsupportedError(
            f"the facility-location model needs about {instance.num_items * instance.num_periods**2 // 2} shares, "
            f"more than {MAX_SHARES}; "
            + ("use mip-standard or mip-ls-cuts" if instance.capacity is not None else "use wagner-whitin")
        )


class FacilityLocationModel:
    """The model, with the number of each column; n T (T + 1) / 2 shares, as many rows and a few.

    Parameters
    ----------
    net : NetData
    overtime_price : float, optional
        If given, capacity may be exceeded at this price per unit.
    allowed : bool array [n, T, T], optional
        Shares that there are, by item, period of production and period of demand; default: all. Setups without any
        are fixed to none.
    opened : bool array [n, T], optional
        Setups that are fixed to one.

    Attributes
    ----------
    model : LinearModel
    setups : int array [n, T]
        Columns of y.
    overtime : int array [T] or [0]
    item, made, due : int array [W]
        Item, period of production and period of demand of each share.

    Raises
    ------
    UnsupportedError
        If it would have more than `MAX_SHARES` shares.
    """

    def __init__(
        self,
        net: NetData,
        overtime_price: float | None = None,
        allowed: BoolArray | None = None,
        opened: BoolArray | None = None,
    ) -> None:
        self.net = net
        instance = net.instance
        n, T = shape = net.demand.shape
        refuse_too_large(instance)
        may = (net.limit > 0)[:, :, None] & (net.demand > 0)[:, None, :]
        if instance.backlog_cost is None:
            may &= np.arange(T)[:, None] <= np.arange(T)[None, :]
        if allowed is not None:
            may &= allowed
        self.opened = np.zeros(shape, bool) if opened is None else opened
        most = net.limit > 0
        if allowed is not None:
            most &= may.any(axis=2) | self.opened
        self.item, self.made, self.due = np.nonzero(may)
        self.amount = net.demand[self.item, self.due]
        columns, rows = Columns(), Rows()
        self.setups = columns.add(
            n * T, self.opened.ravel(), most.ravel(), integer=True, cost=instance.setup_cost.ravel()
        ).reshape(shape)
        self.shares = columns.add(len(self.item), 0, 1, cost=self._share_cost())
        priced = instance.capacity is not None and overtime_price is not None
        self.overtime = columns.add(T if priced else 0, 0, INFINITY, cost=overtime_price or 0.0)
        self._demands(rows)
        asks = ~self.opened[self.item, self.made]
        rows.add([(self.shares[asks], 1.0), (self.setups[self.item, self.made][asks], -1.0)], upper=0.0)
        self._lots(rows)
        self._capacity(rows)
        self.model = rows.finish(columns, offset=net.offset)

    def _share_cost(self) -> FloatArray:
        """Cost of making and keeping (or owing) all of each share, [W]."""
        instance = self.net.instance
        i, s, t = self.item, self.made, self.due
        zero = np.zeros((len(self.net.demand), 1))
        held = np.concatenate([zero, np.cumsum(instance.holding_cost, axis=1)], axis=1)
        price = instance.unit_cost[i, s] + np.maximum(held[i, t] - held[i, s], 0.0) * (s <= t)
        if instance.backlog_cost is not None:
            owed = np.concatenate([zero, np.cumsum(instance.backlog_cost, axis=1)], axis=1)
            price = price + np.maximum(owed[i, s] - owed[i, t], 0.0) * (s > t)
        cost: FloatArray = price * self.amount
        return cost

    def _demands(self, rows: Rows) -> None:
        """Every demand is made; a demand nothing can serve leaves an empty row, so infeasible."""
        place = np.full(self.net.demand.shape, -1)
        wanted = self.net.demand > 0
        place[wanted] = np.arange(wanted.sum())
        rows.add_scattered(int(wanted.sum()), place[self.item, self.due], self.shares, 1.0, lower=1.0, upper=1.0)

    def _lots(self, rows: Rows) -> None:
        """Limit lots where the capacity does, rather than the demand; of a setup that is decided, its own row does."""
        capped = self.net.is_capped & (self.net.limit > 0) & ~self.opened
        place = np.full(capped.shape, -1)
        place[capped] = count = np.arange(capped.sum())
        inside = capped[self.item, self.made]
        row = place[self.item, self.made][inside]
        rows.add_scattered(
            len(count),
            np.concatenate([row, count]),
            np.concatenate([self.shares[inside], self.setups[capped]]),
            np.concatenate([self.amount[inside], -self.net.limit[capped]]),
            upper=0.0,
        )

    def _capacity(self, rows: Rows) -> None:
        instance = self.net.instance
        if instance.capacity is None:
            return
        n, T = self.net.demand.shape
        rows.add_scattered(
            T,
            np.concatenate([self.made, np.tile(np.arange(T), n), np.arange(len(self.overtime))]),
            np.concatenate([self.shares, self.setups.ravel(), self.overtime]),
            np.concatenate(
                [
                    instance.unit_time[self.item] * self.amount,
                    np.repeat(instance.setup_time, T),
                    np.full(len(self.overtime), -1.0),
                ]
            ),
            upper=instance.capacity,
        )

    def values_of(self, plan: ProductionPlan) -> FloatArray:
        """Return the values of a plan, [columns]; the first made serves the first due."""
        values = np.zeros(self.model.num_cols)
        values[self.setups] = plan.setups
        values[self.shares] = shares_of(self.net, plan)[self.item, self.made, self.due]
        instance = self.net.instance
        if len(self.overtime) and instance.capacity is not None:
            values[self.overtime] = np.maximum(capacity_use(instance, plan) - instance.capacity, 0.0)
        return values

    def plan_of(self, values: FloatArray) -> ProductionPlan:
        """Return lots and rounded setups as they stand in the values."""
        made = self.item * self.net.instance.num_periods + self.made
        weight = np.maximum(values[self.shares], 0.0) * self.amount
        lots = np.bincount(made, weight, minlength=self.setups.size).reshape(self.setups.shape)
        return ProductionPlan(lots, values[self.setups] > 0.5)


def shares_of(net: NetData, plan: ProductionPlan) -> FloatArray:
    """Return which part of each demand (last axis) a plan makes when, [n, T, T]; first made serves first due."""
    made, due = np.cumsum(plan.lots, axis=1), np.cumsum(net.demand, axis=1)
    begin = np.maximum((made - plan.lots)[:, :, None], (due - net.demand)[:, None, :])
    end = np.minimum(made[:, :, None], due[:, None, :])
    share: FloatArray = np.clip((end - begin) / np.maximum(net.demand, 1e-300)[:, None, :], 0.0, 1.0)
    return share
