"""What the registry says of each method of the travelling salesman is so, on small instances solved by enumeration."""

from itertools import permutations

import numpy as np
import pytest
from tests.ctrl_c import interrupted

import counterpoint as ct
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length

METHODS = [m for m in ct.methods("tsp") if not m.network]  # a learned one is as good as its checkpoint


def brute_force(case):
    first, last = case.ends or (0, None)
    between = [i for i in range(case.num_places) if i not in (first, last)]
    orders = np.array([[first, *m] + ([] if last is None else [last]) for m in permutations(between)])
    legs = case.places.lengths(orders[:, :-1], orders[:, 1:]).sum(1)
    return (legs + case.places.lengths(orders[:, -1], orders[:, 0]) if last is None else legs).min()


def random_case(seed):
    """Closed or a path, symmetric or not, whole or not, large numbers or small, every metric."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    points = rng.random((n, 2)) * 10 ** float(rng.integers(0, 6))
    metric = ("euclidean", "euc-2d", "ceil-2d", "att", "man-2d", "max-2d", "geo")[seed % 7]
    if metric == "geo":
        points = points % 80
    places = Places(metric, points)
    if seed % 3 == 0:
        matrix = rng.integers(0, 10 ** int(rng.integers(1, 9)), (n, n))
        places = Places("explicit", None, matrix if seed % 2 else matrix / 7)
    ends = tuple(rng.permutation(n)[:2].tolist()) if n > 1 and seed % 4 >= 2 else None
    return Tsp(f"case {seed}", places, ends)


@pytest.fixture(scope="module")
def cases():
    made = [random_case(seed) for seed in range(28)]
    made.append(Tsp("spot", Places("euclidean", np.ones((7, 2)))))
    made.append(Tsp("free", Places("explicit", None, np.zeros((6, 6), np.int64)), (2, 1)))
    assert {"asymmetric", "path"} == set().union(*(case.features for case in made))
    assert frozenset({"asymmetric", "path"}) in {case.features for case in made}
    return [(case, float(brute_force(case))) for case in made]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_registry_tells_the_truth(method, cases):
    is_search = method.is_anytime and not method.is_exact
    for case, optimum in cases:
        limit = {"time_limit": 0.1 if is_search else 60}
        if method.name == "local-search":
            limit = {"iterations": 500}
        result = ct.solve(case, method.name, **limit, threads=1, seed=3)
        if limit == {"time_limit": 0.1} and result.objective > optimum:  # on a busy machine that may be no time at all
            result = ct.solve(case, method.name, time_limit=5, threads=1, seed=3)
        assert result.termination is not ct.Termination.ERROR, (case, result.message)
        slack = 1e-6 * max(1.0, optimum)
        assert result.objective >= optimum - slack * 1e-3, case
        assert result.bound is None or (method.uses_bound and result.bound <= optimum + slack), case
        if method.is_exact:
            assert result.solution_status is ct.SolutionStatus.OPTIMAL, (case, result)
        if method.is_anytime or method.is_exact:  # eight places are no challenge to any search
            assert result.objective <= optimum + slack, (case, result)
        if not method.is_random:
            again = ct.solve(case, method.name, **limit, threads=1, seed=4)
            assert again.solution == result.solution, case


@pytest.mark.parametrize("name", ["local-search", "fast-tsp", "cp-sat", "or-tools-routing"])
@pytest.mark.parametrize("ends", [None, (4, 9)])
def test_a_tour_is_held_without_any_time(name, ends):
    rng = np.random.default_rng(1)
    for places in (Places("euclidean", rng.random((60, 2))), Places("explicit", None, rng.integers(1, 99, (60, 60)))):
        result = ct.solve(Tsp("no time", places, ends), name, time_limit=0, threads=1)
        assert result.termination is ct.Termination.TIME, result.message
        assert result.solution_status is ct.SolutionStatus.FEASIBLE


@pytest.mark.parametrize("name", ["local-search", "cp-sat", "or-tools-routing"])
def test_a_target_ends_the_run(name):
    for metric in ("euclidean", "euc-2d"):
        case = Tsp("u", Places(metric, np.random.default_rng(0).random((80, 2)) * 1000))
        easy = float(length(case, ct.solve(case, "farthest-insertion").solution.order))
        result = ct.solve(case, name, target=easy, time_limit=30, threads=1)
        assert result.termination is ct.Termination.TARGET, result
        assert result.objective <= easy
        assert result.wall_s < 20


@pytest.mark.parametrize("name", ["local-search", "fast-tsp", "cp-sat", "or-tools-routing"])
def test_an_interrupt_keeps_what_is_held(name):
    case = Tsp("u", Places("euclidean", np.random.default_rng(0).random((250, 2))))
    ct.solve(case, name, time_limit=0)  # compiled and imported
    result = interrupted(lambda watch: ct.solve(case, name, time_limit=60, threads=1, on_incumbent=watch))
    assert result.termination is ct.Termination.INTERRUPTED
    assert result.solution_status is ct.SolutionStatus.FEASIBLE
    assert result.wall_s < 40


@pytest.mark.slow
def test_uniform_tours_of_a_hundred_places_come_to_the_best_known():
    """Labels of 3,000 kicks, a tenth of a second, beside longer runs of two methods that share no code."""
    gaps = []
    for seed in range(40):
        case = Tsp("u", Places("euclidean", np.random.default_rng(seed).random((100, 2))))
        label = ct.solve(case, "local-search", iterations=3_000).objective
        longer = ct.solve(case, "local-search", iterations=20_000, seed=1).objective
        other = ct.solve(case, "fast-tsp", time_limit=0.5, threads=1).objective
        gaps.append(label / min(label, longer, other) - 1)
    assert np.mean(gaps) <= 0.0002
