import dataclasses

import numpy as np
import pytest

from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.registry import benchmark, benchmarks, best_known, canonical, reference
from counterpoint.opt.errors import InstanceError, UnknownNameError
from counterpoint.opt.problems.job_shop import JobShop

SHIPPED = [name for name in benchmarks(problem="job-shop") if not name.endswith("data") and not name.startswith("mk")]


@pytest.mark.parametrize(
    ("name", "lower", "upper"),
    [
        ("ft06", 55, 55), ("ft10", 930, 930), ("ft20", 1165, 1165), ("la01", 666, 666), ("abz7", 656, 656),
        ("abz8", 667, 667), ("abz9", 678, 678), ("yn1", 884, 884), ("ta01", 1231, 1231), ("ta03", 1218, 1218),
        ("ta13", 1342, 1342), ("ta41", 1926, 2005), ("ta45", 1997, 1997), ("ta46", 1976, 2002),
        ("ta61", 2868, 2868), ("dmu01", 2563, 2563), ("dmu41", 3176, 3248), ("swv07", 1541, 1594),
        ("ft06-blocking-swap", 63, 63), ("la01-blocking-swap", 793, 793), ("la05-blocking-swap", 664, 664),
        ("orb07-blocking-swap", 483, 483), ("ft10-blocking-swap", 1068, 1068),
    ],
)  # fmt: skip
def test_published_bounds(name, lower, upper):
    found = best_known(benchmark(name))
    assert found is not None
    assert (found.name, found.lower_bound, found.upper_bound) == (name, lower, upper)
    assert found.source.startswith("ScheduleOpt/")


@pytest.mark.parametrize(
    ("name", "upper"), [("mk01", 40), ("mk10", 193), ("kacem4", 11), ("la03_edata", 550), ("tai-1000-10-1", 515334)]
)
def test_references_by_name(name, upper):
    assert reference(name).upper_bound == upper


def test_every_shipped_instance_is_built_and_recognised():
    for name in SHIPPED:
        shop = benchmark(name)
        found = best_known(shop)
        assert shop.name == name
        assert found is not None, name
        assert found.name == name
    assert len(SHIPPED) == 484


def test_sizes_in_the_table_are_those_of_the_instances():
    table = {row[0]: (int(row[1]), int(row[2])) for row in figure_rows("job_shop_bounds.csv")}
    for name in SHIPPED:
        shop = benchmark(name)
        assert table[name] == (shop.num_jobs, shop.num_machines), name


def test_every_bound_contains_the_trivial_bounds():
    # the longest job and the busiest machine bound the makespan from below, with and without blocking
    for name in SHIPPED:
        shop, known = benchmark(name), best_known(benchmark(name))
        works = np.add.reduceat(shop.duration, shop.job_offsets[:-1])
        loads = np.bincount(shop.machine, shop.duration)
        assert known.upper_bound >= max(works.max(), loads.max()), name
        assert known.lower_bound <= known.upper_bound


def test_blocking_never_beats_the_classical_bound():
    for name in SHIPPED:
        if not name.endswith("-blocking-swap"):
            assert reference(f"{name}-blocking-swap").upper_bound >= reference(name).lower_bound, name


def test_recognition_is_by_content_not_by_name():
    ft06 = benchmark("ft06")
    assert best_known(dataclasses.replace(ft06, name="my shop")).name == "ft06"
    changed = ft06.option_duration.copy()
    changed[0] += 1
    assert best_known(dataclasses.replace(ft06, option_duration=changed)) is None
    assert best_known(dataclasses.replace(ft06, blocking="no-swap")) is None
    assert best_known(JobShop.from_jobs("ft06", [[(0, 1)]])) is None


def test_names_are_forgiving_about_case_hyphens_and_yn():
    assert benchmark("TA01") == benchmark("ta01")
    assert benchmark("la01_blocking_swap").blocking == "swap"
    assert benchmark("yn01").name == "yn1"
    assert canonical(" La01_eData ") == "la01-edata"


def test_unknown_names_suggest_close_ones():
    with pytest.raises(UnknownNameError, match=r"did you mean .*ta41"):
        benchmark("ta410")
    with pytest.raises(UnknownNameError, match="no problem named"):
        benchmarks(problem="bin-packing")
    with pytest.raises(UnknownNameError):
        reference("nope")


def test_bounds_only_instances_say_so():
    with pytest.raises(InstanceError, match="only the bounds are known"):
        benchmark("tai_10_10_1")


def test_patterns():
    assert (
        benchmarks("ta0*")
        == tuple(f"ta0{i}" for i in range(1, 10)) + tuple(f"ta0{i}-blocking-swap" for i in range(1, 10))
        or len(benchmarks("ta0*")) == 18
    )
    assert benchmarks("TA80") == ("ta80",)
    assert len(benchmarks("*-blocking-swap")) == 242
    assert len(benchmarks("la??-?data")) == 15
    assert benchmarks("zz*") == ()
    assert set(benchmarks(problem="job-shop")) < set(benchmarks())
    assert benchmarks("trigeiro-g*", problem="job-shop") == benchmarks(problem="interrupted-job-shop") == ()
    assert len(benchmarks("trigeiro-g*", problem="lot-sizing")) == 6
