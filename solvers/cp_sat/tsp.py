"""The travelling salesman in CP-SAT: one circuit, with proven bounds.

A literal for each arc that a better tour could use: of symmetric instances the one-tree relaxation rules out most
(`solvers.bounds.tsp`). A path is a circuit with a fixed arc from its end to its beginning. Fractions are scaled and
rounded down, so that the scaled bound is one of the true lengths too; the scale makes what is lost less than the
package's tolerance on floats.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.bounds.tsp import one_tree_bound, surplus_of
from counterpoint.solvers.cp_sat.search import Watch, log_to_stderr, search
from counterpoint.solvers.dynamic_programming.tsp import shortest
from counterpoint.solvers.local_search import tsp as local_search

SOLVER = f"ortools {version('ortools')}"
TINY = 4
MOST_ARCS = 4_000_000  # Python objects
ROUNDED = 5e-7  # of a tour's length may be lost by rounding its legs down
EXACT_LENGTH = 2**50  # whole lengths up to here are not scaled
START_KICKS = 30  # for each place, of the local search that goes before
START_SHARE = 0.2  # of the time


@dataclass(frozen=True, slots=True)
class Options:
    """Options of CP-SAT.

    Parameters
    ----------
    reduce : bool
        Leave out arcs that the one-tree relaxation shows to be in no better tour.
    log : bool
        Write the solver's log to stderr.
    """

    reduce: bool = True
    log: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """A tour, its length, a proven bound and which arcs a better tour may use, bool [N, N]."""

    order: IntArray
    cost: float
    bound: float
    arcs: Any


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Find a good tour by local search, then search for a better one or the proof that there is none.

    `iterations` limits the conflicts of each worker; one worker with such a limit and no time limit is reproducible.
    On Ctrl-C the best tour so far is kept, as "interrupted".
    """
    clock = budget.start()
    n = instance.num_places
    if n <= TINY:
        order = shortest(instance)
        cost = float(length(instance, order))
        return Outcome(Tour(order), cost, Termination.OPTIMAL, bound=cost, solver=SOLVER)
    if n > 20_000:
        raise UnsupportedError(f"cp-sat takes at most 20000 places, not {n}: try local-search")
    known = _start(instance, clock, seed, options, report)
    stopped = _ended(clock, known.cost, known.bound)
    if stopped is not None:
        return Outcome(Tour(known.order), known.cost, stopped, bound=known.bound, solver=SOLVER)
    if (count := int(known.arcs.sum())) > MOST_ARCS:
        raise UnsupportedError(f"{count} arcs are more than cp-sat can hold, {MOST_ARCS}: try local-search")
    scale, distances = _scaled(instance, known.cost)
    built = _model(instance, distances, known, clock)
    if built is None:
        message = "the time was up before the model was built"
        return Outcome(Tour(known.order), known.cost, Termination.TIME, bound=known.bound, solver=SOLVER,
                       message=message)  # fmt: skip
    model, literals = built
    unit = 1.0 if scale is None else scale

    def pass_on(solution: Any = None, *, bound: float | None = None) -> None:
        report(solution, bound=None if bound is None else bound / unit)

    scaled_bound = known.bound if scale is None else max(0.0, np.floor(known.bound * unit) - n)
    inner = clock
    if scale is not None and budget.target is not None:
        inner = Clock(replace(budget, target=float(np.floor(budget.target * unit) - n)), clock.started)
    watch = Watch(inner, pass_on, lambda read: _tour(instance, literals, read), scaled_bound)
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.random_seed = seed % 2**31
    parameters.num_workers = budget.threads_or_all()
    parameters.relative_gap_limit = budget.gap
    parameters.linearization_level = 2  # the bound comes from the relaxation with its cuts of subtours
    if budget.iterations is not None:
        parameters.max_number_of_conflicts = budget.iterations
    if options.log:
        log_to_stderr(solver)
    end = search(solver, model, watch)
    order, cost = known.order, known.cost
    if end.solution is not None and (found := float(length(instance, end.solution.order))) < cost:
        order, cost = end.solution.order, found
    bound = min(cost, max(known.bound, end.bound / unit))
    return Outcome(Tour(order), cost, _ended(clock, cost, bound) or end.termination, bound=bound, solver=SOLVER,
                   message=end.message)  # fmt: skip


def _ended(clock: Clock, cost: float, bound: float) -> Termination | None:
    """Return why to end now; a bound within the tolerance that rounding was chosen for is a proof."""
    if cost - bound <= 2 * ROUNDED * cost and (cost - bound < 1 or cost != round(cost)):
        return Termination.OPTIMAL
    return clock.stop(objective=cost, bound=bound)


def _start(instance: Tsp, clock: Clock, seed: int, options: Options, report: Report) -> _Known:
    """Return a good tour, and what the one-tree relaxation says of it."""
    n = instance.num_places
    begun = clock.left(START_SHARE, iterations=START_KICKS * n)
    found = local_search.solve(instance, begun, seed, local_search.Options(bound=False), report)
    order, cost = found.solution.order, found.objective
    assert cost is not None
    arcs = ~np.eye(n, dtype=np.bool_)
    bound = 0.0 if found.bound is None else found.bound
    report(bound=bound)
    if "asymmetric" not in instance.features and clock.stop(objective=cost, bound=bound) is None:
        until = clock.elapsed_s() + START_SHARE * clock.remaining_s()
        tree = one_tree_bound(instance, cost, stop=lambda: clock.elapsed_s() >= until)
        bound = max(bound, tree.bound)
        report(bound=bound)
        if options.reduce:
            arcs &= surplus_of(instance, tree.prices) <= cost - tree.relaxed + 1e-7 * cost
    if instance.ends is not None:
        first, last = instance.ends
        arcs[last], arcs[:, first] = False, False
        arcs[last, first] = True
    follower = np.roll(order, -1)
    arcs[order, follower] = True
    return _Known(order, cost, bound, arcs)


def _scaled(instance: Tsp, cost: float) -> tuple[float | None, Any]:
    """Return the scale, None if distances are taken as they are, and whole distances [N, N]."""
    n, matrix = instance.num_places, instance.places.distances()
    if instance.places.is_integral and n * int(matrix.max()) < EXACT_LENGTH:
        return None, matrix
    scale = n / (ROUNDED * cost)
    scaled: FloatArray = np.floor(np.minimum(matrix * scale, 2.0 * n / ROUNDED))  # no tour uses a leg longer than it
    return scale, scaled.astype(np.int64)


def _model(
    instance: Tsp, distances: Any, known: _Known, clock: Clock
) -> tuple[cp_model.CpModel, list[tuple[int, int, Any]]] | None:
    """Return the model and (from, to, literal) of each arc; None if the time is up first: an arc takes 5 us."""
    model = cp_model.CpModel()
    tails, heads = np.nonzero(known.arcs)
    follower = np.empty(instance.num_places, np.int64)
    follower[known.order] = np.roll(known.order, -1)
    arcs = []
    for i, j in zip(tails.tolist(), heads.tolist(), strict=True):
        literal = model.new_bool_var("")
        if follower[i] == j:
            model.add_hint(literal, True)  # the others follow
        arcs.append((i, j, literal))
        if len(arcs) % 1000 == 0 and clock.is_up():
            return None
    model.add_circuit(arcs)
    link = None if instance.ends is None else instance.ends[::-1]
    legs = [(literal, int(distances[i, j])) for i, j, literal in arcs if (i, j) != link]
    model.minimize(cp_model.LinearExpr.weighted_sum([x for x, _ in legs], [d for _, d in legs]))
    return model, arcs


def _tour(instance: Tsp, arcs: list[tuple[int, int, Any]], read: Callable[[Any], int]) -> Tour:
    """Follow the arcs of a solution from the first place."""
    follower = np.empty(instance.num_places, np.int64)
    for i, j, literal in arcs:
        if read(literal):
            follower[i] = j
    order = [0 if instance.ends is None else instance.ends[0]]
    for _ in range(instance.num_places - 1):
        order.append(int(follower[order[-1]]))
    return Tour(np.array(order))
