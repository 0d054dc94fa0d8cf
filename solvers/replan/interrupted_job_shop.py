"""Replanning CP-SAT: a plan of all that is left, made anew after every failure or repair.

The model is that of blocking with swap from the present state on. A machine that is down is taken to come back after
the mean repair time; later failures enter as what they cost on average, durations times 1 + q x mean repair time. The
plan's order of jobs on each machine is followed: the job that is next in it enters, and the machine waits while that
job cannot come. Where CP-SAT finds nothing in its time, the orders of the last plan stay; before there is any, and
wherever the order leaves no choice that is allowed, a dispatching rule decides.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ortools.sat.python import cp_model

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.interrupted_job_shop import WAIT, InterruptedJobShop, Observation, draw_scenarios
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.rules.interrupted_job_shop import Rule, RulePolicy


@dataclass(frozen=True, slots=True)
class Options:
    """Options of replanning CP-SAT.

    Parameters
    ----------
    time_limit_s : float
        Wall seconds per plan.
    first_time_limit_s : float
        Wall seconds for the first plan, made before anything runs.
    rule : str
        What decides where there is no plan.
    workers : int
        Threads of CP-SAT.
    """

    time_limit_s: float = 0.5
    first_time_limit_s: float = 2.0
    rule: Rule = "mwkr"
    workers: int = 1

    def __post_init__(self) -> None:
        for key in ("time_limit_s", "first_time_limit_s"):
            if not 0 < getattr(self, key) < math.inf:
                raise OptionError(f"{key} must be a positive number of seconds, not {getattr(self, key)}")
        if self.workers < 1:
            raise OptionError(f"workers must be at least 1, not {self.workers}")


def policy(instance: InterruptedJobShop, seed: int, options: Options) -> "Replanning":
    """Build the policy."""
    return Replanning(instance, seed, options)


class Replanning:
    """The policy; `plans` and `failed` count the plans made and those that CP-SAT did not find, in this episode."""

    def __init__(self, instance: InterruptedJobShop, seed: int, options: Options) -> None:
        self.instance, self.options, self.seed = instance, options, seed
        shop = instance.shop
        ends = shop.job_offsets.tolist()
        route = list(zip(shop.machine.tolist(), shop.duration.tolist(), strict=True))
        self.routes = [route[a:b] for a, b in pairwise(ends)]
        self.rule = RulePolicy(instance, options.rule, seed)
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario."""
        self.rule.start(episode)
        self.seen: tuple[Any, ...] | None = None
        self.begins: dict[tuple[int, int], int] = {}  # planned start of each operation
        self.plans, self.failed = 0, 0

    def act(self, observation: Observation) -> int:
        """Return the job that is next on the machine by the plan, or `WAIT` for it."""
        now = (observation.is_down, observation.changed)
        if now != self.seen:
            self._plan(observation)
            self.seen = now
        coming = [
            (self.begins[j, k], j, k)
            for j, route in enumerate(self.routes)
            for k in range(_first_ahead(observation, j), len(route))
            if route[k][0] == observation.machine and (j, k) in self.begins
        ]
        if not coming:
            return self.rule.act(observation)
        _, job, operation = min(coming)
        if job in observation.eligible and operation == _first_ahead(observation, job):
            return job
        if observation.may_wait:
            return WAIT
        can = {j: begin for begin, j, k in sorted(coming, reverse=True) if k == _first_ahead(observation, j)}
        return min((j for j in observation.eligible if j in can), key=lambda j: can[j], default=observation.eligible[0])

    def _plan(self, observation: Observation) -> None:
        self.plans += 1
        if not self.begins:
            self._start_from_rule()
        model = _Model(self.instance, self.routes, observation, self.begins)
        solver = cp_model.CpSolver()
        parameters = solver.parameters
        parameters.catch_sigint_signal = (
            False  # its handler leaves SIGINT at its default: the next Ctrl-C would kill the process
        )
        first = self.seen is None
        parameters.max_time_in_seconds = self.options.first_time_limit_s if first else self.options.time_limit_s
        parameters.num_workers = self.options.workers
        parameters.random_seed = self.seed % 2**31
        if self.options.workers < 4:  # as in `cp_sat/job_shop`
            parameters.linearization_level = 0
            parameters.use_dynamic_precedence_in_disjunctive = True
            parameters.use_strong_propagation_in_disjunctive = True
        if solver.solve(model.cp) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            self.begins = {key: observation.time + solver.value(var) for key, var in model.start.items()}
        else:
            self.failed += 1

    def _start_from_rule(self) -> None:
        """Take for the first hint what the rule does where nothing fails."""
        calm = InterruptedJobShop(self.instance.shop, 0.0)
        run = simulate(calm, draw_scenarios(calm, 1, 0)[0], RulePolicy(calm, self.options.rule))
        keys = [(j, k) for j, route in enumerate(self.routes) for k in range(len(route))]
        self.begins = dict(zip(keys, run.start.tolist(), strict=True))


class _Model:
    """CP-SAT model of what is left, in time from now on."""

    def __init__(
        self,
        instance: InterruptedJobShop,
        routes: list[list[tuple[int, int]]],
        seen: Observation,
        known: dict[tuple[int, int], int],
    ) -> None:
        cp = self.cp = cp_model.CpModel()
        self.start: dict[tuple[int, int], Any] = {}  # of the operations that have not started
        repair = instance.repair_mean
        slow = 1 + instance.shutdown_probability * repair
        total = sum(math.ceil(p * slow) for route in routes for _, p in route)
        horizon = max(total, max(known.values(), default=0) - seen.time + total) + repair * (len(seen.is_down) + 1)
        makespan = cp.new_int_var(0, horizon, "")
        on_machine: list[list[Any]] = [[] for _ in seen.is_down]
        for j, route in enumerate(routes):
            first = _first_ahead(seen, j)
            if first == len(route) and seen.job_state[j] != "processing":
                continue  # out
            for k in range(first, len(route)):
                least = repair if seen.is_down[route[k][0]] else 0
                self.start[j, k] = cp.new_int_var(least, horizon, "")
                if (j, k) in known:
                    cp.add_hint(self.start[j, k], max(0, known[j, k] - seen.time))
            if seen.job_state[j] in ("processing", "blocked"):
                here = seen.job_machine[j]
                ready = math.ceil(seen.remaining[j] * slow) + (repair if seen.is_down[here] else 0)
                self._hold(on_machine[here], 0, ready, self.start.get((j, first)), horizon, makespan)
            for k in range(first, len(route)):
                machine, duration = route[k]
                after = self.start.get((j, k + 1))
                expected = math.ceil(duration * slow)
                self._hold(on_machine[machine], self.start[j, k], expected, after, horizon, makespan)
        for intervals in on_machine:
            if len(intervals) > 1:
                cp.add_no_overlap(intervals)
        cp.minimize(makespan)

    def _hold(self, intervals: list[Any], start: Any, least: int, after: Any, horizon: int, makespan: Any) -> None:
        """Occupy a machine for at least so long, until the job's next operation starts if there is one."""
        if after is None:
            self.cp.add(start + least <= makespan)
            intervals.append(self.cp.new_fixed_size_interval_var(start, least, ""))
            return
        size = self.cp.new_int_var(least, horizon, "")
        intervals.append(self.cp.new_interval_var(start, size, after, ""))


def _first_ahead(seen: Observation, job: int) -> int:
    """Index of the first operation of a job that has not started."""
    return seen.operation[job] + (seen.job_state[job] != "source")
