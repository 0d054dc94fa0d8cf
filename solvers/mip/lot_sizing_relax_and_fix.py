"""Relax-and-fix: setups become whole a few periods at a time, from first to last, and stay as decided.

Pochet and Wolsey (2006), Production Planning by Mixed Integer Programming, section 3.6. The programs are
facility-location models. Deviation: capacity may be exceeded at a price on the way, so that no step is infeasible; a
plan that ends with overtime is mended by fix-and-optimise windows until the budget ends, and is no plan before that.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.lot_sizing_fix_and_optimise import Search
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_net import net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_windows import Windows, overtime_price


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
    held = Held(net, report)
    windows = Windows(net, overtime_price(net) * 10)
    relaxation = windows.relaxation(clock.remaining_s())
    if relaxation.termination is not Termination.OPTIMAL:
        return outcome(held, relaxation.termination, clock, relaxation)
    held.raise_bound(relaxation.objective)
    T = instance.num_periods
    setups = windows.setups_in(relaxation)
    plan: ProductionPlan | None = None
    for count, first in enumerate(range(0, T, options.step), start=1):
        whole, free = np.zeros(setups.shape, bool), np.zeros(setups.shape, bool)
        free[:, first:] = True
        whole[:, first : first + options.whole] = True
        result = windows.solve(
            whole, setups, free, time_limit_s=clock.remaining_s(), threads=budget.threads_or_all(), seed=seed,
            gap=options.gap, max_nodes=options.max_nodes,
        )  # fmt: skip
        if result.values is None:
            return outcome(held, _stopped(result.termination), clock)
        setups = windows.setups_in(result)
        setups[:, : first + options.whole] = np.round(setups[:, : first + options.whole])
        plan = windows.shape.plan_of(result.values)
        # a step cut short may leave whole what it should not: what is fractional is decided later on
        if first + options.whole >= T and windows.overtime_in(result) == 0:
            held.take(plan)
        value = held.value if held.plan is not None else None
        if result.is_interrupted:
            return outcome(held, Termination.INTERRUPTED, clock)
        stopped = clock.stop(iteration=count, objective=value, bound=held.bound)
        if stopped is not None:
            return outcome(held, stopped, clock)
    if held.plan is None:
        search = Search(held, clock, seed, 60)
        search.plan = plan if plan is not None else search.plan
        ended = search.run(clock.remaining_s(), is_patient=False)
        return outcome(held, Termination.COMPLETED if ended is Termination.OPTIMAL else ended, clock)
    return outcome(held, Termination.COMPLETED, clock)


def _stopped(termination: Termination) -> Termination:
    """Why a step without any plan ended: never a proof, for its setups were fixed."""
    known = (Termination.TIME, Termination.ITERATIONS, Termination.INTERRUPTED, Termination.MEMORY)
    return termination if termination in known else Termination.COMPLETED
