"""Random job shops. Every generator also takes the variants: blocking, due dates, weights, unavailability windows."""

from typing import Any

import numpy as np

from counterpoint.datasets.generators import job_shop_public
from counterpoint.datasets.generators.job_shop_variants import with_variants
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import MAX_OPERATIONS, Blocking, JobShop

MAX_SEED = 2**31 - 2


def uniform(
    *,
    jobs: int,
    machines: int,
    seed: int = 0,
    duration_min: int = 1,
    duration_max: int = 99,
    blocking: Blocking = "none",
    due_date_tightness: float | None = None,
    max_weight: int = 1,
    windows_per_machine: int = 0,
) -> JobShop:
    """Build a rectangular shop: durations U{duration_min..duration_max}, each job's machines in random order.

    The distribution of Taillard (1993) and of most learning papers, drawn from numpy's generator.
    """
    _check_sizes(seed, jobs * machines, jobs=jobs, machines=machines)
    _check_range("duration", 0, duration_min, duration_max)
    rng = np.random.default_rng(seed)
    durations = rng.integers(duration_min, duration_max, size=(jobs, machines), endpoint=True)
    routes = rng.permuted(np.tile(np.arange(machines), (jobs, 1)), axis=1)
    name = f"uniform-{jobs}x{machines}-{seed}"
    shop = JobShop.from_matrices(name, routes, durations, num_machines=machines)
    return with_variants(shop, rng, blocking, due_date_tightness, max_weight, windows_per_machine)


def from_taillard(
    *,
    jobs: int,
    machines: int,
    time_seed: int | None = None,
    machine_seed: int | None = None,
    seed: int = 0,
    blocking: Blocking = "none",
    due_date_tightness: float | None = None,
    max_weight: int = 1,
    windows_per_machine: int = 0,
) -> JobShop:
    """Build Taillard's shop, bit for bit; a seed that is not given is derived from `seed`."""
    _check_sizes(seed, jobs * machines, jobs=jobs, machines=machines)
    drawn = [int(x) % MAX_SEED + 1 for x in np.random.SeedSequence(seed).generate_state(2)]
    times, routes = (own if own is not None else d for own, d in zip((time_seed, machine_seed), drawn, strict=True))
    _check_seed("time_seed", times)
    _check_seed("machine_seed", routes)
    shop = job_shop_public.taillard(
        jobs=jobs,
        machines=machines,
        time_seed=times,
        machine_seed=routes,
        name=f"taillard-{jobs}x{machines}-{times}-{routes}",
    )
    rng = np.random.default_rng(seed)
    return with_variants(shop, rng, blocking, due_date_tightness, max_weight, windows_per_machine)


def from_demirkol(
    *,
    jobs: int,
    machines: int,
    seed: int = 0,
    two_sets: bool = False,
    blocking: Blocking = "none",
    due_date_tightness: float | None = None,
    max_weight: int = 1,
    windows_per_machine: int = 0,
) -> JobShop:
    """Build Demirkol's shop, bit for bit; `seed` is the generator's own and must be at least 1."""
    _check_sizes(seed, jobs * machines, jobs=jobs, machines=machines)
    _check_seed("seed", seed)
    name = f"demirkol-{jobs}x{machines}-{seed}{'-two-sets' if two_sets else ''}"
    shop = job_shop_public.demirkol(jobs=jobs, machines=machines, seed=seed, two_sets=two_sets, name=name)
    rng = np.random.default_rng(seed)
    return with_variants(shop, rng, blocking, due_date_tightness, max_weight, windows_per_machine)


def flexible(
    *,
    jobs: int,
    machines: int,
    seed: int = 0,
    operations_min: int | None = None,
    operations_max: int | None = None,
    duration_max: int = 20,
    deviation: float = 0.2,
    blocking: Blocking = "none",
    due_date_tightness: float | None = None,
    max_weight: int = 1,
    windows_per_machine: int = 0,
) -> JobShop:
    """Build a flexible shop as Song, Chen, Li and Cao (IEEE TII 19 (2023) 1600-1610) do for training.

    A job has U{operations_min..operations_max} operations (default 0.8 m to 1.2 m), an operation U{1..m} machines
    and a mean duration p U{1..duration_max}; on each machine it takes U{(1 - deviation) p .. (1 + deviation) p},
    rounded and kept within 1..duration_max.
    """
    _check_sizes(seed, jobs * machines, jobs=jobs, machines=machines)
    low = max(1, int(0.8 * machines)) if operations_min is None else operations_min
    high = max(low, int(1.2 * machines)) if operations_max is None else operations_max
    _check_range("operations", 1, low, high)
    _check_range("duration", 1, 1, duration_max)
    _check_sizes(seed, jobs * high * machines)
    if not 0 <= deviation < 1:
        raise OptionError(f"deviation must lie in [0, 1), not {deviation}")
    rng = np.random.default_rng(seed)
    built = []
    for _ in range(jobs):
        job = []
        for _ in range(int(rng.integers(low, high, endpoint=True))):
            count = int(rng.integers(1, machines, endpoint=True))
            chosen = np.sort(rng.permutation(machines)[:count])
            mean = int(rng.integers(1, duration_max, endpoint=True))
            least, most = max(1, round(mean * (1 - deviation))), min(duration_max, round(mean * (1 + deviation)))
            durations = rng.integers(least, most, size=count, endpoint=True)
            job.append(list(zip(chosen.tolist(), durations.tolist(), strict=True)))
        built.append(job)
    shop = JobShop.from_jobs(f"flexible-{jobs}x{machines}-{seed}", built, num_machines=machines)
    return with_variants(shop, rng, blocking, due_date_tightness, max_weight, windows_per_machine)


def re_entrant(
    *,
    jobs: int,
    machines: int,
    seed: int = 0,
    operations_min: int | None = None,
    operations_max: int | None = None,
    duration_min: int = 1,
    duration_max: int = 99,
    blocking: Blocking = "none",
    due_date_tightness: float | None = None,
    max_weight: int = 1,
    windows_per_machine: int = 0,
) -> JobShop:
    """Build a shop whose jobs visit machines again, never the same one twice in a row (if there are two or more).

    A job has U{operations_min..operations_max} operations (default m to 2 m); any number is allowed.
    """
    _check_sizes(seed, jobs * machines, jobs=jobs, machines=machines)
    low = machines if operations_min is None else operations_min
    high = max(low, 2 * machines) if operations_max is None else operations_max
    _check_range("operations", 1, low, high)
    _check_range("duration", 0, duration_min, duration_max)
    _check_sizes(seed, jobs * high)
    rng = np.random.default_rng(seed)
    built: list[list[Any]] = []
    for _ in range(jobs):
        count = int(rng.integers(low, high, endpoint=True))
        # each machine is the one before plus 1..m-1, modulo m
        steps = rng.integers(1, max(machines, 2), size=count)
        route = (rng.integers(machines) + np.cumsum(steps)) % machines
        durations = rng.integers(duration_min, duration_max, size=count, endpoint=True)
        built.append(list(zip(route.tolist(), durations.tolist(), strict=True)))
    shop = JobShop.from_jobs(f"re-entrant-{jobs}x{machines}-{seed}", built, num_machines=machines)
    return with_variants(shop, rng, blocking, due_date_tightness, max_weight, windows_per_machine)


def _check_sizes(seed: int, operations: int = 0, **sizes: int) -> None:
    for key, value in sizes.items():
        if value < 1:
            raise OptionError(f"{key} must be at least 1, not {value}")
    if operations > MAX_OPERATIONS:
        raise OptionError(f"up to {operations} operations and options; at most {MAX_OPERATIONS} are supported")
    if seed < 0:
        raise OptionError(f"seed must be at least 0, not {seed}")


def _check_range(what: str, least: int, low: int, high: int) -> None:
    if not least <= low <= high:
        raise OptionError(f"{what}_min and {what}_max must satisfy {least} <= min <= max, not {low} and {high}")


def _check_seed(key: str, value: int) -> None:
    if not 1 <= value <= MAX_SEED:
        raise OptionError(f"{key} must lie in 1..{MAX_SEED}, not {value}")
