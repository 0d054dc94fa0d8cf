"""Decision processes that build a solution step by step, and what holds of all of them.

After Drakulic, Michel, Mai, Sors and Andreoli 2023 (BQ-NCO: Bisimulation Quotienting for Efficient Neural Combinatorial
Optimization, NeurIPS, arXiv 2301.03313). In the *direct* process a state is an instance and the steps taken so far. Two
such states that leave the same subproblem are bisimilar: the same actions, rewards and successors. The *quotient*
process has the subproblems as states; they are instances of the same family, so a state is an instance and nothing
else. Returns are the same: minus the objective where it is minimised, the objective where it is maximised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from counterpoint.opt.problems.places import IntArray, Places

S = TypeVar("S")
Kind = TypeVar("Kind")


class Process(Protocol[S]):
    """A deterministic decision process that builds solutions of one family of problems."""

    def start(self, instance: Any) -> S:
        """Return the state before the first step."""

    def actions(self, state: S) -> list[Any]:
        """Return the steps allowed: those after which a feasible solution can be reached; never of a finished state."""

    def step(self, state: S, action: Any) -> tuple[float, S]:
        """Return the reward of an allowed step and the state after it."""

    def may_finish(self, state: S) -> bool:
        """Return whether what has been built is a solution."""

    def finish(self, state: S) -> float:
        """Return the reward of ending here."""

    def named(self, state: S, action: Any) -> Any:
        """Return a step in the numbers of the instance that the trajectory began with."""

    def solution(self, instance: Any, steps: Sequence[Any]) -> Any:
        """Return the solution that named steps stand for."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail(Generic[Kind]):
    """A state of the quotient: what is left, an instance of the family.

    Parameters
    ----------
    instance : problem instance
        The state; two tails are equal if theirs are.
    numbers : int64 array
        What each of its places or items was called where the trajectory began. Carried along, no part of the state.
    """

    instance: Kind
    numbers: IntArray

    @property
    def content_hash(self) -> str:
        """That of the instance."""
        found: str = self.instance.content_hash  # type: ignore[attr-defined]
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tail) and self.content_hash == other.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)


@dataclass(frozen=True, slots=True, eq=False)
class Prefix(Generic[Kind]):
    """A state of the direct process: an instance and the steps taken.

    Parameters
    ----------
    instance : problem instance
    steps : tuple
    """

    instance: Kind
    steps: tuple[Any, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prefix) and self.instance is other.instance and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)


@dataclass(frozen=True, slots=True)
class Trajectory(Generic[S]):
    """A whole construction.

    Parameters
    ----------
    states : tuple
        One more than steps.
    steps : tuple
        By the numbers of the instance it began with.
    rewards : tuple of float
        One a step, and that of finishing.
    solution : problem solution
    """

    states: tuple[S, ...]
    steps: tuple[Any, ...]
    rewards: tuple[float, ...]
    solution: Any


def roll_out(process: Process[S], instance: Any, choose: Callable[[S, list[Any]], Any]) -> Trajectory[S]:
    """Build a solution.

    Parameters
    ----------
    process : Process
    instance : problem instance
    choose : callable
        ``choose(state, actions)`` returns one of the actions, which include None, to finish, where that is allowed.
    """
    state = process.start(instance)
    states, steps, rewards = [state], [], []
    while True:
        choices = process.actions(state) + ([None] if process.may_finish(state) else [])
        action = choose(state, choices)
        if action is None:
            rewards.append(process.finish(state))
            return Trajectory(tuple(states), tuple(steps), tuple(rewards), process.solution(instance, steps))
        steps.append(process.named(state, action))
        reward, state = process.step(state, action)
        rewards.append(reward)
        states.append(state)


def best_return(process: Process[S], state: S, known: dict[S, float] | None = None) -> float:
    """Return the largest return from a state on, by dynamic programming over states; `known` is filled with them."""
    known = {} if known is None else known
    if state not in known:
        best = process.finish(state) if process.may_finish(state) else -np.inf
        for action in process.actions(state):
            reward, after = process.step(state, action)
            best = max(best, reward + best_return(process, after, known))
        known[state] = best
    return known[state]


def part(places: Places, kept: IntArray) -> Places:
    """Return some of the places, in the order given; a place may be named twice."""
    points = None if places.points is None else places.points[kept]
    return Places(places.metric, points, None if places.matrix is None else places.matrix[np.ix_(kept, kept)])
