"""What moves promise and what they may do, against brute force."""

import numpy as np
import pytest

from counterpoint.solvers.local_search import job_shop_graph as g
from counterpoint.solvers.local_search import job_shop_moves as moves
from counterpoint.solvers.local_search.job_shop_random import draw, seeded

FAR = 1 << 60


def loaded(instance, order):
    graph = g.build_graph(instance)
    g.load_order(graph, order)
    return graph


def path_of(graph, random):
    path = np.zeros(len(graph.order), np.int32)
    longest = g.makespan(graph.finish, graph.last)
    first = moves.critical_path(graph.finish, graph.duration, graph.before, graph.last, longest, random, path)
    return path, first


def blocks(graph, path, first):
    low = first
    while low < len(path):
        high = low
        while high + 1 < len(path) and graph.before[path[high + 1]] == path[high]:
            high += 1
        yield low, high
        low = high + 1


def reaches(graph, a, b):
    """True if a path leads from a to b."""
    todo, seen = [a], set()
    while todo:
        v = todo.pop()
        if v == b:
            return True
        if v in seen or graph.machine[v] < 0:
            continue
        seen.add(v)
        todo += [v + 1, int(graph.after[v])]
    return False


@pytest.mark.parametrize("longest", [1, 9])
def test_accepted_moves_close_no_cycle_and_most_possible_ones_are_accepted(longest, shop, random_start):
    """Any pair on a machine, critical or not; the tests for paths may err on the safe side only."""
    possible = accepted = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        instance = shop(seed, 6, 3, longest)
        graph = loaded(instance, random_start(instance, rng))
        times = (graph.finish, graph.tail, graph.duration, graph.machine, graph.position)
        for u in np.flatnonzero(graph.after):
            v = int(graph.after[u])
            while v != 0:
                right_ok = graph.machine[u + 1] < 0 or not reaches(graph, u + 1, v)
                left_ok = graph.machine[v - 1] < 0 or not reaches(graph, u, v - 1)
                right, left = moves.may_move_right(*times, u, v), moves.may_move_left(*times, u, v)
                assert right_ok or not right
                assert left_ok or not left
                moved = g.Graph(*(array.copy() for array in graph))
                assert g.move_right(moved, u, v) == right_ok
                moved = g.Graph(*(array.copy() for array in graph))
                assert g.move_left(moved, u, v) == left_ok
                possible += right_ok + left_ok
                accepted += right + left
                v = int(graph.after[v])
    assert possible > 1000
    assert accepted > 0.9 * possible


def test_the_critical_path_is_one_and_every_one_is_found(shop, random_start):
    random = seeded(0)
    for seed in range(40):
        instance = shop(seed)
        graph = loaded(instance, random_start(instance, np.random.default_rng(seed)))
        longest = g.makespan(graph.finish, graph.last)
        for _ in range(5):
            path, first = path_of(graph, random)
            assert graph.duration[path[first:]].sum() == longest
            assert graph.finish[path[first]] == graph.duration[path[first]]
            for a, b in zip(path[first:-1], path[first + 1 :], strict=True):
                assert b == a + 1 or graph.before[b] == a
                assert graph.finish[a] + graph.tail[b] == longest
    from counterpoint.opt.problems.job_shop import JobShop

    tie = JobShop.from_jobs("tie", [[(0, 2), (1, 3)], [(1, 2), (0, 3)]])
    graph = loaded(tie, g.slots_of(tie)[[0, 2, 1, 3]])  # each job's end follows both first operations
    found = {tuple(path[first:].tolist()) for path, first in (path_of(graph, random) for _ in range(200))}
    assert found == {(1, 2), (1, 5), (4, 2), (4, 5)}


def test_estimates_are_exact_through_swapped_pairs_and_recomputed_in_the_segment(shop, random_start):
    """For neighbours the estimate is the longest path through either, so never above the new makespan."""
    random, head = seeded(1), np.zeros(200, np.int64)
    swaps = 0
    for seed in range(120):
        instance = shop(seed, 7, 4)
        graph = loaded(instance, random_start(instance, np.random.default_rng(seed)))
        path, first = path_of(graph, random)
        times = (graph.finish, graph.tail, graph.duration)
        for low, high in blocks(graph, path, first):
            for i in range(low, high):
                u, v = int(path[i]), int(path[i + 1])
                right = moves.estimate_right(*times, graph.before, graph.after, path, i, i + 1, FAR, head)
                left = moves.estimate_left(*times, graph.before, graph.after, path, i, i + 1, FAR, head)
                assert right == left
                moved = g.Graph(*(array.copy() for array in graph))
                if not g.move_right(moved, u, v):
                    continue
                swaps += 1
                through = max(moved.finish[w] + moved.tail[w] - moved.duration[w] for w in (u, v))
                assert right == through <= g.makespan(moved.finish, moved.last)
    assert swaps > 200


def test_estimates_of_long_moves_are_exact_where_jobs_have_one_operation(random_start):
    """With no job neighbours, nothing outside the segment changes."""
    from counterpoint.opt.problems.job_shop import JobShop

    instance = JobShop.from_jobs("row", [[(0, d)] for d in (3, 1, 4, 1, 5, 9)])
    graph = loaded(instance, g.slots_of(instance))
    path, first = path_of(graph, seeded(0))
    head = np.zeros(6, np.int64)
    for i in range(6):
        for j in range(i + 1, 6):
            args = (graph.finish, graph.tail, graph.duration, graph.before, graph.after, path, i, j)
            assert moves.estimate_right(*args, FAR, head) == moves.estimate_left(*args, FAR, head) == 23
            assert moves.estimate_right(*args, 5, head) > 5
            assert moves.estimate_left(*args, 5, head) > 5
    assert first == 0


def test_early_stops_do_not_change_estimates_within_the_limit(shop, random_start):
    random, head = seeded(2), np.zeros(200, np.int64)
    compared = 0
    for seed in range(60):
        instance = shop(seed, 8, 3)
        graph = loaded(instance, random_start(instance, np.random.default_rng(seed)))
        path, first = path_of(graph, random)
        args = (graph.finish, graph.tail, graph.duration, graph.before, graph.after, path)
        for low, high in blocks(graph, path, first):
            for i in range(low, high):
                for estimate in (moves.estimate_right, moves.estimate_left):
                    full = estimate(*args, i, high, FAR, head)
                    assert estimate(*args, i, high, full, head) == full
                    assert estimate(*args, i, high, full - 1, head) > full - 1
                    compared += 1
    assert compared > 300


def test_random_numbers_are_uniform_and_reproducible():
    state = seeded(7)
    numbers = np.array([draw(state, 10) for _ in range(20_000)])
    counts = np.bincount(numbers, minlength=10)
    assert len(counts) == 10
    assert ((counts - 2000) ** 2 / 2000).sum() < 30  # chi square, 9 degrees of freedom, p < 0.001
    again = seeded(7)
    assert [draw(again, 10) for _ in range(100)] == numbers[:100].tolist()
    assert seeded(7)[0] != seeded(8)[0]
