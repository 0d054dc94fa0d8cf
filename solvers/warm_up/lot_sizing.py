"""Compile the lot-sizing kernels, or load them from Numba's cache, before any clock starts."""

from functools import cache

from counterpoint.opt.problems.lot_sizing import LotSizing

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
    """Prices of capacity, and Wagner-Whitin for where there is none."""
    from counterpoint.solvers.mip.lot_sizing_net import net_data
    from counterpoint.solvers.mip.lot_sizing_prices import capacity_prices

    wagner_whitin()
    capacity_prices(net_data(TINY))
