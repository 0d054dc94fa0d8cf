"""The benchmark of pigment sequencing writes a row per run, of names, patterns and files."""

import csv
import importlib.util
from pathlib import Path

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "pigment_sequencing.py"


def test_a_row_per_method_and_instance(tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("benchmark_pigment_sequencing", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own, out = tmp_path / "own.psp", tmp_path / "table.csv"
    ct.write(uniform(items=2, periods=6), own)
    asked = ["--instances", f"pigment20?,{own}", "--methods", "edd,dp-lagrangian", "--seconds", "5", "--out", str(out)]
    assert module.main(asked) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["instance"] for row in rows] == ["pigment20a", "pigment20b", "pigment20c", "own"] * 2
    assert all(float(row["objective"]) >= float(row["best_known"]) for row in rows if row["best_known"])
    assert [row["gap_percent"] for row in rows[4:]] == ["0.0", "0.0", "0.0", ""]
    assert "dp-lagrangian        mean gap   0.00 %   proved 4 of 4" in capsys.readouterr().out
