"""Dispatching rules for interrupted blocking job shops: who enters a free machine; they never let it wait.

Rules as in `rules/job_shop`; "the operation" is the one a job would start on the machine. Ties go to the smallest job.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Observation, draw_scenarios
from counterpoint.simulators.interrupted_job_shop import simulate

Rule = Literal["spt", "lpt", "mwkr", "lwkr", "mopnr", "fifo", "fdd-mwkr", "lrm", "srm", "random"]
STREAM = 1  # apart from the scenarios, which are drawn from [seed, number]
RULES: tuple[Rule, ...] = ("spt", "lpt", "mwkr", "lwkr", "mopnr", "fifo", "fdd-mwkr", "lrm", "srm", "random")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the dispatching rules.

    Parameters
    ----------
    rule : str
        Each method's name fixes its rule.
    """

    rule: Rule


@dataclass(frozen=True, slots=True)
class BestOptions:
    """Options of the best of many random schedules.

    Parameters
    ----------
    samples : int
    """

    samples: int = 100

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise OptionError(f"samples must be at least 1, not {self.samples}")


def policy(instance: InterruptedJobShop, seed: int, options: Options) -> "RulePolicy":
    """Build the policy of a rule; the seed matters to ``random`` only."""
    return RulePolicy(instance, options.rule, seed)


def best_random(instance: InterruptedJobShop, seed: int, options: BestOptions) -> "Replay":
    """Build the policy that repeats the best of many random runs.

    Raises
    ------
    UnsupportedError
        If machines fail: what was decided once would not be possible again.
    """
    if instance.shutdown_probability > 0:
        raise UnsupportedError("the best of many random runs can be repeated only where machines never fail (q = 0)")
    scenario = draw_scenarios(instance, 1, 0)[0]
    best: Recorder | None = None
    for sample in range(options.samples):
        recorder = Recorder(RulePolicy(instance, "random", seed))
        recorder.start(sample)
        recorder.cost = simulate(instance, scenario, recorder).cost
        if best is None or recorder.cost < best.cost:
            best = recorder
    assert best is not None
    return Replay(tuple(best.choices))


class RulePolicy:
    """A rule as a policy.

    Parameters
    ----------
    instance : InterruptedJobShop
    rule : str
    seed : int
    """

    def __init__(self, instance: InterruptedJobShop, rule: Rule, seed: int = 0) -> None:
        if rule not in RULES:
            raise OptionError(f"no rule {rule!r}; there are {', '.join(RULES)}")
        shop = instance.shop
        ends = shop.job_offsets.tolist()
        duration = shop.duration.tolist()
        self.works = [duration[a:b] for a, b in pairwise(ends)]
        self.rule, self.seed = rule, seed
        self.rng = np.random.default_rng([seed, 0, STREAM])

    def start(self, episode: int) -> None:
        """Begin another scenario; ``random`` draws from the seed and the episode's number."""
        self.rng = np.random.default_rng([self.seed, episode, STREAM])

    def act(self, observation: Observation) -> int:
        """Return the eligible job of the least priority value."""
        if self.rule == "random":
            return observation.eligible[int(self.rng.integers(len(observation.eligible)))]
        value = PRIORITY[self.rule]
        return min(
            observation.eligible, key=lambda j: (value(self.works[j], coming(observation, j), observation, j), j)
        )


class Recorder:
    """Another policy, whose choices are noted."""

    def __init__(self, inner: RulePolicy) -> None:
        self.inner = inner
        self.choices: list[int] = []
        self.cost = 0.0

    def start(self, episode: int) -> None:
        """Begin another scenario."""
        self.inner.start(episode)
        self.choices.clear()

    def act(self, observation: Observation) -> int:
        """Pass on, and note, what the other policy chooses."""
        self.choices.append(self.inner.act(observation))
        return self.choices[-1]


class Replay:
    """Choices made before, in order."""

    def __init__(self, choices: tuple[int, ...]) -> None:
        self.choices = choices
        self.position = 0

    def start(self, episode: int) -> None:
        """Begin again."""
        self.position = 0

    def act(self, observation: Observation) -> int:
        """Return the next choice."""
        self.position += 1
        return self.choices[self.position - 1]


def coming(observation: Observation, job: int) -> int:
    """Return the index, within its job, of the operation an eligible job would start."""
    return observation.operation[job] + (observation.job_state[job] == "blocked")


def _work_ratio(work: list[int], k: int) -> float:
    remaining = sum(work[k:])
    return sum(work[: k + 1]) / remaining if remaining else float("inf")


PRIORITY: dict[str, Callable[[list[int], int, Observation, int], float]] = {
    "spt": lambda work, k, seen, j: work[k],
    "lpt": lambda work, k, seen, j: -work[k],
    "mwkr": lambda work, k, seen, j: -sum(work[k:]),
    "lwkr": lambda work, k, seen, j: sum(work[k:]),
    "mopnr": lambda work, k, seen, j: k - len(work),
    "fifo": lambda work, k, seen, j: seen.since[j],
    "fdd-mwkr": lambda work, k, seen, j: _work_ratio(work, k),
    "lrm": lambda work, k, seen, j: -sum(work[k + 1 :]),
    "srm": lambda work, k, seen, j: sum(work[k + 1 :]),
}
