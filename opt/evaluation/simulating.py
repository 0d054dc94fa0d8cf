"""`simulate`: what a policy does, scenario by scenario, to be looked at; `evaluate` keeps the costs only."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Policy, Trajectory
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.loading import load_instance
from counterpoint.opt.options import checked_seed
from counterpoint.opt.policies import policy as named_policy
from counterpoint.opt.problems.table import Problem, problem
from counterpoint.opt.result import Check


@dataclass(frozen=True, slots=True)
class Episode:
    """One scenario as a policy lived through it."""

    instance: Any
    scenario: Any
    trajectory: Trajectory

    @property
    def cost(self) -> float:
        """What the reference simulator says it cost."""
        return float(self.trajectory.cost)

    def check(self) -> Check:
        """Recompute the cost from the decisions alone, and name every violation."""
        found: Check = problem(self.instance.problem).load("check")(self.instance, self.scenario, self.trajectory)
        return found

    def plot(self, ax: Any = None) -> Any:
        """Draw it; return the Axes."""
        return problem(self.instance.problem).load("plot")(self.instance, self.scenario, self.trajectory, ax=ax)


def simulate(
    policy: str | Policy, instance: Any, *, scenarios: int | Sequence[Any] = 1, seed: int = 0
) -> tuple[Episode, ...]:
    """Run one policy of a sequential problem through scenarios, and keep everything that happened.

    Parameters
    ----------
    policy : str or Policy
        The name of a method (with options if you like), a checkpoint, or an object with ``start`` and ``act``.
    instance : Instance, path or str
    scenarios : int or sequence of Scenario
        How many to draw, the same that `evaluate` draws from this seed; or the scenarios themselves.
    seed : int
        Of the scenarios; a policy that draws at random gets it too.

    Returns
    -------
    tuple of Episode

    Raises
    ------
    OptionError, UnknownNameError, UnsupportedError, CheckpointError
        Before anything runs; OptionError also if the policy decides what is not allowed.

    Examples
    --------
    >>> [episode] = simulate("priority", "plant-2x1", seed=3)
    >>> episode.check().is_feasible
    True
    """
    instance = load_instance(instance)
    family = sequential(instance)
    run, drawn = family.load("simulate"), scenarios_of(family, instance, scenarios, seed)
    acting: Policy = named_policy(policy, instance, seed=seed) if isinstance(policy, str | os.PathLike) else policy
    episodes = []
    with plain_interrupts():
        for number, scenario in enumerate(drawn):
            acting.start(number)
            episodes.append(Episode(instance, scenario, run(instance, scenario, acting)))
    return tuple(episodes)


def sequential(instance: Any) -> Problem:
    """Return the family of an instance; UnsupportedError if nothing is random in it."""
    family = problem(instance.problem)
    if family.kind != "sequential":
        raise UnsupportedError(f"{family.name} is a static problem: compare its methods with compare, not evaluate")
    return family


def scenarios_of(family: Problem, instance: Any, scenarios: int | Sequence[Any], seed: int) -> Sequence[Any]:
    """Return the scenarios given, or draw so many."""
    if not isinstance(scenarios, int):
        if not len(scenarios):
            raise OptionError("expected at least one scenario, not an empty sequence")
        return scenarios
    if scenarios < 1:
        raise OptionError(f"expected at least one scenario, not {scenarios}")
    if (seed := checked_seed(seed)) < 0:
        raise OptionError(f"the seed of scenarios must be at least 0, not {seed}")
    drawn: Sequence[Any] = family.load("scenarios")(instance, scenarios, seed)
    return drawn
