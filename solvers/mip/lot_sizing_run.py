"""Run a lot-sizing model in HiGHS from a first plan, and turn what comes back into plans; for every formulation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.lot_sizing_fix_and_optimise import improve
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_net import FloatArray, NetData, net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_start import left_shift
from counterpoint.solvers.mip.model import LinearModel

LONGEST_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the mixed-integer models.

    Parameters
    ----------
    start_share : float
        At most this share of the time limit (and at most 60 s) goes to fix-and-optimise, whose plan branch and bound
        starts from; 0: branch and bound starts from the plan of left-shifting alone.
    """

    start_share: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.start_share < 1:
            raise OptionError(f"start_share must be at least 0 and below 1, not {self.start_share}")


class Formulation(Protocol):
    """A model with the way from plans to its values and back."""

    model: LinearModel

    def values_of(self, plan: ProductionPlan) -> FloatArray:
        """Return the values [columns] of a feasible plan; NaN where HiGHS is to find them."""

    def plan_of(self, values: FloatArray) -> ProductionPlan:
        """Return the plan that values stand for, as exact as they are."""


Build = Callable[[NetData, Clock], Formulation]


def run_formulation(
    instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report, build: Build
) -> Outcome:
    """Make a first plan, build the model, solve it; `iterations` counts nodes of branch and bound.

    Returns
    -------
    Outcome
        "infeasible" with the first period that is short, if cumulated capacity is; HiGHS proves the other cases.
    """
    clock = budget.start()
    net = net_data(instance)
    if reason := shortage(net):
        return Outcome(None, None, Termination.INFEASIBLE, message=reason)
    held = Held(net, report)
    held.take(left_shift(net))
    if options.start_share > 0:
        # at least a second or two, within half of the time: its relaxation alone takes that on large instances
        limit = min(LONGEST_START_S, max(options.start_share * clock.remaining_s(), min(2.0, clock.remaining_s() / 2)))
        stopped = improve(held, clock, seed, limit)
        if stopped is not None:
            return outcome(held, stopped, clock)
    shape = build(net, clock)

    def take(values: FloatArray) -> None:
        held.take(shape.plan_of(values))

    result = solve_model(
        shape.model,
        time_limit_s=clock.remaining_s(),
        threads=budget.threads_or_all(),
        seed=seed,
        gap=held.enough(budget.gap),
        target=budget.target,
        max_nodes=budget.iterations,
        start=None if held.plan is None else shape.values_of(held.plan),
        on_incumbent=take,
        on_bound=held.raise_bound,
    )
    if result.values is not None:
        take(result.values)
    held.raise_bound(result.bound)
    return outcome(held, result.termination, clock, result)
