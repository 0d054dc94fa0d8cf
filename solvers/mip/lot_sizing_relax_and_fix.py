"""Relax-and-fix: setups become whole a few periods at a time, from first to last, and stay as decided.

Pochet and Wolsey (2006), Production Planning by Mixed Integer Programming, section 3.6. The programs are
facility-location models over a core of shares (`lot_sizing_windows`). Deviation: capacity may be exceeded at a price
on the way, so that no step is infeasible; a plan that ends with overtime is mended by fix-and-optimise windows until
the budget ends, and is no plan before that. Where time runs out, what is not decided is rounded, or else left-shifted.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.highs import MipResult
from counterpoint.solvers.mip.lot_sizing_facility_location import refuse_too_large
from counterpoint.solvers.mip.lot_sizing_fix_and_optimise import Search
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_lots import lots_for
from counterpoint.solvers.mip.lot_sizing_net import FloatArray, net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_prices import capacity_prices
from counterpoint.solvers.mip.lot_sizing_start import left_shift
from counterpoint.solvers.mip.lot_sizing_windows import Windows, overtime_price

TINY = 1e-6
LAST_S = 0.2  # for the lots of a plan when time is up


@dataclass(frozen=True, slots=True)
class Options:
    """Options of relax-and-fix.

    Parameters
    ----------
    whole : int
        Periods whose setups are whole in one step.
    step : int
        Periods fixed after it; at most `whole`.
    max_nodes : int
        Nodes of branch and bound in one step.
    gap : float
        Relative gap of one step.
    """

    whole: int = 4
    step: int = 2
    max_nodes: int = 200
    gap: float = 1e-3

    def __post_init__(self) -> None:
        if not 1 <= self.step <= self.whole:
            raise OptionError(f"expected 1 <= step <= whole, not step {self.step} and whole {self.whole}")
        if self.max_nodes < 1:
            raise OptionError(f"max_nodes must be at least 1, not {self.max_nodes}")
        if not 0 <= self.gap < 1:
            raise OptionError(f"gap must be at least 0 and below 1, not {self.gap}")


def solve(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Relax and fix once, T / step small programs; `iterations` counts them.

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
    termination = clock.stop() or _relax_and_fix(held, clock, seed, options)
    if held.plan is None:
        held.take(left_shift(net))
    return outcome(held, termination, clock)


def _relax_and_fix(held: Held, clock: Clock, seed: int, options: Options) -> Termination:
    net, budget = held.net, clock.budget
    prices = capacity_prices(net)
    held.raise_bound(prices.bound)
    windows = Windows(net, prices)
    price = 10 * overtime_price(net)
    relaxed = windows.relaxation(price, clock.remaining_s())
    if relaxed.result.is_interrupted or relaxed.setups is None:
        return _stopped(relaxed.result)
    T = net.demand.shape[1]
    setups, plan = relaxed.setups, relaxed.plan
    for count, first in enumerate(range(0, T, options.step), start=1):
        whole, free = np.zeros(setups.shape, bool), np.zeros(setups.shape, bool)
        free[:, first:] = True
        whole[:, first : first + options.whole] = True
        step = windows.program(
            setups > 0.5, free, whole=whole, overtime_price=price, time_limit_s=clock.remaining_s(),
            threads=budget.threads_or_all(), seed=seed, gap=options.gap, max_nodes=options.max_nodes,
        )  # fmt: skip
        if step.setups is None or step.plan is None:
            ended = _stopped(step.result)
            held.take(_rounded(held, setups, first, ended))
            return ended
        setups, plan = step.setups, step.plan
        # a step cut short may leave whole what it should not: what is fractional is decided later on
        if first + options.whole >= T and step.overtime == 0:
            held.take(plan)
        value = held.value if held.plan is not None else None
        stopped = Termination.INTERRUPTED if step.result.is_interrupted else None
        stopped = stopped or clock.stop(iteration=count, objective=value, bound=held.bound)
        if stopped is not None:
            held.take(_rounded(held, setups, first + options.step, stopped))
            return stopped
    if held.plan is None:
        search = Search(held, clock, seed, 60)
        search.plan = plan if plan is not None else search.plan
        ended = search.run(clock.remaining_s(), is_patient=False)
        return Termination.COMPLETED if ended is Termination.OPTIMAL else ended
    return Termination.COMPLETED


def _rounded(held: Held, setups: FloatArray, decided: int, why: Termination) -> ProductionPlan | None:
    """Return the best lots for what is decided and, later, every setup that the relaxation uses at all: time is up.

    None if there is a plan, or if somebody wants to leave.
    """
    if held.plan is not None or why is Termination.INTERRUPTED:
        return None
    used = setups > 0.5
    used[:, decided:] = setups[:, decided:] > TINY
    return lots_for(held.net, used, LAST_S)


def _stopped(result: MipResult) -> Termination:
    """Why a step without any plan ended: never a proof, for its setups were fixed."""
    termination = Termination.INTERRUPTED if result.is_interrupted else result.termination
    known = (Termination.TIME, Termination.ITERATIONS, Termination.INTERRUPTED, Termination.MEMORY)
    return termination if termination in known else Termination.COMPLETED
