"""Roll-outs for interrupted job shops: try every decision in sampled futures, and take the best on average.

At every decision each action is simulated to the end in the same futures, drawn from what is known now (never from the
scenario itself), with a base policy deciding from then on: a dispatching rule here, the learned scores in
`models/policies/interrupted_job_shop_roll_out`. The action of the least mean makespan is taken. Where machines never
fail (q = 0) the future is known, so a plan is searched once, by simulated annealing on top of the base policy, and
followed. The compiled simulator does the work (`simulators/batched/interrupted_job_shop_search`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.interrupted_job_shop import WAIT, InterruptedJobShop, Observation
from counterpoint.simulators.batched.interrupted_job_shop_candidates import FEATURES
from counterpoint.simulators.batched.interrupted_job_shop_kernels import FAR, HELD
from counterpoint.simulators.batched.interrupted_job_shop_play import choose
from counterpoint.simulators.batched.interrupted_job_shop_present import Constants, tables
from counterpoint.simulators.batched.interrupted_job_shop_search import roll_out, search
from counterpoint.solvers.rules.interrupted_job_shop import RULES, Rule

KINDS = ("geometric", "uniform", "fixed")  # of repairs, numbered as in the kernels
STREAM = 2  # apart from scenarios and random rules
SPREAD, HEAT = 1.0, 0.01  # of the search: scale of new keys, share of the makespan accepted as excess at first
NO_WEIGHTS = (
    np.zeros((FEATURES, 1), np.float32), np.zeros(1, np.float32), np.zeros((1, 1), np.float32),
    np.zeros(1, np.float32), np.zeros(1, np.float32),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """Options of roll-outs with a rule.

    Parameters
    ----------
    rule : str
        The base policy.
    futures : int
        Per decision, at most; actions that are clearly worse drop out after 8, 16, ...
    plans : int
        Simulations of the search where machines never fail.
    """

    rule: Rule = "lrm"
    futures: int = 16
    plans: int = 4000

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise OptionError(f"no rule {self.rule!r}; there are {', '.join(RULES)}")
        check_budget(self.futures, self.plans)


def check_budget(futures: int, plans: int) -> None:
    """Raise `OptionError` unless both are at least 1."""
    if min(futures, plans) < 1:
        raise OptionError(f"futures and plans must be at least 1, not {futures} and {plans}")


def policy(instance: InterruptedJobShop, seed: int, options: Options) -> "RollOut":
    """Build the policy."""
    rule = RULES.index(options.rule)  # the kernels number them alike; "random" scores all alike: the smallest job
    return RollOut(instance, seed, rule, NO_WEIGHTS, futures=options.futures, plans=options.plans, waiting=False)


class RollOut:
    """The policy; `simulations` counts those of the episode.

    Parameters
    ----------
    instance : InterruptedJobShop
    seed : int
    rule : int
        The base policy's number in `interrupted_job_shop_play`.
    weights : tuple of float32 array
        Of the network, if that is the base.
    futures, plans : int
    waiting : bool
        Whether the base policy may wait; roll-outs try waiting in any case.
    """

    def __init__(
        self,
        instance: InterruptedJobShop,
        seed: int,
        rule: int,
        weights: tuple[Any, ...],
        *,
        futures: int,
        plans: int,
        waiting: bool,
    ) -> None:
        self.instance, self.seed, self.rule, self.weights = instance, seed, rule, weights
        self.futures, self.plans, self.waiting = futures, plans, waiting
        self.constants = Constants.of(instance)
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario; futures are drawn from the seed and the episode's number."""
        self.random = np.random.default_rng([self.seed, episode, STREAM]).integers(2**64, size=1, dtype=np.uint64)
        n, most = self.constants.machine.shape
        self.keys = np.zeros((n, most + 1))
        self.is_planned = False
        self.time, self.held = -1, set[int]()  # machines that were let wait at this time
        self.simulations = 0

    def act(self, observation: Observation) -> int:
        """Return the best action found."""
        seen, n = observation, len(observation.job_state)
        jobs, machines, left = tables(self.constants, seen)
        if seen.time != self.time:
            self.time = seen.time
            self.held.clear()
        machines[list(self.held), HELD] = 1
        is_known = self.instance.shutdown_probability == 0
        if is_known and not self.is_planned:
            self._plan(seen.time, jobs, machines)
        waiting = self.waiting or is_known
        action = base_action(
            self.constants, seen, jobs, machines, self.rule, self.weights, self.keys, waiting=waiting
        )  # fmt: skip
        if not is_known:
            action = self._roll_out(seen, jobs, machines, left, action)
        if action == n:
            self.held.add(seen.machine)
            return WAIT
        return action

    def _plan(self, time: int, jobs: Any, machines: Any) -> None:
        failure, repair = no_failures(len(machines))
        c = self.constants
        search(
            jobs, machines, time, c.machine, c.duration, c.length, c.tail, c.mean, c.risk, failure, repair, True,
            self.rule, self.weights, self.keys, SPREAD, HEAT, self.plans, self.random,
        )  # fmt: skip
        self.simulations += self.plans
        self.is_planned = True

    def _roll_out(self, seen: Observation, jobs: Any, machines: Any, left: Any, first: int) -> int:
        n, instance, c = len(jobs), self.instance, self.constants
        others = [*seen.eligible, *([n] if seen.may_wait else [])]
        actions = np.array([first, *(a for a in others if a != first)], np.int64)
        elapsed = np.array([seen.time - since for since in seen.changed], np.int64)
        best, done = roll_out(
            jobs, machines, left, elapsed, seen.time, seen.machine, actions, c.machine, c.duration, c.length, c.tail,
            c.mean, c.risk, instance.shutdown_probability, KINDS.index(instance.repair), instance.repair_mean,
            self._periods(), self.futures, instance.fail_when == "always", instance.on_interrupt == "resume",
            self.waiting, self.rule, self.weights, self.random,
        )  # fmt: skip
        self.simulations += done
        return int(best)

    def _periods(self) -> int:
        """Failures of a machine in a future: those of three times what the work left takes at least, and some more."""
        c, q, mean = self.constants, self.instance.shutdown_probability, self.instance.repair_mean
        load = np.bincount(c.machine.ravel(), c.duration.ravel()).max()
        horizon = 3.0 * max(int(c.tail[:, 0].max()), int(load)) * (1 + q * mean)
        return min(int(horizon / (1 / q + mean)) + 20, 2**12)


def base_action(
    c: Constants, seen: Observation, jobs: Any, machines: Any, rule: int, weights: Any, keys: Any, *, waiting: bool
) -> int:
    """Return what the base policy does: a job, or n to wait."""
    n, m = len(jobs), len(machines)
    failure, repair = no_failures(m)
    found = np.empty(n + 1, np.int64)
    best, eligible, _ = choose(
        jobs, machines, seen.time, seen.machine, seen.may_wait and waiting, c.machine, c.duration, c.length, c.tail,
        c.mean, c.risk, failure, repair, True, rule, weights, keys, 0.0, np.zeros(1, np.uint64), found,
        np.empty((3, m), np.int64), np.zeros((n + 1, FEATURES), np.float32), np.empty(n + 1),
        np.empty(len(weights[1]), np.float32), np.empty(len(weights[3]), np.float32),
    )  # fmt: skip
    return int(found[best]) if best < eligible else n


def no_failures(machines: int) -> tuple[Any, Any]:
    """Return the trace [m, 1] of machines that never fail."""
    return np.full((machines, 1), FAR, np.int64), np.ones((machines, 1), np.int64)
