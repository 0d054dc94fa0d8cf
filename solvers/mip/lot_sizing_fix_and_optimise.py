"""Fix-and-optimise: free the setups of some items in some periods, fix the others, solve, go on from the better plan.

Helber and Sahling (2010), Int. J. Production Economics 123:247-256. Deviations: prices of capacity come first, and the
small programs are facility-location models over a core of shares of small regret (`lot_sizing_windows`); the first
frees what the core's relaxation leaves fractional and what comes nearest to being used; windows are some items in some
consecutive periods, from all periods of few items to few periods of all; sizes adapt to what HiGHS solves within few
nodes, so that a run depends on the seed alone until its time is up; overtime at a price, which rises, takes the place
of an own start phase.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.dynamic_programming.lot_sizing import optimal_plan
from counterpoint.solvers.mip.highs import MipResult, solve_model
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel, refuse_too_large
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_net import BoolArray, FloatArray, net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_prices import capacity_prices
from counterpoint.solvers.mip.lot_sizing_start import left_shift
from counterpoint.solvers.mip.lot_sizing_windows import Answer, Windows, full_relaxation, overtime_price

MAX_NODES = 100  # of branch and bound in one window
# of a window, in the first round and at last: a quarter whenever a round gains nothing
FIRST_GAP, LAST_GAP = 5e-3, 1e-4
ROUNDING = (0.5, 0.2)  # of the relaxation's setups, at first
NEIGHBOURS = 0.1  # setups freed beside the relaxation's fractional ones, for each of those
GUIDED_SHARE = 0.2  # of the time, for that first program: of many fractional setups it is not small
GROWTH, SHRINKAGE = 1.3, 0.7
DEARER, MAX_RISES = 10.0, 4  # the price of overtime rises when windows are used up, so many times at most


@dataclass(frozen=True, slots=True)
class Options:
    """Options of fix-and-optimise.

    Parameters
    ----------
    window : int
        Setups freed at once, at first: of those that may be worth it, which are about half.
    """

    window: int = 60

    def __post_init__(self) -> None:
        if self.window < 1:
            raise OptionError(f"window must be at least 1, not {self.window}")


def solve(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Improve until the budget ends, or until the whole model is solved; `iterations` are windows.

    Without a capacity there is nothing to search: Wagner-Whitin's plan is optimal.

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
    if instance.capacity is None:
        plan, cost = optimal_plan(instance)
        held.take(plan)
        held.raise_bound(cost)
        return outcome(held, Termination.COMPLETED, clock)
    held.take(left_shift(net))
    search = Search(held, clock, seed, options.window)
    return outcome(held, search.run(clock.remaining_s(), is_patient=True), clock)


def improve(held: Held, clock: Clock, seed: int, limit_s: float) -> Termination | None:
    """Improve what is held for at most `limit_s` or until a round of windows gains nothing.

    Returns
    -------
    Termination or None
        Why the whole run must end: proof, target, interruption; None to go on with another method.
    """
    if held.net.instance.capacity is None:
        return None
    try:
        search = Search(held, clock, seed, Options().window)
    except UnsupportedError:
        return None
    ended = search.run(limit_s, is_patient=False)
    if ended in (Termination.TIME, Termination.COMPLETED, Termination.ITERATIONS):
        return clock.stop(objective=held.value if held.plan is not None else None, bound=held.bound)
    return ended


class Search:
    """The state of one run: the plan it works on (with overtime, perhaps), window sizes, random numbers."""

    def __init__(self, held: Held, clock: Clock, seed: int, window: int) -> None:
        refuse_too_large(held.net.instance)
        self.held, self.clock, self.seed = held, clock, seed
        self.rng = np.random.default_rng(seed)
        self.size, self.gap = float(window), FIRST_GAP
        self.count = 0
        self.price = overtime_price(held.net)
        self.plan: ProductionPlan = left_shift(held.net) if held.plan is None else held.plan
        self.worth = held.value  # of that plan, overtime included
        self.has_overtime = held.plan is None

    def run(self, limit_s: float, *, is_patient: bool) -> Termination:
        """Solve windows until `limit_s` from now, or, if not patient, until a round of them gains nothing."""
        self.deadline_s = self.clock.elapsed_s() + limit_s
        stopped = self._begin()
        rises = 0
        while stopped is None:
            before = self._score()
            for free in self._round():
                stopped = self._optimise(free)
                if stopped is not None:
                    return stopped
            if self._score() < before:
                continue
            if self.gap > LAST_GAP:
                self.gap = max(LAST_GAP, self.gap / 4)
            elif self.has_overtime and rises < MAX_RISES:
                rises += 1
                self.price, self.worth = self.price * DEARER, np.inf
            elif self.has_overtime and self.held.plan is not None:  # no price brings it to nothing
                self.plan, self.worth, self.has_overtime = self.held.plan, self.held.value, False
            elif not is_patient:
                return Termination.COMPLETED
            elif self.has_overtime or self.size >= self.candidates.sum():
                return self._whole()
            else:
                self.size *= GROWTH
        return stopped

    def _begin(self) -> Termination | None:
        """Price the capacity, solve the core's relaxation and what it leaves open."""
        if (stopped := self._stop()) is not None:
            return stopped
        prices = capacity_prices(self.held.net)
        self.held.raise_bound(prices.bound)
        self.windows = Windows(self.held.net, prices)
        relaxed = self.windows.relaxation(self.price, self._remaining_s())
        self.candidates = self.windows.core.any(axis=2)
        if relaxed.result.is_interrupted:
            return Termination.INTERRUPTED
        if relaxed.setups is None:
            return relaxed.result.termination
        if relaxed.overtime > 0:  # an infeasible relaxation is a proof
            whole = full_relaxation(self.held.net, self._remaining_s())
            if whole.termination is not Termination.OPTIMAL:
                return whole.termination
            self.held.raise_bound(whole.objective)
        return self._guided(relaxed.setups)

    def _guided(self, relaxed: FloatArray) -> Termination | None:
        """Trust the relaxation [n, T] where it is whole: round the rest, then solve for it and its neighbours."""
        none = np.zeros(relaxed.shape, bool)
        for threshold in ROUNDING:
            stopped = self._optimise(none, relaxed >= threshold)
            if stopped is not None:
                return stopped
        is_one = relaxed > 1 - 1e-6
        free = ~is_one & (relaxed > 1e-6)
        regret = np.where(is_one | free, np.inf, self.windows.setup_regret)
        count = min(int(np.ceil(NEIGHBOURS * free.sum())), int(np.isfinite(regret).sum()))
        free.ravel()[np.argsort(regret, axis=None, kind="stable")[:count]] = True
        return self._optimise(free, is_one, self.price, GUIDED_SHARE * self._remaining_s())

    def _round(self) -> Iterator[BoolArray]:
        """Yield windows [n, T] in random order, at most three shapes of them, each shape covering all candidates."""
        n, T = self.candidates.shape
        candidates = self.candidates | self.plan.setups
        widest, least = float(T), max(2.0, T * self.size / max(1, candidates.sum()))
        widths = {T} if least > T / 1.5 else {T, round(least), round((widest * least) ** 0.5)}
        places = []
        for width in widths:
            shift = int(self.rng.integers(width)) if width < T else 0
            for first in range(-shift, T, width):
                periods = slice(max(first, 0), first + width)
                order = self.rng.permutation(n)
                filled = np.cumsum(candidates[order, periods].sum(axis=1))
                group = ((filled - 1) // self.size).astype(int)
                places += [(order[group == number], periods) for number in np.unique(group)]
        for at in self.rng.permutation(len(places)):
            free = np.zeros((n, T), bool)
            free[places[at]] = True
            yield free & (self.candidates | self.plan.setups)

    def _optimise(
        self,
        free: BoolArray,
        opened: BoolArray | None = None,
        price: float | None = None,
        limit_s: float = np.inf,
    ) -> Termination | None:
        """Solve one window, by default around the plan; take what is better; return why to stop, if so."""
        if opened is None:
            price = self.price if self.has_overtime else None
        answer = self.windows.program(
            self.plan.setups if opened is None else opened,
            free,
            start=self.plan if opened is None else None,
            overtime_price=price,
            time_limit_s=min(limit_s, self._remaining_s()),
            threads=self.clock.budget.threads_or_all(),
            seed=self.seed + self.count,
            gap=self.held.enough(max(self.clock.budget.gap, self.gap)),
            max_nodes=MAX_NODES,
            on_plan=self.held.take,
        )
        self.count += 1
        self._adapt(answer.result)
        self._take(answer)
        return Termination.INTERRUPTED if answer.result.is_interrupted else self._stop()

    def _whole(self) -> Termination:
        """Solve the whole model, without overtime: for a proof."""
        shape = FacilityLocationModel(self.held.net)

        def take(values: FloatArray) -> None:
            self.held.take(shape.plan_of(values))

        result = solve_model(
            shape.model,
            time_limit_s=self._remaining_s(),
            threads=self.clock.budget.threads_or_all(),
            seed=self.seed,
            gap=self.held.enough(self.clock.budget.gap),
            target=self.clock.budget.target,
            start=None if self.held.plan is None else shape.values_of(self.held.plan),
            on_incumbent=take,
            on_bound=self.held.raise_bound,
        )
        if result.values is not None:
            take(result.values)
        self.held.raise_bound(result.bound)
        return result.termination

    def _adapt(self, result: MipResult) -> None:
        if result.termination is Termination.OPTIMAL and result.nodes <= 1:
            self.size = min(self.size * 1.05, float(self.plan.setups.size))
        elif result.termination is Termination.ITERATIONS:
            self.size = max(self.size * SHRINKAGE, 2.0)

    def _take(self, answer: Answer) -> None:
        """Go on from a plan that is worth more; hold it if it keeps to the capacity."""
        plan, worth = answer.plan, answer.result.objective
        if plan is None or worth is None:
            return
        if answer.overtime == 0:
            self.held.take(plan)
            if self.held.plan is not None:  # made exact, and perhaps passed on before
                plan, worth = self.held.plan, self.held.value
        if worth < self.worth - 1e-9 * max(1.0, abs(worth)):
            self.plan, self.worth, self.has_overtime = plan, worth, answer.overtime > 0

    def _score(self) -> tuple[float, float]:
        return self.held.value, self.worth

    def _remaining_s(self) -> float:
        return max(0.0, min(self.deadline_s - self.clock.elapsed_s(), self.clock.remaining_s()))

    def _stop(self) -> Termination | None:
        value = self.held.value if self.held.plan is not None else None
        stopped = self.clock.stop(iteration=self.count, objective=value, bound=self.held.bound)
        return Termination.TIME if stopped is None and self._remaining_s() <= 0 else stopped
