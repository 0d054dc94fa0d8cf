"""Random small job shops of every variant and combination, for agreement tests between exact methods."""

import itertools
from collections.abc import Iterator

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop

BLOCKING = ("none", "swap", "no-swap")
OBJECTIVES = ("makespan", "total-weighted-tardiness")
COMBINATIONS = tuple(itertools.product(BLOCKING, OBJECTIVES, (False, True), (False, True)))


def small_shops(count: int, seed: int) -> Iterator[JobShop]:
    """Yield `count` shops of 2-4 jobs; 24 in a row have every combination of variants.

    Jobs differ in length and may visit a machine again, also at once; some durations are zero (where
    the variant allows them), some windows touch or overlap, some weights and due dates are zero.
    """
    for index, child in enumerate(np.random.SeedSequence(seed).spawn(count)):
        yield _shop(f"small-{seed}-{index}", np.random.default_rng(child), *COMBINATIONS[index % len(COMBINATIONS)])


def _shop(
    name: str, rng: np.random.Generator, blocking: str, objective: str, is_flexible: bool, has_windows: bool
) -> JobShop:
    num_machines = int(rng.integers(2, 4))
    num_jobs = int(rng.integers(2, 4 if is_flexible else 5))
    shortest_duration = 1 if blocking == "no-swap" or rng.random() < 0.5 else 0
    jobs = []
    for _ in range(num_jobs):
        # half of the jobs visit each machine at most once, as in the classical shop; the others re-enter
        length = int(rng.integers(1, 4))
        is_classical = rng.random() < 0.5 and length <= num_machines
        route = rng.permutation(num_machines)[:length] if is_classical else rng.integers(0, num_machines, length)
        jobs.append([_operation(rng, int(m), num_machines, shortest_duration, is_flexible) for m in route])
    work = sum(max(p for _, p in op) for job in jobs for op in job)
    rest: dict[str, object] = {}
    if objective != "makespan":
        rest["due_dates"] = rng.integers(0, work + 1, num_jobs)
        if rng.random() < 0.7:
            rest["weights"] = rng.integers(0, 5, num_jobs)
    if has_windows:
        begin = rng.integers(0, work + 1, int(rng.integers(1, 4)))
        length = rng.integers(1, 6, len(begin))
        rest["unavailable"] = [
            (int(rng.integers(num_machines)), int(b), int(b + w)) for b, w in zip(begin, length, strict=True)
        ]
    return JobShop.from_jobs(name, jobs, num_machines=num_machines, blocking=blocking, objective=objective, **rest)


def _operation(
    rng: np.random.Generator, machine: int, num_machines: int, shortest: int, is_flexible: bool
) -> list[tuple[int, int]]:
    """Return the options of one operation; `machine` is the first."""
    others = [m for m in range(num_machines) if m != machine]
    extra = [int(m) for m in rng.permutation(others)[: int(rng.integers(0, 3))]] if is_flexible else []
    return [(m, int(rng.integers(shortest, 7))) for m in (machine, *extra)]
