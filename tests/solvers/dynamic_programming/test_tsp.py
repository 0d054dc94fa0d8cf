"""Held and Karp's dynamic programme against all orders, and at its limits."""

from itertools import permutations

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length
from counterpoint.solvers.dynamic_programming.tsp import shortest


def brute_force(case):
    n = case.num_places
    first, last = case.ends or (0, None)
    between = [i for i in range(n) if i not in (first, last)]
    tail = [] if last is None else [last]
    return min(length(case, np.array([first, *middle, *tail])) for middle in permutations(between))


@pytest.mark.parametrize("seed", range(12))
def test_all_orders_agree(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    ends = (0, n - 1) if n > 1 and seed % 2 else None
    matrix = rng.integers(0, 30, (n, n)) if seed % 3 else rng.random((n, n))
    places = Places("explicit", None, matrix) if seed % 4 else Places("euclidean", rng.random((n, 2)))
    case = Tsp("random", places, ends)
    assert length(case, shortest(case)) == pytest.approx(brute_force(case), abs=1e-12)
    result = ct.solve(case, "held-karp")
    assert result.solution_status is ct.SolutionStatus.OPTIMAL
    assert result.bound == result.objective


def test_a_regular_polygon_of_sixteen_places():
    angle = np.random.default_rng(0).permutation(16) * 2 * np.pi / 16
    case = Tsp("polygon", Places("euclidean", np.stack((np.cos(angle), np.sin(angle)), 1)))
    assert ct.solve(case, "held-karp").objective == pytest.approx(32 * np.sin(np.pi / 16))


@pytest.mark.parametrize(("method", "places", "most"), [("held-karp", 17, 16), ("or-tools-routing", 5001, 5000)])
def test_more_places_than_fit_are_refused(method, places, most):
    case = Tsp("many", Places("euclidean", np.random.default_rng(0).random((places, 2))))
    with pytest.raises(ct.UnsupportedError, match=f"{method} takes at most {most} places, not {places}; these do: "):
        ct.solve(case, method)
