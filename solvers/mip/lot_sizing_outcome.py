"""What a run on HiGHS came to, in view of what is really held: its claims are not taken for granted."""

import math

from counterpoint.opt.budget import Clock
from counterpoint.opt.result import Outcome, Termination, relative_gap
from counterpoint.solvers.mip.highs import MipResult
from counterpoint.solvers.mip.lot_sizing_held import TOLERANCE, Held


def outcome(held: Held, termination: Termination, clock: Clock, result: MipResult | None = None) -> Outcome:
    """Say what is held and why the run stopped."""
    message = "" if result is None else result.message
    value = held.value if held.plan is not None else None
    if held.is_proved:
        termination = Termination.OPTIMAL
    elif termination is Termination.INFEASIBLE:
        if held.plan is not None:
            termination, message = Termination.ERROR, "HiGHS finds no plan, but a feasible one is held"
        else:
            message = "HiGHS proves that no setups and lots keep to the capacity, though no sum of it is short"
    elif termination is Termination.OPTIMAL:
        termination, message = _claimed(held, clock, result)
    return Outcome(
        held.plan,
        value,
        termination,
        bound=held.bound,
        solver="counterpoint" if result is None else result.solver,
        message=message,
        iterations=None if result is None else result.nodes,
    )


def _claimed(held: Held, clock: Clock, result: MipResult | None) -> tuple[Termination, str]:
    """HiGHS says it is done: with a gap that was asked for, or with a plan that is worth less than it says."""
    if held.plan is None:
        return Termination.ERROR, "HiGHS claims an optimum, but no plan with its setups passes the checker"
    if held.bound is not None and relative_gap(held.value, held.bound) <= clock.budget.gap + 1e-12:
        return Termination.GAP, ""
    if (
        result is not None
        and result.objective is not None
        and math.isclose(result.objective, held.value, rel_tol=10 * TOLERANCE, abs_tol=10 * TOLERANCE)
    ):
        return Termination.COMPLETED, "optimal within HiGHS' tolerances; the bound is all that counts as proved"
    return Termination.ERROR, (
        f"HiGHS claims the optimum {None if result is None else result.objective}, but the plan costs {held.value:g}: "
        "the data may span too many orders of magnitude for double precision"
    )
