"""The benchmark of stage problems runs, and every way of solving them finds the same optima: it asserts that itself."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "hydrothermal_throughput.py"


@pytest.mark.slow
def test_quick_run() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=True, timeout=600)
    rows = {tuple(line.split("\t")[:2]): line.split("\t") for line in done.stdout.splitlines()}
    for system in ("bolivia-dc", "brazil-3"):
        ours = float(rows[system, "DualSimplexStage"][5])
        for way, least in (("HighsStage", 1), ("scipy linprog", 20), ("Pyomo, persistent", 10)):
            assert ours / float(rows[system, way][5]) > least, way
