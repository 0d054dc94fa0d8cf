"""A first plan without any solver: lot-for-lot, then left-shifting what a period cannot carry.

In the manner of the smoothing of Trigeiro, Thomas and McClain (1989), Mgmt. Sci. 35:353-366, backward pass only.
Deviation: no multipliers; what moves is chosen by cost per unit of time relieved. O(n T) moves of O(n) each.
"""

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_net import FloatArray, NetData, largest_lots, net_data, shortage


def solve(instance: LotSizing, budget: Budget, seed: int, options: None, report: Report) -> Outcome:
    """Left-shift; returns no plan if it finds none that keeps to the capacity."""
    net = net_data(instance)
    if reason := shortage(net):
        return Outcome(None, None, Termination.INFEASIBLE, message=reason)
    held = Held(net, report)
    held.take(left_shift(net))
    if held.plan is None:
        return Outcome(None, None, Termination.COMPLETED, message="left-shifting found no plan; try fix-and-optimise")
    return Outcome(held.plan, held.value, Termination.COMPLETED)


def left_shift(net: NetData) -> ProductionPlan:
    """Return lots that meet every demand in time; what capacity lacks is left over in the first period.

    From the last period to the first: each item makes what is due; while the period is overloaded, the item whose
    move to the period before costs least per unit of time relieved moves there, all of its lot or the part in excess.
    """
    instance = net.instance
    lots = net.demand.copy()
    if instance.capacity is None:
        return ProductionPlan(lots, lots > 0)
    unit, setup = instance.unit_time, instance.setup_time
    most = largest_lots(instance)
    for t in range(instance.num_periods - 1, 0, -1):
        due = lots[:, t].copy()
        kept = np.minimum(due, most[:, t])
        lots[:, t - 1] += due - kept  # what no lot of this period can hold
        lots[:, t] = kept
        for _ in range(2 * instance.num_items):
            here = lots[:, t]
            excess = float(unit @ here + setup @ (here > 0) - instance.capacity[t])
            if excess <= 1e-9 * max(1.0, float(instance.capacity[t])) or not (here > 0).any():
                break
            item, amount = _cheapest_move(net, lots, t, excess)
            lots[item, t - 1] += amount
            lots[item, t] = 0.0 if amount >= lots[item, t] else lots[item, t] - amount
    return ProductionPlan(lots, lots > 0)


def _cheapest_move(net: NetData, lots: FloatArray, t: int, excess: float) -> tuple[int, float]:
    """Return which item moves how much from t to t - 1."""
    instance = net.instance
    here, unit, setup = lots[:, t], instance.unit_time, instance.setup_time
    part = np.where(unit > 0, excess / np.where(unit > 0, unit, 1.0), np.inf)
    is_whole = part >= here * (1 - 1e-9)
    amount = np.where(is_whole, here, part)
    relief = amount * unit + np.where(is_whole, setup, 0.0)
    price = amount * (instance.holding_cost[:, t - 1] + instance.unit_cost[:, t - 1] - instance.unit_cost[:, t])
    opened = lots[:, t - 1] <= 0
    price = price + np.where(opened, instance.setup_cost[:, t - 1], 0.0)
    price = price - np.where(is_whole, instance.setup_cost[:, t], 0.0)
    # a new setup before takes time there that is lost for good
    gain = np.maximum(relief - np.where(opened, setup, 0.0), 1e-3 * relief)
    rate = np.where((here > 0) & (relief > 0), price / np.where(gain > 0, gain, 1.0), np.inf)
    # whole lots too: an item too cheap to split may relieve more than the excess
    item = int(np.argmin(rate))
    if not np.isfinite(rate[item]):
        item = int(np.argmax(here))
    return item, float(amount[item])
