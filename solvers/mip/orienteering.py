"""Orienteering as a mixed-integer program in HiGHS, after a short local search: a proven bound on the prize."""

import math
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report, unheard
from counterpoint.opt.problems.orienteering import Orienteering, Walk, check
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.local_search import orienteering as local_search
from counterpoint.solvers.mip.highs import MipResult, solve_model
from counterpoint.solvers.mip.model import FloatArray
from counterpoint.solvers.mip.orienteering_model import Model, build, start_values, visits_of
from counterpoint.solvers.rules.orienteering import Open, greedy, opened

TOLERANCE = 1e-6  # relative, of HiGHS' objectives and bounds


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the model.

    Parameters
    ----------
    steps : int
        Of the local search whose walk HiGHS starts from; 0: the greedy walk.

    Raises
    ------
    OptionError
        If it is negative.
    """

    steps: int = 1000

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise OptionError(f"steps must be at least 0, not {self.steps}")


def solve(instance: Orienteering, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build the model (see `orienteering_model`), solve it, decode; `iterations` limits the nodes.

    Bounds are rounded down where all prizes are whole.
    """
    clock = budget.start()
    walk = opened(instance)
    held = _Held(instance, walk, greedy(walk), report)
    stopped = held.stop(clock)
    if stopped is None and options.steps:
        short = clock.left(iterations=options.steps, threads=1)
        found = local_search.solve(instance, short, seed, local_search.Options(), unheard)
        held.visited(found.solution)
        stopped = held.stop(clock)
    if stopped is not None:
        return Outcome(walk.walk(held.visits), held.prize, stopped, bound=held.bound, message="without HiGHS")
    model = build(walk)
    held.model = model
    result = solve_model(
        model.linear,
        time_limit_s=clock.remaining_s(),
        threads=budget.threads_or_all(),
        seed=seed,
        gap=budget.gap,
        target=None if budget.target is None else -budget.target,
        max_nodes=budget.iterations,
        start=start_values(model, held.visits, len(walk.place)),
        on_incumbent=held.take,
        on_bound=held.lower_bound,
    )
    if result.values is not None:
        held.take(result.values)
    if result.bound is not None:
        held.lower_bound(result.bound)
    termination, message = _why(held, result, clock)
    return Outcome(
        walk.walk(held.visits),
        held.prize,
        termination,
        bound=held.bound,
        solver=result.solver,
        message=message,
        iterations=result.nodes,
    )


class _Held:
    """The best walk and bound so far; passes improvements on."""

    model: Model

    def __init__(self, instance: Orienteering, walk: Open, visits: np.ndarray, report: Report) -> None:
        self.instance, self.walk, self.report = instance, walk, report
        self.visits, self.prize = visits, float(walk.prize[visits].sum())
        self.bound = float(walk.prize.sum())
        self.is_whole = bool((walk.prize == np.rint(walk.prize)).all())
        report(walk.walk(visits), bound=max(self.bound, self.prize))

    def take(self, values: FloatArray) -> None:
        """Take the values of the model's columns."""
        self.visited(self.walk.walk(visits_of(self.model, values)))

    def visited(self, solution: Walk) -> None:
        """Take a walk."""
        verdict = check(self.instance, solution)
        if verdict.is_feasible and verdict.objective is not None and verdict.objective > self.prize:
            number = np.zeros(self.instance.num_places, np.int64)
            number[self.walk.place] = np.arange(len(self.walk.place))
            self.visits, self.prize = number[solution.visits], verdict.objective
            self.report(solution)

    def lower_bound(self, bound: float) -> None:
        """Take a bound on minus the prize."""
        found = -bound + TOLERANCE * max(1.0, abs(bound))
        if self.is_whole:
            found = float(math.floor(found))
        elif -bound - self.prize <= TOLERANCE * max(1.0, self.prize):
            found = max(-bound, self.prize)  # as near as HiGHS can tell
        if found < self.bound:
            self.bound = found
            self.report(bound=found)

    def stop(self, clock: Clock) -> Termination | None:
        """Return why to stop in view of what is held, or None."""
        return clock.stop(objective=self.prize, bound=self.bound, sense="max")


def _why(held: _Held, result: MipResult, clock: Clock) -> tuple[Termination, str]:
    """Why it stopped, in view of what is really held: HiGHS' claim is not taken for granted."""
    reached = held.stop(clock)
    if held.bound - held.prize <= TOLERANCE * max(1.0, held.prize) and result.termination is Termination.OPTIMAL:
        return Termination.OPTIMAL, result.message
    if reached in (Termination.OPTIMAL, Termination.GAP, Termination.TARGET):
        return reached, result.message
    if result.termination is Termination.INFEASIBLE:
        return Termination.ERROR, "HiGHS finds no walk, but a feasible one is held"
    if result.termination is Termination.OPTIMAL:
        return Termination.COMPLETED, (
            f"HiGHS holds a walk of {-(result.objective or 0.0):g} that is too long by what it lets pass; "
            "the bound is all that counts as proved"
        )
    return result.termination, result.message
