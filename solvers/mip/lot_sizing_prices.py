"""Prices of capacity, the bound they prove, and what they say of every share: by Lagrangian relaxation.

With a price on each period's capacity items are independent, and each is planned by Wagner-Whitin (Thizy and Van
Wassenhove 1985, IIE Transactions 17:308-313; Trigeiro, Thomas and McClain 1989, Mgmt. Sci. 35:353-366). The best
prices give the facility-location bound, but for the limits that the capacity sets to single lots; subgradients come
within some 0.01 % of it in milliseconds, where the linear program takes up to seconds.

The regret of a share is what its item costs more, at these prices, if it must be used: the least cost by way of it,
less the item's optimum, of plans whose lots serve consecutive periods. (There is an optimum among those, but where unit
costs vary a share may be forced for less.) Few shares have a small one, and good plans are made of those.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.solvers.mip.lot_sizing_net import FloatArray, NetData
from counterpoint.solvers.mip.lot_sizing_prices_kernels import raise_prices, regrets

MAX_STEPS, MAX_WORK = 400, 4e8  # of subgradients, and of all their steps of dynamic programming together


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Prices, and what follows from them.

    Parameters
    ----------
    price : float64 array [T]
        Per unit of capacity.
    bound : float
        No plan costs less.
    regret : float64 array [n, T, T]
        Of serving the demand of a period (last axis) from a lot in another; infinite where that is impossible.
    """

    price: FloatArray
    bound: float
    regret: FloatArray


def capacity_prices(net: NetData) -> Prices:
    """Price the capacity; O(n T^2) a step, of which there are some hundreds. An instance without one has prices 0.

    Examples
    --------
    >>> from counterpoint.solvers.mip.lot_sizing_net import LotSizing, net_data
    >>> capacity_prices(net_data(LotSizing("one", [[3.0, 4.0, 5.0]], setup_cost=10.0, holding_cost=1.0))).bound
    24.0
    """
    instance = net.instance
    n, T = net.demand.shape
    setup = np.where(net.limit > 0, instance.setup_cost, np.inf)
    backlog = np.zeros((n, 0)) if instance.backlog_cost is None else instance.backlog_cost
    times = np.column_stack([instance.unit_time, instance.setup_time])
    price = np.zeros(T)
    capacity = np.full(T, np.inf) if instance.capacity is None else instance.capacity
    items = net.demand, setup, instance.unit_cost, instance.holding_cost, backlog
    steps = 1 if instance.capacity is None else int(np.clip(MAX_WORK / (n * T * T), 1, MAX_STEPS))
    room = np.where(np.isfinite(capacity), capacity, 0.0)
    bound = raise_prices(*items, times, room, price, steps)
    regret = np.empty((n, T, T))
    setup = setup + price * instance.setup_time[:, None]
    unit = instance.unit_cost + price * instance.unit_time[:, None]
    for i in range(n):
        regrets(net.demand[i], setup[i], unit[i], instance.holding_cost[i], backlog[i], regret[i])
    regret[np.broadcast_to((net.demand <= 0)[:, None, :], regret.shape)] = np.inf
    return Prices(price, bound + net.offset, regret)
