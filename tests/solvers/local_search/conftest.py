"""Random classical shops and brute-force twins of the disjunctive graph."""

from collections.abc import Callable

import numpy as np
import pytest

from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.local_search.job_shop_graph import Graph, slots_of


@pytest.fixture(scope="session")
def shop() -> Callable[..., JobShop]:
    """``shop(seed, num_jobs, num_machines)``: jobs of any length, re-entrant, with durations of zero."""

    def build(seed: int, num_jobs: int = 5, num_machines: int = 4, longest: int = 9) -> JobShop:
        rng = np.random.default_rng(seed)
        jobs = []
        for _ in range(num_jobs):
            if rng.random() < 0.5:
                route = rng.permutation(num_machines)[: rng.integers(1, num_machines + 1)]
            else:
                route = rng.integers(0, num_machines, rng.integers(1, 2 * num_machines))
            jobs.append([(int(m), int(rng.integers(0, longest + 1))) for m in route])
        return JobShop.from_jobs(f"random-{seed}", jobs, num_machines=num_machines)

    return build


@pytest.fixture(scope="session")
def random_start() -> Callable[[JobShop, np.random.Generator], np.ndarray]:
    """``random_start(shop, rng)``: slots in a random topological order."""

    def build(instance: JobShop, rng: np.random.Generator) -> np.ndarray:
        following = instance.job_offsets[:-1].copy()
        order = []
        for j in rng.permutation(instance.job_of):
            order.append(following[j])
            following[j] += 1
        return slots_of(instance)[np.array(order)]

    return build


@pytest.fixture(scope="session")
def longest_paths() -> Callable[[Graph], tuple[np.ndarray, np.ndarray] | None]:
    """``longest_paths(graph)``: finishes and tails by relaxation over the links alone, None if cyclic."""

    def compute(graph: Graph) -> tuple[np.ndarray, np.ndarray] | None:
        slots = np.flatnonzero(graph.machine >= 0)
        finish, tail = np.zeros(len(graph.machine), np.int64), np.zeros(len(graph.machine), np.int64)
        waits = {int(v): int(graph.machine[v - 1] >= 0) + int(graph.before[v] != 0) for v in slots}
        ready = [v for v, count in waits.items() if count == 0]
        for v in ready:
            finish[v] = max(finish[v - 1], finish[graph.before[v]]) + graph.duration[v]
            for w in {int(v) + 1, int(graph.after[v])}:
                if graph.machine[w] < 0:
                    continue
                waits[w] -= int(w == v + 1) + int(w == graph.after[v])
                if waits[w] == 0:
                    ready.append(w)
        if len(ready) < len(slots):
            return None
        for v in reversed(ready):
            tail[v] = max(tail[v + 1], tail[graph.after[v]]) + graph.duration[v]
        return finish, tail

    return compute
