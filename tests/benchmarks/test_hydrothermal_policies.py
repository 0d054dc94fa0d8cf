"""The benchmark of hydrothermal policies runs, on a few columns."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "hydrothermal_policies.py"


@pytest.mark.slow
def test_a_few_columns(tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    arguments = ["--scenarios", "6", "--policies", "hoard", "myopic", "rolling-lp", "--out", str(out)]
    subprocess.run([sys.executable, SCRIPT, *arguments], check=True, timeout=600)
    with out.open() as file:
        rows = {row["policy"]: row for row in csv.DictReader(file)}
    mean = {name: float(row["mean"]) for name, row in rows.items()}
    assert mean["hoard"] > mean["myopic"] > mean["rolling-lp"] > mean["perfect information"]
    assert rows["perfect information"]["cheaper_in"] == "6"
    with out.with_name("table_columns.csv").open() as file:
        columns = list(csv.DictReader(file))
    assert [row["column"] for row in columns] == list("123456")
    assert sum(float(row["myopic"]) for row in columns) / 6 == pytest.approx(mean["myopic"], abs=0.01)
