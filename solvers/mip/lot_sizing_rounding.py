"""Round the setups of the facility-location relaxation up from some threshold, then make the best lots for them.

The simplest use of a tight relaxation (Maes, McClain and Van Wassenhove 1991, Eur. J. Oper. Res. 53:131-148, compare
such heuristics). A dozen thresholds, one linear program each.
"""

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_lots import lots_for
from counterpoint.solvers.mip.lot_sizing_net import net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_windows import Windows

THRESHOLDS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.05, 0.01, 1e-6)


def solve(instance: LotSizing, budget: Budget, seed: int, options: None, report: Report) -> Outcome:
    """Round at every threshold; no plan if no rounding keeps to the capacity. `iterations` are thresholds.

    Raises
    ------
    UnsupportedError
        If the facility-location model would be too large.
    """
    clock = budget.start()
    net = net_data(instance)
    if reason := shortage(net):
        return Outcome(None, None, Termination.INFEASIBLE, message=reason)
    held = Held(net, report)
    windows = Windows(net)
    result = windows.relaxation(clock.remaining_s())
    if result.termination is not Termination.OPTIMAL:
        return outcome(held, result.termination, clock, result)
    held.raise_bound(result.objective)
    fractions = windows.setups_in(result)
    stopped = None
    for count, threshold in enumerate(THRESHOLDS, start=1):
        held.take(lots_for(net, np.asarray(fractions >= threshold), clock.remaining_s()))
        value = held.value if held.plan is not None else None
        stopped = clock.stop(iteration=count, objective=value, bound=held.bound)
        if stopped is not None:
            break
    if held.plan is None and stopped is None:
        message = "no rounding keeps to the capacity; try fix-and-optimise"
        return Outcome(None, None, Termination.COMPLETED, bound=held.bound, message=message)
    return outcome(held, stopped or Termination.COMPLETED, clock)
