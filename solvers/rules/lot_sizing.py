"""Rules of thumb for lot sizes, item by item; microseconds.

- ``lot-for-lot``: each period makes its own demand;
- ``eoq``: whenever stock runs short, the economic order quantity sqrt(2 K d / h) of the averages (Harris 1913), but
  not less than the period lacks, nor more than is still to come;
- ``poq``: lots for as many periods as that quantity lasts on average, at least one;
- ``silver-meal``: lengthen a lot until the average cost per period rises (Silver and Meal 1973, Production and
  Inventory Management 14(2):64-74);
- ``least-unit-cost``: likewise, the average cost per unit;
- ``part-period``: lengthen a lot until its holding cost is as near its setup cost as can be (De Matteis 1968, IBM
  Systems Journal 7:30-38; without looking ahead or back).

Initial stock serves the first demands, and rules plan what is left. A lot starts in a period with demand, at that
period's setup cost; the holding costs are those of the periods passed. Rules look neither at unit costs nor at backlog
costs, and never backlog. Lot-for-lot alone is tried on instances with a capacity; if its plan does not fit, nothing is
returned.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.lot_sizing_net import net_data
from counterpoint.solvers.rules.lot_sizing_kernels import RULES, rule_lots

Rule = Literal["lot-for-lot", "eoq", "poq", "silver-meal", "least-unit-cost", "part-period"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the lot-sizing rules.

    Parameters
    ----------
    rule : str
        Each method's name fixes its rule.
    """

    rule: Rule


def solve(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build the rule's plan; the budget is not looked at, since one pass is all there is."""
    plan = rule_plan(instance, options.rule)
    verdict = check(instance, plan)
    if not verdict.is_feasible:
        return Outcome(None, None, Termination.COMPLETED, message=f"{options.rule} does not fit: {verdict}")
    return Outcome(plan, verdict.objective, Termination.COMPLETED, iterations=instance.demand.size)


def rule_plan(instance: LotSizing, rule: Rule) -> ProductionPlan:
    """Return the plan of one rule, which may need more than the capacity; O(n T).

    Raises
    ------
    OptionError
        If the rule is unknown.
    UnsupportedError
        If the instance has a capacity and the rule is not lot-for-lot.

    Examples
    --------
    >>> tiny = LotSizing("tiny", demand=[20, 50, 10], setup_cost=30, holding_cost=1)
    >>> rule_plan(tiny, "silver-meal").lots.tolist()
    [[20.0, 60.0, 0.0]]
    """
    if rule not in RULES:
        raise OptionError(f"no rule {rule!r}; there are {', '.join(RULES)}")
    if instance.capacity is not None and rule != "lot-for-lot":
        raise UnsupportedError(f"{rule} does not look at the capacity, and this instance has one")
    demand = net_data(instance).demand
    lots = np.empty_like(demand)
    for i in range(instance.num_items):
        rule_lots(RULES.index(rule), demand[i], instance.setup_cost[i], instance.holding_cost[i], lots[i])
    return ProductionPlan(lots)
