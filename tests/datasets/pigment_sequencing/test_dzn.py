"""MiniZinc data: by hand, as published, and what is refused with its line."""

import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.datasets.pigment_sequencing.dzn import read_dzn, write_dzn
from counterpoint.datasets.reading import read, write
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError

TEXT = """Periods = 3;
Items = 2;

Demands = [|0, 1, 0
           |0, 0, 1|];
StockingCosts = [10, 11];
SetupCosts = [|0, 5
              |4, 0|];
"""


def parse(text):
    return read_dzn(data_lines(text.encode()), "x")


def test_by_hand():
    instance = parse(TEXT)
    assert instance.orders.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert instance.stocking_cost.tolist() == [10, 11]
    assert instance.changeover_cost.tolist() == [[0, 5], [4, 0]]


def test_order_blanks_and_comments_do_not_matter():
    shuffled = "\n\n".join(reversed([part + ";" for part in TEXT.split(";")[:-1]]))
    assert parse(shuffled) == parse(TEXT)
    one_line = TEXT.replace("\n", " ")
    assert parse(one_line) == parse(TEXT)
    assert parse(TEXT.replace("Items = 2;", "% Items = 3;\nItems=2 ;% two")) == parse(TEXT)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("Periods = 3;\n", "", 7, "Periods is missing"),
        ("Periods = 3", "Periods = 4", 4, "3 numbers; expected 4 in a row of Demands"),
        ("Periods = 3", "Periods = [3]", 1, "Periods is a vector; expected a number"),
        ("Periods = 3", "Periods 3", 1, "expected = after Periods, not '3'"),
        ("Periods = 3", "Periods = ;", 1, "expected a value of Periods"),
        ("Periods = 3;", "Periods = 3", 2, "expected ; after the value of Periods, not 'Items'"),
        ("Items = 2", "Items = 3", 5, "Demands has 2 rows; expected 3"),
        ("Items = 2;", "Items = 2; Items = 2;", 2, "Items is set twice"),
        ("Items = 2;", "Items = 2; Machines = 1;", 2, "'Machines' is not a name of this format"),
        ("0, 0, 1|]", "0, 0, 7|]", 5, "expected 0 or 1, not 7"),
        ("0, 0, 1|]", "0, 0|]", 5, "2 numbers; expected 3"),
        ("0, 0, 1|]", "0, 0, |]", 5, r"expected a number in Demands, not '\|\]'"),
        ("0, 0, 1|]", "0 0, 1|]", 5, r"expected , or \|\] in Demands, not '0'"),
        ("[10, 11]", "[10 | 11]", 6, r"expected , or \] in StockingCosts"),
        ("[10, 11]", "[10]", 6, "1 numbers; expected 2 in a row of StockingCosts"),
        ("[10, 11]", "[10, -11]", 6, "expected a cost from 0"),
        ("[10, 11]", "[10, 1.5]", 6, "neither a name, a whole number"),
        ("[10, 11]", "[10, -0]", 6, "not a number we accept"),
        ("[10, 11]", "[10, 1" + "0" * 30 + "]", 6, "not a number we accept"),
        ("|4, 0|]", "|4, 1|]", 8, "expected 0 from an item to itself"),
        ("|4, 0|]", "|-4, 0|]", 8, "expected a cost from 0"),
        ("|4, 0|]", "|4, 0\n|1, 1|]", 9, "SetupCosts has 3 rows; expected 2"),
        ("|4, 0|];", "|4, 0", 8, "file ends here"),
        ("[|0, 1, 0\n           |0, 0, 1|]", "[|1, 0, 0|1, 0, 0|]", 4, "infeasible: 2 orders"),
    ],
)
def test_what_is_refused(old, new, line, message):
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    with pytest.raises(InstanceError, match=message) as caught:
        parse(text)
    assert caught.value.line == line


def test_written_files_are_read_back_and_recognised(tmp_path):
    for seed in range(20):
        instance = uniform(items=1 + seed % 4, periods=1 + seed, seed=seed, utilisation=0.6, stocking_max=20)
        write(instance, tmp_path / f"{instance.name}.dzn")
        assert read(tmp_path / f"{instance.name}.dzn") == instance
        (tmp_path / "any.txt").write_text(write_dzn(instance))
        assert read(tmp_path / "any.txt").content_hash == instance.content_hash


def test_published_files(psp_folder):
    assert ct.read(psp_folder / "PSP_100_1.dzn").content_hash == ct.benchmark("psp-100-1").content_hash
    for stem, items, periods, orders in (
        ("ps-200-10-80", 10, 200, 160), ("ps-200-20-90", 20, 200, 180), ("ps-300-10-100", 10, 300, 300),
        ("ps-400-30-80", 30, 400, 320),
    ):  # fmt: skip
        instance = ct.read(psp_folder / f"{stem}.dzn")
        assert (instance.num_items, instance.num_periods, instance.num_orders) == (items, periods, orders)
        assert instance.features == {"stocking-costs-per-item"}
