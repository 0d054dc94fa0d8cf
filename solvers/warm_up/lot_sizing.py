"""Compile the lot-sizing kernels, or load them from Numba's cache, before any clock starts."""

from functools import cache

from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan

TINY = LotSizing("tiny", demand=[2, 0, 3], setup_cost=2, holding_cost=1)
LATE = LotSizing("tiny with backlog", demand=[2, 0, 3], setup_cost=2, holding_cost=1, backlog_cost=1)


@cache
def wagner_whitin() -> None:
    """Both recursions of Wagner-Whitin."""
    from counterpoint.solvers.dynamic_programming.lot_sizing import optimal_plan

    for instance in (TINY, LATE):
        optimal_plan(instance, "envelope")
        optimal_plan(instance, "quadratic")


@cache
def rules() -> None:
    """The lot-sizing rules."""
    from counterpoint.solvers.rules.lot_sizing import rule_plan

    rule_plan(TINY, "silver-meal")


@cache
def prices() -> None:
    """Prices of capacity, what makes plans exact, and Wagner-Whitin for where there is no capacity."""
    from counterpoint.solvers.mip.lot_sizing_lots import settle
    from counterpoint.solvers.mip.lot_sizing_net import net_data
    from counterpoint.solvers.mip.lot_sizing_prices import capacity_prices

    wagner_whitin()
    net = net_data(TINY)
    capacity_prices(net)
    settle(net, ProductionPlan([5, 0, 0]))
