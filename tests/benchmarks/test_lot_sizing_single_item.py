"""The benchmark of single items runs, small."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "lot_sizing_single_item.py"


@pytest.mark.slow
def test_quick_run() -> None:
    clean = {key: value for key, value in os.environ.items() if key != "COUNTERPOINT_STOCKPYL_PYTHON"}
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=True, timeout=600, env=clean
    )
    assert "stockpyl's rows are left out" in done.stdout
    assert "T=10000" in done.stdout
    assert "written" not in done.stdout
