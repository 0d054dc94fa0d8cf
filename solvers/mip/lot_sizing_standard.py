r"""The standard lot-sizing model as arrays: lots, setups, stock.

Capacitated lot-sizing with setup times (Trigeiro, Thomas and McClain 1989, Mgmt. Sci. 35:353-366), in the
notation of Pochet and Wolsey (2006), Production Planning by Mixed Integer Programming; on net data
(`lot_sizing_net`), d net demand, M the largest useful lot:

.. math::
    \min \textstyle\sum_{it} f_{it} y_{it} + c_{it} x_{it} + h_{it} s_{it} + b_{it} r_{it} \\
    s_{i,t-1} - r_{i,t-1} + x_{it} = d_{it} + s_{it} - r_{it}, \quad r_{iT} = 0 \\
    x_{it} \le M_{it} y_{it}, \quad \textstyle\sum_i (a_i x_{it} + b_i y_{it}) \le C_t

Backlog r exists only where the instance allows it.
"""

import numpy as np

from counterpoint.opt.problems.lot_sizing import ProductionPlan
from counterpoint.solvers.mip.lot_sizing_net import FloatArray, NetData
from counterpoint.solvers.mip.model import INFINITY, Columns, Rows


class StandardModel:
    """The model, with the number of each column; 3 n T columns (4 with backlogging), 2 n T + T rows.

    Attributes
    ----------
    model : LinearModel
    lots, setups : int array [n, T]
        Columns of x and y.
    """

    def __init__(self, net: NetData) -> None:
        self.net = net
        instance = net.instance
        n, T = shape = net.demand.shape
        columns, rows = Columns(), Rows()
        flat = n * T
        self.lots = columns.add(flat, 0, net.limit.ravel(), cost=instance.unit_cost.ravel()).reshape(shape)
        self.setups = columns.add(
            flat, 0, (net.limit > 0).ravel(), integer=True, cost=instance.setup_cost.ravel()
        ).reshape(shape)
        self.stock = columns.add(flat, 0, INFINITY, cost=instance.holding_cost.ravel()).reshape(shape)
        self.backlog = None
        if instance.backlog_cost is not None:
            most = np.full(shape, INFINITY)
            most[:, -1] = 0.0
            self.backlog = columns.add(flat, 0, most.ravel(), cost=instance.backlog_cost.ravel()).reshape(shape)
        self._balance(rows)
        rows.add([(self.lots.ravel(), 1.0), (self.setups.ravel(), -net.limit.ravel())], upper=0.0)
        if instance.capacity is not None:
            period = np.tile(np.arange(T), n)
            rows.add_scattered(
                T,
                np.concatenate([period, period]),
                np.concatenate([self.lots.ravel(), self.setups.ravel()]),
                np.repeat(np.concatenate([instance.unit_time, instance.setup_time]), T),
                upper=instance.capacity,
            )
        self.model = rows.finish(columns, offset=net.offset)

    def _balance(self, rows: Rows) -> None:
        """Write the balance of each item and period."""
        shape = self.net.demand.shape
        here = np.arange(shape[0] * shape[1]).reshape(shape)
        kinds = [(self.lots, here, 1.0), (self.stock, here, -1.0), (self.stock[:, :-1], here[:, 1:], 1.0)]
        if self.backlog is not None:
            kinds += [(self.backlog, here, 1.0), (self.backlog[:, :-1], here[:, 1:], -1.0)]
        rows.add_scattered(
            here.size,
            np.concatenate([row.ravel() for _, row, _ in kinds]),
            np.concatenate([column.ravel() for column, _, _ in kinds]),
            np.concatenate([np.full(row.size, value) for _, row, value in kinds]),
            lower=self.net.demand.ravel(),
            upper=self.net.demand.ravel(),
        )

    def values_of(self, plan: ProductionPlan) -> FloatArray:
        """Return the values of a feasible plan, [columns]."""
        values = np.zeros(self.model.num_cols)
        values[self.lots], values[self.setups] = plan.lots, plan.setups
        position = np.cumsum(plan.lots - self.net.demand, axis=1)
        values[self.stock] = np.maximum(position, 0.0)
        if self.backlog is not None:
            values[self.backlog] = np.maximum(-position, 0.0)
        return values

    def plan_of(self, values: FloatArray) -> ProductionPlan:
        """Return lots and rounded setups as they stand in the values."""
        return ProductionPlan(np.maximum(values[self.lots], 0.0), values[self.setups] > 0.5)
