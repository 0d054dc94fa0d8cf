"""Heads and tails kept up to date must equal those computed from scratch, whatever is moved."""

import numpy as np
import pytest

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.local_search import job_shop_graph as g

MOVES = 60


def segment(graph, rng):
    """Return (u, v), u before v on one machine, or None if no machine has two operations."""
    firsts = np.flatnonzero((graph.machine >= 0) & (graph.after != 0))
    if len(firsts) == 0:
        return None
    u = v = int(rng.choice(firsts))
    for _ in range(int(rng.integers(1, 5))):
        v = int(graph.after[v]) or v
    return u, v


def copy(graph):
    return g.Graph(*(array.copy() for array in graph))


@pytest.mark.parametrize("seed", range(40))
def test_updates_equal_recomputation_and_find_every_cycle(seed, shop, random_start, longest_paths):
    rng = np.random.default_rng(seed)
    instance = shop(seed, int(rng.integers(1, 9)), int(rng.integers(1, 6)))
    graph = g.build_graph(instance)
    g.load_order(graph, random_start(instance, rng))
    for _ in range(MOVES):
        pair = segment(graph, rng)
        if pair is None:
            return
        kept = copy(graph)
        move = g.move_right if rng.random() < 0.5 else g.move_left
        is_acyclic = move(graph, *pair)
        expected = longest_paths(graph)
        assert is_acyclic == (expected is not None)
        if expected is None:
            graph = kept
            continue
        np.testing.assert_array_equal(graph.finish, expected[0])
        np.testing.assert_array_equal(graph.tail, expected[1])
        assert sorted(graph.order) == sorted(np.flatnonzero(graph.machine >= 0))
        assert all(graph.order[graph.position[v]] == v for v in graph.order)
        inner = np.flatnonzero((graph.machine[1:] >= 0) & (graph.machine[:-1] >= 0))
        assert (graph.position[inner] < graph.position[inner + 1]).all()
        linked = np.flatnonzero(graph.after)
        assert (graph.position[linked] < graph.position[graph.after[linked]]).all()
        assert (graph.before[graph.after[linked]] == linked).all()
        assert not graph.is_moved.any()
        reloaded = g.build_graph(instance)
        assert g.load_order(reloaded, graph.order) == g.makespan(graph.finish, graph.last) == expected[0].max()
        for key in ("after", "before", "finish", "tail"):
            np.testing.assert_array_equal(getattr(reloaded, key), getattr(graph, key))


def test_moves_back_and_forth_restore_the_graph(shop, random_start):
    instance = JobShop.from_jobs("row", [[(0, d)] for d in (3, 1, 4, 1, 5)])
    graph = g.build_graph(instance)
    g.load_order(graph, g.slots_of(instance))
    first, fourth = g.slots_of(instance)[[0, 3]]
    assert g.move_right(graph, first, fourth)
    assert [int(v) for v in graph.order] == [3, 5, 7, 1, 9]
    assert graph.finish[first] == 1 + 4 + 1 + 3
    assert g.move_left(graph, 3, first)
    assert [int(v) for v in graph.order] == [1, 3, 5, 7, 9]


def test_the_order_of_a_schedule_gives_it_back_or_one_no_later(shop, random_start):
    """Operations of no duration at one instant have no order of their own; all others keep theirs."""
    for seed in range(80):
        rng = np.random.default_rng(seed)
        instance = shop(seed, longest=2)
        graph = g.build_graph(instance)
        schedule = g.schedule_of(instance, graph, random_start(instance, rng))
        assert check(instance, schedule).is_feasible
        again = g.schedule_of(instance, g.build_graph(instance), g.order_of(instance, schedule))
        assert (again.start <= schedule.start).all()
        assert again == schedule or instance.duration.min() == 0


def test_records_of_a_schedule_may_come_in_any_order(shop, random_start):
    rng = np.random.default_rng(5)
    instance = shop(5)
    schedule = g.schedule_of(instance, g.build_graph(instance), random_start(instance, rng))
    mixed = rng.permutation(instance.num_operations)
    shuffled = Schedule(*(getattr(schedule, key)[mixed] for key in schedule.__slots__))
    np.testing.assert_array_equal(g.order_of(instance, shuffled), g.order_of(instance, schedule))


def test_machine_orders_are_read_and_wrong_ones_refused():
    instance = JobShop.from_jobs("two", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
    graph = g.build_graph(instance)
    order = g.order_of_machines(instance, [np.array([0, 3]), np.array([2, 1])])
    assert g.load_order(graph, order) == 6
    with pytest.raises(InstanceError, match="cycle"):
        g.order_of_machines(instance, [np.array([3, 0]), np.array([1, 2])])
    with pytest.raises(InstanceError, match="every operation once"):
        g.order_of_machines(instance, [np.array([0, 3]), np.array([2, 2])])
