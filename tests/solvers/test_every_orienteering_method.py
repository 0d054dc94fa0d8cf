"""What the registry says of each orienteering method is so, on small instances solved by enumeration."""

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import Places
from counterpoint.opt.studies.case import plan

METHODS = [m for m in ct.methods("orienteering") if not m.network]  # a learned one is as good as its checkpoint
SEARCHES = [m for m in METHODS if m.is_anytime]


def enumerated(case):
    """Return the most prize of all walks that are short enough."""
    d, (first, last) = case.places.distances(), case.ends
    others = [i for i in range(case.num_places) if i not in case.ends]
    best = 0.0
    for size in range(1, len(others) + 1):
        for chosen in combinations(others, size):
            prize = case.prize[list(chosen)].sum()
            if prize <= best:
                continue
            for order in permutations(chosen):
                length = sum(d[a, b] for a, b in pairwise((first, *order, last)))
                if length <= case.max_length + 1e-12:
                    best = prize
                    break
    return float(best)


def drawn(k):
    """Return instance k: a circle or a path; rounded or not, by points or a matrix; prizes whole or not."""
    rng = np.random.default_rng(k)
    n = 2 + k % 7
    points = rng.integers(0, 50, (n, 2))
    places = Places("euc-2d", points)
    if k % 3 == 1:
        places = Places("euclidean", points / 50)
    elif k % 3 == 2:
        places = Places("explicit", points, rng.integers(1, 40, (n, n)))
    prize = rng.integers(0, 10, n) if k % 2 else rng.random(n)
    ends = (0, 0) if k % 4 < 2 else (0, n - 1)
    home = 0 if ends[0] == ends[1] else float(places.lengths(*ends))
    longest = home + (0.5 + rng.random()) * (2.0 if k % 3 == 1 else 70.0)
    return Orienteering(f"o{k}", places, prize, longest, ends)


@pytest.fixture(scope="module")
def cases():
    """28 instances and their optima; in some nothing can be reached, or there is nothing, or no prize."""
    square = Places("euclidean", [[0, 0], [1, 0], [1, 1], [0, 1]])
    made = [*map(drawn, range(24)), Orienteering("alone", Places("euc-2d", [[0, 0]]), [3], 5)]
    made += [Orienteering("home", square, [9, 1, 1, 1], 0.0), Orienteering("far", square, [9, 1, 1, 1], 1.5)]
    made += [Orienteering("exactly", square, [9, 1, 1, 1], 4.0), Orienteering("worthless", square, [9, 0, 0, 0], 4.0)]
    return [(case, enumerated(case)) for case in made]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_registry_tells_the_truth(method, cases):
    for case, optimum in cases:
        limit = {"time_limit": 20, "iterations": 600 if method.is_anytime and not method.is_exact else None}
        result = ct.solve(case, method.name, **limit, threads=1, seed=3)
        assert result.solution_status in (ct.SolutionStatus.FEASIBLE, ct.SolutionStatus.OPTIMAL), (case, result)
        assert result.objective <= optimum + 1e-9, case
        assert result.bound is None or (method.uses_bound and result.bound >= optimum - 1e-9), case
        if method.is_exact or method.name == "local-search":
            assert result.objective == pytest.approx(optimum, rel=1e-9), case
        if method.is_exact:
            assert result.solution_status is ct.SolutionStatus.OPTIMAL, (case, result)


@pytest.fixture(scope="module")
def fifty():
    """50 places in the square, prizes 1 to 9."""
    rng = np.random.default_rng(4)
    return Orienteering("fifty", Places("euclidean", rng.random((50, 2))), rng.integers(1, 10, 50), 2.5)


@pytest.mark.parametrize("method", SEARCHES, ids=lambda m: m.name)
def test_a_walk_is_held_without_any_time(method, fifty):
    result = ct.solve(fifty, method.name, time_limit=0, threads=1)
    greedy = ct.solve(fifty, "greedy-insertion").objective
    assert result.termination is ct.Termination.TIME
    assert result.objective == greedy
    result = ct.solve(fifty, method.name, target=greedy + 1, time_limit=20, threads=1)
    assert result.termination is ct.Termination.TARGET
    assert result.objective >= greedy + 1


@pytest.mark.parametrize("name", ["local-search", "pyvrp"])
def test_a_seed_and_iterations_decide_the_walk(name, fifty):
    runs = [ct.solve(fifty, name, iterations=300, seed=seed) for seed in (5, 5, 6)]
    assert runs[0].solution == runs[1].solution
    assert {run.termination for run in runs} == {ct.Termination.ITERATIONS}
    assert max(run.objective for run in runs) > ct.solve(fifty, "greedy-insertion").objective


def test_subset_dp_agrees_with_cp_sat_on_larger_ones():
    for seed in range(2):
        rng = np.random.default_rng(seed)
        places = Places("explicit", matrix=rng.integers(5, 60, (13, 13)))
        case = Orienteering("d", places, rng.integers(1, 20, 13), 120, (0, 12))
        exact = ct.solve(case, "subset-dp")
        assert exact.objective == ct.solve(case, "cp-sat", time_limit=60, threads=1).objective
        assert ct.solve(case, "local-search", iterations=2000).objective == exact.objective


def test_subset_dp_refuses_what_would_not_fit_into_memory(fifty):
    with pytest.raises(ct.UnsupportedError, match=r"subset-dp takes at most 20 .*, not 49; these do: .*cp-sat"):
        ct.solve(fifty, "subset-dp")
    made, skipped = plan([fifty], ["subset-dp", "greedy-insertion"])
    assert [case.label for case in made] == ["greedy-insertion"]
    assert "at most 20" in skipped[0].reason


def test_the_weights_of_prizes_are_an_option(fifty):
    loose = ct.solve(fifty, "pyvrp", iterations=300, options={"weights": [2.5]})
    assert loose.objective > 0
    with pytest.raises(ct.OptionError, match="weights"):
        ct.solve(fifty, "pyvrp", options={"weights": []})
