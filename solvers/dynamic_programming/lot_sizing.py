"""Wagner-Whitin: the optimal plan of items that share no capacity, with or without backlogging.

Wagner and Whitin 1958, Management Science 5:89-96; with backlogging Zangwill 1966, Management Science 13:105-119;
O(T log T) as in `lot_sizing_kernels`. Costs may vary from period to period in any way and demands may be zero. Items
without a common capacity are independent, so several are solved one by one. Initial stock serves the first demands:
what it leaves of the demand is planned, and holding it meanwhile costs a constant.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import FloatArray, LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.dynamic_programming.lot_sizing_kernels import envelope, quadratic
from counterpoint.solvers.mip.lot_sizing_net import net_data

Algorithm = Literal["envelope", "quadratic"]
ROUNDING, TOLERANCE = 1e-15, 1e-7  # of the running sums' products; of the cost: what they may be wrong by
MAX_QUADRATIC = 100_000  # periods, seconds


@dataclass(frozen=True, slots=True)
class Options:
    """Options of Wagner-Whitin.

    Parameters
    ----------
    algorithm : {"envelope", "quadratic"}
        O(T log T), or the plain O(T^2) recursion, which it is tested against.
    """

    algorithm: Algorithm = "envelope"


def solve(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Plan every item optimally; the budget is not looked at, since 100,000 periods take well under a second."""
    plan, cost = optimal_plan(instance, options.algorithm)
    return Outcome(plan, cost, Termination.OPTIMAL, bound=cost, iterations=instance.demand.size)


def optimal_plan(instance: LotSizing, algorithm: Algorithm = "envelope") -> tuple[ProductionPlan, float]:
    """Return an optimal plan and its cost as the recursion counts it.

    O(n T log T), or O(n T^2) by the quadratic one. Running sums make the envelope's cost inexact by some 1e-16 times
    total demand times total holding (or backlog) cost per unit: 1e-9 of the optimum at 100,000 periods. An item for
    which that is more than 1e-7 of its cost (say, stock forbidden by a cost of 1e12) is solved by the quadratic one.

    Raises
    ------
    UnsupportedError
        If the instance has a capacity, or such an item has more than 100,000 periods.

    Examples
    --------
    >>> plan, cost = optimal_plan(LotSizing("tiny", demand=[20, 50, 10], setup_cost=30, holding_cost=1))
    >>> plan.lots.tolist(), cost
    ([[20.0, 60.0, 0.0]], 70.0)
    """
    if instance.capacity is not None:
        raise UnsupportedError("Wagner-Whitin plans each item as if there were no capacity; this instance has one")
    recursion = envelope if algorithm == "envelope" else quadratic
    net = net_data(instance)
    late = np.zeros((instance.num_items, 0)) if instance.backlog_cost is None else instance.backlog_cost
    lots = np.empty_like(net.demand)
    cost = net.offset
    for i in range(instance.num_items):
        data = (net.demand[i], instance.setup_cost[i], instance.unit_cost[i], instance.holding_cost[i], late[i])
        item_cost = recursion(*data, lots[i])
        if algorithm == "envelope" and _rounding(instance, net.demand, i) > TOLERANCE * item_cost:
            if instance.num_periods > MAX_QUADRATIC:
                raise UnsupportedError(
                    f"costs of item {i} span too many orders of magnitude for running sums over "
                    f"{instance.num_periods} periods; algorithm=quadratic takes T^2 steps, without them"
                )
            item_cost = quadratic(*data, lots[i])
        cost += item_cost
    return ProductionPlan(lots), cost


def _rounding(instance: LotSizing, demand: FloatArray, item: int) -> float:
    """Return how far rounding of the envelope's running sums may move the cost of an item."""
    per_unit = float(instance.holding_cost[item].sum())
    if instance.backlog_cost is not None:
        per_unit = max(per_unit, float(instance.backlog_cost[item].sum()))
    return ROUNDING * float(demand[item].sum()) * per_unit
