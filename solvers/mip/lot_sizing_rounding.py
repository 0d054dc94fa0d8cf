"""Round the setups of the facility-location relaxation up from some threshold, then make the best lots for them.

The simplest use of a tight relaxation (Maes, McClain and Van Wassenhove 1991, Eur. J. Oper. Res. 53:131-148, compare
such heuristics). A dozen thresholds, one linear program each. Deviation: the relaxation is that of the core
(`lot_sizing_windows`), with overtime at a price; the plan of left-shifting stands in where no rounding fits in time.
"""

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.lot_sizing_facility_location import refuse_too_large
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_lots import lots_for
from counterpoint.solvers.mip.lot_sizing_net import net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_prices import capacity_prices
from counterpoint.solvers.mip.lot_sizing_start import left_shift
from counterpoint.solvers.mip.lot_sizing_windows import Windows, overtime_price

THRESHOLDS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.05, 0.01, 1e-6)


def solve(instance: LotSizing, budget: Budget, seed: int, options: None, report: Report) -> Outcome:
    """Round at every threshold; left-shift if no rounding keeps to the capacity. `iterations` are thresholds.

    Raises
    ------
    UnsupportedError
        If the facility-location model would be too large.
    """
    clock = budget.start()
    net = net_data(instance)
    if reason := shortage(net):
        return Outcome(None, None, Termination.INFEASIBLE, message=reason)
    refuse_too_large(instance)
    held = Held(net, report)
    stopped = clock.stop() or _round(held, clock)
    if held.plan is None:
        held.take(left_shift(net))
    if held.plan is None and stopped is None:
        message = "no rounding keeps to the capacity; try fix-and-optimise"
        return Outcome(None, None, Termination.COMPLETED, bound=held.bound, message=message)
    return outcome(held, stopped or Termination.COMPLETED, clock)


def _round(held: Held, clock: Clock) -> Termination | None:
    """Solve the relaxation and round it; return why to stop before the last threshold, if so."""
    net = held.net
    prices = capacity_prices(net)
    held.raise_bound(prices.bound)
    relaxed = Windows(net, prices).relaxation(overtime_price(net), clock.remaining_s())
    if relaxed.result.is_interrupted or relaxed.setups is None:
        return Termination.INTERRUPTED if relaxed.result.is_interrupted else relaxed.result.termination
    for count, threshold in enumerate(THRESHOLDS, start=1):
        held.take(lots_for(net, np.asarray(relaxed.setups >= threshold), clock.remaining_s()))
        value = held.value if held.plan is not None else None
        stopped = clock.stop(iteration=count, objective=value, bound=held.bound)
        if stopped is not None:
            return stopped
    return None
