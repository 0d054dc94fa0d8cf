"""Random job shops for the parity tests of the simulators."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from counterpoint.opt.problems.job_shop import JobShop


def _random_shop(rng: np.random.Generator, is_flexible: bool) -> JobShop:
    """Draw a shop of 1-6 jobs on 1-5 machines, two in five classical, the others re-entrant and of unequal lengths.

    A third of the durations of every other shop is zero.
    """
    n, m = int(rng.integers(1, 7)), int(rng.integers(1, 6))
    zeros = 0.33 if rng.random() < 0.5 else 0.0
    longest = int(rng.choice([2, 9, 99]))
    is_classical = rng.random() < 0.4

    def duration() -> int:
        return 0 if rng.random() < zeros else int(rng.integers(1, longest + 1))

    jobs = []
    for _ in range(n):
        route = rng.permutation(m) if is_classical else rng.integers(0, m, int(rng.integers(1, 7)))
        job = []
        for machine in route.tolist():
            others = [x for x in rng.permutation(m).tolist() if x != machine][: int(rng.integers(0, 4))]
            job.append([(x, duration()) for x in [machine, *(others if is_flexible else [])]])
        jobs.append(job)
    return JobShop.from_jobs("random", jobs, num_machines=m)


@pytest.fixture(scope="session")
def random_shop() -> Callable[[np.random.Generator, bool], JobShop]:
    """``random_shop(rng, is_flexible)``."""
    return _random_shop


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Tensors this small only wait for a second thread, above all where tests run side by side."""
    torch.set_num_threads(1)
