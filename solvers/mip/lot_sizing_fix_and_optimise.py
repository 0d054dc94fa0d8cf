"""Fix-and-optimise: free the setups of some periods or items, fix the others, solve, go on from the better plan.

Helber and Sahling (2010), Int. J. Production Economics 123:247-256. Deviations: each small program is the
facility-location model; the first frees what the relaxation leaves fractional, after rounding it; sizes
adapt to what HiGHS solves within few nodes, so that a run depends on the seed alone until its time is up; while no
feasible plan is known, overtime at a rising price takes the place of an own start phase.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.highs import MipResult
from counterpoint.solvers.mip.lot_sizing_held import Held
from counterpoint.solvers.mip.lot_sizing_lots import lots_for
from counterpoint.solvers.mip.lot_sizing_net import BoolArray, FloatArray, net_data, shortage
from counterpoint.solvers.mip.lot_sizing_outcome import outcome
from counterpoint.solvers.mip.lot_sizing_start import left_shift
from counterpoint.solvers.mip.lot_sizing_windows import Windows, overtime_price

MAX_NODES = 100  # of branch and bound in one window
FIRST_GAP, LAST_GAP = (
    5e-3,
    1e-4,
)  # of a window, in the first round and at last: a quarter whenever a round gains nothing
ROUNDING = (0.5, 0.3, 0.15, 0.05)  # of the relaxation's setups, at first
GUIDED_SHARE = 0.2  # of the time, for the first small program: of many fractional setups it is not small
GROWTH, SHRINKAGE = 1.3, 0.7
DEARER, MAX_RISES = 10.0, 4  # the price of overtime rises when windows are used up, so many times at most


@dataclass(frozen=True, slots=True)
class Options:
    """Options of fix-and-optimise.

    Parameters
    ----------
    window : int
        Setups freed at once, at first.
    """

    window: int = 60

    def __post_init__(self) -> None:
        if self.window < 1:
            raise OptionError(f"window must be at least 1, not {self.window}")


def solve(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Improve until the budget ends, or until one window holds every setup and is solved; `iterations` are windows.

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
    try:
        search = Search(held, clock, seed, Options().window)
    except UnsupportedError:
        return None
    ended = search.run(limit_s, is_patient=False)
    if ended in (Termination.TIME, Termination.COMPLETED, Termination.ITERATIONS):
        return clock.stop(objective=held.value if held.plan is not None else None, bound=held.bound)
    return ended


class Search:
    """The state of one run: the plan (with overtime, as long as none is feasible), window sizes, random numbers."""

    def __init__(self, held: Held, clock: Clock, seed: int, window: int) -> None:
        self.held, self.clock, self.seed = held, clock, seed
        self.rng = np.random.default_rng(seed)
        self.size, self.gap = float(window), FIRST_GAP
        self.count = 0
        self.plan: ProductionPlan = left_shift(held.net) if held.plan is None else held.plan
        self.price = overtime_price(held.net)
        self.windows = self._windows()
        self.relaxed: FloatArray | None = None
        self.worth = np.inf  # of the plan, with its overtime

    def run(self, limit_s: float, *, is_patient: bool) -> Termination:
        """Solve windows until `limit_s` from now, or, if not patient, until a round of them gains nothing."""
        self.deadline_s = self.clock.elapsed_s() + limit_s
        # without overtime, even while no plan is known: an infeasible relaxation is a proof
        relaxation = Windows(self.held.net).relaxation(self._remaining_s())
        if relaxation.termination is not Termination.OPTIMAL:
            return relaxation.termination
        self.held.raise_bound(relaxation.objective)
        self.relaxed = self.windows.setups_in(relaxation)
        stopped = self._guided()
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
            elif self.held.plan is None and rises < MAX_RISES:
                rises += 1
                self.price *= DEARER
                self.windows, self.worth = self._windows(), np.inf
            elif not is_patient:
                return Termination.COMPLETED
            elif self.held.plan is None:  # no price brings the overtime to nothing: ask for a plan or a proof
                self.windows = Windows(self.held.net)
                stopped = self._optimise(np.ones(self.plan.setups.shape, bool))
            else:
                self.size *= GROWTH
        return stopped

    def _windows(self) -> Windows:
        return Windows(self.held.net, self.price if self.held.plan is None else None)

    def _remaining_s(self) -> float:
        return max(0.0, min(self.deadline_s - self.clock.elapsed_s(), self.clock.remaining_s()))

    def _score(self) -> tuple[float, float]:
        return self.held.value, self.worth

    def _guided(self) -> Termination | None:
        """Trust the relaxation where it is whole: round the rest, then solve for it."""
        assert self.relaxed is not None
        for threshold in ROUNDING:
            self._adopt(lots_for(self.held.net, self.relaxed >= threshold, self._remaining_s()))
        is_one, is_zero = self.relaxed > 1 - 1e-6, self.relaxed < 1e-6
        start = None
        if self.held.plan is not None and not (self.plan.setups & is_zero).any():
            start = ProductionPlan(self.plan.lots, self.plan.setups | is_one)
        limit_s = GUIDED_SHARE * self._remaining_s()
        return self._optimise(~(is_one | is_zero), is_one.astype(np.float64), start, limit_s)

    def _round(self) -> Iterator[BoolArray]:
        """Yield windows: all items in some periods, some items in all periods, in random order; all of the setups."""
        n, T = self.plan.setups.shape
        if self.size >= n * T:
            yield np.ones((n, T), bool)
            return
        width = int(np.clip(round(self.size / n), 1, T))
        firsts = np.arange(0, max(1, T - width + 1), max(1, width // 2))
        firsts = np.unique(np.append(firsts, T - width))
        several = int(np.clip(round(self.size / T), 1, n))
        order = self.rng.permutation(n)
        groups = [order[at : at + several] for at in range(0, n, several)]
        every = slice(None)
        places: list[tuple[Any, slice]] = [(every, slice(first, first + width)) for first in firsts.tolist()]
        places += [(group, every) for group in groups]
        for at in self.rng.permutation(len(places)):
            free = np.zeros((n, T), bool)
            free[places[at]] = True
            yield free

    def _optimise(
        self,
        free: BoolArray,
        base: FloatArray | None = None,
        start: ProductionPlan | None = None,
        limit_s: float = np.inf,
    ) -> Termination | None:
        """Solve one window around `base`, by default the plan; take what is better; return why to stop, if so."""
        everything = bool(free.all())
        result = self.windows.solve(
            np.ones(free.shape, bool),
            self.plan.setups.astype(np.float64) if base is None else base,
            free,
            start=self.plan if base is None else start,
            time_limit_s=min(limit_s, self._remaining_s()),
            threads=self.clock.budget.threads_or_all(),
            seed=self.seed + self.count,
            gap=self.held.enough(self.clock.budget.gap if everything else max(self.clock.budget.gap, self.gap)),
            max_nodes=2**31 - 1 if everything else MAX_NODES,
        )
        self.count += 1
        self._adapt(result)
        if result.values is not None:
            self._take(result)
        if everything and not len(self.windows.shape.overtime):
            self.held.raise_bound(result.bound)
            if result.termination in (Termination.OPTIMAL, Termination.INFEASIBLE):
                return result.termination
        if result.is_interrupted:
            return Termination.INTERRUPTED
        value = self.held.value if self.held.plan is not None else None
        stopped = self.clock.stop(iteration=self.count, objective=value, bound=self.held.bound)
        if stopped is None and self._remaining_s() <= 0:
            return Termination.TIME
        return stopped

    def _adapt(self, result: MipResult) -> None:
        if result.termination is Termination.OPTIMAL and result.nodes <= 1:
            self.size = min(self.size * 1.05, float(self.plan.setups.size))
        elif result.termination is Termination.ITERATIONS:
            self.size = max(self.size * SHRINKAGE, 2.0)

    def _take(self, result: MipResult) -> None:
        assert result.values is not None
        assert result.objective is not None
        plan = self.windows.shape.plan_of(result.values)
        if self.held.plan is not None or self.windows.overtime_in(result) == 0:
            self._adopt(plan)
        if self.held.plan is None and result.objective < self.worth:
            self.plan, self.worth = plan, result.objective

    def _adopt(self, plan: ProductionPlan | None) -> None:
        """Go on from a feasible plan if it is the best; then no overtime is needed any more."""
        self.held.take(plan)
        if self.held.plan is not None:
            self.plan = self.held.plan
            if len(self.windows.shape.overtime):
                self.windows = self._windows()
