"""Ruin and recreate for vehicle routing: strings of neighbouring routes are taken out and put back greedily.

Source: Christiaens and Vanden Berghe 2020 (Transportation Science 54:417-433, "SISR"), with its values of parameters.
Deviations: temperatures are in mean legs of the first routes, not absolute; it cools down once within the budget, or,
without one, again and again from the best routes, each time for longer; a customer may also open a route where that is
cheaper.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.splitmix import stream
from counterpoint.solvers.local_search.cooling import Cooling
from counterpoint.solvers.local_search.cvrp_kernels import (
    AFTER,
    BEFORE,
    COUNT,
    FIRST,
    LAST,
    LOAD,
    ROUTE,
    anneal,
)  # fmt: skip
from counterpoint.solvers.rules.cvrp import savings
from counterpoint.solvers.rules.cvrp_closed import Closed, closed

NEAR = 200  # neighbours of a customer whose routes may be ruined with its own
CHUNK = 100_000  # steps times customers between two looks at the clock


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ruin and recreate.

    Parameters
    ----------
    steps : int
        Of the first cooling if there is no limit of time or iterations; each after it has twice as many.
    heat, cold : float
        First and last temperature, in mean legs of the first routes.
    removed : float
        Customers taken out in a step, on average.
    longest : int
        Of a string taken out.
    blink : float
        How often a position is overlooked.

    Raises
    ------
    OptionError
        If one is out of range.
    """

    steps: int = 100_000
    heat: float = 0.2
    cold: float = 0.01
    removed: float = 10.0
    longest: int = 10
    blink: float = 0.01

    def __post_init__(self) -> None:
        if self.steps < 1 or self.longest < 1 or not 1 <= self.removed <= 1e6:
            raise OptionError("steps, longest and removed must be at least 1")
        if not 0 < self.cold <= self.heat <= 1e6:
            raise OptionError(f"expected 0 < cold <= heat, not {self.cold} and {self.heat}")
        if not 0 <= self.blink < 1:
            raise OptionError(f"blink must be in [0, 1), not {self.blink}")


def solve(instance: Cvrp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Cool down from the routes of savings until the budget ends.

    One iteration is one step of ruin and recreate. The same seed and number of iterations give the same routes, if no
    limit of time says how fast to cool down.
    """
    clock = budget.start()
    plain = closed(instance)
    routes = savings(plain)
    best = cost = float(plain.total(routes))
    report(plain.routes(routes))
    if plain.num_places <= 2 or cost <= 0:
        return Outcome(plain.routes(routes), cost, Termination.COMPLETED)
    distance = plain.distance.astype(np.float64)
    links, table = _linked(plain, routes)
    best_links, best_table = links.copy(), table.copy()
    near = _neighbours(plain)
    leg = cost / (plain.num_places - 1 + len(routes))
    hot, cold = options.heat * leg, options.cold * leg
    state = np.array([stream(np.uint64(seed % 2**64), 0)], np.uint64)
    chunk, done = max(10, CHUNK // plain.num_places), 0
    cooling = Cooling(clock, options.steps)
    while True:
        stopped = clock.stop(iteration=done, objective=best)
        if stopped is not None:
            return Outcome(plain.routes(_lists(best_links, best_table)), best, stopped, iterations=done)
        size = chunk if budget.iterations is None else min(chunk, budget.iterations - done)
        if cooling.is_over(done):
            links[:], table[:], cost = best_links, best_table, best
        begin, end = (hot * (cold / hot) ** share for share in cooling.shares(done, size))
        cost, found = anneal(
            links, table, cost, best_links, best_table, best, plain.demand, distance, plain.capacity, near, size,
            begin, end, options.removed, options.longest, options.blink, state,
        )  # fmt: skip
        done += size
        if found < best:
            best = float(plain.total(_lists(best_links, best_table)))  # without what rounding has added up
            report(plain.routes(_lists(best_links, best_table)))


def _linked(plain: Closed, routes: list[list[int]]) -> tuple[IntArray, IntArray]:
    """Return routes as linked lists, with room for more routes than will be needed."""
    links = np.zeros((3, plain.num_places), np.int64)
    table = np.zeros((4, min(plain.num_places - 1, 2 * len(routes) + 10)), np.int64)
    for r, route in enumerate(routes):
        stops = np.array(route)
        links[AFTER, stops], links[BEFORE, stops], links[ROUTE, stops] = np.r_[stops[1:], 0], np.r_[0, stops[:-1]], r
        table[FIRST, r], table[LAST, r], table[COUNT, r] = stops[0], stops[-1], len(stops)
        table[LOAD, r] = plain.demand[stops].sum()
    return links, table


def _lists(links: IntArray, table: IntArray) -> list[list[int]]:
    """Return linked routes as lists."""
    after, routes = links[AFTER].tolist(), []
    for customer in table[FIRST, table[COUNT] > 0].tolist():
        route = []
        while customer:
            route.append(customer)
            customer = after[customer]
        routes.append(route)
    return routes


def _neighbours(plain: Closed) -> Any:
    """Return the customers nearest to each place, themselves first, int64 [N, K]."""
    n, count = plain.num_places, min(NEAR, plain.num_places - 1)
    near = np.empty((n, count), np.int64)
    for i in range(n):
        away = np.minimum(plain.distance[i], plain.distance[:, i]).astype(np.float64)
        away[0], away[i] = np.inf, -1.0 if i else np.inf
        some = np.argpartition(away, count - 1)[:count]
        near[i] = some[np.argsort(away[some], kind="stable")]
    return near
