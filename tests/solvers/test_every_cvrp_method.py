"""What the registry says of each vehicle-routing method is so, on small instances solved by enumeration."""

from functools import cache
from itertools import pairwise, permutations

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import Places

METHODS = [m for m in ct.methods("cvrp") if not m.network]  # a learned one is as good as its checkpoint
SEARCHES = [m for m in METHODS if m.is_anytime]


def enumerated(case):
    """Return the least length: the best order of every set of customers, then the best partition into routes."""
    d, customers = case.places.distances(), case.customers.tolist()
    size = len(customers)

    @cache
    def route(chosen, start):
        visits = [customers[k] for k in range(size) if chosen >> k & 1]
        stops = ((start, *order, 0) for order in permutations(visits))
        return min(sum(d[a, b] for a, b in pairwise(s)) for s in stops)

    load = [sum(int(case.demand[customers[k]]) for k in range(size) if s >> k & 1) for s in range(2**size)]

    @cache
    def rest(left):
        if not left:
            return 0
        first, best, part = left & -left, np.inf, left
        while part:
            if part & first and load[part] <= case.capacity:
                best = min(best, route(part, 0) + rest(left & ~part))
            part = (part - 1) & left
        return best

    everyone = 2**size - 1
    if not case.origin:
        return float(rest(everyone))
    return float(min(route(s, case.origin) + rest(everyone & ~s) for s in range(2**size) if load[s] <= case.load))


def drawn(k):
    """Return instance k: rounded or not, by points or a matrix, symmetric or not, a vehicle under way or none."""
    rng = np.random.default_rng(k)
    n = 2 + k % 6
    points = rng.integers(0, 50, (n, 2))
    places = Places("euc-2d", points)
    if k % 3 == 1:
        places = Places("euclidean", points / 50)
    elif k % 6 == 2:
        places = Places("explicit", points, rng.integers(1, 40, (n, n)))
    elif k % 6 == 5:
        matrix = rng.random((n, n))
        places = Places("explicit", points, np.round(matrix + matrix.T, 3))
    demand = np.r_[0, rng.integers(0, 10, n - 1)]
    if k % 4 < 2:
        return Cvrp(f"c{k}", places, demand, 18)
    return Cvrp(f"c{k}", places, demand, 18, origin=int(rng.integers(1, n)), load=int(rng.integers(0, 19)))


@pytest.fixture(scope="module")
def cases():
    """24 instances and their optima, and a depot alone."""
    alone = Cvrp("alone", Places("euc-2d", [[0, 0]]), [0], 5)
    return [(case, enumerated(case)) for case in [*map(drawn, range(24)), alone]]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_registry_tells_the_truth(method, cases):
    for case, optimum in cases:
        if method.unsupported(case):
            continue
        # hygese begins anew until its time is up; of the others so many iterations are enough
        limit = {"time_limit": None if method.name == "hygese" else 20, "iterations": None if method.is_exact else 300}
        result = ct.solve(case, method.name, **limit, threads=1, seed=3)
        assert result.solution_status in (ct.SolutionStatus.FEASIBLE, ct.SolutionStatus.OPTIMAL), (case, result)
        assert result.objective >= optimum - 1e-9, case
        assert result.bound is None or (method.uses_bound and result.bound <= optimum + 1e-9), case
        if method.is_anytime:  # PyVRP sticks in a local optimum of a matrix without the triangle inequality
            assert result.objective == pytest.approx(optimum, rel=0.05 if method.name == "pyvrp" else 1e-6), case
        if method.is_exact and case.places.is_integral:
            assert result.solution_status is ct.SolutionStatus.OPTIMAL, (case, result)


@pytest.mark.parametrize("method", SEARCHES, ids=lambda m: m.name)
def test_routes_are_held_without_any_time(method):
    rng = np.random.default_rng(0)
    case = Cvrp("forty", Places("euc-2d", rng.integers(0, 1000, (41, 2))), np.r_[0, rng.integers(1, 10, 40)], 40)
    result = ct.solve(case, method.name, time_limit=0, threads=1)
    assert result.termination is ct.Termination.TIME
    assert result.objective == ct.solve(case, "savings").objective
    loose = result.objective * 2
    assert ct.solve(case, method.name, target=loose, time_limit=20).termination is ct.Termination.TARGET


@pytest.mark.parametrize("name", ["local-search", "pyvrp"])
def test_a_seed_and_iterations_decide_the_routes(name):
    rng = np.random.default_rng(1)
    case = Cvrp("thirty", Places("euclidean", rng.random((31, 2))), np.r_[0, rng.integers(1, 10, 30)], 30)
    runs = [ct.solve(case, name, iterations=200, seed=seed, threads=1) for seed in (5, 5, 6)]
    assert runs[0].solution == runs[1].solution
    assert runs[0].termination is ct.Termination.ITERATIONS
    assert runs[0].objective < ct.solve(case, "savings").objective or runs[2].objective <= runs[0].objective
    longer = ct.solve(case, name, iterations=4000, seed=5, threads=1)
    assert longer.objective <= runs[0].objective


def test_a_vehicle_under_way_goes_on_from_where_it_is():
    line = Places("euclidean", [[0, 0], [1, 0], [2, 0], [3, 0], [-1, 0]])
    case = Cvrp("line", line, [0, 1, 1, 1, 2], 3, origin=2, load=1)
    for name in ("local-search", "pyvrp", "savings"):
        routes = [route.tolist() for route in ct.solve(case, name, iterations=100).solution.routes]
        assert routes[0] == [3], name
        assert sorted(map(sorted, routes[1:])) in ([[1, 4]], [[1], [4]]), name
    empty = Cvrp("full", line, [0, 1, 1, 1, 2], 3, origin=2, load=0)
    assert len(ct.solve(empty, "local-search", iterations=100).solution.routes[0]) == 0


def test_sweep_says_that_it_needs_points():
    case = Cvrp("m", Places("explicit", matrix=[[0, 1], [1, 0]]), [0, 1], 1)
    with pytest.raises(ct.UnsupportedError, match=r"sweep needs points, .*; these do: .*savings"):
        ct.solve(case, "sweep")
    assert "sweep" not in {m.name for m in ct.methods(case)}


@pytest.mark.parametrize(("name", "most"), [("cp-sat", 1000), ("or-tools-routing", 5000)])
def test_more_places_than_fit_are_refused(name, most):
    points = np.random.default_rng(0).random((most + 1, 2))
    case = Cvrp("many", Places("euclidean", points), np.minimum(np.arange(most + 1), 1), 50)
    with pytest.raises(ct.UnsupportedError, match=f"{name} takes at most {most} places, not {most + 1}; these do: "):
        ct.solve(case, name)
