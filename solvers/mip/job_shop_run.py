"""Run a job-shop model in HiGHS and turn what comes back into schedules; shared by every formulation."""

import math
from collections.abc import Callable

from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination, relative_gap
from counterpoint.solvers.mip.highs import MipResult, solve_model
from counterpoint.solvers.mip.job_shop_frame import Frame, frame_of, objective_of
from counterpoint.solvers.mip.model import FloatArray, LinearModel

Decode = Callable[[FloatArray], Schedule | None]
Build = Callable[[Frame], tuple[LinearModel, FloatArray | None, Decode]]

TOLERANCE = 1e-6  # relative, of HiGHS' objectives and bounds


def run_formulation(instance: JobShop, clock: Clock, seed: int, report: Report, build: Build) -> Outcome:
    """Make a first schedule, build the model around it, solve it, decode.

    Parameters
    ----------
    build : callable
        From a frame to the model, the values of the frame's schedule (None: no MIP start) and the decoder
        of values, which returns None for values that are no schedule.

    Returns
    -------
    Outcome
        Bounds are rounded up, since every objective of the family is an integer.
    """
    frame = frame_of(instance, clock, seed)
    report(frame.start, bound=frame.lower)
    stopped = clock.stop(objective=frame.upper, bound=frame.lower)
    if stopped is not None:
        return Outcome(frame.start, frame.upper, stopped, bound=frame.lower, message="by the first schedule")
    model, start, decode = build(frame)
    held = _Held(instance, frame, decode, report)
    result = solve_model(
        model,
        time_limit_s=clock.remaining_s(),
        threads=clock.budget.threads_or_all(),
        seed=seed,
        gap=clock.budget.gap,
        target=clock.budget.target,
        max_nodes=clock.budget.iterations,
        start=start,
        on_incumbent=held.take,
        on_bound=held.raise_bound,
    )
    if result.values is not None:
        held.take(result.values)
    if result.bound is not None:
        held.raise_bound(result.bound)
    termination, message = _why(held, result, clock)
    return Outcome(
        held.schedule,
        held.value,
        termination,
        bound=held.bound,
        solver=result.solver,
        message=message,
        iterations=result.nodes,
    )


class _Held:
    """The best schedule and bound so far; passes improvements on."""

    def __init__(self, instance: JobShop, frame: Frame, decode: Decode, report: Report) -> None:
        self.instance, self.decode, self.report = instance, decode, report
        self.schedule, self.value, self.bound = frame.start, frame.upper, frame.lower

    def take(self, values: FloatArray) -> None:
        schedule = self.decode(values)
        if schedule is None:
            return
        value = objective_of(self.instance, schedule)
        if value < self.value:
            self.schedule, self.value = schedule, value
            self.report(schedule)

    def raise_bound(self, bound: float) -> None:
        rounded = math.ceil(bound - TOLERANCE * max(1.0, abs(bound)))
        if rounded > self.bound:
            self.bound = rounded
            self.report(bound=rounded)


def _why(held: _Held, result: MipResult, clock: Clock) -> tuple[Termination, str]:
    """Why it stopped, in view of what is really held: HiGHS' claim is not taken for granted."""
    if held.bound >= held.value:
        return Termination.OPTIMAL, result.message
    if result.termination is Termination.INFEASIBLE:
        return Termination.ERROR, "HiGHS finds no solution, but a feasible schedule is held"
    if result.termination is Termination.OPTIMAL:
        if relative_gap(held.value, held.bound) <= clock.budget.gap:
            return Termination.GAP, result.message
        if result.objective is not None and abs(result.objective - held.value) <= TOLERANCE * max(1.0, held.value):
            # the claim is true as far as floats go, but so large a bound is not exact to one unit
            return Termination.COMPLETED, (
                f"optimal within HiGHS' tolerances; the bound of {held.bound} is all that counts as proved"
            )
        return Termination.ERROR, (
            f"HiGHS claims the optimum {result.objective:g}, but the schedule is worth {held.value}: "
            "durations may be too large for big-M rows in double precision; use a coarser time unit or cp-sat"
        )
    return result.termination, result.message
