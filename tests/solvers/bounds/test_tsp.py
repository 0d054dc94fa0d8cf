"""The one-tree bound is below every tour, and its surplus below what an edge costs."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length
from counterpoint.solvers.bounds.tsp import one_tree_bound, relaxation_of, spanning, surplus_of
from counterpoint.solvers.dynamic_programming.tsp import shortest


def random_case(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 10))
    metric = ("euclidean", "euc-2d")[seed % 2]
    places = Places(metric, rng.random((n, 2)) * 100)
    if seed % 5 == 0:
        matrix = rng.integers(0, 50, (n, n))
        places = Places("explicit", None, matrix + matrix.T)
    return Tsp(f"case {seed}", places, (1, 3) if seed % 3 == 0 else None)


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_is_below_the_optimum_and_near_it(seed):
    case = random_case(seed)
    optimum = float(length(case, shortest(case)))
    found = one_tree_bound(case, optimum)
    assert 0.85 * optimum <= found.bound <= optimum + 1e-9
    assert found.relaxed <= found.bound or not case.places.is_integral


@pytest.mark.parametrize("seed", range(12))
def test_a_tour_with_an_edge_is_at_least_the_bound_and_the_surplus(seed):
    case = random_case(seed)
    n = case.num_places
    optimum = float(length(case, shortest(case)))
    found = one_tree_bound(case, optimum, steps=30)
    surplus = surplus_of(case, found.prices)
    assert (surplus >= 0).all()
    rng = np.random.default_rng(seed)
    for _ in range(300):
        order = rng.permutation(n)
        if case.ends is not None:
            first, last = case.ends
            order = np.array([first, *(i for i in order if i not in (first, last)), last])
        used = list(pairwise(order)) + ([] if case.ends else [(order[-1], order[0])])
        cost = float(length(case, order))
        assert max(surplus[i, j] for i, j in used) <= cost - found.relaxed + 1e-9


def one_trees(n):
    """Every set of n - 2 edges on places 1.. that is a tree, and every pair of edges of place 0."""
    pairs = list(combinations(range(1, n), 2))
    for tree in combinations(pairs, n - 2):
        group = list(range(n))
        for i, j in tree:
            group = [group[i] if g == group[j] else g for g in group]
        if len(set(group[1:])) == 1:
            for two in combinations(range(1, n), 2):
                yield [*tree, (0, two[0]), (0, two[1])]


def test_the_cheapest_one_tree_of_all():
    rng = np.random.default_rng(0)
    for _ in range(5):
        matrix = rng.integers(1, 30, (5, 5))
        case = Tsp("case", Places("explicit", None, matrix + matrix.T))
        prices = rng.normal(size=5) * 5
        distances, _, is_path = relaxation_of(case)
        total, degree, _, _ = spanning(distances, prices, is_path)
        priced = distances + prices[:, None] + prices
        trees = list(one_trees(5))
        costs = [sum(priced[i, j] for i, j in tree) for tree in trees]
        assert total == pytest.approx(min(costs))
        assert degree.tolist() == np.bincount(np.ravel(trees[int(np.argmin(costs))]), minlength=5).tolist()


def test_the_uniform_gap_is_small():
    """Johnson, McGeoch and Rothberg 1996: the bound is about 0.7 to 0.8 % below uniform optima; 0.7080 sqrt(N A)."""
    places = Places("euclidean", np.random.default_rng(0).random((300, 2)))
    bound = one_tree_bound(Tsp("uniform", places), 13.5).bound
    assert 0.7080 * np.sqrt(300) * 1.01 < bound < 0.7080 * np.sqrt(300) * 1.07


def test_asymmetric_and_tiny_instances_are_refused():
    for case in (
        Tsp("tiny", Places("euclidean", [[0, 0], [1, 1]])),
        Tsp("one way", Places("explicit", None, [[0, 1, 2], [3, 0, 4], [5, 6, 0]])),
    ):
        with pytest.raises(ValueError, match="symmetric"):
            one_tree_bound(case, 1.0)


def test_it_stops_when_told():
    case = Tsp("uniform", Places("euclidean", np.random.default_rng(0).random((50, 2))))
    asked = []
    quick = one_tree_bound(case, 6.0, stop=lambda: len(asked) >= 3 or asked.append(1))
    assert len(asked) == 3
    assert 0 < quick.bound < one_tree_bound(case, 6.0).bound
