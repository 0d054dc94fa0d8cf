"""Random routing instances: their rules, published sizes, and the mean length of optimal tours."""

import itertools

import numpy as np
import pytest

from counterpoint.datasets.generating import generate
from counterpoint.datasets.generators.tsp import shortest_ways
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.tsp import Tour, check

ALL = (
    ("tsp", "uniform", "places"), ("tsp", "matrix", "places"), ("cvrp", "uniform", "customers"),
    ("orienteering", "uniform", "places"), ("knapsack", "uniform", "items"),
)  # fmt: skip


@pytest.mark.parametrize(("problem", "generator", "size"), ALL)
def test_the_same_seed_gives_the_same_instance(problem, generator, size):
    build = lambda seed: generate(problem, generator=generator, seed=seed, **{size: 12})  # noqa: E731
    assert build(3) == build(3)
    assert build(3).content_hash != build(4).content_hash
    assert build(3).name == f"{generator}-12-3"
    assert generate(problem, generator=generator, **{size: 1}).problem == problem


@pytest.mark.parametrize(("problem", "generator", "size"), ALL)
def test_sizes_and_seeds_that_cannot_be(problem, generator, size):
    for parameters in ({size: 0}, {size: -1}, {size: 10**9}, {size: 5, "seed": -1}, {size: "x"}, {}):
        with pytest.raises(OptionError):
            generate(problem, generator=generator, **parameters)


@pytest.mark.parametrize(
    ("problem", "parameters"),
    [
        ("cvrp", {"customers": 5, "capacity": 8}),
        ("cvrp", {"customers": 5, "max_demand": 0}),
        ("orienteering", {"places": 5, "max_length": -1}),
        ("knapsack", {"items": 5, "capacity": -1}),
        ("tsp", {"generator": "matrix", "places": 5, "max_distance": 0}),
    ],
)
def test_parameters_that_cannot_be(problem, parameters):
    with pytest.raises(OptionError):
        generate(problem, **parameters)


def test_places_fill_the_unit_square():
    points = generate("tsp", places=40_000, seed=5).places.points
    assert points.min() >= 0
    assert points.max() < 1
    assert np.allclose(points.mean(0), 0.5, atol=0.01)
    assert np.histogram2d(*points.T, bins=4)[0].min() > 2_300


def test_small_tours_have_the_expected_mean_length():
    """Of five uniform places: 2.1256 (NumPy, 100,000 drawn from another seed); 300 of them have an error of 0.023."""
    best = []
    for seed in range(300):
        instance = generate("tsp", places=5, seed=seed)
        best.append(min(check(instance, Tour([0, *rest])).objective for rest in itertools.permutations(range(1, 5))))
    assert np.mean(best) == pytest.approx(2.1256, abs=0.07)


def test_a_matrix_keeps_the_triangle_inequality_and_is_not_symmetric():
    instance = generate("tsp", generator="matrix", places=25, seed=1)
    d = instance.places.matrix
    assert (d[:, :, None] <= d[:, None, :] + d.T[None, :, :]).all()  # i to j is never longer than through k
    assert instance.features == {"asymmetric"}
    assert d.dtype == np.int64
    assert 0 < d.max() < 1_000_000
    assert generate("tsp", generator="matrix", places=25, max_distance=10).places.matrix.max() < 10


def test_shortest_ways_by_hand():
    found = shortest_ways(np.array([[5, 1, 9], [9, 5, 1], [1, 9, 5]]))
    assert found.tolist() == [[0, 1, 2], [2, 0, 1], [1, 2, 0]]


def test_published_capacities_and_demands():
    sizes = {1: 20, 10: 20, 20: 30, 49: 30, 50: 40, 100: 50, 200: 80, 500: 100, 999: 100, 1000: 250}
    assert {n: generate("cvrp", customers=n).capacity for n in sizes} == sizes
    demand = generate("cvrp", customers=9000, seed=2).demand
    assert demand[0] == 0
    assert np.bincount(demand[1:])[1:].min() > 880
    assert (demand.max(), generate("cvrp", customers=9, capacity=70, max_demand=60).capacity) == (9, 70)


def test_prizes_grow_with_the_way_from_the_depot():
    assert [generate("orienteering", places=n).max_length for n in (20, 50, 100, 300)] == [2, 3, 4, 4]
    instance = generate("orienteering", places=60, seed=4, max_length=2.5)
    away = instance.places.lengths(0, np.arange(1, 61))
    prize = instance.prize[1:]
    assert instance.prize[0] == 0
    assert (prize.max(), prize[away.argmax()]) == (1, 1)
    assert prize.min() >= 0.01
    assert (np.diff(prize[np.argsort(away)]) >= 0).all()
    assert np.allclose(prize * 100, np.round(prize * 100))
    assert instance.max_length == 2.5
