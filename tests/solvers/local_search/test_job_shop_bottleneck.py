"""Shifting bottleneck: feasible on every shop it takes, exact on one machine, and as good as published."""

import networkx as nx
import numpy as np
import pytest
from tests.busy_machine import soon

import counterpoint as ct
from counterpoint.datasets.registry import best_known
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.local_search import job_shop_bottleneck
from counterpoint.solvers.local_search.job_shop_bottleneck import solve
from counterpoint.solvers.local_search.job_shop_selection import (
    delays_between,
    empty_selection,
    longest_paths,
    release_machine,
    sequence_machine,
)


def random_shop(seed: int) -> JobShop:
    """1-7 jobs of 1-6 operations on 1-4 machines, re-entrant, some durations zero."""
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 5))
    jobs = [
        [(int(rng.integers(m)), int(rng.integers(0, 9))) for _ in range(rng.integers(1, 7))]
        for _ in range(rng.integers(1, 8))
    ]
    return JobShop.from_jobs(f"random-{seed}", jobs, num_machines=m)


def run(shop: JobShop, budget: Budget | None = None) -> tuple[object, list[Schedule]]:
    found: list[Schedule] = []
    return solve(shop, budget or Budget(), 0, None, lambda solution=None, **_: found.append(solution)), found


def test_feasible_and_the_claim_true() -> None:
    for seed in range(300):
        shop = random_shop(seed)
        outcome, found = run(shop)
        verdict = check(shop, outcome.solution)
        assert verdict.is_feasible, (seed, str(verdict))
        assert verdict.objective == outcome.objective <= found[0].makespan


def test_the_procedure_alone_is_feasible(monkeypatch: pytest.MonkeyPatch) -> None:
    # with a poor rule to start from, what comes back is the procedure's own schedule
    rule = job_shop_bottleneck.dispatch
    monkeypatch.setattr(job_shop_bottleneck, "dispatch", lambda shop, _: rule(shop, "lwkr", "append"))
    own = 0
    for seed in range(300):
        shop = random_shop(seed)
        outcome, _ = run(shop)
        assert check(shop, outcome.solution).is_feasible, seed
        own += outcome.message == ""
    assert own >= 100


def test_exact_on_one_machine_with_heads_and_tails() -> None:
    # machines 1.. are used once each, so they only make heads and tails: Carlier's example, optimum 50
    heads, durations, tails = [10, 13, 11, 20, 30, 0, 30], [5, 6, 7, 4, 3, 6, 2], [7, 26, 24, 21, 8, 17, 0]
    jobs = [
        [(1 + 2 * j, r), (0, p), (2 + 2 * j, q)]
        for j, (r, p, q) in enumerate(zip(heads, durations, tails, strict=True))
    ]
    outcome, _ = run(JobShop.from_jobs("carlier", jobs))
    assert outcome.objective == 50
    assert str(outcome.termination) == "completed"


def test_published_quality() -> None:
    # optima 55 and 930; SLIM's table has a mean gap of 11.5 % on ta01-10
    assert run(ct.benchmark("ft06"))[0].objective <= 59
    assert run(ct.benchmark("ft10"))[0].objective <= 1040
    gaps = []
    for k in range(1, 11):
        shop = ct.benchmark(f"ta{k:02d}")
        gaps.append(run(shop)[0].objective / best_known(shop).upper_bound - 1)
    assert 0 <= np.mean(gaps) <= 0.115


def test_budget() -> None:
    shop = ct.benchmark("ta41")
    run(shop, Budget(iterations=1))  # compile
    none, _ = run(shop, Budget(iterations=0))
    assert none.iterations == 0
    assert "rule's schedule" in none.message
    assert check(shop, none.solution).is_feasible
    for limit in (0.0, 0.02):
        outcome, _ = soon(lambda limit=limit: run(shop, Budget(time_limit_s=limit)), limit + 1.0)
        assert str(outcome.termination) == "time"
        assert check(shop, outcome.solution).is_feasible
    few = run(shop, Budget(iterations=40))[0]
    assert few.iterations == 40
    assert str(few.termination) == "iterations"
    assert str(run(shop, Budget(target=10_000))[0].termination) == "target"


def test_stopped_while_resequencing_is_feasible() -> None:
    shop = ct.benchmark("ta01")
    total = run(shop)[0].iterations
    assert total > 300
    for iterations in range(0, total, 7):
        outcome, _ = run(shop, Budget(iterations=iterations))
        assert check(shop, outcome.solution).is_feasible, iterations


def test_deterministic_and_through_the_front_door() -> None:
    shop = ct.benchmark("ta02")
    first, second = (ct.solve(shop, "shifting-bottleneck", seed=s) for s in (0, 1))
    assert first.solution == second.solution
    assert first.objective == first.claimed_objective


def test_a_schedule_that_meets_the_bound_is_proved() -> None:
    outcome, _ = run(ct.benchmark("ta71"))
    assert outcome.objective == outcome.bound == 5464
    assert str(outcome.termination) == "optimal"


def test_refuses_variants() -> None:
    with pytest.raises(UnsupportedError, match="unavailability"):
        run(JobShop.from_jobs("window", [[(0, 3)]], unavailable=[(0, 1, 2)]))


def test_paths_equal_networkx() -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        shop = random_shop(seed)
        graph = empty_selection(shop)
        base = np.asarray(ct.solve(shop, "random", seed=seed).solution.start)  # an acyclic choice of sequences
        ends = base + shop.duration
        order = np.lexsort((np.arange(shop.num_operations), ends, base))
        for m in range(shop.num_machines):
            ops = order[shop.machine[order] == m]
            if len(ops):
                sequence_machine(graph, ops)
                if rng.random() < 0.4:
                    release_machine(graph, ops)
        arcs = nx.DiGraph()
        arcs.add_nodes_from(range(shop.num_operations))
        for i in range(shop.num_operations):
            arcs.add_edges_from((i, int(j)) for j in (graph.job_after[i], graph.machine_after[i]) if j >= 0)
        head, tail, topological = longest_paths(graph)
        assert sorted(topological.tolist()) == list(range(shop.num_operations))
        ops = np.arange(shop.num_operations)
        delay = delays_between(graph, ops, topological)
        for i in range(shop.num_operations):
            for j in range(shop.num_operations):
                paths = nx.all_simple_paths(arcs, i, j) if i != j else []
                expected = max((sum(int(shop.duration[k]) for k in path[:-1]) for path in paths), default=-1)
                assert delay[i, j] == expected, (seed, i, j)
            assert head[i] == max([0, *delay[:, i]])
            reach = [d - shop.duration[i] + shop.duration[k] for k, d in enumerate(delay[i]) if d >= 0]
            assert tail[i] == max([0, *reach])
