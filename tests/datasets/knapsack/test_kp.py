"""Pisinger's files: by hand, every mistake with its line, and what is written is read back."""

import numpy as np
import pytest

from counterpoint.datasets.generating import generate
from counterpoint.datasets.knapsack.kp import read_kp, write_kp
from counterpoint.datasets.reading import read, write
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.knapsack import Knapsack

TEXT = "\n3\n14\n\n845 8\n7 4\n0 0\n"


def test_by_hand(tmp_path):
    for name in ("s.kp", "s.txt", "s"):
        (tmp_path / name).write_text(TEXT)
        assert read(tmp_path / name) == Knapsack("s", [845, 7, 0], [8, 4, 0], 14)


@pytest.mark.parametrize("items", [1, 2, 300])
def test_what_is_written_is_read_back(items, tmp_path):
    instance = generate("knapsack", items=items, seed=items)
    write(instance, tmp_path / f"{instance.name}.kp")
    assert read(tmp_path / f"{instance.name}.kp") == instance
    assert read_kp(data_lines(write_kp(instance).encode()), instance.name) == instance


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("3\n14", "2\n14", 7, "3 lines of items; expected 2"),
        ("3\n14", "4\n14", 7, "3 lines of items; expected 4"),
        ("3\n14", "0\n14", 5, "expected 0, and at least 1"),
        ("3\n14", "-3\n14", 7, "expected -3, and at least 1"),
        ("3\n14", "3\n-14", 3, "expected a whole number in 0.."),
        ("3\n14", "3\n14.0", 3, "'14.0' is not a whole number; expected the capacity"),
        ("7 4", "7 -4", 6, "numbers of at least 0"),
        ("7 4", "-7 4", 6, "numbers of at least 0"),
        ("7 4", "7", 6, "1 numbers; expected the value and the weight of an item"),
        ("7 4", "7 4 1", 6, "3 numbers; expected the value"),
        ("7 4", "7 nan", 6, "'nan' is not a whole number"),
        ("7 4", f"7 {10**17}", 3, "they add up to more"),
        ("7 4", "7 " + "1" * 30, 6, "a number of 30 digits is too large"),
        ("0 0\n", "0 0", 7, "the last line is cut"),
    ],
)
def test_every_mistake_has_its_line(old, new, line, message):
    assert TEXT.count(old) == 1
    with pytest.raises(InstanceError) as caught:
        read_kp(data_lines(TEXT.replace(old, new).encode()), "s")
    assert message in caught.value.message
    assert caught.value.line == line


def test_a_file_that_ends_too_soon():
    for text, message in (("3\n", "expected the capacity"), ("3\n14\n", "0 lines of items; expected 3")):
        with pytest.raises(InstanceError, match=message):
            read_kp(data_lines(text.encode()), "s")


def test_a_generated_sack_has_the_published_ranges():
    sack = generate("knapsack", items=20_000, seed=1)
    for numbers in (sack.value, sack.weight):
        assert (numbers.min(), numbers.max()) == (1, 998)
        assert numbers.mean() == pytest.approx(499.5, abs=6)
    assert abs(np.corrcoef(sack.value, sack.weight)[0, 1]) < 0.03
    assert [generate("knapsack", items=n).capacity for n in (20, 50, 100, 200)] == [5000, 12500, 25000, 25000]
    assert generate("knapsack", items=100, capacity=20_000).capacity == 20_000
