"""Values of public instances, proved by CP-SAT through `solve`.

Blocking with swap: ScheduleOpt/optalcp-benchmarks (CP Optimizer and OptalCP). Flexible: Brandimarte's mk.
"""

import dataclasses
import os
from pathlib import Path

import pytest

from counterpoint.datasets.reading import read
from counterpoint.datasets.registry import benchmark
from counterpoint.opt.result import SolutionStatus
from counterpoint.opt.solving import solve

ROOT = Path(__file__).parents[3]
FLEXIBLE = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data")) / "job_shop" / "fjs"
SLOW = pytest.mark.slow


def proved(shop):
    result = solve(shop, "cp-sat", threads=2, seed=1, time_limit=300)
    assert result.solution_status is SolutionStatus.OPTIMAL, result
    return result.objective


@pytest.mark.parametrize(
    ("name", "optimum"),
    [
        ("ft06", 55),
        ("la01", 666),
        ("la02", 655),
        ("la03", 597),
        ("la04", 590),
        ("la05", 593),
        ("orb02", 888),
        pytest.param("ft10", 930, marks=SLOW),
        pytest.param("orb01", 1059, marks=SLOW),
        pytest.param("orb03", 1005, marks=SLOW),
    ],
)
def test_classical(name, optimum):
    assert proved(benchmark(name)) == optimum


@pytest.mark.parametrize(
    ("name", "optimum"),
    [
        ("ft06", 63),
        pytest.param("la01", 793, marks=SLOW),
        pytest.param("la05", 664, marks=SLOW),
    ],
)
def test_blocking_with_swap(name, optimum):
    assert proved(dataclasses.replace(benchmark(name), blocking="swap")) == optimum


@pytest.mark.slow
def test_blocking_with_swap_reaches_orb07():
    """Found within seconds; the proof takes CP-SAT longer than a minute."""
    shop = dataclasses.replace(benchmark("orb07"), blocking="swap")
    assert solve(shop, "cp-sat", threads=2, seed=1, target=483, time_limit=300).objective == 483


def test_without_swap_is_never_better():
    swap, no_swap = (proved(dataclasses.replace(benchmark("ft06"), blocking=b)) for b in ("swap", "no-swap"))
    assert swap == 63 <= no_swap


@pytest.mark.parametrize(("name", "optimum"), [("Mk01", 40), ("Mk03", 204), ("Mk08", 523)])
def test_flexible(name, optimum):
    assert proved(_flexible(name)) == optimum


@pytest.mark.slow
def test_flexible_mk02():
    assert solve(_flexible("Mk02"), "cp-sat", threads=2, seed=1, target=27, time_limit=120).objective <= 27


def _flexible(name):
    path = FLEXIBLE / f"{name}.fjs"
    if not path.exists():
        pytest.skip(f"{path} is not there; set COUNTERPOINT_DATA")
    return read(path)
