"""The capacitated vehicle routing problem, and what is left of it when a vehicle is on its way.

Place 0 is the depot. A vehicle that is under way, at `origin` with `load` left, is the tail subproblem of Drakulic et
al. 2023 (NeurIPS, arXiv 2301.03313): its route goes on from there.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.places import IntArray, Places
from counterpoint.opt.problems.tsp import checked_name, whole_list
from counterpoint.opt.result import Check, Violation

MAX_CAPACITY = 2**53


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cvrp:
    """Customers to be served from a depot by vehicles of one capacity, as many as are needed.

    Parameters
    ----------
    name : str
    places : Places
        N, the depot first.
    demand : int64 array [N]
        At least 0, at most the capacity; 0 at the depot.
    capacity : int
        At least 1.
    origin : int
        Where the first route begins: 0, or a place that has been served already and is not visited again.
    load : int, optional
        What the first vehicle can still take; default: the capacity.

    Raises
    ------
    InstanceError
    """

    problem: ClassVar[str] = "cvrp"

    name: str
    places: Places
    demand: IntArray
    capacity: int
    origin: int = 0
    load: int = None  # type: ignore[assignment]  # filled in below

    def __post_init__(self) -> None:
        checked_name(self.name)
        n = len(self.places)
        demand = whole_list(self.demand, "demand")
        for key in ("capacity", "origin", "load"):
            value: Any = getattr(self, key)
            if key == "load" and value is None:
                value = self.capacity
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise InstanceError(f"expected a whole number, not {value!r}", place=(key,))
            object.__setattr__(self, key, int(value))
        if not 1 <= self.capacity <= MAX_CAPACITY:
            raise InstanceError(f"expected a capacity in 1..{MAX_CAPACITY}, not {self.capacity}", place=("capacity",))
        if len(demand) != n:
            raise InstanceError(f"expected {n} demands, one a place, not {len(demand)}", place=("demand",))
        if bad := np.flatnonzero((demand < 0) | (demand > self.capacity)).tolist():
            raise InstanceError(
                f"expected a demand in 0..{self.capacity} (the capacity), not {demand[bad[0]]}",
                place=("demand", bad[0]),
            )
        if demand[0] != 0:
            raise InstanceError("the depot (place 0) has a demand", place=("demand", 0))
        if not 0 <= self.origin < n:
            raise InstanceError(f"expected a place in 0..{n - 1}, not {self.origin}", place=("origin",))
        if not 0 <= self.load <= self.capacity or (self.origin == 0 and self.load != self.capacity):
            raise InstanceError(f"expected a load in 0..{self.capacity}, all of it at the depot", place=("load",))
        object.__setattr__(self, "demand", demand)

    @property
    def num_places(self) -> int:
        """N, the depot included."""
        return len(self.places)

    @property
    def customers(self) -> IntArray:
        """Places to be visited, int64."""
        return np.setdiff1d(np.arange(1, self.num_places), [self.origin])

    @property
    def features(self) -> frozenset[str]:
        """``asymmetric`` where there and back differ; ``under-way`` where a vehicle is."""
        found = set() if self.places.is_symmetric else {"asymmetric"}
        return frozenset(found if self.origin == 0 else found | {"under-way"})

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        facts = f"/{self.capacity}/{self.origin}/{self.load}".encode()
        return hashlib.sha256(b"cvrp/1/" + self.places.facts() + self.demand.tobytes() + facts).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cvrp) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        way = f", a vehicle at {self.origin} with {self.load} left" if self.origin else ""
        size = f"{self.num_places - 1} customers, capacity {self.capacity}"
        return f"<Cvrp {printable(self.name)!r}: {size}, {self.places.metric}{way}>"


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """What each vehicle visits, in order, the depot left out; the first goes on from the origin if one is under way.

    Parameters
    ----------
    routes : tuple of int64 array
        Empty ones are dropped, but for the first of several: the vehicle under way that goes straight home.

    Raises
    ------
    InstanceError
        If one is no list of whole numbers.
    """

    routes: tuple[IntArray, ...]

    def __post_init__(self) -> None:
        given: Iterable[Any] = self.routes
        routes = [whole_list(route, "routes") for route in given]
        object.__setattr__(self, "routes", tuple(r for k, r in enumerate(routes) if len(r) or (k == 0 and routes[1:])))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Routes) and [r.tolist() for r in self.routes] == [r.tolist() for r in other.routes]

    def __hash__(self) -> int:
        return hash(tuple(route.tobytes() for route in self.routes))


def check(instance: Cvrp, solution: Routes) -> Check:
    """Recompute the length of routes and name every violation: ``place``, ``missing``, ``repeated``, ``load``; O(N)."""
    n, routes = instance.num_places, solution.routes
    visits = np.concatenate([np.zeros(0, np.int64), *routes])
    if bad := np.flatnonzero((visits < 1) | (visits >= n)).tolist():
        return Check(None, tuple(Violation("place", f"visit of {visits[k]}", 1.0) for k in bad))
    times = np.bincount(visits, minlength=n)
    wanted = np.zeros(n, np.int64)
    wanted[instance.customers] = 1
    violations = [Violation("missing", f"customer {i}", 1.0) for i in np.flatnonzero(times < wanted)]
    violations += [
        Violation("repeated", f"customer {i}", float(times[i] - wanted[i])) for i in np.flatnonzero(times > wanted)
    ]
    total: Any = 0
    for k, route in enumerate(routes):
        start, room = (instance.origin, instance.load) if k == 0 else (0, instance.capacity)
        over = int(instance.demand[route].sum()) - room
        if over > 0:
            violations.append(Violation("load", f"route {k}", float(over)))
        stops = np.r_[start, route, 0]
        total = total + instance.places.lengths(stops[:-1], stops[1:])[stops[:-1] != stops[1:]].sum()
    if not routes and instance.origin:
        total = instance.places.lengths(instance.origin, 0)
    return Check(float(total), tuple(violations), {"num_routes": float(len(routes))})
