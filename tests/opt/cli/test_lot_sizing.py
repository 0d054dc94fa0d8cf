"""Lot-sizing on the command line: generate, convert, solve, compare, check; bad input is one line and status 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import counterpoint as ct

COMMAND = str(Path(sys.executable).with_name("counterpoint"))


def call(*args: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True, check=False,
                          env={**os.environ, "CI": "1"})  # fmt: skip
    assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def test_from_generate_to_check(tmp_path: Path) -> None:
    single = ("lot-sizing", "-g", "single-item", "--set", "periods=12")
    made = json.loads(call("generate", *single, "-n", 2, "-o", tmp_path / "in", "--json").stdout)
    assert len(made) == 2
    call("solve", *made, "-m", "wagner-whitin", "--out", tmp_path / "out", "--threads", 1)
    written = sorted((tmp_path / "out").glob("*.json"))
    assert [ct.read_result(w).solution_status for w in written] == [ct.SolutionStatus.OPTIMAL] * 2
    assert call("check", *written).stdout.count("confirmed") == 2
    data = json.loads(written[0].read_text())
    data["solution"]["lots"][0][0] += 1
    written[0].write_text(json.dumps(data))
    call("check", written[0], status=1)


def test_compare(tmp_path: Path) -> None:
    call("generate", "lot-sizing", "-g", "single-item", "--set", "periods=20", "-o", tmp_path)
    shown = call("compare", tmp_path, "-m", "wagner-whitin", "-m", "silver-meal", "--threads", 1).stdout
    assert "proven optimal" in shown
    assert "silver-meal" in shown


def test_trigeiro_files_are_converted_and_what_is_wrong_is_told(tmp_path: Path) -> None:
    made = json.loads(
        call("generate", "lot-sizing", "--set", "items=3", "--set", "periods=5", "-o", tmp_path, "--json").stdout
    )
    dat = tmp_path / "three.dat"
    call("convert", made[0], dat)
    assert ct.read(dat).content_hash == ct.read(made[0]).content_hash
    rows = dat.read_text().splitlines()
    rows[-1] = "-" + rows[-1]
    dat.write_text("\n".join(rows) + "\n")
    error = call("solve", dat, "-m", "lot-for-lot", "--out", tmp_path / "none", status=2).stderr
    assert f"three.dat:{len(rows)}: -" in error
    assert "is negative; expected demand of period 4" in error
    assert not list((tmp_path / "none").glob("*.json"))
    assert "does not handle" in call("solve", made[0], "-m", "wagner-whitin", status=1).stderr
