"""Small random interrupted shops of every variant, and policies that draw at random, for several test files."""

import numpy as np

from counterpoint.opt.problems.interrupted_job_shop import WAIT, InterruptedJobShop, Observation
from counterpoint.opt.problems.job_shop import JobShop


def random_shop(rng: np.random.Generator, jobs: int | None = None, machines: int | None = None) -> JobShop:
    """A shop of 1-6 jobs and 1-5 machines; some jobs visit machines again, even twice in a row, or take no time."""
    n = int(rng.integers(1, 7)) if jobs is None else jobs
    m = int(rng.integers(1, 6)) if machines is None else machines
    longest = int(rng.choice([3, 12, 40]))
    shortest = int(rng.random() < 0.7)  # 0 or 1
    is_classical = rng.random() < 0.6
    routes = []
    for _ in range(n):
        route = rng.permutation(m) if is_classical else rng.integers(0, m, int(rng.integers(1, m + 3)))
        routes.append([(int(k), int(rng.integers(shortest, longest + 1))) for k in route])
    return JobShop.from_jobs("random", routes, num_machines=m, blocking="swap")


def random_instance(rng: np.random.Generator, **sizes: int) -> InterruptedJobShop:
    restarts = rng.random() < 0.3
    return InterruptedJobShop(
        random_shop(rng, **sizes),
        float(rng.choice([0.0, 0.01, 0.05, 0.1, 0.2] if restarts else [0.0, 0.01, 0.1, 0.3, 1.0])),
        repair=str(rng.choice(["fixed", "uniform", "geometric"])),  # type: ignore[arg-type]
        repair_mean=int(rng.choice([1, 3, 15])),
        fail_when=str(rng.choice(["always", "busy"])),  # type: ignore[arg-type]
        on_interrupt="restart" if restarts else "resume",
    )


class RandomPolicy:
    """Any eligible job, or waiting with the given probability; remembers what it saw and chose."""

    def __init__(self, seed: int, waiting: float = 0.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.waiting = waiting
        self.seen: list[Observation] = []
        self.chosen: list[int] = []

    def start(self, episode: int) -> None:
        self.seen.clear()
        self.chosen.clear()

    def act(self, observation: Observation) -> int:
        self.seen.append(observation)
        if observation.may_wait and self.rng.random() < self.waiting:
            choice = WAIT
        else:
            choice = int(self.rng.choice(observation.eligible))
        self.chosen.append(choice)
        return choice
