"""The benchmark of the plants' bounds runs, on two small plants."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "stochastic_lot_sizing_bounds.py"


@pytest.mark.slow
def test_quick_run() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=True, timeout=600)
    rows = {" ".join(line.split()[:2]): line for line in done.stdout.splitlines()}
    assert "63.8489" in rows["plant-2x1 optimum"]
    assert float(rows["plant-6x3 Lagrangian"].split()[-2]) > 440
    assert "plant-6x3 perfect" in rows
