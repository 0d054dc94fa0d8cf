"""The benchmark of the learned method has all its ways of decoding, and what they are judged by."""

import csv
import importlib
from pathlib import Path


def test_every_way_of_decoding_beside_a_rule_and_what_is_exact(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    out = tmp_path / "table.csv"
    assert importlib.import_module("bq_gaps").main(["--quick", "--only", "knapsack", "--out", str(out)]) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    gaps = {row["method"]: [] for row in rows}
    for row in rows:
        gaps[row["method"]].append(float(row["gap_percent"]))
    greedy, beam, drawn = (
        gaps[f"bq:reconstructions=0{more}"] for more in ("", ",width=16", ",samples=16")
    )  # the greedy solution is among what the others choose from
    assert all(best <= one for other in (beam, drawn) for best, one in zip(other, greedy, strict=True))
    assert gaps["dynamic-programming"] == [0.0, 0.0]
    assert len(gaps["bq"]) == len(gaps["density-greedy"]) == 2
    assert "dynamic-programming" in capsys.readouterr().out
