"""Lower bounds: published values, validity against brute force on every variant, known cases by hand."""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.bounds.job_shop import (
    best_bound,
    heads_tails,
    job_length,
    machine_heads_tails,
    machine_load,
    preemptive,
    tardiness_bound,
)

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data"))
PUBLISHED = DATA / "job_shop" / "lower_bounds_scheduleopt.csv"


def optimum(shop: JobShop) -> int:
    """The least objective without blocking: all orders and options, each operation as early as possible."""
    windows = [[w[1:] for w in sorted(shop.unavailable.tolist()) if w[0] == m] for m in range(shop.num_machines)]
    jobs = [
        [shop.options_of(i) for i in range(int(a), int(b))]
        for a, b in zip(shop.job_offsets, shop.job_offsets[1:], strict=False)
    ]
    states = {((0,) * len(jobs), (0,) * len(jobs), (0,) * shop.num_machines)}
    for _ in range(shop.num_operations):
        states = set(_successors(states, jobs, windows))
    ends = np.array([ready for _, ready, _ in states])
    if shop.objective == "makespan":
        return int(ends.max(axis=1).min())
    return int((np.maximum(ends - shop.due_dates, 0) @ shop.weights).min())


def _successors(states: set, jobs: list, windows: list) -> Iterator[tuple]:
    for step, ready, free in states:
        for j, job in enumerate(jobs):
            if step[j] == len(job):
                continue
            for machine, duration in job[step[j]]:
                start = max(ready[j], free[machine])
                for _ in windows[machine]:
                    for begin, end in windows[machine]:
                        if start < end and start + duration > begin:
                            start = end
                done = start + duration
                yield (
                    (*step[:j], step[j] + 1, *step[j + 1 :]),
                    (*ready[:j], done, *ready[j + 1 :]),
                    (*free[:machine], done, *free[machine + 1 :]),
                )


def test_never_above_the_optimum(small_shops: Callable[[int, int], Iterator[JobShop]]) -> None:
    tight = 0
    for shop in small_shops(240, 5):
        best = optimum(shop)  # of the shop with buffers: blocking can only cost more
        assert best_bound(shop) <= best, shop.name
        if shop.objective == "makespan":
            parts = [bound(shop) for bound in (job_length, machine_load, machine_heads_tails, preemptive)]
            assert max(parts) == best_bound(shop) <= best, (shop.name, parts)
            assert parts[1] <= parts[2] <= parts[3], shop.name
        tight += best_bound(shop) == best
    assert tight >= 120  # a bound of zero would pass all the rest


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"needs {PUBLISHED} (set COUNTERPOINT_DATA)")
def test_equal_the_published_values() -> None:
    compared = 0
    for row in csv.DictReader(PUBLISHED.open()):
        shop = ct.benchmark(row["instance"])
        ours = {
            "job_length": job_length(shop),
            "machine_load": machine_load(shop),
            "machine_heads_tails": machine_heads_tails(shop),
            "carlier_jps": preemptive(shop),
        }
        assert ours == {key: int(row[key]) for key in ours}, row["instance"]
        compared += 1
    assert compared == 232


def test_published_values_of_two_instances() -> None:
    values = [
        [bound(ct.benchmark(name)) for bound in (job_length, machine_load, machine_heads_tails, preemptive)]
        for name in ("ta01", "ta61")
    ]
    assert values == [[963, 977, 1005, 1168], [1284, 2868, 2868, 2868]]


def test_heads_and_tails_by_hand() -> None:
    shop = JobShop.from_jobs("chain", [[(0, 2), (1, 3), (0, 4)], [(1, 5)]], unavailable=[(1, 4, 6)])
    head, tail = heads_tails(shop)
    assert head.tolist() == [0, 6, 9, 6]  # neither 3 from 2 on nor 5 from 0 on fits before the window
    assert tail.tolist() == [7, 4, 0, 0]
    assert job_length(shop) == 13


def test_pools_of_machines() -> None:
    # five operations of 4 on machines 0 or 1: 20 of work on two machines; machine 2 only shortens heads
    jobs = [[[(2, 1)], [(0, 4), (1, 5)]] for _ in range(5)]
    shop = JobShop.from_jobs("pool", jobs)
    assert machine_load(shop) == 10
    assert machine_heads_tails(shop) == 11
    assert best_bound(shop) == 11
    uneven = JobShop.from_jobs("odd", [[[(0, 3), (1, 3)]], [[(0, 3), (1, 3)]], [[(0, 3), (1, 3)]]])
    assert machine_load(uneven) == 5  # 9 / 2, rounded up


def test_preemptive_counts_windows() -> None:
    plain = JobShop.from_jobs("plain", [[(0, 4)], [(0, 4)]])
    closed = JobShop.from_jobs("closed", [[(0, 4)], [(0, 4)]], unavailable=[(0, 2, 5), (0, 6, 7)])
    assert preemptive(plain) == 8
    assert preemptive(closed) == optimum(closed) == 15  # nothing of 4 fits before 7
    # work of no duration may be done at the very edge of a window
    edge = JobShop.from_jobs("edge", [[(0, 3)], [(1, 3), (0, 0)]], unavailable=[(0, 3, 9)])
    assert best_bound(edge) == optimum(edge) == 3


def test_tardiness_of_each_job_alone() -> None:
    shop = JobShop.from_jobs(
        "late", [[(0, 4), (1, 4)], [(0, 6)]], objective="total-weighted-tardiness", due_dates=[5, 9], weights=[2, 3]
    )
    assert tardiness_bound(shop) == best_bound(shop) == 6


def test_reentrant_job_bounds_itself() -> None:
    shop = JobShop.from_jobs("again", [[(0, 3), (0, 4), (0, 5)]])
    assert [job_length(shop), machine_load(shop), preemptive(shop)] == [12, 12, 12]
