"""Tours as decision processes: a state of the quotient is the path that is left, from where we are to the end.

Reference: Drakulic et al. 2023 (see `protocol`). A closed tour is the path from place 0 to a copy of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.simulators.bq.protocol import Prefix, Tail, part


class Quotient:
    """States are paths (`Tsp.ends`), actions the positions of places between the ends."""

    def start(self, instance: Tsp) -> Tail[Tsp]:
        """Return the path itself, or the closed tour cut open at place 0; O(N), or O(N^2) with a matrix."""
        n = instance.num_places
        if instance.ends is not None:
            return Tail(instance, np.arange(n))
        numbers = np.r_[np.arange(n), 0]
        places = part(instance.places, numbers) if n > 1 else Places("explicit", None, np.zeros((2, 2), np.int64))
        return Tail(Tsp(instance.name, places, (0, n)), numbers)

    def actions(self, state: Tail[Tsp]) -> list[int]:
        """Return all places but the ends."""
        return [i for i in range(state.instance.num_places) if i not in state.instance.ends]  # type: ignore[operator]

    def step(self, state: Tail[Tsp], action: int) -> tuple[float, Tail[Tsp]]:
        """Go to a place: the path that is left begins there, without the place we come from."""
        path = state.instance
        origin, end = path.ends  # type: ignore[misc]
        kept = np.delete(np.arange(path.num_places), origin)
        ends = (action - (action > origin), end - (end > origin))
        after = Tail(Tsp(path.name, part(path.places, kept), ends), state.numbers[kept])
        return -float(path.places.lengths(origin, action)), after

    def may_finish(self, state: Tail[Tsp]) -> bool:
        """Return whether only the ends are left."""
        return state.instance.num_places == 2

    def finish(self, state: Tail[Tsp]) -> float:
        """Return minus the length of the last leg."""
        return -float(state.instance.places.lengths(*state.instance.ends))  # type: ignore[misc]

    def named(self, state: Tail[Tsp], action: int) -> int:
        """Return the place's number at the start."""
        return int(state.numbers[action])

    def solution(self, instance: Tsp, steps: Sequence[int]) -> Tour:
        """Return the tour."""
        return _tour(instance, steps)


class Direct:
    """States are an instance and the places visited, the first end or place 0 left out."""

    def start(self, instance: Tsp) -> Prefix[Tsp]:
        """Return the empty prefix."""
        return Prefix(instance)

    def actions(self, state: Prefix[Tsp]) -> list[int]:
        """Return the places not visited yet, the last end left out."""
        return sorted({*range(state.instance.num_places)} - {*state.steps, *(state.instance.ends or (0,))})

    def step(self, state: Prefix[Tsp], action: int) -> tuple[float, Prefix[Tsp]]:
        """Append a place; the reward is by how much the open path grows."""
        after = Prefix(state.instance, (*state.steps, action))
        return _walked(state) - _walked(after), after

    def may_finish(self, state: Prefix[Tsp]) -> bool:
        """Return whether all are visited."""
        return not self.actions(state)

    def finish(self, state: Prefix[Tsp]) -> float:
        """Return minus what closing adds."""
        return _walked(state) - float(length(state.instance, _tour(state.instance, state.steps).order))

    def named(self, state: Prefix[Tsp], action: int) -> int:
        """Return the action."""
        return action

    def solution(self, instance: Tsp, steps: Sequence[int]) -> Tour:
        """Return the tour."""
        return _tour(instance, steps)


def _tour(instance: Tsp, steps: Sequence[int]) -> Tour:
    if instance.ends is None:
        return Tour(np.array([0, *steps]))
    return Tour(np.array([instance.ends[0], *steps, instance.ends[1]]))


def _walked(state: Prefix[Tsp]) -> Any:
    stops = np.array([(state.instance.ends or (0,))[0], *state.steps])
    return float(state.instance.places.lengths(stops[:-1], stops[1:]).sum())
