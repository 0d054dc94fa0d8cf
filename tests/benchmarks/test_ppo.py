"""The benchmark runs, and says what it measured."""

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.slow
def test_quick_run_prints_every_row_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    path = Path(__file__).parents[2] / "benchmarks" / "ppo.py"
    spec = importlib.util.spec_from_file_location("ppo_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = path.parent / "results" / "ppo.csv"
    before = target.read_bytes() if target.exists() else None
    assert module.main(["--quick"]) == 0
    assert (target.read_bytes() if target.exists() else None) == before
    lines = capsys.readouterr().out.splitlines()
    for name in module.METHODS:
        assert any(line.startswith(name) and "times that" in line for line in lines)
    assert any(line.startswith("ours") and "is 1.0 times that" in line for line in lines)
