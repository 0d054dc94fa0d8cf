"""Packing as a decision process: a state of the quotient is the items that are left and the capacity that is left.

Reference: Drakulic et al. 2023 (see `protocol`). To stop is allowed at any time. An instance has an item at least, so
when all are packed, one that does not fit stands for none.
"""

from collections.abc import Sequence

import numpy as np

from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.simulators.bq.protocol import Prefix, Tail


class Quotient:
    """States are knapsacks, actions positions of items."""

    def start(self, instance: Knapsack) -> Tail[Knapsack]:
        """Return the instance."""
        return Tail(instance, np.arange(instance.num_items))

    def actions(self, state: Tail[Knapsack]) -> list[int]:
        """Return the items that fit in."""
        found: list[int] = np.flatnonzero(state.instance.weight <= state.instance.capacity).tolist()
        return found

    def step(self, state: Tail[Knapsack], action: int) -> tuple[float, Tail[Knapsack]]:
        """Pack an item."""
        left = state.instance
        value, weight, numbers = (np.delete(array, action) for array in (left.value, left.weight, state.numbers))
        rest = left.capacity - int(left.weight[action])
        if not len(value):
            value, weight, numbers, rest = np.array([0]), np.array([1]), np.array([-1]), 0
        return float(left.value[action]), Tail(Knapsack(left.name, value, weight, rest), numbers)

    def may_finish(self, state: Tail[Knapsack]) -> bool:
        """Return True."""
        return True

    def finish(self, state: Tail[Knapsack]) -> float:
        """Return 0."""
        return 0.0

    def named(self, state: Tail[Knapsack], action: int) -> int:
        """Return the item's number at the start."""
        return int(state.numbers[action])

    def solution(self, instance: Knapsack, steps: Sequence[int]) -> Packing:
        """Return the packing."""
        return Packing(np.array(steps, np.int64))


class Direct:
    """States are an instance and the items packed, in the order in which they were."""

    def start(self, instance: Knapsack) -> Prefix[Knapsack]:
        """Return the empty prefix."""
        return Prefix(instance)

    def actions(self, state: Prefix[Knapsack]) -> list[int]:
        """Return the items that fit in beside those packed."""
        instance, packed = state.instance, list(state.steps)
        rest = instance.capacity - int(instance.weight[packed].sum())
        found: list[int] = np.setdiff1d(np.flatnonzero(instance.weight <= rest), packed).tolist()
        return found

    def step(self, state: Prefix[Knapsack], action: int) -> tuple[float, Prefix[Knapsack]]:
        """Pack an item."""
        return float(state.instance.value[action]), Prefix(state.instance, (*state.steps, action))

    def may_finish(self, state: Prefix[Knapsack]) -> bool:
        """Return True."""
        return True

    def finish(self, state: Prefix[Knapsack]) -> float:
        """Return 0."""
        return 0.0

    def named(self, state: Prefix[Knapsack], action: int) -> int:
        """Return the action."""
        return action

    def solution(self, instance: Knapsack, steps: Sequence[int]) -> Packing:
        """Return the packing."""
        return Packing(np.array(steps, np.int64))
