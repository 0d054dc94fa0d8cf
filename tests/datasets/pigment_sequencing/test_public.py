"""The shipped instances of CSPLib 058 and what is known about them."""

import dataclasses

import pytest

import counterpoint as ct
from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.registry import best_known, reference
from counterpoint.opt.errors import InstanceError

# as the files state them, except pigment15c, pigment30c, psp-150-4 and psp-200-4 (figures/README.md)
VALUES = {
    "pigment15a": 1195, "pigment15b": 1123, "pigment15c": 1370, "pigment15d": 1486, "pigment15e": 1583,
    "pigment20a": 1147, "pigment20b": 2101, "pigment20c": 2182, "pigment30a": 1119, "pigment30b": 1320,
    "pigment30c": 1707, "psp-100-1": 10088, "psp-100-2": 10347, "psp-100-3": 10340, "psp-100-4": 8999,
    "psp-150-3": 14457, "psp-150-4": 18171, "psp-200-1": 21882, "psp-200-2": 16127, "psp-200-3": 18289,
    "psp-200-4": 20724,
}  # fmt: skip


def test_all_are_shipped_and_recognised_by_content():
    assert ct.benchmarks(problem="pigment-sequencing") == tuple(sorted(VALUES))
    for name, value in VALUES.items():
        instance = ct.benchmark(name)
        found = best_known(dataclasses.replace(instance, name="renamed"))
        assert instance.name == name
        assert (found.name, found.lower_bound, found.upper_bound) == (name, value, value)


def test_names_as_published_are_understood():
    assert ct.benchmark("PSP_100_1") == ct.benchmark("psp-100-1")


def test_sizes_in_the_table_are_those_of_the_instances():
    for name, items, periods, *_ in figure_rows("pigment_sequencing_bounds.csv"):
        if name in VALUES:
            instance = ct.benchmark(name)
            assert (instance.num_items, instance.num_periods) == (int(items), int(periods)), name


def test_of_two_only_the_bounds_are_known():
    assert (reference("psp-150-1").lower_bound, reference("PSP_150_2").upper_bound) == (17717, 26032)
    with pytest.raises(InstanceError, match="only the bounds are known"):
        ct.benchmark("psp-150-1")
