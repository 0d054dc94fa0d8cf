"""A vehicle under way as a customer more: what is left of a routing problem becomes a plain asymmetric one.

The place where the vehicle is becomes a customer that nothing but the depot leads to, at no cost, and whose demand is
what the vehicle has already taken; the route that it begins is the vehicle's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.places import IntArray


@dataclass(frozen=True, slots=True)
class Closed:
    """Customers 1 .. N - 1, all to be visited from the depot 0.

    Parameters
    ----------
    distance : int64 or float64 array [N, N]
    demand : int64 array [N]
    capacity : int
    origin : int
        The customer that must come first in its route; 0 if there is none.
    is_symmetric : bool
    """

    distance: Any
    demand: IntArray
    capacity: int
    origin: int
    is_symmetric: bool

    @property
    def num_places(self) -> int:
        """N."""
        return len(self.demand)

    def cost(self, route: Any) -> Any:
        """Return the length of one route."""
        stops = np.r_[0, np.asarray(route, np.int64), 0]
        return self.distance[stops[:-1], stops[1:]].sum()

    def total(self, routes: Iterable[Any]) -> Any:
        """Return the length of all routes."""
        return sum(self.cost(route) for route in routes)

    def routes(self, visits: Iterable[Iterable[int]]) -> Routes:
        """Return a solution of the instance, the vehicle that is under way first."""
        lists = [list(map(int, route)) for route in visits]
        if self.origin:
            k = next(k for k, route in enumerate(lists) if self.origin in route)
            route = lists.pop(k)
            first = route.index(self.origin)
            lists = [route[first + 1 :], *lists, route[:first]]  # cut where the way led to the origin: that is shorter
        return Routes(tuple(np.array(route, np.int64) for route in lists))

    def whole(self, rounding: Any = np.rint, least: float = 1e6) -> tuple[IntArray, float]:
        """Return distances as whole numbers and what they were multiplied by: 1 if they are whole.

        Others are scaled so that the longest is between `least` and ten times that.
        """
        if self.distance.dtype.kind == "i":
            return self.distance, 1.0
        longest = float(self.distance[self.distance < far(self.distance, self.origin)].max(initial=0.0))
        scale = 1.0 if longest <= 0 else 10.0 ** np.ceil(np.log10(least / longest))
        return rounding(self.distance * scale).astype(np.int64), float(scale)


def closed(instance: Cvrp) -> Closed:
    """Return the plain form of an instance; O(N^2) memory.

    Raises
    ------
    InstanceError
        If the matrix of distances would not fit into memory.
    """
    given, demand, origin = instance.places.distances(), instance.demand, instance.origin
    if origin:
        given, demand = np.array(given), np.array(demand)
        given[1:, origin] = 3 * given.max() + 1
        given[0, origin] = given[origin, origin] = 0
        demand[origin] = instance.capacity - instance.load
    return Closed(given, demand, instance.capacity, origin, origin == 0 and instance.places.is_symmetric)


def far(distance: Any, origin: int) -> Any:
    """Return what no distance reaches, but for those that lead where nothing may lead."""
    return np.inf if not origin else np.max(distance)
