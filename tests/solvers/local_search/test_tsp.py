"""Local search on tours: gains are what lengths say, tours stay tours, nothing is worse than it was."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length
from counterpoint.solvers.local_search import tsp_space
from counterpoint.solvers.local_search.tsp import Options
from counterpoint.solvers.local_search.tsp_kernels import descend, improve_at, kick, start
from counterpoint.solvers.local_search.tsp_space import nearest_neighbour, neighbours_of, opened, space_of, tour_length


def uniform(n, seed=0, ends=None, metric="euclidean"):
    return Tsp("uniform", Places(metric, np.random.default_rng(seed).random((n, 2)) * 1000), ends)


def one_way(n, seed=0, ends=None):
    return Tsp("one way", Places("explicit", None, np.random.default_rng(seed).integers(1, 1000, (n, n))), ends)


CASES = [
    uniform(60), uniform(60, 1, (3, 40)), uniform(60, 2, metric="euc-2d"), uniform(11, 3),
    one_way(40), one_way(40, 1, (5, 0)), one_way(10, 2),
]  # fmt: skip


def is_consistent(state):
    n = len(state.tour)
    return sorted(state.tour.tolist()) == list(range(n)) and (state.position[state.tour] == np.arange(n)).all()


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("depth", [1, 3])
def test_what_a_descent_gains_is_what_the_tour_loses(case, depth):
    space = space_of(case)
    near = neighbours_of(space, 6)
    tour = nearest_neighbour(space, near)
    state = start(tour)
    gained = descend(space, near, state, depth, 5, 10**6)
    assert is_consistent(state)
    assert state.ring[1] == 0
    before, after = (float(length(case, opened(case, space, t))) for t in (tour, state.tour))
    assert gained == pytest.approx(before - after, rel=1e-9, abs=1e-6 * before)
    assert gained > 0
    rest = state.tour.copy()
    added = np.empty((2 * depth + 2, 2), np.int64)
    for place in range(len(tour)):  # a look that finds nothing leaves the tour as it was
        state.count[0] = 0
        if improve_at(space, near, state, place, depth, 5, added) > 0:
            rest = state.tour.copy()
        assert is_consistent(state)
        assert tour_length(space, state.tour) == pytest.approx(tour_length(space, rest))


@pytest.mark.parametrize("heat", [0.0, 5.0])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_kicks_gain_and_what_they_keep(case, heat):
    space = space_of(case)
    near = neighbours_of(space, 6)
    state = start(nearest_neighbour(space, near))
    descend(space, near, state, 1, 3, 10**6)
    best = state.tour.copy()
    before = float(length(case, opened(case, space, best)))
    excess, gained = kick(space, near, state, 1, 3, 400, np.array([1], np.uint64), heat, best, 0.0)
    assert is_consistent(state)
    after = float(length(case, opened(case, space, best)))
    assert before - after == pytest.approx(gained, rel=1e-9, abs=1e-6 * before)
    now = float(length(case, opened(case, space, state.tour)))
    assert now - after == pytest.approx(excess, rel=1e-9, abs=1e-6 * before)
    assert excess >= -1e-9
    assert heat > 0 or excess == pytest.approx(0, abs=1e-6)


def test_a_crossing_is_undone():
    square = Tsp("square", Places("euc-2d", [[0, 0], [10, 10], [10, 0], [0, 10], [5, 0], [5, 10], [0, 5], [10, 5]]))
    space = space_of(square)
    state = start(np.arange(8))
    descend(space, neighbours_of(space, 5), state, 3, 5, 1000)
    assert length(square, state.tour.astype(np.int64)) == 40


def test_the_same_seed_gives_the_same_tour_and_another_another():
    case = uniform(150)
    first, again, other = (ct.solve(case, "local-search", iterations=300, seed=seed) for seed in (1, 1, 2))
    assert first.solution == again.solution
    assert first.iterations == 300
    assert first.solution != other.solution


def test_more_kicks_are_never_worse():
    case = uniform(120, 5)
    costs = [ct.solve(case, "local-search", iterations=k, seed=0).objective for k in (0, 100, 1000)]
    assert costs[0] >= costs[1] >= costs[2]
    trace = [point.objective for point in ct.solve(case, "local-search", iterations=1000).trace]
    assert trace == sorted(trace, reverse=True)


def test_uniform_tours_of_a_hundred_places_are_within_a_percent_of_the_bound():
    """Reference: the Held-Karp bound is 0.7 % below the optimum of uniform instances."""
    gaps = [ct.solve(uniform(100, seed), "local-search", iterations=3000).gap for seed in range(6)]
    assert 0.001 < np.mean(gaps) < 0.012


def test_large_instances_need_no_matrix(monkeypatch):
    monkeypatch.setattr(tsp_space, "MATRIX_PLACES", 100)
    for metric in ("euclidean", "euc-2d", "ceil-2d", "att", "geo", "man-2d", "max-2d"):
        scale = 0.08 if metric == "geo" else 1.0
        points = np.random.default_rng(0).random((300, 2)) * 1000 * scale
        for ends in (None, (10, 20)):
            case = Tsp("case", Places(metric, points), ends)
            result = ct.solve(case, "local-search", iterations=200, options={"bound": False})
            assert result.solution_status is ct.SolutionStatus.FEASIBLE, result
            assert result.objective < 0.97 * ct.solve(case, "farthest-insertion").objective


def test_a_bound_that_meets_the_tour_proves_it():
    angle = np.arange(30) * 7 % 30 * 2 * np.pi / 30
    polygon = Tsp("polygon", Places("euclidean", np.stack((np.cos(angle), np.sin(angle)), 1)))
    result = ct.solve(polygon, "local-search", time_limit=60)
    assert result.termination is ct.Termination.OPTIMAL
    assert result.objective == pytest.approx(60 * np.sin(np.pi / 30))


@pytest.mark.parametrize(
    "options", [{"neighbours": 0}, {"breadth": 9}, {"depth": 0}, {"heat": -1.0}, {"heat": float("nan")}]
)
def test_bad_options(options):
    with pytest.raises(OptionError):
        Options(**options)
