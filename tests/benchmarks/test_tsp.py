"""The benchmark of the travelling salesman writes a row per run, with gaps to the best of them."""

import csv
import importlib.util
from pathlib import Path

import numpy as np

import counterpoint as ct
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "tsp.py"


def module():
    spec = importlib.util.spec_from_file_location("benchmark_tsp", SCRIPT)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def rows_of(arguments, out):
    assert module().main([*arguments, "--seconds", "0.1", "--out", str(out)]) == 0
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_per_method_and_instance(tmp_path, capsys):
    asked = ["--sizes", "10,12", "--instances", "2", "--methods", "nearest-neighbour,held-karp"]
    rows = rows_of(asked, tmp_path / "table.csv")
    assert [row["group"] for row in rows] == ["uniform-10"] * 4 + ["uniform-12"] * 4
    assert [float(row["gap_percent"]) for row in rows[1::2]] == [0.0] * 4
    assert all(float(row["gap_percent"]) >= 0 for row in rows)
    assert "held-karp            mean gap   0.0000 %   best 2 of 2" in capsys.readouterr().out


def test_files_instead(tmp_path):
    own = tmp_path / "own.tsp"
    ct.write(Tsp("own", Places("euc-2d", np.arange(14).reshape(7, 2))), own)
    rows = rows_of(["--files", str(own), "--methods", "random,local-search"], tmp_path / "table.csv")
    assert [row["instance"] for row in rows] == ["own", "own"]
    assert float(rows[1]["gap_percent"]) == 0.0
