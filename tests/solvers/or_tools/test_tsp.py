"""OR-Tools routing on tours: what it reports is what the checker finds, and its limits hold."""

import numpy as np
import pytest
from tests.busy_machine import soon

import counterpoint as ct
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp


def uniform(n, seed=0, ends=None):
    return Tsp("uniform", Places("euclidean", np.random.default_rng(seed).random((n, 2))), ends)


@pytest.mark.parametrize("ends", [None, (7, 3)])
def test_it_improves_on_its_start_and_says_when(ends):
    case = uniform(60, 0, ends)
    result = soon(lambda: ct.solve(case, "or-tools-routing", time_limit=0.4), 2)
    assert result.termination is ct.Termination.TIME
    assert result.bound is None
    better = 0.9 * ct.solve(case, "nearest-neighbour").objective
    result = ct.solve(case, "or-tools-routing", time_limit=60, target=better)
    assert result.objective <= better
    assert len(result.trace) > 1


def test_greedy_descent_ends_by_itself():
    result = ct.solve(uniform(50), "or-tools-routing", options={"metaheuristic": "greedy-descent"}, time_limit=60)
    assert result.termination is ct.Termination.COMPLETED
    again = ct.solve(uniform(50), "or-tools-routing", options={"metaheuristic": "greedy-descent"}, time_limit=60)
    assert again.solution == result.solution


def test_tours_found_can_be_limited():
    result = ct.solve(uniform(50), "or-tools-routing", iterations=5)
    assert result.termination is ct.Termination.ITERATIONS
    assert result.iterations == 5


def test_one_way_streets_are_not_taken_the_other_way():
    n = 12
    matrix = np.full((n, n), 100)
    matrix[np.arange(n), (np.arange(n) + 5) % n] = 1
    result = ct.solve(Tsp("ring", Places("explicit", None, matrix)), "or-tools-routing", time_limit=60, target=n)
    assert result.objective == n


def test_an_error_in_a_report_comes_back(monkeypatch):
    def refuse(solution, objective, bound):
        if objective < 8:
            raise RuntimeError("no more")

    result = ct.solve(uniform(80, 1), "or-tools-routing", time_limit=60, on_incumbent=refuse)
    assert result.termination is ct.Termination.ERROR
    assert "no more" in result.message
    assert result.wall_s < 40
