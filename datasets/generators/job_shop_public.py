"""The two public job-shop generators, bit for bit.

- Taillard, "Benchmarks for basic scheduling problems", EJOR 64 (1993) 278-285, section 3: a shop from a
  time seed and a machine seed; ta01..ta80.
- Demirkol, Mehta and Uzsoy, "Benchmarks for shop scheduling problems", EJOR 109 (1998) 137-141: a shop
  from one seed, with machines drawn as one set or as two sets that a job visits one after the other; dmu01..dmu80.

Both draw from the multiplicative generator x <- 16807 x mod (2^31 - 1) (Bratley, Fox and Schrage 1983).
"""

from collections.abc import Iterator

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop

MULTIPLIER = 16807
MODULUS = 2**31 - 1


def taillard(*, jobs: int, machines: int, time_seed: int, machine_seed: int, name: str = "taillard") -> JobShop:
    """Build Taillard's shop: durations U{1..99} row by row, then one shuffle of the machines per job.

    Parameters
    ----------
    jobs, machines : int
    time_seed, machine_seed : int
        In 1..2^31 - 2.

    Examples
    --------
    >>> taillard(jobs=15, machines=15, time_seed=840612802, machine_seed=398197754).duration[:4].tolist()
    [94, 66, 10, 53]
    """
    times = _stream(time_seed)
    durations = [[_between(next(times), 1, 99) for _ in range(machines)] for _ in range(jobs)]
    swaps = _stream(machine_seed)
    routes = []
    for _ in range(jobs):
        route = list(range(machines))
        for i in range(machines):
            j = _between(next(swaps), i, machines - 1)
            route[i], route[j] = route[j], route[i]
        routes.append(route)
    return JobShop.from_matrices(name, routes, durations, num_machines=machines)


def demirkol(*, jobs: int, machines: int, seed: int, two_sets: bool = False, name: str = "demirkol") -> JobShop:
    """Build Demirkol's shop: durations U{1..200}; with `two_sets` a job passes machines 0..m//2-1 before the others.

    Parameters
    ----------
    jobs, machines : int
    seed : int
        In 1..2^31 - 2.
    two_sets : bool
        True for dmu41..dmu80.

    Notes
    -----
    The original program kept u = x / 2^31 in single precision and multiplied it by 200 in double precision.
    Anything else changes a duration here and there (dmu29, dmu59).
    """
    draws = _stream(seed)
    routes, durations = [], []
    for _ in range(jobs):
        keys = [_single(next(draws)) for _ in range(machines)]
        half = machines // 2 if two_sets else 0
        first = sorted(range(half), key=keys.__getitem__)
        routes.append(first + sorted(range(half, machines), key=keys.__getitem__))
        durations.append([int(1 + _single(next(draws)) * 200.0) for _ in range(machines)])
    return JobShop.from_matrices(name, routes, durations, num_machines=machines)


def _stream(state: int) -> Iterator[int]:
    while True:
        state = MULTIPLIER * state % MODULUS
        yield state


def _between(state: int, low: int, high: int) -> int:
    return low + int(state / MODULUS * (high - low + 1))


def _single(state: int) -> float:
    """Return x / 2^31 as rounded by single-precision arithmetic."""
    return float(np.float32(state) / np.float32(2**31))
