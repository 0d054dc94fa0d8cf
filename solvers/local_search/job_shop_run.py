"""One run of the tabu search under a budget: compiled chunks, the clock between them, the best so far."""

import time
from dataclasses import dataclass, field

from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Termination, relative_gap
from counterpoint.solvers.local_search.job_shop_graph import Graph, Slots, build_graph, load_order, schedule_of
from counterpoint.solvers.local_search.job_shop_random import RandomState
from counterpoint.solvers.local_search.job_shop_search import (
    BEST,
    RUNNING,
    STEP,
    Trail,
    begin,
    build_trail,
    search,
)

CHUNK_S = 0.01  # a compiled chunk cannot be interrupted, so it must be short


@dataclass(slots=True)
class Run:
    """The memory of one run: nothing in it is shared with any other.

    Parameters
    ----------
    instance : JobShop
    clock : Clock
    bound : int
        A proven lower bound; reaching it ends the run.
    random : RandomState
    report : Report
    neighbourhood : int
    """

    instance: JobShop
    clock: Clock
    bound: int
    random: RandomState
    report: Report
    neighbourhood: int
    graph: Graph = field(init=False)
    trail: Trail = field(init=False)
    best: Schedule | None = None
    iterations: int = 0
    stopped: Termination | None = None
    _chunk: int = 50

    def __post_init__(self) -> None:
        self.graph = build_graph(self.instance)
        self.trail = build_trail(self.graph, self.random)

    def descend(self, order: Slots, patience: int) -> tuple[int, Slots]:
        """Search from an order until `patience` moves bring nothing; return the best makespan and its order.

        Sets `stopped` if the budget ends the run.
        """
        load_order(self.graph, order)
        state = self.trail.state
        begin(self.graph, self.trail)
        first_step = int(state[STEP])
        self._take_in()
        while self.stopped is None:
            steps, before = self._steps(), int(state[STEP])
            started = time.perf_counter()
            outcome = search(self.graph, self.trail, steps, patience, self._goal(), self.neighbourhood)
            spent_s = time.perf_counter() - started
            self._chunk = max(10, min(100_000, int(steps * min(4.0, CHUNK_S / max(spent_s, 1e-6)))))
            self.iterations += int(state[STEP]) - before
            if outcome != RUNNING and state[STEP] == first_step:
                self.iterations += 1  # no move at all: still counts, or a budget of iterations would never end
            self._take_in()
            if outcome != RUNNING:
                break
        return int(state[BEST]), self.trail.best.copy()

    def goes_on(self) -> bool:
        """True until the budget has ended the run."""
        return self.stopped is None

    def _goal(self) -> int:
        """The largest makespan that ends the run."""
        budget = self.clock.budget
        goal = self.bound
        if budget.gap > 0:
            goal = int(min(self.bound / max(1 - budget.gap, 1e-9), 2.0**60)) + 1
            while relative_gap(goal, self.bound) > budget.gap:
                goal -= 1
        return goal if budget.target is None else max(goal, int(min(max(budget.target, 0.0), 2.0**60)))

    def _steps(self) -> int:
        limit = self.clock.budget.iterations
        return self._chunk if limit is None else min(self._chunk, limit - self.iterations)

    def _take_in(self) -> None:
        """Keep and report a new best schedule; ask the clock."""
        found = int(self.trail.state[BEST])
        if self.best is None or found < self.best.makespan:
            self.best = schedule_of(self.instance, build_graph(self.instance), self.trail.best)
            self.report(self.best)
        self.stopped = self.clock.stop(iteration=self.iterations, objective=self.best.makespan, bound=self.bound)
