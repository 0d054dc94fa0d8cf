"""Greedy insertion for orienteering: the most prize per length of the detour first, while it fits.

Source: the insertion of Tsiligirides 1984 (Journal of the Operational Research Society 35:797-809), without chance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.orienteering import Orienteering, Walk, check, tolerance
from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.rules.orienteering_kernels import fill


@dataclass(frozen=True, slots=True)
class Open:
    """An instance with its ends in front and at the back, and the places that may be visited between them.

    Parameters
    ----------
    distance : int64 or float64 array [m + 2, m + 2]
        0 is where the walk begins, m + 1 where it ends.
    prize : float64 array [m + 2]
        0 at the ends.
    limit : float
        Of the length, half of what the checker forgives included.
    place : int64 array [m + 2]
        Their numbers in the instance.
    is_symmetric : bool
    """

    distance: Any
    prize: FloatArray
    limit: float
    place: IntArray
    is_symmetric: bool

    def length(self, visits: Any) -> Any:
        """Return the length of a walk."""
        stops = np.r_[0, np.asarray(visits, np.int64), len(self.place) - 1]
        return self.distance[stops[:-1], stops[1:]].sum()

    def walk(self, visits: Any) -> Walk:
        """Return a solution of the instance."""
        return Walk(self.place[np.asarray(visits, np.int64)])


def opened(instance: Orienteering) -> Open:
    """Return the form that solvers work on; O(N^2) memory.

    Raises
    ------
    InstanceError
        If the matrix of distances would not fit into memory.
    """
    first, last = instance.ends
    place = np.r_[first, np.setdiff1d(np.arange(instance.num_places), instance.ends), last]
    prize = instance.prize[place]
    prize[[0, -1]] = 0.0
    distance = instance.places.distances()[np.ix_(place, place)]
    limit = instance.max_length + tolerance(instance) / 2
    return Open(distance, prize, limit, place, instance.places.is_symmetric)


def solve(instance: Orienteering, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Insert until nothing fits; O(N^2), more if many have their best positions at one place."""
    walk = opened(instance)
    solution = walk.walk(greedy(walk))
    return Outcome(solution, check(instance, solution).objective, Termination.COMPLETED)


def greedy(walk: Open, visits: Any = ()) -> IntArray:
    """Return visits, numbers of `walk`, after all insertions into those given."""
    n = len(walk.place)
    order = np.zeros(n, np.int64)
    order[1 : len(visits) + 1] = visits
    order[len(visits) + 1] = n - 1
    state = np.zeros(1, np.uint64)
    count = fill(order, len(visits) + 2, walk.distance.astype(np.float64), walk.prize, walk.limit, 1.0, 0.0, state)
    return order[1 : count - 1].copy()
