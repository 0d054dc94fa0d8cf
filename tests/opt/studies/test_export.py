"""Tables for other programs: complete, typed, and no formulas from untrusted names."""

import csv
import math

import bad_methods
import pandas as pd
import pytest

from counterpoint.opt.errors import OptionError, StoreError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.export import export, export_frame, neutral
from counterpoint.opt.studies.study import run_study

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0"]


@pytest.fixture
def store(tmp_path):
    shop = bad_methods.shop(1)
    named = JobShop.from_matrices('=1+1,"x"', shop.machine.reshape(3, 3), shop.duration.reshape(3, 3))
    run_study([Case(s, bad_methods.method("quick"), 4) for s in (shop, named)], store=tmp_path / "s")
    return tmp_path / "s"


def test_csv(store, tmp_path):
    export(store, tmp_path / "deep" / "table.csv")
    rows = list(csv.DictReader((tmp_path / "deep" / "table.csv").open(newline="")))
    assert sorted(row["instance"] for row in rows) == ['\'=1+1,"x"', "shop-1"]
    expected = float(bad_methods.serial(bad_methods.shop(1), 4).makespan)
    assert [(row["method"], row["seed"], float(row["objective"])) for row in rows] == [("quick", "4", expected)] * 2
    assert "solution" not in rows[0]
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["table.csv"]


def test_parquet(store, tmp_path):
    pytest.importorskip("pyarrow")
    export(store, tmp_path / "table.parquet")
    frame = pd.read_parquet(tmp_path / "table.parquet")
    assert sorted(frame["instance"]) == ['=1+1,"x"', "shop-1"]
    assert frame["objective"].dtype == "float64"


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas(text, tmp_path):
    frame = pd.DataFrame({"name": [text, "plain"], "x": [-1.5, math.nan], "n": [-3, 4], text: ["a", None]})
    export_frame(frame, tmp_path / "t.csv")
    header, first, second = csv.reader((tmp_path / "t.csv").open(newline=""))
    safe = "'" + text.replace("\r", "\\r")
    assert header == ["name", "x", "n", safe]
    assert first == [safe, "-1.5", "-3", "a"]
    assert second == ["plain", "", "4", ""]
    assert frame.loc[0, "name"] == text  # the caller's table is not changed


def test_numbers_in_mixed_columns_stay(tmp_path):
    export_frame(pd.DataFrame({"x": [-1, "=1", -2.5, None]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().split() == ["x", "-1", "'=1", "-2.5", '""']


def test_neutral_text_stays():
    assert [neutral(x) for x in ("ft06", "a=b", "", "1-2")] == ["ft06", "a=b", "", "1-2"]


def test_other_suffixes_and_places(tmp_path):
    with pytest.raises(OptionError, match=r"csv or \.parquet"):
        export_frame(pd.DataFrame(), tmp_path / "t.xlsx")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"):
        export_frame(pd.DataFrame(), tmp_path / "file" / "t.csv")
    with pytest.raises(StoreError, match="there is no store"):
        export(tmp_path / "nothing", tmp_path / "t.csv")
