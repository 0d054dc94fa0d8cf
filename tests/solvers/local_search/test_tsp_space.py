"""Distances and neighbours as kernels see them, against the places themselves."""

import numpy as np
import pytest

from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length
from counterpoint.solvers.local_search import tsp_space
from counterpoint.solvers.local_search.tsp_space import (
    leg,
    nearest_neighbour,
    neighbours_of,
    opened,
    renumbered,
    space_of,
    tour_length,
)

METRICS = ("euclidean", "euc-2d", "ceil-2d", "att", "geo", "man-2d", "max-2d")


def places_of(metric, n=40, seed=0):
    rng = np.random.default_rng(seed)
    if metric == "one-way":
        return Places("explicit", None, rng.integers(1, 1000, (n, n)))
    points = rng.random((n, 2)) * (80 if metric == "geo" else 1000)
    points[3] = points[4]
    return Places(metric, points)


@pytest.fixture(params=["matrix", "points"])
def storage(request, monkeypatch):
    if request.param == "points":
        monkeypatch.setattr(tsp_space, "MATRIX_PLACES", 0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.usefixtures("storage")
def test_legs_are_the_distances(metric):
    places = places_of(metric)
    space = space_of(Tsp("case", places))
    found = np.array([[leg(space, i, j) for j in range(40)] for i in range(40)])
    np.testing.assert_allclose(found, places.distances(), rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.usefixtures("storage")
def test_neighbours_are_the_nearest(metric):
    places = places_of(metric)
    near = neighbours_of(space_of(Tsp("case", places)), 6)
    distances = places.distances().astype(float)
    np.fill_diagonal(distances, np.inf)
    assert (near != np.arange(40)[:, None]).all()
    assert all(len(set(row)) == 6 for row in near.tolist())
    # the tree goes by what is not rounded; of a rounded metric the distances may differ by one
    slack = 1 if places.is_integral else 1e-9
    np.testing.assert_allclose(np.take_along_axis(distances, near, 1), np.sort(distances, 1)[:, :6], atol=slack)


def test_one_way_legs_are_doubled():
    places = places_of("one-way", 5)
    space = space_of(Tsp("case", places))
    for i in range(5):
        assert leg(space, 2 * i, 2 * i + 1) == leg(space, 2 * i + 1, 2 * i) == space.link
        for j in range(5):
            assert leg(space, 2 * i, 2 * j) == leg(space, 2 * i + 1, 2 * j + 1) == -space.link
            if i != j:
                assert leg(space, 2 * i + 1, 2 * j) == leg(space, 2 * j, 2 * i + 1) == places.matrix[i, j]
    near = neighbours_of(space, 2)
    assert (near[1::2] % 2 == 0).all()
    assert (near[::2] % 2 == 1).all()


@pytest.mark.parametrize("ends", [None, (7, 2)])
@pytest.mark.parametrize("metric", [*METRICS, "one-way"])
@pytest.mark.usefixtures("storage")
def test_a_nearest_neighbour_tour_renumbered_and_opened(metric, ends):
    case = Tsp("case", places_of(metric), ends)
    space = space_of(case)
    near = neighbours_of(space, 5)
    tour = nearest_neighbour(space, near)
    order = opened(case, space, tour)
    assert sorted(order.tolist()) == list(range(40))
    assert ends is None or (order[0], order[-1]) == ends
    new, new_near = renumbered(space, near, tour)
    count = len(tour)
    assert tour_length(new, np.arange(count)) == pytest.approx(tour_length(space, tour))
    links = (space.link if ends else 0.0) + (40 * space.link if metric == "one-way" else 0.0)
    assert tour_length(space, tour) - links == pytest.approx(float(length(case, order)))
    for i in (0, 5, 39):
        assert leg(new, i, int(new_near[i, 0])) == leg(space, int(tour[i]), int(near[tour[i], 0]))


def test_opened_turns_a_path_its_way():
    case = Tsp("case", places_of("euclidean", 5), (2, 0))
    space = space_of(case)
    assert opened(case, space, np.array([0, 2, 4, 3, 1])).tolist() == [2, 4, 3, 1, 0]
    assert opened(case, space, np.array([2, 0, 1, 3, 4])).tolist() == [2, 4, 3, 1, 0]
    with pytest.raises(AssertionError):
        opened(case, space, np.array([0, 1, 2, 3, 4]))


def test_a_hundred_places_on_one_spot_have_neighbours(monkeypatch):
    monkeypatch.setattr(tsp_space, "MATRIX_PLACES", 0)
    near = neighbours_of(space_of(Tsp("spot", Places("euclidean", np.ones((100, 2))))), 5)
    assert near.shape == (100, 5)
    assert (near != np.arange(100)[:, None]).all()
