"""The best plan and bound so far: shared by every method that asks HiGHS for plans."""

import math

import numpy as np

from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.solvers.mip.lot_sizing_lots import settle
from counterpoint.solvers.mip.lot_sizing_net import NetData

TOLERANCE = 1e-6  # relative, of HiGHS' objectives and bounds


class Held:
    """Takes plans as a solver sees them, makes them exact, and passes improvements on.

    Attributes
    ----------
    plan : ProductionPlan or None
    value : float
        Cost of `plan` by the checker; infinite without one.
    bound : float or None
        Proven; rounded up where every optimum is a whole number.
    """

    def __init__(self, net: NetData, report: Report) -> None:
        self.net, self.report = net, report
        self.plan: ProductionPlan | None = None
        self.value = math.inf
        self.bound: float | None = None
        self.is_whole = has_whole_optimum(net.instance)

    def take(self, plan: ProductionPlan | None) -> bool:
        """Keep and report a plan if it is better; return whether it is."""
        exact = None if plan is None else settle(self.net, plan)
        if exact is None:
            return False
        value = check(self.net.instance, exact).objective
        assert value is not None
        if value >= self.value - 1e-9 * max(1.0, abs(value)):
            return False
        self.plan, self.value = exact, value
        self.report(exact)
        return True

    def raise_bound(self, bound: float | None) -> None:
        """Keep and report a proven bound if it is better; it is never above the plan but by tolerance."""
        if bound is None or not math.isfinite(bound):
            return
        if self.is_whole:
            bound = float(math.ceil(bound - TOLERANCE * max(1.0, abs(bound))))
        if self.bound is None or bound > self.bound:
            self.bound = bound
            self.report(bound=bound)

    @property
    def is_proved(self) -> bool:
        """Whether bound and plan meet."""
        if self.plan is None or self.bound is None:
            return False
        return self.value - self.bound <= TOLERANCE * max(1.0, abs(self.value))

    def enough(self, gap: float) -> float:
        """Return the relative gap HiGHS may stop at: `gap`, or what still rounds up to a proof.

        That is less than one unit of a whole-number objective, by what `raise_bound` takes off before rounding.
        """
        if not self.is_whole or not math.isfinite(self.value):
            return gap
        return max(gap, (1 - 1e-3) / max(1.0, self.value) - TOLERANCE)


def has_whole_optimum(instance: LotSizing) -> bool:
    """Whether the optimal cost is surely a whole number.

    Given the setups, lots are a flow in a network if all items take the same time per unit; with whole demands and
    with whole units of time left in every period, some optimal lots are whole, and with whole costs so is their cost.
    """
    arrays = [instance.demand, instance.initial_stock, instance.setup_cost, instance.unit_cost, instance.holding_cost]
    if instance.backlog_cost is not None:
        arrays.append(instance.backlog_cost)
    if instance.capacity is not None:
        unit = float(instance.unit_time[0])
        if unit <= 0 or (instance.unit_time != unit).any():
            return False
        arrays += [instance.capacity / unit, instance.setup_time / unit]
    # larger numbers are not exact to one unit in sums of products
    largest = max(float(array.max(initial=0.0)) for array in arrays)
    return largest <= 1e6 and all(bool((array == np.round(array)).all()) for array in arrays)
