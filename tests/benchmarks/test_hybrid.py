"""The benchmark of the hybrid writes each row, and `make bench` lets no run write over another's table."""

import csv
import importlib.util
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_of_every_method_and_seed(tmp_path, capsys):
    out = tmp_path / "table.csv"
    asked = ["--classes", "ft06,la01-02", "--methods", "spt,lrm", "--seeds", "2", "--seconds", "1", "--out", str(out)]
    assert load("hybrid").main(asked) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["instance"] for row in rows] == ["ft06"] * 4 + ["la01"] * 4 + ["la02"] * 4
    assert [(row["method"], row["seed"]) for row in rows[:4]] == [
        ("spt", "0"),
        ("spt", "1"),
        ("lrm", "0"),
        ("lrm", "1"),
    ]
    assert all(float(row["objective"]) >= float(row["best_known"]) for row in rows)
    assert capsys.readouterr().out.count("mean gap") == 4


def test_no_two_subjects_write_one_table():
    tables = []
    for script, *arguments in load("run").SUBJECTS.values():
        assert (FOLDER / script).exists()
        tables.append(arguments[arguments.index("--out") + 1] if "--out" in arguments else script)
    assert len(set(tables)) == len(tables)
