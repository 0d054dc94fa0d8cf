"""Shifting bottleneck: sequence one machine after the other, always the one that hurts most.

Source: Adams, Balas and Zawack 1988 (Management Science 34:391-401), procedure SB I. Machines without a
sequence are relaxed; each gives a one-machine problem with heads, tails and delays between operations
(Dauzère-Pérès and Lasserre 1993), solved by Carlier's branch and bound. The machine of the largest value is
sequenced; then every sequenced machine is re-sequenced in turn, given the others, until nothing improves or
three cycles are done; once all machines are sequenced, until nothing improves.

Deviation: a new sequence is kept only if it does not lengthen the longest path. The rule ``lrm`` gives a
schedule to start with, so that one comes back under any time limit; the better of the two is returned.
Jobs may visit a machine more than once, and differ in length.
"""

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.bounds.carlier import carlier
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.local_search.job_shop_selection import (
    Selection,
    delays_between,
    empty_selection,
    longest_paths,
    release_machine,
    sequence_machine,
)
from counterpoint.solvers.rules.job_shop import schedule as dispatch

NODE_LIMIT = 500  # of each one-machine problem; most close within a few
NODE_STEPS = 20_000_000  # and at most so many / n^2 nodes, which keeps one problem below about 0.1 s
CYCLES = 3  # of re-sequencing while machines are missing (Adams, Balas and Zawack, section 2)


def solve(instance: JobShop, budget: Budget, seed: int, options: None, report: Report) -> Outcome:
    """Run the procedure once, or until the lower bound is met; deterministic.

    Iterations count one-machine problems solved.
    """
    if instance.features:
        raise UnsupportedError(f"shifting bottleneck does not handle {', '.join(sorted(instance.features))}")
    clock = budget.start()
    best = dispatch(instance, "lrm")
    bound = best_bound(instance)
    report(best, bound=bound)
    procedure = _Procedure(instance, clock, bound)
    reason = clock.stop(objective=best.makespan, bound=bound)
    if reason is None:
        reason = procedure.run()
    message = "the rule's schedule was the better one"
    if procedure.is_complete and procedure.makespan < best.makespan:
        head, _, _ = longest_paths(procedure.graph)
        best = Schedule.from_starts(instance, head)
        report(best)
        message = ""
    elif not procedure.is_complete:
        message = "stopped before all machines were sequenced; this is the rule's schedule"
    return Outcome(best, float(best.makespan), reason, bound, message=message, iterations=procedure.num_solved)


class _Procedure:
    """The state of one run: the graph, which machines are sequenced, and the clock."""

    def __init__(self, instance: JobShop, clock: Clock, bound: int) -> None:
        machine = instance.machine
        self.clock, self.bound = clock, bound
        self.graph: Selection = empty_selection(instance)
        used = [np.flatnonzero(machine == m) for m in range(instance.num_machines)]
        self.ops: list[IntArray] = [ops for ops in used if len(ops)]
        self.sequenced: dict[int, IntArray] = {}  # machine -> order, in the order in which they were added
        self.makespan = 0
        self.num_solved = 0

    @property
    def is_complete(self) -> bool:
        """True once every machine has a sequence."""
        return len(self.sequenced) == len(self.ops)

    def run(self) -> Termination:
        """Sequence all machines, re-sequencing on the way; return why it stopped."""
        try:
            while not self.is_complete:
                self._add_bottleneck()
                self._improve()
        except _BudgetEndedError as end:
            return end.reason
        return Termination.COMPLETED

    def _add_bottleneck(self) -> None:
        """Sequence the machine whose one-machine problem has the largest value."""
        paths = longest_paths(self.graph)
        worst, at, order = -1, -1, self.ops[0]
        for m in range(len(self.ops)):
            if m in self.sequenced:
                continue
            value, candidate = self._solve(m, paths)
            if value > worst:
                worst, at, order = value, m, candidate
        self.sequenced[at] = order
        sequence_machine(self.graph, order)
        self.makespan = self._length()

    def _improve(self) -> None:
        """Re-sequence until nothing improves, or for `CYCLES` cycles while machines are missing."""
        cycles = 0
        while (self.is_complete or cycles < CYCLES) and self._resequence():
            cycles += 1

    def _resequence(self) -> bool:
        """Re-sequence each sequenced machine in turn; return True if that shortened the longest path.

        The next cycle takes them by falling value of their one-machine problems.
        """
        before, values = self.makespan, {}
        for m in list(self.sequenced):
            old = self.sequenced[m]
            release_machine(self.graph, self.ops[m])
            try:
                values[m], new = self._solve(m, longest_paths(self.graph))
            except _BudgetEndedError:
                sequence_machine(self.graph, old)
                raise
            sequence_machine(self.graph, new)
            length = self._length()
            if length <= self.makespan:
                self.sequenced[m], self.makespan = new, length
            else:
                sequence_machine(self.graph, old)
        self.sequenced = {m: self.sequenced[m] for m in sorted(values, key=lambda m: -values[m])}
        return self.makespan < before

    def _solve(self, m: int, paths: tuple[IntArray, IntArray, IntArray]) -> tuple[int, IntArray]:
        """Return value and order of machine m's one-machine problem, given the other sequences."""
        objective = self.makespan if self.is_complete else None
        reason = self.clock.stop(iteration=self.num_solved, objective=objective, bound=self.bound)
        if reason is not None:
            raise _BudgetEndedError(reason)
        self.num_solved += 1
        head, tail, order = paths
        ops = self.ops[m]
        delay = delays_between(self.graph, ops, order)
        limit = min(NODE_LIMIT, NODE_STEPS // len(ops) ** 2)
        sequence, value, _ = carlier(head[ops], self.graph.duration[ops], tail[ops], delay, limit)
        return int(value), ops[sequence]

    def _length(self) -> int:
        """Longest path of the graph."""
        head, _, _ = longest_paths(self.graph)
        return int((head + self.graph.duration).max())


class _BudgetEndedError(Exception):
    """Raised between one-machine problems when the budget has ended."""

    def __init__(self, reason: Termination) -> None:
        super().__init__(reason)
        self.reason = reason
