"""Selections on the way between two selections."""

import numpy as np

from counterpoint.solvers.local_search import job_shop_graph as g
from counterpoint.solvers.local_search.job_shop_relinking import blend, by_start, distance


def pairs(graph, order):
    """Every pair (a, b) of operations of one machine with a before b."""
    return {
        (int(a), int(b)) for i, a in enumerate(order) for b in order[i + 1 :] if graph.machine[a] == graph.machine[b]
    }


def test_distance_counts_pairs_and_blends_lie_between(shop, random_start):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        instance = shop(seed)
        graph = g.build_graph(instance)
        a, b = (by_start(graph, random_start(instance, rng)) for _ in range(2))
        apart = len(pairs(graph, a) - pairs(graph, b))
        assert distance(graph, a, b) == distance(graph, b, a) == apart
        assert distance(graph, a, a) == 0
        np.testing.assert_array_equal(blend(a, b, 0.0), a)
        np.testing.assert_array_equal(blend(a, b, 1.0), b)
        for weight in (0.2, 0.5, 0.8):
            mixed = blend(a, b, weight)
            assert distance(graph, a, mixed) + distance(graph, mixed, b) == apart
            g.load_order(graph, mixed)
            job_pairs = np.flatnonzero((graph.machine[1:] >= 0) & (graph.machine[:-1] >= 0))
            assert (graph.position[job_pairs] < graph.position[job_pairs + 1]).all()


def test_sorting_by_start_keeps_the_selection(shop, random_start):
    for seed in range(40):
        instance = shop(seed, longest=2)
        order = random_start(instance, np.random.default_rng(seed))
        graph = g.build_graph(instance)
        assert pairs(graph, by_start(graph, order)) == pairs(graph, order)
