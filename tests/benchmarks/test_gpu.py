"""The prepared script for a lent GPU runs, part by part, as far as a machine without one can tell."""

import csv
import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def gpu():
    sys.path.insert(0, str(FOLDER))  # its parts take what other benchmarks have
    try:
        spec = importlib.util.spec_from_file_location("gpu", FOLDER / "gpu.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))


def figures(out: Path, part: str) -> dict[tuple[str, str], float]:
    with (out / f"{part}.csv").open() as file:
        return {(row["what"], row["figure"]): float(row["value"]) for row in csv.DictReader(file)}


def test_every_part_runs_and_writes_its_figures(gpu, tmp_path: Path) -> None:
    parts = list(gpu.PARTS)
    assert gpu.main([*parts, "--tiny", "--device", "cpu", "--here", "--out", str(tmp_path)]) == 0
    found = {part: figures(tmp_path, part) for part in parts}
    equal = [value for (_, figure), value in found["checks"].items() if figure == "equals the CPU's"]
    assert equal == [1, 1]
    assert found["rollouts"]["random roll-out, nondelay, batch 16", "steps per second"] > 0
    assert found["speed"]["8 places, 2 at a time, roll-out", "ms per tour"] > 0
    assert found["plant"]["plant-4x2-0, seed 1", "periods"] == 800
    assert found["shops"]["ta01-10, best of 2", "mean gap, %"] > 0
    for problem in ("tsp", "cvrp"):
        assert found[problem][f"{problem} labels", "made"] == 16
        assert found[problem][f"{problem}, 12 places, greedy", "mean gap, %"] > -1
    policies = {path.name for path in tmp_path.glob("*.safetensors")}
    assert policies == {"job-shop.safetensors", "tsp.safetensors", "cvrp.safetensors"}


def test_a_part_that_fails_or_is_late_does_not_stop_the_others(gpu, tmp_path: Path, monkeypatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], timeout: float, check: bool):
        calls.append(command)
        if "speed" in command:
            raise gpu.subprocess.TimeoutExpired(command, timeout)
        return gpu.subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.main(["checks", "speed", "plant", "--seeds", "2", "--out", str(tmp_path)]) == 1
    assert [command[2] for command in calls] == ["checks", "speed", "plant"]
    assert all(command[3:] == ["--seeds", "2", "--out", str(tmp_path), "--here"] for command in calls)
