"""The density rule for 0/1 knapsacks: the most value per unit of weight first, whatever still fits.

Source: Dantzig 1957 (Operations Research 5:266-277), who breaks off at the first item that does not fit; here the rest
is tried too (Martello and Toth 1990, section 2.4).
"""

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome, Termination


def solve(instance: Knapsack, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Pack by density; O(n log n)."""
    items = greedy(instance)
    return Outcome(Packing(items), float(instance.value[items].sum()), Termination.COMPLETED)


def by_density(instance: Knapsack) -> IntArray:
    """Return all items, those of most value per unit of weight first; ties go to the lower number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(instance.weight > 0, instance.value / instance.weight, np.inf)
    return np.argsort(-density, kind="stable")


def greedy(instance: Knapsack) -> IntArray:
    """Return the items packed, in the order of their density.

    Examples
    --------
    >>> greedy(Knapsack("k", [6, 10, 12], [1, 2, 3], 5)).tolist()
    [0, 1]
    """
    order, room, packed = by_density(instance), instance.capacity, []
    for item, weight in zip(order.tolist(), instance.weight[order].tolist(), strict=True):
        if weight <= room:
            room -= weight
            packed.append(item)
    return np.array(packed, np.int64)
