"""The travelling salesman by OR-Tools' routing library: cheapest arcs first, then guided local search.

Guided local search: Voudouris and Tsang 1999 (EJOR 113:469-499). Fractions are scaled and rounded for the search, the
tours are measured by the true distances.
"""

from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import too_many_for_routing
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.or_tools.searching import run_search
from counterpoint.solvers.rules.tsp import order_by

SOLVER = f"ortools {version('ortools')}"
LONGEST = 10**8  # of scaled distances
EARLY_S = 0.1  # that it may end before its time


@dataclass(frozen=True, slots=True)
class Options:
    """Options of OR-Tools routing.

    Parameters
    ----------
    metaheuristic : {"guided-local-search", "simulated-annealing", "tabu-search", "greedy-descent"}
        The last one ends by itself.
    """

    metaheuristic: Literal["guided-local-search", "simulated-annealing", "tabu-search", "greedy-descent"] = (
        "guided-local-search"
    )


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Search until the budget ends; `iterations` limits the tours found on the way. It takes no seed."""
    if reason := too_many_for_routing(instance):
        raise UnsupportedError(f"or-tools-routing {reason}")
    clock = budget.start()
    held = order_by(instance, "nearest-neighbour")
    found = _Found(instance, clock, report, held, float(length(instance, held)))
    report(Tour(held))
    if instance.num_places <= 2 or clock.stop(objective=found.cost) is not None:
        ended = clock.stop(objective=found.cost) or Termination.COMPLETED
        return Outcome(Tour(held), found.cost, ended, solver=SOLVER)
    first, last = instance.ends or (0, 0)
    manager = pywrapcp.RoutingIndexManager(instance.num_places, 1, [first], [last])
    routing = pywrapcp.RoutingModel(manager)
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(_whole(instance).tolist()))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    parameters.local_search_metaheuristic = getattr(
        routing_enums_pb2.LocalSearchMetaheuristic, options.metaheuristic.upper().replace("-", "_")
    )
    if clock.budget.time_limit_s is not None:
        parameters.time_limit.FromMilliseconds(max(1, round(1000 * clock.remaining_s())))
    if budget.iterations is not None:
        parameters.solution_limit = max(1, budget.iterations)
    routing.AddAtSolutionCallback(lambda: found.take(routing, manager))
    run_search(partial(routing.SolveWithParameters, parameters), routing.CancelSearch, found.errors)
    is_late = clock.remaining_s() < EARLY_S
    ended = Termination.TIME if is_late else Termination.COMPLETED
    ended = clock.stop(iteration=found.count, objective=found.cost) or ended
    return Outcome(found.tour, found.cost, ended, solver=SOLVER, iterations=found.count)


@dataclass(slots=True)
class _Found:
    """The best tour so far, taken from the solver's thread."""

    instance: Tsp
    clock: Clock
    report: Report
    order: Any
    cost: float
    count: int = 0
    errors: list[BaseException] = field(default_factory=list)

    @property
    def tour(self) -> Tour:
        return Tour(self.order)

    def take(self, routing: Any, manager: Any) -> None:
        """Read the tour that the solver stands at; errors are kept for the caller's thread."""
        try:
            self.count += 1
            index, order = routing.Start(0), []
            while not routing.IsEnd(index):
                order.append(manager.IndexToNode(index))
                index = routing.NextVar(index).Value()
            if self.instance.ends is not None:
                order.append(manager.IndexToNode(index))
            cost = float(length(self.instance, np.array(order)))
            if cost < self.cost:
                self.order, self.cost = np.array(order), cost
                self.report(self.tour)
            if self.clock.stop(objective=self.cost) is not None:
                routing.CancelSearch()
        except BaseException as error:
            self.errors.append(error)
            routing.CancelSearch()


def _whole(instance: Tsp) -> Any:
    """Return whole distances."""
    matrix = instance.places.distances()
    if instance.places.is_integral:
        return matrix
    return np.rint(matrix * (LONGEST / max(float(matrix.max()), 1e-12))).astype(np.int64)
