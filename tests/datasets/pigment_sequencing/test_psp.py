"""The .psp format: by hand, as published, and what is refused with its line."""

import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.datasets.pigment_sequencing.psp import read_psp, stated_bounds, write_psp
from counterpoint.datasets.reading import read, write
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError

TEXT = "3\n2\n0 1 0\n0 0 1\n10\n\n0 5\n4 0\n  \n12\n"


def parse(text):
    return read_psp(data_lines(text.encode()), "x")


def bounds(text):
    return stated_bounds(data_lines(text.encode()))


def test_by_hand():
    instance = parse(TEXT)
    assert instance.orders.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert instance.stocking_cost.tolist() == [10, 10]
    assert instance.changeover_cost.tolist() == [[0, 5], [4, 0]]
    assert bounds(TEXT) == (12, 12)
    assert bounds(TEXT.replace("12\n", "12 15\r\n")) == (12, 15)
    assert bounds(TEXT.replace("12\n", "")) is None
    assert parse(TEXT.replace("\n", "\r\n")) == instance


def test_changeover_costs_of_items_that_nobody_orders_are_left_out():
    larger = TEXT.replace("0 5\n4 0\n", "0 5 1\n4 0 1\n2 2 0\n")
    assert parse(larger) == parse(TEXT)
    assert bounds(larger) == (12, 12)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("3\n2", "0\n2", 1, "0 periods; expected 1"),
        ("3\n2", "3\n-2", 2, "-2 items; expected 1"),
        ("3\n2", "3 1\n2", 1, "2 numbers; expected the number of periods"),
        ("3\n2", "4\n2", 3, "3 numbers; expected 0 or 1 for each period, of 4"),
        ("3\n2", "3\n1", 4, "3 numbers; expected the stocking cost"),
        ("0 1 0", "0 2 0", 3, "expected 0 or 1, not 2"),
        ("0 1 0", "0 x 0", 3, "'x' is not a whole number"),
        ("0 1 0", "0 0 0", None, None),  # an item without orders is no mistake
        ("0 0 1", "0 0", 4, "2 numbers; expected 0 or 1"),
        ("10\n", "-10\n", 5, "expected a cost from 0"),
        ("10\n", "1.5\n", 5, "not a whole number"),
        ("0 5\n", "0\n", 7, "1 changeover costs; expected 2"),
        ("0 5\n", "1 5\n", 7, "expected 0 from an item to itself, not 1"),
        ("4 0\n", "-4 0\n", 8, "expected a cost from 0"),
        ("4 0\n", "4\n", 8, "1 numbers; expected 2 changeover costs"),
        ("4 0\n", "", 9, None),  # 12 becomes the second row of costs
        ("12", "12 11", 10, "expected the optimal cost, or a lower and an upper bound"),
        ("12", "-1", 10, "expected the optimal cost"),
        ("12", "1 2 3", 10, "expected the optimal cost"),
        ("12", "12\n13", 11, "and then nothing"),
        ("0 1 0\n0 0 1", "1 0 0\n1 0 0", 3, "infeasible: 2 orders are due within the first 1 periods"),
    ],
)
def test_what_is_refused(old, new, line, message):
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    if line is None:
        parse(text)
        return
    with pytest.raises(InstanceError, match=message) as caught:
        parse(text)
    assert caught.value.line == line


@pytest.mark.parametrize("lines", range(1, 8))
def test_a_file_that_ends_early(lines):
    with pytest.raises(InstanceError, match="ends here"):
        parse("\n".join(TEXT.splitlines()[:lines]) + "\n")


def test_written_files_are_read_back_and_recognised(tmp_path):
    for seed in range(20):
        instance = uniform(items=1 + seed % 4, periods=1 + seed, seed=seed, utilisation=0.6)
        write(instance, tmp_path / f"{instance.name}.psp")
        assert read(tmp_path / f"{instance.name}.psp") == instance
        (tmp_path / "any.txt").write_text(write_psp(instance))
        assert read(tmp_path / "any.txt").content_hash == instance.content_hash


def test_costs_per_item_have_no_place_here(tmp_path):
    instance = uniform(items=4, periods=9, stocking_max=20)
    with pytest.raises(InstanceError, match="cannot hold stocking-costs-per-item"):
        write(instance, tmp_path / "x.psp")
    assert not (tmp_path / "x.psp").exists()


def test_errors_name_the_file(tmp_path):
    (tmp_path / "bad.psp").write_text(TEXT.replace("0 1 0", "0 2 0"))
    with pytest.raises(InstanceError, match=r"bad\.psp:3: .*expected 0 or 1, not 2"):
        ct.read(tmp_path / "bad.psp")


def test_published_files_equal_the_shipped_instances(psp_folder):
    files = sorted(psp_folder.glob("*.psp"))
    assert len(files) == 21
    for file in files:
        assert ct.read(file).content_hash == ct.benchmark(file.stem).content_hash, file.name
