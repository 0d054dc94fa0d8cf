"""The benchmark of routing writes a row per run, with gaps to the best of them."""

import csv
import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def test_a_row_per_method_and_instance(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("routing_sizes", FOLDER / "routing_sizes.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "routing_sizes", module)  # where its dataclasses look themselves up
    spec.loader.exec_module(module)
    out = tmp_path / "table.csv"
    asked = ["--problems", "tsp", "--sizes", "10,12", "--instances", "2", "--limits", "0.05", "--out", str(out)]
    assert module.main([*asked, "--methods", "nearest-neighbour;local-search"]) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["group"] for row in rows) == ["tsp-10"] * 4 + ["tsp-12"] * 4
    assert [float(row["gap_percent"]) for row in rows if row["method"] == "local-search"] == [0.0] * 4
    assert all(float(row["gap_percent"]) >= 0 for row in rows)
    assert "nearest-neighbour" in capsys.readouterr().out
