"""Walks for prizes as decision processes: a state of the quotient is what is unvisited and what length is left.

Reference: Drakulic et al. 2023 (see `protocol`). To go home is allowed at any time, so places from which the way
straight to the end does not fit are out of reach; without the triangle inequality that leaves out walks which get
there by a detour. Where lengths are not whole, two prefixes may differ by rounding in what they leave, and are then
two states.
"""

from collections.abc import Sequence

import numpy as np

from counterpoint.opt.problems.orienteering import Orienteering, Walk, tolerance
from counterpoint.simulators.bq.protocol import Prefix, Tail, part

ROUNDING = 1e-3  # of the checker's tolerance, so that many steps cannot add up to more than it


class Quotient:
    """States are walks with less length left and other ends, actions positions of places."""

    def start(self, instance: Orienteering) -> Tail[Orienteering]:
        """Return the instance; prizes at the ends, which nobody gets, are 0."""
        everywhere = np.arange(instance.num_places)
        return Tail(_left(instance, everywhere, instance.ends, instance.max_length), everywhere)

    def actions(self, state: Tail[Orienteering]) -> list[int]:
        """Return the places from which the end is still within reach."""
        left = state.instance
        inside = np.setdiff1d(np.arange(left.num_places), left.ends)
        there = left.places.lengths(left.ends[0], inside) + left.places.lengths(inside, left.ends[1])
        found: list[int] = inside[there <= left.max_length + ROUNDING * tolerance(left)].tolist()
        return found

    def step(self, state: Tail[Orienteering], action: int) -> tuple[float, Tail[Orienteering]]:
        """Go to a place and take its prize."""
        left = state.instance
        origin, end = left.ends
        everywhere = np.arange(left.num_places)
        kept = everywhere if origin == end else np.delete(everywhere, origin)
        home = float(left.places.lengths(action, end))
        rest = max(left.max_length - float(left.places.lengths(origin, action)), home)  # whatever rounding did
        return float(left.prize[action]), Tail(_left(left, kept, (action, end), rest), state.numbers[kept])

    def may_finish(self, state: Tail[Orienteering]) -> bool:
        """Return True: the end is always within reach."""
        return True

    def finish(self, state: Tail[Orienteering]) -> float:
        """Return 0."""
        return 0.0

    def named(self, state: Tail[Orienteering], action: int) -> int:
        """Return the place's number at the start."""
        return int(state.numbers[action])

    def solution(self, instance: Orienteering, steps: Sequence[int]) -> Walk:
        """Return the walk."""
        return Walk(np.array(steps, np.int64))


class Direct:
    """States are an instance and the places visited."""

    def start(self, instance: Orienteering) -> Prefix[Orienteering]:
        """Return the empty prefix."""
        return Prefix(instance)

    def actions(self, state: Prefix[Orienteering]) -> list[int]:
        """Return the places from which the end is still within reach."""
        instance, lengths = state.instance, state.instance.places.lengths
        stops = np.array([instance.ends[0], *state.steps])
        walked = float(lengths(stops[:-1], stops[1:]).sum())
        inside = np.setdiff1d(np.arange(instance.num_places), [*instance.ends, *state.steps])
        there = walked + lengths(stops[-1], inside) + lengths(inside, instance.ends[1])
        found: list[int] = inside[there <= instance.max_length + ROUNDING * tolerance(instance)].tolist()
        return found

    def step(self, state: Prefix[Orienteering], action: int) -> tuple[float, Prefix[Orienteering]]:
        """Append a place."""
        return float(state.instance.prize[action]), Prefix(state.instance, (*state.steps, action))

    def may_finish(self, state: Prefix[Orienteering]) -> bool:
        """Return True."""
        return True

    def finish(self, state: Prefix[Orienteering]) -> float:
        """Return 0."""
        return 0.0

    def named(self, state: Prefix[Orienteering], action: int) -> int:
        """Return the action."""
        return action

    def solution(self, instance: Orienteering, steps: Sequence[int]) -> Walk:
        """Return the walk."""
        return Walk(np.array(steps, np.int64))


def _left(instance: Orienteering, kept: np.ndarray, ends: tuple[int, int], rest: float) -> Orienteering:
    """Return the instance of the places kept; the ends are two of them."""
    prize = instance.prize.copy()
    prize[list(ends)] = 0.0
    at = tuple(np.searchsorted(kept, ends).tolist())
    return Orienteering(instance.name, part(instance.places, kept), prize[kept], rest, at)
