"""Vehicle routing by OR-Tools' routing library: savings first, then guided local search.

Guided local search: Voudouris and Tsang 1999 (EJOR 113:469-499). Fractions are scaled and rounded for the search; the
routes are measured by the true distances.
"""

from functools import partial
from importlib.metadata import version
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import too_many_for_routing
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.or_tools.searching import run_search
from counterpoint.solvers.rules.cvrp import savings
from counterpoint.solvers.rules.cvrp_closed import closed

SOLVER = f"ortools {version('ortools')}"
EARLY_S = 0.1  # that it may end before its time


def solve(instance: Cvrp, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Search until the budget ends; `iterations` limits the solutions found on the way. It takes no seed."""
    if reason := too_many_for_routing(instance):
        raise UnsupportedError(f"or-tools-routing {reason}")
    clock = budget.start()
    plain = closed(instance)
    best = savings(plain)
    cost, count = float(plain.total(best)), 0
    report(plain.routes(best))
    stopped = clock.stop(objective=cost)
    if stopped is not None or plain.num_places <= 2:
        return Outcome(plain.routes(best), cost, stopped or Termination.COMPLETED, solver=SOLVER)
    vehicles = min(plain.num_places - 1, len(best) + len(best) // 4 + 5)
    manager = pywrapcp.RoutingIndexManager(plain.num_places, vehicles, 0)
    routing = pywrapcp.RoutingModel(manager)
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(plain.whole()[0].tolist()))
    taken = routing.RegisterUnaryTransitVector(plain.demand.tolist())
    routing.AddDimension(taken, 0, plain.capacity, True, "load")
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    if budget.time_limit_s is not None:
        parameters.time_limit.FromMilliseconds(max(1, round(1000 * clock.remaining_s())))
    if budget.iterations is not None:
        parameters.solution_limit = max(1, budget.iterations)
    errors: list[BaseException] = []

    def take() -> None:
        nonlocal best, cost, count
        try:
            count += 1
            routes = []
            for vehicle in range(vehicles):
                index, route = routing.NextVar(routing.Start(vehicle)).Value(), []
                while not routing.IsEnd(index):
                    route.append(manager.IndexToNode(index))
                    index = routing.NextVar(index).Value()
                if route:
                    routes.append(route)
            total = float(plain.total(routes))
            if total < cost:
                best, cost = routes, total
                report(plain.routes(best))
            if clock.stop(objective=cost) is not None:
                routing.CancelSearch()
        except BaseException as error:
            errors.append(error)
            routing.CancelSearch()

    routing.AddAtSolutionCallback(take)
    run_search(partial(_search, routing, parameters, savings(plain)), routing.CancelSearch, errors)
    late = Termination.TIME if clock.remaining_s() < EARLY_S else Termination.COMPLETED
    ended = clock.stop(iteration=count, objective=cost) or late
    return Outcome(plain.routes(best), cost, ended, solver=SOLVER, iterations=count)


def _search(routing: Any, parameters: Any, start: list[list[int]]) -> None:
    """Search from some routes."""
    routing.CloseModelWithParameters(parameters)
    first = routing.ReadAssignmentFromRoutes(start, True)
    if first is None:
        routing.SolveWithParameters(parameters)
    else:
        routing.SolveFromAssignmentWithParameters(first, parameters)
