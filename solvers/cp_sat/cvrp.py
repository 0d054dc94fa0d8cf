"""Vehicle routing for CP-SAT: circuits that all pass the depot, with proven bounds.

A literal for each arc, the load at each customer by the inequalities of Miller, Tucker and Zemlin (1960, Journal of the
ACM 7:326-329), and at least as many routes as the demands need. Fractions of distances are scaled and rounded down, so
that the scaled bound is one of the true lengths too. Into some sets of customers near to each other must lead as many
arcs as their demands need vehicles (rounded capacity inequalities: Laporte and Nobert 1983, OR Spektrum 5:77-85); cuts
for other sets are not looked for, so that the bound stays weak: 20 customers or so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import too_many_for_cp_sat
from counterpoint.opt.problems.cvrp import Cvrp, Routes, check
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.cp_sat.search import Watch, log_to_stderr, search
from counterpoint.solvers.local_search import cvrp as local_search
from counterpoint.solvers.rules.cvrp_closed import Closed, closed

SOLVER = f"ortools {version('ortools')}"
FINE = 1e9  # units in the longest distance, at least
START_STEPS = 200  # for each customer, of the local search that goes before
START_SHARE = 0.2  # of the time
CUTS = 10  # sets of customers, for each of them
MOST_CUT = 40  # customers up to which there are any: they have a term for each arc into them


@dataclass(frozen=True, slots=True)
class Options:
    """Options of CP-SAT.

    Parameters
    ----------
    log : bool
        Write the solver's log to stderr.
    """

    log: bool = False


def solve(instance: Cvrp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Minimise, starting from a short local search; `iterations` limits the conflicts of each worker.

    Raises
    ------
    UnsupportedError
        If there are more than 1,000 places.
    """
    if reason := too_many_for_cp_sat(instance):
        raise UnsupportedError(f"cp-sat {reason}")
    clock = budget.start()
    steps = START_STEPS * instance.num_places
    begun = local_search.solve(
        instance, clock.left(START_SHARE, iterations=steps), seed, local_search.Options(steps=steps), report
    )  # fmt: skip
    best, cost = begun.solution, float(begun.objective or 0.0)
    report(bound=0.0)
    plain = closed(instance)
    stopped = clock.stop(objective=cost, bound=0.0) or (Termination.OPTIMAL if instance.num_places == 1 else None)
    if stopped is not None:
        return Outcome(best, cost, stopped, bound=0.0, solver=SOLVER)
    model, arcs, scale = _model(plain, best)
    aim = None if budget.target is None else budget.target * scale
    timed = replace(clock, budget=replace(budget, target=aim))

    def tell(solution: Any = None, *, bound: float | None = None) -> None:
        report(solution, bound=None if bound is None else bound / scale)

    watch = Watch(timed, tell, lambda read: _routes(plain, arcs, read), 0.0)
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.num_workers = budget.threads_or_all()
    solver.parameters.relative_gap_limit = budget.gap
    if budget.iterations is not None:
        solver.parameters.max_number_of_conflicts = budget.iterations
    if options.log:
        log_to_stderr(solver)
    end = search(solver, model, watch)
    if end.solution is not None:
        found = check(instance, end.solution).objective
        if found is not None and found < cost:
            best, cost = end.solution, found
    return Outcome(best, cost, end.termination, bound=min(end.bound / scale, cost), solver=SOLVER, message=end.message)


def _model(plain: Closed, known: Routes) -> tuple[cp_model.CpModel, dict[tuple[int, int], Any], float]:
    """Return the model, the literals of arcs (i, j), and what distances were multiplied by."""
    n, model = plain.num_places, cp_model.CpModel()
    length, scale = plain.whole(lambda x: x.astype("int64"), FINE)
    demand, capacity = plain.demand.tolist(), plain.capacity
    load = [model.new_int_var(demand[i], capacity, f"load{i}") for i in range(n)]
    arcs: dict[tuple[int, int], Any] = {}
    for i in range(n):
        for j in range(n):
            is_barred = j == plain.origin and i > 0 < j
            if i == j or is_barred or (i and j and demand[i] + demand[j] > capacity):
                continue
            arcs[i, j] = literal = model.new_bool_var(f"a{i},{j}")
            if i and j:
                model.add(load[j] >= load[i] + demand[j]).only_enforce_if(literal)
    model.add_multiple_circuit([(i, j, literal) for (i, j), literal in arcs.items()])
    fewest = -(-sum(demand) // capacity)
    model.add(sum(literal for (i, _), literal in arcs.items() if i == 0) >= max(1, fewest))
    for inside, vehicles in _crowded(plain):
        into = [arcs[i, j] for j in inside for i in range(n) if i not in inside and (i, j) in arcs]
        model.add(sum(into) >= vehicles)
    model.minimize(sum(int(length[arc]) * literal for arc, literal in arcs.items()))
    routes = [route.tolist() for route in known.routes]
    if plain.origin:
        routes = [[plain.origin, *(routes[0] if routes else [])], *routes[1:]]
    taken = {arc for route in routes for arc in zip([0, *route], [*route, 0], strict=True)}
    for arc, literal in arcs.items():
        model.add_hint(literal, arc in taken)
    return model, arcs, scale


def _crowded(plain: Closed) -> list[tuple[frozenset[int], int]]:
    """Return sets of customers that one vehicle cannot serve, and how many it takes, the hardest to serve first.

    Candidates are the nearest customers to each, as many as one likes; kept are those whose vehicles are least full.
    """
    customers = np.array([c for c in range(1, plain.num_places) if c != plain.origin], np.int64)
    if len(customers) > MOST_CUT:
        return []
    found: dict[frozenset[int], tuple[float, int]] = {}
    for c in customers.tolist():
        away = np.minimum(plain.distance[c, customers], plain.distance[customers, c]).astype(np.float64)
        near = customers[np.argsort(np.where(customers == c, -1.0, away), kind="stable")]
        for count, load in enumerate(np.cumsum(plain.demand[near]).tolist(), 1):
            vehicles = -(-load // plain.capacity)
            if vehicles > 1 and count < len(customers):
                found[frozenset(near[:count].tolist())] = load / (vehicles * plain.capacity), vehicles
    hardest = sorted(found, key=lambda inside: (found[inside][0], sorted(inside)))
    return [(inside, found[inside][1]) for inside in hardest[: CUTS * len(customers)]]


def _routes(plain: Closed, arcs: dict[tuple[int, int], Any], read: Callable[[Any], Any]) -> Routes:
    """Make routes of a solution's values."""
    used = [arc for arc, literal in arcs.items() if read(literal)]
    following = {i: j for i, j in used if i}
    routes = []
    for here in (j for i, j in used if i == 0):
        route = []
        while here:
            route.append(here)
            here = following[here]
        routes.append(route)
    return plain.routes(routes)
