"""Random interrupted blocking job shops."""

import dataclasses

from counterpoint.datasets.generators import job_shop
from counterpoint.opt.problems.interrupted_job_shop import FailWhen, InterruptedJobShop, OnInterrupt, Repair


def uniform(
    *,
    jobs: int,
    machines: int,
    seed: int = 0,
    duration_min: int = 1,
    duration_max: int = 99,
    shutdown_probability: float = 0.05,
    repair: Repair = "geometric",
    repair_mean: int = 10,
    fail_when: FailWhen = "always",
    on_interrupt: OnInterrupt = "resume",
) -> InterruptedJobShop:
    """Build a rectangular shop as `job_shop.uniform` does, with blocking and swaps, whose machines shut down."""
    shop = job_shop.uniform(
        jobs=jobs, machines=machines, seed=seed, duration_min=duration_min, duration_max=duration_max, blocking="swap"
    )
    shop = dataclasses.replace(shop, name=f"uniform-{jobs}x{machines}-{seed}")
    return InterruptedJobShop(
        shop,
        shutdown_probability,
        repair=repair,
        repair_mean=repair_mean,
        fail_when=fail_when,
        on_interrupt=on_interrupt,
    )
