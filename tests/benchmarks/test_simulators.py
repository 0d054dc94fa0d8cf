"""The benchmark of the simulators runs, on small batches, and leaves out peers that are not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "simulators.py"


@pytest.mark.slow
def test_quick_run() -> None:
    peers = ("COUNTERPOINT_JOB_SHOP_LIB_PYTHON", "COUNTERPOINT_RL4CO_PYTHON")
    clean = {key: value for key, value in os.environ.items() if key not in peers}
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, check=True, timeout=600, env=clean
    )
    for name in peers:
        assert f"{name} is not set" in done.stdout
    speeds = [float(line.split()[-1].replace(",", "")) for line in done.stdout.splitlines() if "15x15" in line]
    assert len(speeds) == 5  # two schemes, two environments, SimPy
    assert min(speeds) > 0
