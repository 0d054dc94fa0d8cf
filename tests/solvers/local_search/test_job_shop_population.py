"""Where selections come from, and which of them stay."""

import numpy as np
import pytest

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.local_search import job_shop_graph as g
from counterpoint.solvers.local_search import job_shop_population as population
from counterpoint.solvers.local_search.job_shop_population import Member
from counterpoint.solvers.local_search.job_shop_random import seeded
from counterpoint.solvers.local_search.job_shop_relinking import distance
from counterpoint.solvers.local_search.job_shop_run import Run
from counterpoint.solvers.local_search.job_shop_starts import GOOD_RULES, best_rule_schedule, random_order
from counterpoint.solvers.rules.job_shop import schedule


def run_of(instance, iterations=0, seed=0):
    clock = Budget(iterations=iterations).start()
    return Run(instance, clock, best_bound(instance), seeded(seed), lambda *args, **named: None, 7)


@pytest.fixture
def row():
    """One machine, six jobs: the selection is the order, the distance counts inversions."""
    return run_of(JobShop.from_jobs("row", [[(0, 1)] for _ in range(6)]))


def member(run, makespan, sequence):
    return Member(makespan, g.slots_of(run.instance)[np.array(sequence)])


def test_a_child_close_to_a_member_takes_its_place_only_if_better(row):
    members = [member(row, 10, [0, 1, 2, 3, 4, 5]), member(row, 12, [5, 4, 3, 2, 1, 0])]
    near = member(row, 11, [1, 0, 2, 3, 4, 5])  # one pair from the first
    population._insert(row, members, near, close=1.0)
    assert [one.makespan for one in members] == [10, 12]
    better = member(row, 9, [1, 0, 2, 3, 4, 5])
    population._insert(row, members, better, close=1.0)
    assert [one.makespan for one in members] == [9, 12]


def test_a_distant_child_takes_the_place_of_the_worst_if_no_worse(row):
    members = [member(row, 10, [0, 1, 2, 3, 4, 5]), member(row, 12, [5, 4, 3, 2, 1, 0])]
    population._insert(row, members, member(row, 13, [2, 1, 0, 5, 4, 3]), close=1.0)
    assert [one.makespan for one in members] == [10, 12]
    population._insert(row, members, member(row, 12, [2, 1, 0, 5, 4, 3]), close=1.0)
    assert [one.order.tolist() for one in members][1] == [5, 3, 1, 11, 9, 7]


def test_a_population_that_brings_nothing_is_renewed_and_grows(monkeypatch):
    """A shop with few selections collapses at once; the run must go on to its last move."""
    fresh = []

    def counted(*args):
        fresh.append(run.iterations)
        return random_order(*args)

    instance = JobShop.from_jobs("few", [[(0, 3), (1, 2), (0, 1)], [(1, 4), (0, 1), (1, 3)], [(0, 1), (1, 1)]])
    run = run_of(instance, iterations=4000)
    run.bound = 0
    monkeypatch.setattr(population, "random_order", counted)
    population.evolve(run, g.order_of(instance, best_rule_schedule(instance)), 2, 20)
    assert run.iterations == 4000
    assert len(fresh) > 1 + 2 + 4  # populations of 2, 3, 5: one member less each, the best stays
    assert check(instance, run.best).is_feasible


def test_random_starts_are_nondelay_schedules_and_differ(shop):
    for seed in range(30):
        instance = shop(seed, 6, 4)
        graph, random = g.build_graph(instance), seeded(seed)
        orders = [random_order(graph, 100, random) for _ in range(4)]
        for order in orders:
            built = g.schedule_of(instance, graph, order)
            assert check(instance, built).is_feasible
            # non-delay: no machine idles at an instant when an operation waits for it
            for v in order:
                head = graph.finish[v] - graph.duration[v]
                ready = graph.finish[v - 1]
                on_machine = [w for w in order if graph.machine[w] == graph.machine[v]]
                busy = sum(
                    min(graph.finish[w], head) - max(graph.finish[w] - graph.duration[w], ready)
                    for w in on_machine
                    if graph.finish[w] > ready and graph.finish[w] - graph.duration[w] < head
                )
                assert busy == head - ready
    rng = np.random.default_rng(0)
    square = JobShop.from_matrices("s", [rng.permutation(6) for _ in range(8)], rng.integers(1, 99, (8, 6)))
    graph, random = g.build_graph(square), seeded(1)
    a, b = (random_order(graph, 100, random) for _ in range(2))
    assert distance(graph, a, b) > 10


def test_the_first_start_is_the_best_of_the_rules(shop):
    for seed in range(10):
        instance = shop(seed, 8, 5)
        built = best_rule_schedule(instance)
        assert check(instance, built).is_feasible
        assert built.makespan == min(schedule(instance, rule).makespan for rule in GOOD_RULES)
