"""Public routing instances by name, and recognised by content."""

import dataclasses
import os
from pathlib import Path

import pytest

from counterpoint.datasets.reading import read, write
from counterpoint.datasets.registry import benchmark, benchmarks, best_known, reference
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.tsp import Tour, check

DATA = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "routing"
needs_files = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA} (set COUNTERPOINT_DATA)")
SIZES = {
    "att48": 48, "bays29": 29, "berlin52": 52, "br17": 17, "eil51": 51, "ftv33": 34, "gr96": 96, "kroa100": 100,
    "ry48p": 48, "ulysses22": 22,
}  # fmt: skip


def test_what_is_shipped():
    assert {name: benchmark(name).num_places for name in benchmarks(problem="tsp")} == SIZES
    assert benchmarks(problem="cvrp") == ("x-n101-k25",)
    routed = benchmark("X-n101-k25")
    assert (routed.num_places, routed.capacity, int(routed.demand.sum())) == (101, 206, 5147)


def test_every_shipped_instance_is_recognised_by_its_content(tmp_path):
    for name in (*benchmarks(problem="tsp"), *benchmarks(problem="cvrp")):
        instance = benchmark(name)
        assert instance.name == name
        assert best_known(dataclasses.replace(instance, name="mine")).name == name
        write(instance, tmp_path / f"x.{'vrp' if instance.problem == 'cvrp' else 'tsp'}")
    assert best_known(read(tmp_path / "x.vrp")).upper_bound == 27591


def test_a_changed_instance_is_not():
    instance = benchmark("br17")
    assert best_known(dataclasses.replace(instance, ends=(0, 1))) is None


def test_values_by_name():
    for name, value in {
        "kroA100": 21282, "berlin52": 7542, "att48": 10628, "gr96": 55209, "ulysses22": 7013, "bays29": 2020,
        "br17": 39, "ftv33": 1286, "ry48p": 14422, "p43": 5620, "rbg443": 2720, "pla85900": 142382641,
        "dsj1000": 18660188,
    }.items():  # fmt: skip
        known = reference(name)
        assert (known.lower_bound, known.upper_bound) == (value, value), name
    assert (reference("x-n1001-k43").lower_bound, reference("x-n1001-k43").upper_bound) == (None, 72355)
    with pytest.raises(InstanceError, match="only the bounds are known"):
        benchmark("a280")


def test_a_short_tour_by_hand():
    """Of ulysses22 and bays29 as shipped: the first places in order, from the published matrix and coordinates."""
    assert int(benchmark("bays29").places.lengths(0, 1)) == 107
    assert int(benchmark("ulysses22").places.lengths(0, 1)) == 509
    assert check(benchmark("br17"), Tour(range(17))).objective == 167


@needs_files
def test_files_are_recognised_under_any_name():
    for file, name in (("tsplib/kroA100.tsp", "kroa100"), ("atsp/ry48p.atsp", "ry48p"), ("tsplib/a280.tsp", "a280")):
        assert best_known(dataclasses.replace(read(DATA / file), name="mine")).name == name
    assert best_known(read(DATA / "cvrplib" / "X-n256-k16.vrp")).name == "x-n256-k16"
    assert read(DATA / "tsplib" / "gr96.tsp").content_hash == benchmark("gr96").content_hash
