"""kill -9 at random moments: nothing that was acknowledged is lost or run again, and a resumed study is the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from tests.busy_machine import soon

from counterpoint.opt.studies.store import read_results

DRIVE = Path(__file__).with_name("drive.py")
COUNT, SECONDS = 12, 0.03
VICTIMS = ("driver", "worker", "both", "server", "all")


def start(folder, *more, count=COUNT, seconds=SECONDS, name="quick", limit_s=30.0):
    settings = [folder / "study.sqlite", folder / "log", count, seconds, name, limit_s, *more]
    return subprocess.Popen(
        [sys.executable, DRIVE, *map(str, settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "WARM_UP_LOG": str(folder / "log")},
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the tests may be a background job
    )


def family(driver):
    """The fork server and the workers."""
    try:
        servers = psutil.Process(driver.pid).children()
        return servers, [w for s in servers for w in s.children(recursive=True)]
    except psutil.Error:
        return [], []


def kill(victim, driver, rng):
    servers, workers = family(driver)
    targets = {
        "driver": [driver],
        "worker": workers,
        "both": [driver, *workers],
        "server": servers,
        "all": [*workers, *servers, driver],
    }[victim]
    for target in rng.permutation(np.array(targets, dtype=object)):
        try:
            os.kill(target.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def check_log(folder):
    """No case begins after it was acknowledged as completed; every acknowledged one is in the store."""
    acknowledged, kept = {}, {}
    for line in (folder / "log").read_text().splitlines():
        what, *rest = line.split()
        if what == "begin":
            assert acknowledged.get(rest[0]) != "completed", f"{rest[0]} was run again"
        elif what == "done":
            acknowledged[rest[0]] = rest[1]
    if (folder / "study.sqlite").exists() and acknowledged:
        kept = {f"{r.instance_name}/{r.seed}": str(r.termination) for r in read_results(folder / "study.sqlite")}
    for case, termination in acknowledged.items():  # a failed one may have been run again, with the driver
        assert kept.get(case) in {termination, "completed"}, case  # killed between commit and acknowledgement


def torment(folder, rng, expected, kills):
    """Kill a study `kills` times at most, then let it finish; returns how often, and how often while workers ran."""
    done = busy = 0
    while done < kills:
        victim = str(rng.choice(VICTIMS))
        driver = start(folder, "retry")
        servers, workers = [], []
        deadline = time.monotonic() + (float(rng.uniform(0.0, 1.5)) if rng.random() < 0.3 else 60.0)
        is_waiting = True  # for the first worker, in most cases; then for any moment of the study
        while time.monotonic() < deadline and driver.poll() is None:
            servers, workers = family(driver)
            if workers and is_waiting:
                deadline, is_waiting = min(deadline, time.monotonic() + float(rng.uniform(0, 0.45))), False
            time.sleep(0.005)
        if driver.poll() is not None:
            break
        kill(victim, driver, rng)
        done += 1
        busy += bool(workers)
        while victim == "worker" and done < kills and driver.poll() is None and rng.random() < 0.7:
            time.sleep(float(rng.uniform(0, 0.1)))
            kill(victim, driver, rng)
            done += 1
            busy += 1
        if victim in ("worker", "server"):
            driver.wait(300)
        else:
            driver.wait(60)
            _, alive = psutil.wait_procs([*servers, *workers], timeout=30)
            assert not alive, f"orphans: {alive}"
        driver.stdout.close()
        driver.stderr.close()
        if (folder / "log").exists():
            check_log(folder)
    driver = start(folder, "retry")
    out, err = driver.communicate(timeout=300)
    assert driver.returncode == 0, err
    assert json.loads(out)["rows"] == expected
    check_log(folder)  # a kill may fall between a commit and its acknowledgement: the store has all
    assert len(read_results(folder / "study.sqlite")) == COUNT
    return done, busy


def uninterrupted(folder):
    driver = start(folder, "retry")
    out, err = driver.communicate(timeout=300)
    assert driver.returncode == 0, err
    return json.loads(out)["rows"]


def run_kills(tmp_path, total, seed):
    rng = np.random.default_rng(seed)
    (tmp_path / "reference").mkdir()
    expected = uninterrupted(tmp_path / "reference")
    assert len({tuple(row[4]) for row in expected}) > 3
    kills = busy = studies = 0
    while kills < total:
        folder = tmp_path / f"study-{studies}"
        folder.mkdir()
        done, while_busy = torment(folder, rng, expected, min(5, total - kills))
        kills, busy = kills + done, busy + while_busy
        studies += 1
    print(f"{kills} kills in {studies} studies, {busy} of them while workers ran")
    return kills


def test_kills(tmp_path):
    assert run_kills(tmp_path, 6, seed=1) == 6


@pytest.mark.slow
def test_three_hundred_kills(tmp_path):
    assert run_kills(tmp_path, 300, seed=2) == 300


def await_lines(driver, folder, *lines):
    """Wait until lines that begin so stand in the log."""
    log, deadline = folder / "log", time.monotonic() + 100
    while True:
        told = log.read_text().splitlines() if log.exists() else []
        if all(any(line.startswith(wanted) for line in told) for wanted in lines):
            return told
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < deadline, told
        time.sleep(0.02)


def test_no_orphan_when_the_driver_dies_over_a_deaf_worker(tmp_path):
    driver = start(tmp_path, name="hang", count=2, limit_s=60)
    await_lines(driver, tmp_path, "held 0", "held 1")
    servers, workers = family(driver)
    assert (len(servers), len(workers)) == (1, 2)
    driver.kill()
    driver.communicate()
    _, alive = psutil.wait_procs([*servers, *workers], timeout=30)
    assert not alive


def test_no_orphan_when_the_driver_dies_while_the_fork_server_warms_up(tmp_path):
    driver = start(tmp_path, name="hang_in_warm_up", count=3, limit_s=60)
    told = await_lines(driver, tmp_path, "pid ")
    server = psutil.Process(int(told[-1].split()[-1]))
    assert [p.pid for p in psutil.Process(driver.pid).children()] == [server.pid]
    driver.kill()
    driver.communicate()
    assert not psutil.wait_procs([server], timeout=30)[1]


def interrupt(folder, number, name, *lines, after_s=0.3, **more):
    """Send a signal after these lines of the log; return seconds to the workers' end, what it printed, who is left."""
    folder.mkdir(exist_ok=True)
    driver = start(folder, name=name, **more)
    await_lines(driver, folder, *lines)
    time.sleep(after_s)
    servers, workers = family(driver)
    assert workers, driver.communicate()
    began = time.monotonic()
    driver.send_signal(number)
    psutil.wait_procs(workers, timeout=50)
    took = time.monotonic() - began
    out, err = driver.communicate(timeout=100)
    assert driver.returncode == 130, err
    _, alive = psutil.wait_procs([*servers, *workers], timeout=30)
    return took, json.loads(out), alive


def interrupt_soon(folder, number, name, **more):
    """`interrupt`, once two workers have something, in less than 3 s; return the same, and the study's folder."""
    folders = (folder / str(k) for k in range(9))

    def act():
        chosen = next(folders)
        return *interrupt(chosen, number, name, "held 0", "held 1", count=3, limit_s=60, **more), chosen

    return soon(act, 3.0, took=lambda done: done[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_keeps_the_best_and_stores_only_what_finished(tmp_path, number):
    _, told, alive, folder = interrupt_soon(tmp_path, number, "improve")
    assert not alive
    assert (told["signal"], told["interrupted"][:41]) == (number, "study interrupted: 0 of 3 cases finished;")
    assert [row[3] for row in told["rows"]] == ["interrupted"] * 2  # the third had not started
    assert all(row[2] < 200 for row in told["rows"])
    assert read_results(folder / "study.sqlite") == []


def test_interruption_of_deaf_workers(tmp_path):
    _, told, alive, _ = interrupt_soon(tmp_path, signal.SIGINT, "hang")
    assert not alive
    assert [row[3] for row in told["rows"]] == ["interrupted"] * 2
    assert all(row[2] is not None for row in told["rows"])  # the incumbents had been streamed


def test_a_second_interruption_does_not_wait(tmp_path):
    folders = (tmp_path / str(k) for k in range(9))

    def act():
        folder = next(folders)
        folder.mkdir()
        driver = start(folder, name="hang", count=2, limit_s=60)
        await_lines(driver, folder, "held 0", "held 1")
        _, workers = family(driver)
        began = time.monotonic()
        driver.send_signal(signal.SIGINT)
        time.sleep(0.3)
        driver.send_signal(signal.SIGINT)
        psutil.wait_procs(workers, timeout=50)
        took = time.monotonic() - began
        out, _ = driver.communicate(timeout=100)
        assert len(json.loads(out)["rows"]) == 2
        return took

    soon(act, 1.5, took=float)


def test_resume_after_interruption(tmp_path):
    interrupt(tmp_path, signal.SIGINT, "quick", "done ", after_s=0.0, seconds=0.5)
    first = len(read_results(tmp_path / "study.sqlite"))
    assert 0 < first < COUNT
    driver = start(tmp_path, seconds=0.5)
    out, _ = driver.communicate(timeout=300)
    assert [row[3] for row in json.loads(out)["rows"]] == ["completed"] * COUNT
    check_log(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cp-sat", "mip-disjunctive", "tabu"])
def test_interruption_of_real_solvers(tmp_path, name):
    took, told, alive, _ = interrupt_soon(tmp_path, signal.SIGINT, name, after_s=3.0)
    print(f"{name}: {took:.2f} s")
    assert not alive
    assert all(row[3] == "interrupted" and row[2] is not None for row in told["rows"])
    assert len(told["rows"]) == 2
