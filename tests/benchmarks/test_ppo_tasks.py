"""The benchmarks of tasks and of frozen lakes run, say what they measured, and write nothing when quick."""

import importlib.util
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("name", "firsts"),
    [
        ("frozen_lake", ["lake", "  10 ppo", "  10 ppo", "  10 pdppo", "  10 pdppo"]),
        pytest.param("ppo_tasks", ["task Acrobot-v1  seed 10"], marks=pytest.mark.slow),
    ],
)
def test_quick_run(name: str, firsts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = BENCHMARKS / "results" / f"{name}.csv"
    before = target.read_bytes() if target.exists() else None
    assert module.main(["--quick"]) == 0
    assert (target.read_bytes() if target.exists() else None) == before
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(firsts)
    assert all(line.startswith(first) for line, first in zip(lines, firsts, strict=True))
