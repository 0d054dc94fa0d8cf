"""Rules for vehicle routing: nearest neighbour, savings, sweep.

Sources: Clarke and Wright 1964 (Operations Research 12:568-581), in its parallel version; Gillett and Miller 1974
(Operations Research 22:340-349), without their improvements within routes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import no_points
from counterpoint.opt.problems.cvrp import Cvrp, check
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.rules.cvrp_closed import Closed, closed

Rule = Literal["nearest-neighbour", "savings", "sweep"]
NEAR = 100  # neighbours of each customer that savings looks at, of large instances
SMALL = 1500  # up to here it looks at all
STARTS = 100  # angles that a sweep begins at


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the rules.

    Parameters
    ----------
    rule : {"nearest-neighbour", "savings", "sweep"}
        Go to the nearest customer whose demand still fits; or join the two routes whose joining saves most; or take
        customers by their angle around the depot, from the best of a hundred first ones.
    """

    rule: Rule = "savings"


def solve(instance: Cvrp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build routes by a rule."""
    plain = closed(instance)
    if options.rule == "savings":
        routes = savings(plain)
    elif options.rule == "sweep":
        if reason := no_points(instance):
            raise UnsupportedError(f"sweep {reason}")
        assert instance.places.points is not None
        routes = sweep(plain, instance.places.points)
    else:
        routes = nearest_neighbour(plain)
    solution = plain.routes(routes)
    return Outcome(solution, check(instance, solution).objective, Termination.COMPLETED)


def nearest_neighbour(plain: Closed) -> list[list[int]]:
    """Fill one vehicle after the other; O(N^2). The one that is under way comes first."""
    rest = np.arange(1, plain.num_places)
    routes: list[list[int]] = []
    here, room = 0, -1
    while len(rest):
        fits = plain.demand[rest] <= room
        if not fits.any():  # the next vehicle
            here, room, fits = 0, plain.capacity, np.ones(len(rest), bool)
            routes.append([])
            if plain.origin in rest and len(routes) == 1:
                fits = rest == plain.origin
        if routes[-1]:
            fits &= rest != plain.origin
        k = int(np.argmin(np.where(fits, plain.distance[here, rest], np.inf)))
        here = int(rest[k])
        room -= int(plain.demand[here])
        routes[-1].append(here)
        rest = np.delete(rest, k)
    return routes


def savings(plain: Closed) -> list[list[int]]:
    """Join routes, the pair first that saves most; O(N^2 log N), of large instances among near customers only.

    Examples
    --------
    >>> from counterpoint.opt.problems.places import Places
    >>> line = Places("euclidean", [[0, 0], [2, 0], [3, 0], [-1, 0]])
    >>> savings(closed(Cvrp("line", line, [0, 1, 1, 1], 2)))
    [[1, 2], [3]]
    """
    routes: dict[int, list[int]] = {i: [i] for i in range(1, plain.num_places)}
    where = list(range(plain.num_places))
    load = plain.demand.tolist()
    for i, j in _pairs(plain).tolist():
        a, b = where[i], where[j]
        if a == b or load[a] + load[b] > plain.capacity:
            continue
        first, second = routes[a], routes[b]
        if first[-1] != i and plain.is_symmetric and first[0] == i:
            first = first[::-1]
        if second[0] != j and plain.is_symmetric and second[-1] == j:
            second = second[::-1]
        if first[-1] != i or second[0] != j:
            continue
        routes[a] = first + second
        load[a] += load[b]
        for k in routes.pop(b):
            where[k] = a
    return list(routes.values())


def _pairs(plain: Closed) -> IntArray:
    """Return pairs (i, j) of customers, those first where going from i to j saves most, and only if it saves."""
    distance, n = plain.distance, plain.num_places
    if n <= SMALL:
        i, j = np.nonzero(np.triu(np.ones((n, n), bool), 1) if plain.is_symmetric else ~np.eye(n, dtype=bool))
    else:
        j = np.argpartition(distance, NEAR, axis=1)[:, : NEAR + 1].ravel()
        i = np.repeat(np.arange(n), NEAR + 1)
    keep = (i > 0) & (j > 0) & (i != j) & (j != plain.origin)
    i, j = i[keep], j[keep]
    saved = distance[i, 0] + distance[0, j] - distance[i, j]
    order = np.argsort(-saved, kind="stable")
    order = order[saved[order] > 0]
    return np.column_stack([i[order], j[order]])


def sweep(plain: Closed, points: np.ndarray) -> list[list[int]]:
    """Cut the circle of customers into routes; O(100 N)."""
    n = plain.num_places
    if n == 1:
        return []
    away = points - points[0]
    circle = 1 + np.argsort(np.arctan2(away[1:, 1], away[1:, 0]), kind="stable")
    best: list[list[int]] = []
    shortest = np.inf
    for start in np.unique(np.linspace(0, n - 1, min(STARTS, n - 1), endpoint=False).astype(np.int64)):
        routes: list[list[int]] = [[]]
        room = plain.capacity
        for customer in np.roll(circle, -start).tolist():
            if plain.demand[customer] > room:
                routes.append([])
                room = plain.capacity
            routes[-1].append(customer)
            room -= int(plain.demand[customer])
        total = plain.total(routes)
        if total < shortest:
            best, shortest = routes, total
    return best
