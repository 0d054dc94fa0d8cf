"""`counterpoint label` end to end: made, refused, safe from Ctrl-C and from a killed parent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("counterpoint"))
SMALL = ("label", "knapsack", "--size", "8", "--seed", "3")


def started(*args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "CI": "1"}, start_new_session=True,
    )  # fmt: skip


def call(*args: object, status: int = 0) -> tuple[str, str]:
    process = started(*args)
    out, err = process.communicate()
    assert process.returncode == status, f"{process.returncode}\n{out}\n{err}"
    return out, err


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("shard-*.safetensors"))}


def test_labels_are_made_and_other_ones_refused(tmp_path: Path) -> None:
    out, err = call(*SMALL, "--count", 30, "--out", tmp_path, "--json")
    assert json.loads(out) == {
        "problem": "knapsack", "algorithm": "imitation", "size": 8, "effort": 1, "seed": 3, "labels": 30,
        "folder": str(tmp_path),
    }  # fmt: skip
    assert err == ""
    assert [*shards(tmp_path)] == ["shard-00000.safetensors"]
    _, err = call(*SMALL[:-1], 4, "--count", 10, "--out", tmp_path, status=2)
    assert "of seed 3, not 4" in err


def test_what_cannot_be_labelled(tmp_path: Path) -> None:
    _, err = call("label", "lot-sizing", "--out", tmp_path, status=2)
    assert "no problem to train on named 'lot-sizing'" in err
    _, err = call("label", "inventory", "--out", tmp_path, status=2)
    assert "no algorithm for inventory named 'imitation'" in err
    _, err = call("label", "job-shop", "--algorithm", "ppo", "--out", tmp_path, status=2)
    assert "ppo for job-shop learns from no labels" in err
    _, err = call("label", "knapsack", "--size", 3, "--out", tmp_path, status=2)
    assert "size must be 0 or lie in 5..10000" in err
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_ctrl_c_leaves_whole_shards_and_no_process(tmp_path: Path) -> None:
    """As a terminal sends it: to the whole group."""
    process = started(*SMALL, "--count", 10_000_000, "--out", tmp_path, "--workers", 2)
    while len(shards(tmp_path)) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == f"counterpoint: interrupted; the same command goes on with what is whole in {tmp_path}\n"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    held = shards(tmp_path)
    is_gone = False
    for _ in range(200):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            is_gone = True
            break
        time.sleep(0.05)
    assert is_gone
    out, _ = call(*SMALL, "--count", 1000 * len(held), "--out", tmp_path, "--json")
    assert json.loads(out)["labels"] >= 1000 * len(held)
    assert {name: raw for name, raw in shards(tmp_path).items() if name in held} == held


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    process = started(*SMALL, "--count", 10_000_000, "--out", tmp_path, "--workers", 2)
    while not shards(tmp_path):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    process.wait()
    for _ in range(400):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError("workers live on")
