"""Where studies are started from: scripts without a guard, threads, interpreters without a file; and what they get."""

import os
import signal
import subprocess
import sys
import threading

import bad_methods
import pytest

from counterpoint.opt.budget import Budget
from counterpoint.opt.result import Termination
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.study import run_study

SHOP = bad_methods.shop(1)
SCRIPT = """
import sys
sys.path[:] = {path!r}
import bad_methods
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.study import run_study
print("main")
print([r.objective for r in run_study([Case(bad_methods.shop(1), bad_methods.method("quick"), s) for s in range(2)])])
"""


def test_a_script_needs_no_guard_and_is_run_once():
    """multiprocessing would run it again in every worker, and refuse."""
    code = SCRIPT.format(path=sys.path)
    expected = [float(bad_methods.serial(SHOP, s).makespan) for s in range(2)]
    for command in ([sys.executable, "-"], [sys.executable, "-c", code]):
        done = subprocess.run(command, input=code, capture_output=True, text=True, timeout=300, check=True)
        assert done.stdout == f"main\n{expected}\n"
        assert done.stderr == ""


def test_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.extend(run_study([Case(SHOP, bad_methods.method("quick"))])))
    thread.start()
    thread.join(300)
    assert [r.termination for r in found] == [Termination.COMPLETED]


def test_signal_handlers_are_put_back():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    run_study([Case(SHOP, bad_methods.method("quick"))])
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_what_a_worker_finds_around_it(tmp_path, monkeypatch):
    """Its own session, few descriptors, threads held to their number, cores of its own, and no stdin."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    log = tmp_path / "log"
    case = Case(SHOP, bad_methods.method("describe"), 0, Budget(threads=1), {"log": str(log)})
    cores = sorted(os.sched_getaffinity(0))
    wanted = [case, Case(SHOP, case.method, 1, case.budget, case.options)]
    run_study(wanted, pin=True, workers=len(cores))
    facts = [dict(pair.split("=") for pair in line.split()) for line in log.read_text().splitlines()]
    assert [(f["omp"], f["numba"]) for f in facts] == [("1", "1")] * 2
    assert [f["session"] == f["pid"] for f in facts] == [True, True]
    assert [f["stdin"] for f in facts] == ["b''"] * 2
    assert all(int(f["files"]) < 10 for f in facts)
    assert [f["blocked"] for f in facts] == ["0"] * 2
    assert all(len(f["cores"].split(",")) == 1 and int(f["cores"]) in cores for f in facts)
    assert sorted(os.sched_getaffinity(0)) == cores
