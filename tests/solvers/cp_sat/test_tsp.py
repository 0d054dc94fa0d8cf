"""CP-SAT proves tours: public ones, fractions, paths, one-way streets, with arcs left out or not."""

import os
from pathlib import Path

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length
from counterpoint.solvers.cp_sat.tsp import ROUNDED, _scaled

ROOT = Path(__file__).resolve().parents[3]
ROUTING = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data")) / "routing"


def uniform(n, seed=0, ends=None, metric="euclidean"):
    return Tsp("uniform", Places(metric, np.random.default_rng(seed).random((n, 2)) * 100), ends)


@pytest.mark.parametrize(("name", "optimum"), [("berlin52", 7542), ("eil51", 426)])
def test_public_tours_are_proved(name, optimum):
    path = ROUTING / "tsplib" / f"{name}.tsp"
    if not path.exists():
        pytest.skip(f"{path} is not there; set COUNTERPOINT_DATA")
    result = ct.solve(path, "cp-sat", time_limit=60, threads=1)
    assert result.termination is ct.Termination.OPTIMAL
    assert result.objective == result.bound == optimum


@pytest.mark.parametrize("case", [uniform(25), uniform(25, 1, (4, 20)), uniform(30, 2, metric="euc-2d")], ids=str)
def test_leaving_arcs_out_changes_nothing(case):
    results = [
        ct.solve(case, "cp-sat", time_limit=60, threads=1, options={"reduce": reduce}) for reduce in (True, False)
    ]
    assert {r.solution_status for r in results} == {ct.SolutionStatus.OPTIMAL}
    assert results[0].objective == pytest.approx(results[1].objective, rel=1e-6)
    assert all(r.objective == pytest.approx(r.bound, rel=1e-6) for r in results)


@pytest.mark.parametrize("ends", [None, (0, 9)])
def test_one_way_streets(ends):
    matrix = np.random.default_rng(3).integers(1, 100, (14, 14))
    case = Tsp("one way", Places("explicit", None, matrix), ends)
    result = ct.solve(case, "cp-sat", time_limit=60, threads=1)
    assert result.termination is ct.Termination.OPTIMAL
    assert result.objective == ct.solve(case, "held-karp").objective


def test_a_scaled_length_is_at_most_the_true_one_and_near_it():
    case = uniform(40, 5)
    order = ct.solve(case, "farthest-insertion").solution.order
    cost = float(length(case, order))
    scale, distances = _scaled(case, cost)
    scaled = distances[order, np.roll(order, -1)].sum() / scale
    assert cost * (1 - ROUNDED) <= scaled <= cost


def test_huge_whole_distances_are_scaled_too():
    matrix = np.random.default_rng(0).integers(10**11, 10**12, (7, 7))
    case = Tsp("huge", Places("explicit", None, matrix), (0, 5))
    assert _scaled(case, 1e12)[0] is None  # 7 x 10^12 still fits
    far = Tsp("far", Places("explicit", None, np.full((2000, 2000), 10**12)))
    assert _scaled(far, 2e15)[0] is not None
    result = ct.solve(case, "cp-sat", time_limit=30, threads=1)
    assert result.objective == ct.solve(case, "held-karp").objective


def test_a_gap_ends_the_run():
    result = ct.solve(uniform(60, 3), "cp-sat", gap=0.05, time_limit=60, threads=1)
    assert result.termination in (ct.Termination.GAP, ct.Termination.OPTIMAL)
    assert result.gap <= 0.05


def test_a_run_counted_by_conflicts_is_reproducible():
    case = Tsp("one way", Places("explicit", None, np.random.default_rng(3).integers(1, 100, (30, 30))))
    first, again = (ct.solve(case, "cp-sat", iterations=20, threads=1, seed=1) for _ in range(2))
    assert first.solution == again.solution
    assert first.bound == again.bound
