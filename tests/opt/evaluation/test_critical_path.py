"""Critical paths: by hand, as long as the makespan, and every step of them tight."""

import itertools

import networkx as nx
import numpy as np
import pytest

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.evaluation.critical_path import SINK, SOURCE, critical_operations, disjunctive_graph
from counterpoint.opt.problems.job_shop import JobShop, Schedule

SHOP = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
GOOD = Schedule.from_starts(SHOP, [0, 4, 0, 4])


def earliest(shop, schedule):
    """Left-shift a schedule of a classical shop, keeping the order on each machine."""
    graph = disjunctive_graph(shop, schedule)
    start = dict.fromkeys(graph.nodes, 0)
    for v in nx.topological_sort(graph):
        for u in graph.predecessors(v):
            start[v] = max(start[v], start[u] + graph.edges[u, v]["lag"])
    return Schedule.from_starts(shop, [start[i] for i in range(shop.num_operations)])


def test_by_hand():
    assert critical_operations(SHOP, GOOD) == [2, 1]  # machine 1: job 1 for 4, then job 0 for 2
    graph = disjunctive_graph(SHOP, GOOD)
    assert graph.edges[0, 1] == {"lag": 3, "kind": "job"}
    assert graph.edges[2, 1] == {"lag": 4, "kind": "machine"}
    assert graph.edges[SOURCE, 0]["kind"] == "release"
    assert graph.edges[1, SINK]["lag"] == 2
    assert graph.nodes[3] == {"job": 1, "operation": 1, "machine": 0, "start": 4, "end": 5}


def test_of_one_job():
    assert critical_operations(SHOP, GOOD, job=1) == [2, 3]


def test_a_blocked_machine_is_waited_for():
    # job 0 leaves machine 0 only when machine 1 is free at 5; job 2 waits for machine 0 until then
    shop = JobShop.from_jobs("b", [[(0, 1), (1, 1)], [(1, 5)], [(0, 9)]], blocking="swap")
    schedule = Schedule.from_starts(shop, [0, 5, 0, 5])
    assert critical_operations(shop, schedule)[0] == 2
    assert critical_operations(shop, schedule)[-1] == 3
    assert disjunctive_graph(shop, schedule).edges[1, 3] == {"lag": 0, "kind": "blocking"}


def test_an_exchange_is_a_cycle_and_no_obstacle():
    shop = JobShop.from_jobs("x", [[(0, 2), (1, 3)], [(1, 2), (0, 4)]], blocking="swap")
    schedule = Schedule.from_starts(shop, [0, 2, 0, 2])
    path = critical_operations(shop, schedule)
    assert path[-1] == 3
    assert not nx.is_directed_acyclic_graph(disjunctive_graph(shop, schedule))


def test_a_window_starts_the_path():
    shop = JobShop.from_jobs("w", [[(0, 3)], [(0, 2)]], unavailable=[(0, 0, 5)])
    schedule = Schedule.from_starts(shop, [5, 8])
    assert critical_operations(shop, schedule) == [0, 1]
    assert disjunctive_graph(shop, schedule).edges[SOURCE, 0] == {"lag": 5, "kind": "window"}


def test_needless_idling_starts_it_too():
    assert critical_operations(SHOP, Schedule.from_starts(SHOP, [0, 9, 0, 4])) == [1]


def test_the_longest_chain_is_longest_in_time_not_in_number():
    shop = JobShop.from_jobs("long", [[(0, 10)], [(1, 2), (1, 2), (1, 2)]])
    assert critical_operations(shop, Schedule.from_starts(shop, [0, 4, 6, 8])) == [0]


def test_incomplete_schedules_are_refused():
    part = Schedule(GOOD.job[:3], GOOD.operation[:3], GOOD.machine[:3], GOOD.start[:3], GOOD.end[:3])
    with pytest.raises(InstanceError, match="exactly once"):
        disjunctive_graph(SHOP, part)
    alien = Schedule(GOOD.job + 1, GOOD.operation, GOOD.machine, GOOD.start, GOOD.end)
    with pytest.raises(InstanceError, match="has not"):
        critical_operations(SHOP, alien)


def test_paths_of_left_shifted_schedules_are_as_long_as_the_makespan(make):
    rng = np.random.default_rng(0)
    for _ in range(150):
        shop = make.shop(
            rng, jobs=4, machines=3, blocking="none", is_flexible=False, has_windows=False, objective="makespan"
        )
        schedule = earliest(shop, make.schedule(shop, rng))
        path = critical_operations(shop, schedule)
        assert sum(int(shop.duration[i]) for i in path) == schedule.makespan
        job = shop.job_of
        for u, v in itertools.pairwise(path):
            assert schedule.end[u] == schedule.start[v]
            assert job[u] == job[v] or shop.machine[u] == shop.machine[v] or shop.duration[u] * shop.duration[v] == 0


def test_every_edge_holds_in_every_variant(make):
    """A feasible schedule satisfies each lag of its own graph; its critical path ends at the makespan."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        shop = make.shop(rng)
        schedule = make.schedule(shop, rng)
        graph = disjunctive_graph(shop, schedule)
        for u, v, lag in graph.edges(data="lag"):
            assert graph.nodes[v]["start"] - graph.nodes[u]["start"] >= lag
        path = critical_operations(shop, schedule)
        if schedule.makespan > 0:
            assert max(int(schedule.end[i]) for i in path) == schedule.makespan
