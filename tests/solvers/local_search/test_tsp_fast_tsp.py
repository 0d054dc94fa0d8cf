"""What fast-tsp is given stands for the instance: every tour of it, links and all, and no tour without them."""

import os
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from tests.busy_machine import soon

import counterpoint as ct
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length

pytest.importorskip("fast_tsp")

from counterpoint.solvers.local_search.tsp_fast_tsp import LONGEST, order_of, short_distances

ROOT = Path(__file__).resolve().parents[3]
ATSP = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data")) / "routing" / "atsp"


def one_way(n, seed=0, most=1000, ends=None):
    return Tsp("one way", Places("explicit", None, np.random.default_rng(seed).integers(1, most, (n, n))), ends)


def cycle_length(distances, tour):
    return int(distances[tour, np.roll(tour, -1)].astype(np.int64).sum())


def test_whole_distances_of_closed_tours_are_passed_as_they_are():
    places = Places("euc-2d", np.random.default_rng(0).random((30, 2)) * 1000)
    distances, is_true = short_distances(Tsp("case", places), 1e9)
    assert is_true
    assert distances.dtype == np.uint16
    assert (distances == places.distances()).all()


@pytest.mark.parametrize("matrix", [[[0, 65536], [65536, 0]], [[0, 0.25], [0.25, 0]]])
def test_long_or_broken_distances_are_scaled_to_sixteen_bits(matrix):
    distances, is_true = short_distances(Tsp("case", Places("explicit", None, np.array(matrix))), 1e9)
    assert not is_true
    assert distances.max() == LONGEST


@pytest.mark.parametrize("ends", [None, (2, 0)])
def test_every_tour_keeps_its_length_but_for_a_constant(ends):
    case = one_way(5, 1, ends=ends)
    distances, is_true = short_distances(case, 1e9)
    assert is_true
    assert (distances == distances.T).all()
    differences = set()
    for middle in permutations([i for i in range(5) if i not in (ends or (0,))]):
        order = np.array([*([0] if ends is None else [2]), *middle, *([] if ends is None else [0])])
        tour = np.stack((2 * order, 2 * order + 1), axis=1).ravel()
        differences.add(cycle_length(distances, tour) - length(case, order))
        for turned in (tour, tour[::-1], np.roll(tour, 3), np.roll(tour[::-1], 1)):
            found, is_linked = order_of(case, turned)
            assert is_linked
            assert length(case, found) <= length(case, order)  # the better way round
    assert len(differences) == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ends", [None, (1, 3)])
def test_no_tour_without_its_links_is_as_short(seed, ends):
    """All 2N - 1 factorial orders of N = 4: the shortest cycle is the shortest tour."""
    case = one_way(4, seed, most=30_000, ends=ends)
    distances, _ = short_distances(case, 1e9)
    cycles = np.array([[0, *rest] for rest in permutations(range(1, 8)) if rest[0] < rest[-1]])
    lengths = distances[cycles, np.roll(cycles, -1, axis=1)].astype(np.int64).sum(1)
    order, is_linked = order_of(case, cycles[int(np.argmin(lengths))])
    assert is_linked
    assert length(case, order) == ct.solve(case, "held-karp").objective


def test_a_tour_that_lost_a_link_still_gives_a_path():
    case = one_way(5, ends=(2, 4))
    order, is_linked = order_of(case, np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
    assert not is_linked
    assert (order[0], order[-1]) == (2, 4)
    assert sorted(order.tolist()) == [0, 1, 2, 3, 4]
    flat = Tsp("flat", Places("euclidean", np.random.default_rng(0).random((5, 2))), (2, 4))
    order, is_linked = order_of(flat, np.array([2, 0, 4, 1, 3]))
    assert not is_linked
    assert (order[0], order[-1]) == (2, 4)


@pytest.mark.parametrize("n", [5, 9, 10])
def test_small_instances_come_proved(n):
    for case in (one_way(n, n), one_way(n, n, ends=(0, 4))):
        result = ct.solve(case, "fast-tsp", time_limit=60)
        assert result.termination is ct.Termination.OPTIMAL
        assert result.objective == ct.solve(case, "held-karp").objective


def test_rounded_distances_claim_no_proof_and_say_so():
    case = Tsp("case", Places("euclidean", np.random.default_rng(0).random((8, 2))))
    result = ct.solve(case, "fast-tsp", time_limit=60)
    assert result.bound is None
    assert "16 bits" in result.message
    assert result.objective == pytest.approx(ct.solve(case, "held-karp").objective)


@pytest.mark.parametrize("ends", [None, (3, 5)])
def test_it_is_as_good_as_local_search(ends):
    case = Tsp("case", Places("euclidean", np.random.default_rng(0).random((70, 2))), ends)
    found = ct.solve(case, "fast-tsp", iterations=1, threads=1)  # which it does not count: until it has converged
    peer = ct.solve(case, "local-search", iterations=3000)
    assert found.objective == pytest.approx(peer.objective, rel=0.005)


def test_it_keeps_its_time():
    case = Tsp("case", Places("euclidean", np.random.default_rng(0).random((2000, 2))))
    result = soon(lambda: ct.solve(case, "fast-tsp", time_limit=0.2, threads=1), 2)
    assert result.termination is ct.Termination.TIME


def test_forbidden_arcs_do_not_drown_the_others():
    case = one_way(30, 2, most=100)
    matrix = np.array(case.places.matrix)
    matrix[np.random.default_rng(0).random(matrix.shape) < 0.2] = 10**9
    forbidden = Tsp("forbidden", Places("explicit", None, matrix))
    result = ct.solve(forbidden, "fast-tsp", iterations=1, threads=1)
    proved = ct.solve(forbidden, "cp-sat", time_limit=60, threads=1)
    assert proved.solution_status is ct.SolutionStatus.OPTIMAL
    assert result.objective <= 1.05 * proved.objective


@pytest.mark.parametrize("method", ["fast-tsp", "local-search"])
@pytest.mark.parametrize(("name", "optimum"), [("ftv33", 1286), ("ry48p", 14422), ("ft53", 6905)])
def test_public_asymmetric_tours_come_to_their_optima(name, optimum, method):
    path = ATSP / f"{name}.atsp"
    if not path.exists():
        pytest.skip(f"{path} is not there; set COUNTERPOINT_DATA")
    result = ct.solve(path, method, time_limit=60, target=optimum) if method == "local-search" else (
        ct.solve(path, method, time_limit=0.5, threads=1)
    )  # fmt: skip
    assert result.objective == optimum
