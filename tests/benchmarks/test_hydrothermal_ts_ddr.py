"""The benchmark of target rules runs, on two scenarios and a few updates, and its differences are pair by pair."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "hydrothermal_ts_ddr.py"


def test_differences_are_pair_by_pair() -> None:
    spec = spec_from_file_location("hydrothermal_ts_ddr", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.paired(np.array([10.0, 19.0, 33.0]), np.array([10.0, 20.0, 30.0]))
    assert found["difference"] == pytest.approx(2 / 3)
    assert found["percent"] == pytest.approx(100 / 30)
    assert found["wins"] == 1
    assert found["half_width"] == pytest.approx(1.96 * np.std([0, -1, 3], ddof=1) / 3**0.5)
    assert max(module.PANEL) <= 500


@pytest.mark.slow
def test_quick_run() -> None:
    arguments = [sys.executable, SCRIPT, "--quick", "--case", "bolivia-dc"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=600)
    rows = {tuple(line.split()[1:3]): line.split() for line in done.stdout.splitlines()}
    assert set(rows) == {(stages, name) for stages in ("96", "126") for name in ("sddp", "ts-ddr", "ts-ldr", "myopic")}
    assert all(290_000 < float(row[4]) < 500_000 for row in rows.values())
