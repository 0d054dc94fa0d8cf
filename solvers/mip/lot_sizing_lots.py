"""The best lots for given setups, a linear program; and plans made exact after a solver's tolerances."""

from dataclasses import replace

import numpy as np
from numba import njit

from counterpoint.opt.problems.lot_sizing import ProductionPlan
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.lot_sizing_net import BoolArray, FloatArray, NetData
from counterpoint.solvers.mip.lot_sizing_standard import StandardModel

NOISE = 1e-9  # of the largest lot an item may need: what is smaller is not made, but with the lot before it


def lots_for(net: NetData, setups: BoolArray, time_limit_s: float = float("inf")) -> ProductionPlan | None:
    """Return the cheapest plan with these setups at most, [n, T]; None if there is none (in time).

    One linear program of 2 n T columns; setups without a lot are dropped.
    """
    shape = StandardModel(net)
    model = shape.model
    upper = model.col_upper.copy()
    upper[shape.setups] = np.where(setups, upper[shape.setups], 0.0)
    lower = model.col_lower.copy()
    lower[shape.setups] = upper[shape.setups]
    fixed = replace(model, col_lower=lower, col_upper=upper, is_integer=np.zeros(model.num_cols, bool))
    result = solve_model(fixed, time_limit_s=time_limit_s)
    if result.is_interrupted:
        raise KeyboardInterrupt  # HiGHS' adapter swallowed it, for callers that would return at once
    if result.termination is not Termination.OPTIMAL or result.values is None:
        return None
    return tidy(net, shape.plan_of(result.values))


def tidy(net: NetData, plan: ProductionPlan) -> ProductionPlan:
    """Drop noise (lots without a setup or too small to matter, setups without a lot) and make the rest exact."""
    lots = np.where(plan.setups & (plan.lots > NOISE * net.limit), plan.lots, 0.0)
    nearest = np.round(lots)
    lots = np.where(np.abs(lots - nearest) < 1e-7 * np.maximum(1.0, nearest), nearest, lots)
    is_late = net.instance.backlog_cost is not None
    exact = np.array([_exact(made, due, is_late) for made, due in zip(lots, net.demand, strict=True)])
    return ProductionPlan(exact, exact > 0)


@njit(cache=True)
def _exact(lots: FloatArray, demand: FloatArray, is_late: bool) -> FloatArray:
    """Return lots [T] that make each demand to the last digit: the first made serves the first due.

    What is missing is made with the last lot in time, or stays missing without one; what nobody needs is not made. A
    solver meets demands of very different size within a millionth of the largest, which may be all of a small one.
    """
    periods = len(lots)
    left, exact = lots.copy(), np.zeros(periods)
    s, last = 0, -1
    for t in range(periods):
        missing = demand[t]
        end = periods if is_late else t + 1
        while missing > 0 and s < end:
            part = min(left[s], missing)
            if part > 0:
                exact[s] += part
                last = s
            missing -= part
            left[s] -= part
            if left[s] <= 0:
                s += 1
        if missing > 0:
            for u in range(s, end):
                if lots[u] > 0:
                    last = u
            if last >= 0:
                exact[last] += missing
    return exact


def settle(net: NetData, plan: ProductionPlan) -> ProductionPlan | None:
    """Return a plan that the checker accepts, with the same setups or fewer; None if there is none.

    HiGHS holds setups to be whole, and rows to be kept, within 1e-6: a lot of 1e-6 M without a setup can be more
    than the capacity of other lots. The lots of the rounded setups are then computed afresh.
    """
    neat = tidy(net, plan)
    if check(net.instance, neat).is_feasible:
        return neat
    again = lots_for(net, plan.setups)
    if again is not None and check(net.instance, again).is_feasible:
        return again
    return None
