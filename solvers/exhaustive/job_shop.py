"""Exact enumeration for tiny job shops of every variant: a twin for tests.

All machine assignments are tried in turn; for each, a depth-first search decides the order of one pair
of operations that clash in the earliest schedule of the orders decided so far (a least fixpoint, which
is also a lower bound since both objectives are regular), and stops where nothing clashes: Balas (1969),
Operations Research 17:941-957, with a fixpoint in place of the longest path, so that windows and cycles
of length zero (jobs that swap machines) need no special case. It shares no code with any other solver.
"""

import itertools
import math
from collections.abc import Iterator

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination

MAX_OPERATIONS = 20
MAX_ASSIGNMENTS = 20_000

Arc = tuple[int, int]  # operations (a, b) of one machine, a first


def solve(instance: JobShop, budget: Budget, seed: int, options: None, report: Report) -> Outcome:
    """Enumerate every schedule that can be optimal.

    Parameters
    ----------
    instance : JobShop
        At most `MAX_OPERATIONS` operations and `MAX_ASSIGNMENTS` ways to choose their machines.
    budget : Budget
        `iterations` counts nodes of the search.
    seed, options
        Not used: the search has no chance and no options.
    report : Report

    Returns
    -------
    Outcome
        The optimum; at a limit the best found, with the bound of the empty set of decisions.

    Raises
    ------
    UnsupportedError
        If the instance is too large to be enumerated.
    """
    assignments = math.prod(len(instance.options_of(i)) for i in range(instance.num_operations))
    if instance.num_operations > MAX_OPERATIONS or assignments > MAX_ASSIGNMENTS:
        raise UnsupportedError(
            f"exhaustive enumerates at most {MAX_OPERATIONS} operations and {MAX_ASSIGNMENTS} machine assignments, "
            f"not {instance.num_operations} and {assignments}; use cp-sat"
        )
    clock = budget.start()
    search = _Search(instance, clock, report)
    stopped = search.run()
    solution = search.best
    if stopped is None or stopped is Termination.OPTIMAL:
        return Outcome(solution, search.value, Termination.OPTIMAL, bound=search.value, iterations=search.nodes)
    return Outcome(solution, search.value, stopped, bound=search.root_bound, iterations=search.nodes)


class _Search:
    """The state of one enumeration: incumbent, root bound and node count."""

    def __init__(self, shop: JobShop, clock: Clock, report: Report) -> None:
        self.shop, self.clock, self.report = shop, clock, report
        self.choices = [list(enumerate(shop.options_of(i))) for i in range(shop.num_operations)]
        self.last = [int(end) - 1 for end in shop.job_offsets[1:]]
        self.is_last = [i in set(self.last) for i in range(shop.num_operations)]
        self.job = shop.job_of.tolist()
        self.windows = [
            sorted((b, e) for machine, b, e in shop.unavailable.tolist() if machine == m)
            for m in range(shop.num_machines)
        ]
        # every earliest schedule is a chain of operations without gaps, once the last window is over
        longest = sum(max(p for _, (_, p) in options) for options in self.choices)
        self.horizon = max((e for _, _, e in shop.unavailable.tolist()), default=0) + longest
        self.best: Schedule | None = None
        self.value = math.inf
        self.root_bound = 0.0
        self.nodes = 0

    def run(self) -> Termination | None:
        """Search all assignments; return why it stopped before the end, or None."""
        self._one_job_after_another()
        fastest = [min(options, key=lambda o: o[1][1]) for options in self.choices]
        self.root_bound = self._relaxed_bound(fastest)
        for picks in itertools.product(*self.choices):
            stopped = self._branch(_Assignment(self, picks), [])
            if stopped is not None:
                return stopped
        return None

    def keep(self, starts: list[int], picks: tuple[tuple[int, tuple[int, int]], ...], value: float) -> None:
        """Take in a better schedule."""
        self.value = value
        self.best = Schedule.from_starts(self.shop, starts, [option for option, _ in picks])
        self.report(self.best)

    def objective(self, end: list[int]) -> float:
        """Objective of operation ends [N]."""
        completion = [end[i] for i in self.last]
        if self.shop.objective == "makespan":
            return max(completion)
        due, weights = self.shop.due_dates, self.shop.weights
        assert due is not None
        assert weights is not None
        return float(sum(w * max(0, c - d) for w, c, d in zip(weights.tolist(), completion, due.tolist(), strict=True)))

    def fit(self, start: int, machine: int, duration: int) -> int:
        """Return the earliest start >= `start` at which the processing meets no window."""
        for begin, stop in self.windows[machine]:
            if start < stop and start + duration > begin:
                start = stop
        return start

    def _one_job_after_another(self) -> None:
        """Keep the schedule that finishes each job before it starts the next: feasible in every variant."""
        picks = tuple(options[0] for options in self.choices)
        starts, end, now = [], [], 0
        for _, (machine, duration) in picks:
            starts.append(self.fit(now, machine, duration))
            now = starts[-1] + duration
            end.append(now)
        self.keep(starts, picks, self.objective(end))

    def _relaxed_bound(self, fastest: list[tuple[int, tuple[int, int]]]) -> float:
        """Objective if every job were alone, on its fastest machines, without windows."""
        end: list[int] = []
        for i, (_, (_, duration)) in enumerate(fastest):
            follows = i > 0 and self.job[i - 1] == self.job[i]
            end.append((end[-1] if follows else 0) + duration)
        return self.objective(end)

    def _branch(self, assignment: "_Assignment", arcs: list[Arc]) -> Termination | None:
        self.nodes += 1
        bound = self.value if self.value <= self.root_bound else self.root_bound
        stopped = self.clock.stop(iteration=self.nodes, objective=self.value, bound=bound)
        if stopped is not None:
            return stopped
        starts = assignment.earliest(arcs)
        if starts is None:
            return None
        value = self.objective([s + p for s, p in zip(starts, assignment.duration, strict=True)])
        if value >= self.value:
            return None
        pair = assignment.clash(starts)
        if pair is None and self.shop.blocking == "no-swap":
            stuck = list(assignment.stuck(starts))
            if stuck:
                # decided both ways round, a cycle of moves is there in every schedule of these orders
                pair = next((p for p in stuck if p not in arcs), None)
                if pair is None:
                    return None
        if pair is None:
            self.keep(starts, assignment.picks, value)
            return None
        for arc in (pair, (pair[1], pair[0])):
            stopped = self._branch(assignment, [*arcs, arc])
            if stopped is not None:
                return stopped
        return None


class _Assignment:
    """One choice of machine and duration for every operation."""

    def __init__(self, search: _Search, picks: tuple[tuple[int, tuple[int, int]], ...]) -> None:
        self.search, self.picks = search, picks
        self.machine = [machine for _, (machine, _) in picks]
        self.duration = [duration for _, (_, duration) in picks]
        self.count = len(picks)
        self.pairs = [
            (a, b)
            for a, b in itertools.combinations(range(self.count), 2)
            if self.machine[a] == self.machine[b] and search.job[a] != search.job[b]
        ]
        # between two rises of the same start that no window explains there is a cycle of positive length
        jumps = sum(len(search.windows[m]) for m in self.machine)
        self.max_rounds = self.count * (jumps + 1) + 1

    def release(self, starts: list[int], i: int) -> int:
        """When operation i leaves its machine."""
        if self.search.shop.blocking == "none" or self.search.is_last[i]:
            return starts[i] + self.duration[i]
        return starts[i + 1]

    def earliest(self, arcs: list[Arc]) -> list[int] | None:
        """Earliest starts that respect the chains, the windows and `arcs`; None if there are none."""
        search = self.search
        starts = [0] * self.count
        for _ in range(self.max_rounds):
            before = list(starts)
            for i in range(self.count):
                if i > 0 and search.job[i - 1] == search.job[i]:
                    starts[i] = max(starts[i], starts[i - 1] + self.duration[i - 1])
                starts[i] = search.fit(starts[i], self.machine[i], self.duration[i])
            for a, b in arcs:
                starts[b] = max(starts[b], self.release(starts, a))
            if starts == before:
                return starts
            if max(starts) > search.horizon:
                return None
        return None

    def clash(self, starts: list[int]) -> Arc | None:
        """First pair of one machine of which neither leaves before the other starts."""
        for a, b in self.pairs:
            if self.release(starts, a) > starts[b] and self.release(starts, b) > starts[a]:
                return a, b
        return None

    def stuck(self, starts: list[int]) -> Iterator[Arc]:
        """Play the moves, one at a time, each onto a free machine; yield (holder, waiting) of those that cannot."""
        holder: dict[int, int] = {}  # machine -> operation on it
        for now in sorted({*starts, *(starts[i] + self.duration[i] for i in self.search.last)}):
            for i in self.search.last:
                if starts[i] + self.duration[i] == now and holder.get(self.machine[i]) == i:
                    del holder[self.machine[i]]
            waiting = [i for i in range(self.count) if starts[i] == now]
            while movable := [i for i in waiting if self._may_enter(i, holder)]:
                i = movable[0]
                waiting.remove(i)
                if i > 0 and self.search.job[i - 1] == self.search.job[i]:
                    del holder[self.machine[i - 1]]
                holder[self.machine[i]] = i
            if waiting:
                yield from ((holder[self.machine[i]], i) for i in waiting)
                return

    def _may_enter(self, i: int, holder: dict[int, int]) -> bool:
        held = holder.get(self.machine[i])
        return held is None or (held == i - 1 and self.search.job[held] == self.search.job[i])
