"""What no policy can beat on one shutdown trace: CP-SAT's proven bound with the whole trace known.

With ``fail_when="always"`` the trace says when each machine is down, whatever is decided. The model is that of blocking
with swap (`job_shop_model`): an operation's interval lasts until its successor starts. An operation starts when its
machine and the one the job leaves are up, and it takes its duration plus the downtime that falls into it, which is a
step function of its start. Where a domain has more steps than `MAX_STEPS`, neighbours are merged at the smaller
downtime: a relaxation. Interrupted work is taken to resume; where it starts anew that is a relaxation too.

With ``fail_when="busy"`` downtime depends on what is done, and the model leaves failures out: the bound is that of the
shop without failures, and of each machine's load with the repairs that fall into it whatever the order.

The value returned is the greater of CP-SAT's dual bound and bounds by jobs and by machines; never the objective of a
schedule that is not proved optimal.
"""

import math
import os
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.problems.interrupted_job_shop import IntArray, InterruptedJobShop, Scenario
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.rules.interrupted_job_shop import RulePolicy

MAX_STEPS = 80  # of the downtime of one operation, as a function of its start


def perfect_information(instance: InterruptedJobShop, scenario: Scenario, time_limit_s: float) -> float:
    """Return a proven lower bound on the makespan of every policy in this scenario.

    Parameters
    ----------
    instance : InterruptedJobShop
    scenario : Scenario
    time_limit_s : float
        Wall seconds for CP-SAT; less time gives a weaker bound, never a wrong one.
    """
    known = min(
        (simulate(instance, scenario, RulePolicy(instance, rule)) for rule in ("spt", "mwkr", "fifo")),
        key=lambda run: run.cost,
    )
    horizon = round(known.cost)
    model = _Model(instance, scenario, horizon)
    bound = max(model.by_jobs(), model.by_machines())
    if bound >= horizon:
        return float(horizon)
    model.build(bound)
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = (
        False  # its handler leaves SIGINT at its default: the next Ctrl-C would kill the process
    )
    solver.parameters.max_time_in_seconds = time_limit_s
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    solver.parameters.num_workers = workers
    if workers < 4:  # as in `cp_sat/job_shop`
        solver.parameters.linearization_level = 0
        solver.parameters.use_dynamic_precedence_in_disjunctive = True
        solver.parameters.use_strong_propagation_in_disjunctive = True
    status = solver.solve(model.cp)
    assert status not in (cp_model.INFEASIBLE, cp_model.MODEL_INVALID), "the bound's model refuses a rule's schedule"
    return float(max(bound, math.ceil(solver.best_objective_bound - 1e-6)))


class _Model:
    """The shop on one trace, and its CP-SAT model for makespans up to `horizon`."""

    def __init__(self, instance: InterruptedJobShop, scenario: Scenario, horizon: int) -> None:
        shop = instance.shop
        self.shop, self.horizon, self.scenario = shop, horizon, scenario
        self.machine, self.duration = shop.machine.tolist(), shop.duration.tolist()
        self.is_calendar = instance.fail_when == "always"
        failure = scenario.failure if self.is_calendar else np.zeros((shop.num_machines, 0), np.int64)
        self.up = [
            _up(horizon, begins, repairs) for begins, repairs in zip(failure, scenario.repair, strict=True)
        ]  # at each instant
        self.work = [np.r_[0, np.cumsum(up)] for up in self.up]  # up-time before each instant
        self.jobs = list(pairwise(shop.job_offsets.tolist()))
        self.head, self.tail = self._heads(), self._tails()
        self.cp = cp_model.CpModel()

    def end_of(self, i: int, start: IntArray) -> IntArray:
        """When operation i is done if it starts at `start`; beyond the horizon if that is where it ends."""
        work = self.work[self.machine[i]]
        goal = work[start] + self.duration[i]
        end: IntArray = np.searchsorted(work, goal, side="left")
        # no work at all takes no time, also right after a repair
        return np.maximum(end, start)

    def starts(self, i: int, first: int) -> IntArray:
        """Instants from `first` at which operation i may start: its machine and the one the job leaves are up."""
        may = self.up[self.machine[i]].copy()
        if i - 1 >= 0 and not self._is_first(i):
            may &= self.up[self.machine[i - 1]]
        found: IntArray = np.flatnonzero(may[first:]) + first
        return found

    def by_jobs(self) -> int:
        """Bound of the job that is done last if every job were alone."""
        last = [b - 1 for _, b in self.jobs]
        return max(int(self.end_of(i, np.array([self.head[i]]))[0]) for i in last)

    def by_machines(self) -> int:
        """Bound of the machine that is done last: earliest head, its load with downtime, shortest tail."""
        best = 0
        for m in range(self.shop.num_machines):
            own = [i for i in range(self.shop.num_operations) if self.machine[i] == m]
            if not own:
                continue
            load = sum(self.duration[i] for i in own)
            head = min(self.head[i] for i in own)
            tail = min(self.tail[i] - self.duration[i] for i in own)
            if self.is_calendar:
                end = int(np.searchsorted(self.work[m], self.work[m][head] + load, side="left"))
            else:
                hit = np.cumsum(self.scenario.up[m]) < load
                end = head + load + int(self.scenario.repair[m][hit].sum())
            best = max(best, end + tail)
        return best

    def build(self, bound: int) -> None:
        """Build the model: variables, chains, no-overlap, makespan."""
        cp = self.cp
        start: list[Any] = []
        end: list[Any] = []
        for i in range(self.shop.num_operations):
            begin, done = self._operation(i)
            start.append(begin)
            end.append(done)
        makespan = cp.new_int_var(bound, self.horizon, "")
        on_machine: list[list[Any]] = [[] for _ in range(self.shop.num_machines)]
        for first, after in self.jobs:
            for i in range(first, after - 1):
                cp.add(end[i] <= start[i + 1])
                size = cp.new_int_var(self.duration[i], self.horizon, "")
                on_machine[self.machine[i]].append(cp.new_interval_var(start[i], size, start[i + 1], ""))
            last = after - 1
            cp.add(end[last] <= makespan)
            leave, size = cp.new_int_var(0, self.horizon, ""), cp.new_int_var(self.duration[last], self.horizon, "")
            cp.add(leave == end[last])
            on_machine[self.machine[last]].append(cp.new_interval_var(start[last], size, leave, ""))
        for intervals in on_machine:
            if len(intervals) > 1:
                cp.add_no_overlap(intervals)
        cp.minimize(makespan)

    def _operation(self, i: int) -> tuple[Any, Any]:
        """Start variable of an operation, and its end: the start plus duration plus a step function."""
        at = self.starts(i, self.head[i])
        end = self.end_of(i, at)
        fits = end + (self.tail[i] - self.duration[i]) <= self.horizon
        at, took = at[fits], (end - at)[fits]
        assert len(at), "an operation has no room below a known makespan"
        start = self.cp.new_int_var_from_domain(cp_model.Domain.from_values(at.tolist()), "")
        cuts = np.flatnonzero(np.diff(took)) + 1
        steps = [(int(a), int(b)) for a, b in pairwise([0, *cuts.tolist(), len(at)])]
        while len(steps) > MAX_STEPS:
            steps = [(a[0], b[1]) for a, b in zip(steps[::2], steps[1::2], strict=False)] + steps[len(steps) & ~1 :]
        if len(steps) == 1:
            return start, start + int(took.min())
        literals = [self.cp.new_bool_var("") for _ in steps]
        self.cp.add_exactly_one(literals)
        length: Any = 0
        for literal, (a, b) in zip(literals, steps, strict=True):
            self.cp.add_linear_constraint(start, int(at[a]), int(at[b - 1])).only_enforce_if(literal)
            length += int(took[a:b].min()) * literal
        return start, start + length

    def _heads(self) -> list[int]:
        """Earliest start of each operation if its job were alone."""
        head = []
        for first, after in self.jobs:
            time = 0
            for i in range(first, after):
                at = self.starts(i, time)
                assert len(at), "a job has no room below a known makespan"
                head.append(int(at[0]))
                time = int(self.end_of(i, at[:1])[0])
        return head

    def _tails(self) -> list[int]:
        """Work from the start of each operation to the end of its job."""
        tail = [0] * self.shop.num_operations
        for first, after in self.jobs:
            total = 0
            for i in range(after - 1, first - 1, -1):
                total += self.duration[i]
                tail[i] = total
        return tail

    def _is_first(self, i: int) -> bool:
        return i in {first for first, _ in self.jobs}


def _up(horizon: int, begins: IntArray, repairs: IntArray) -> Any:
    """Whether a machine is up in each unit of time [t, t + 1) up to the horizon, bool [horizon + 1]."""
    change = np.zeros(horizon + 2, np.int64)
    hit = begins <= horizon
    np.add.at(change, begins[hit], 1)
    np.add.at(change, np.minimum(begins[hit] + repairs[: len(begins)][hit], horizon + 1), -1)
    return np.cumsum(change)[: horizon + 1] == 0
