"""Vehicle routing by PyVRP (Wouda, Lan and Kool 2024, INFORMS Journal on Computing 36:943-955; MIT)."""

from typing import Any

import numpy as np
from pyvrp import Client, Depot, Location, ProblemData, Solution, VehicleType

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.adapters.pyvrp_run import SOLVER, Stop, run
from counterpoint.solvers.rules.cvrp import savings
from counterpoint.solvers.rules.cvrp_closed import Closed, closed


def solve(instance: Cvrp, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Search until the budget ends; one iteration is one of PyVRP's.

    PyVRP counts in whole numbers: other distances are multiplied by a power of ten and rounded, and what is held is
    judged by the distances as they are.
    """
    clock = budget.start()
    plain = closed(instance)
    best = savings(plain)
    cost = float(plain.total(best))
    report(plain.routes(best))
    if plain.num_places == 1:
        return Outcome(plain.routes(best), cost, Termination.COMPLETED, solver=SOLVER)
    reason = clock.stop(objective=cost)
    if reason is not None:
        return Outcome(plain.routes(best), cost, reason, solver=SOLVER)

    def take(found: Solution) -> None:
        nonlocal best, cost
        if not found.is_feasible():
            return
        routes = [[1 + visit.idx for visit in route if visit.is_client()] for route in found.routes()]
        total = float(plain.total(routes))
        if total < cost:
            best, cost = routes, total
            report(plain.routes(best))

    stop = Stop(clock, lambda: cost)
    run(_data(plain, instance.places.points, len(best)), stop, seed, take, None)
    return Outcome(
        plain.routes(best), cost, stop.reason or Termination.COMPLETED, solver=SOLVER, iterations=max(0, stop.done)
    )  # fmt: skip


def _data(plain: Closed, points: Any, vehicles: int) -> ProblemData:
    """Return PyVRP's form of an instance; a quarter more vehicles than savings needs, and ten."""
    matrix, _ = plain.whole(least=1e4)  # finer ones need penalties beyond those that PyVRP allows
    where = np.zeros((plain.num_places, 2)) if points is None else points
    return ProblemData(
        [Location(float(x), float(y)) for x, y in where],
        [Client(i, delivery=[int(plain.demand[i])]) for i in range(1, plain.num_places)],
        [Depot(0)],
        [VehicleType(min(plain.num_places - 1, vehicles + vehicles // 4 + 10), capacity=[plain.capacity])],
        [matrix],
        [np.zeros_like(matrix)],
    )
