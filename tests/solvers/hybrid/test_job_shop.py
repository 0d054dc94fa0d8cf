"""The default method: right on every variant, in threads and in turns, on time, and safe to interrupt."""

import math
import os
import sys
import threading

import numpy as np
import pytest
from tests.busy_machine import soon
from tests.ctrl_c import press_ctrl_c, wrapped

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.recording import Recorder
from counterpoint.opt.result import SolutionStatus, Termination
from counterpoint.opt.solving import solve
from counterpoint.solvers.hybrid import job_shop as hybrid
from counterpoint.solvers.hybrid.job_shop import Options

QUICK = {"opening_s": 0.05, "patience_s": 0.05}  # so that parts restart and join each other within a test


def random_shop(jobs, machines, seed):
    rng = np.random.default_rng(seed)
    routes = np.array([rng.permutation(machines) for _ in range(jobs)])
    return JobShop.from_matrices(f"random-{jobs}x{machines}", routes, rng.integers(1, 100, routes.shape))


@pytest.mark.parametrize("threads", [1, 2])
def test_agrees_with_the_exhaustive_twin(small_shops, threads):
    for index, shop in enumerate(small_shops(96, 7)):
        twin = solve(shop, "exhaustive")
        found = solve(shop, "hybrid", threads=threads, seed=index, options=QUICK)
        assert found.objective == twin.objective, (shop, found, found.message)
        assert found.solution_status is SolutionStatus.OPTIMAL, (shop, found)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_classical_optimum_is_proved(threads):
    shop = random_shop(8, 8, 5)
    expected = solve(shop, "cp-sat", threads=1)
    result = solve(shop, "hybrid", threads=threads, options=QUICK, time_limit=60)
    assert expected.solution_status is result.solution_status is SolutionStatus.OPTIMAL
    assert result.objective == expected.objective
    assert result.termination is Termination.OPTIMAL


def test_meets_the_preemptive_bound_without_search_for_proof():
    """Many jobs on few machines: the busiest machine's bound is met, where CP-SAT alone would toil."""
    result = solve(random_shop(60, 10, 1), "hybrid", threads=2, time_limit=60, options=QUICK)
    assert result.solution_status is SolutionStatus.OPTIMAL
    assert {point.bound for point in result.trace} - {None} == {result.bound}  # the first bound was the last


@pytest.mark.parametrize("threads", [1, 2])
def test_time_limit_holds(threads):
    solve(random_shop(3, 3, 1), "tabu", iterations=10)  # compiling is not on the clock of this test
    shop = random_shop(20, 15, 2)
    result = soon(lambda: solve(shop, "hybrid", threads=threads, time_limit=2, options=QUICK), 1.1 * 2 + 1)
    assert result.termination is Termination.TIME
    assert result.bound < result.objective


def test_target_and_iterations():
    shop = random_shop(15, 15, 4)
    first = solve(shop, "hybrid", time_limit=0)
    assert first.termination is Termination.TIME
    reached = solve(shop, "hybrid", target=first.objective - 50, threads=2, time_limit=60, options=QUICK)
    assert reached.termination is Termination.TARGET
    runs = [solve(shop, "hybrid", iterations=200, threads=1, seed=3, options={"opening_s": 1e6}) for _ in range(2)]
    assert runs[0].termination is Termination.ITERATIONS
    assert runs[0].solution == runs[1].solution


def test_an_error_in_the_report_ends_all_parts():
    calls = []

    def report(solution, objective, bound):
        calls.append(objective)
        if len(calls) > 3:
            raise ValueError("full disk")

    result = solve(random_shop(15, 15, 4), "hybrid", threads=2, time_limit=60, on_incumbent=report, options=QUICK)
    assert result.termination is Termination.ERROR
    assert "full disk" in result.message
    assert result.wall_s < 40


def test_options_are_checked():
    with pytest.raises(OptionError, match="not be negative"):
        Options(opening_s=-1)
    for key in ("opening_s", "patience_s"):
        with pytest.raises(OptionError, match="not be negative"):
            Options(**{key: math.nan})


def test_used_up_iterations_end_the_opening():
    """Once the tabu searches have made their moves there is nothing to wait for."""
    shop = random_shop(15, 15, 4)
    result = solve(shop, "hybrid", iterations=100, time_limit=200, threads=2, options={"opening_s": 1e6})
    assert result.termination is Termination.ITERATIONS
    assert result.wall_s < 100


def test_ctrl_c_while_parts_begin_leaves_none_running(monkeypatch):
    start, begun = hybrid._start, []

    def interrupted(act):
        begun.append(act)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return start(act)

    monkeypatch.setattr(hybrid, "_start", interrupted)
    result = solve(random_shop(15, 15, 4), "hybrid", time_limit=60, threads=2)
    assert result.termination is Termination.INTERRUPTED
    assert result.solution is not None
    left = [thread for thread in threading.enumerate() if thread.name == "tabu"]
    for thread in left:
        thread.join(30)  # it may be about to return
    assert not any(thread.is_alive() for thread in left)


INTERRUPTED = """
import numpy as np, sys
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.recording import Recorder
from counterpoint.opt.solving import solve
rng = np.random.default_rng(1)
routes = np.array([rng.permutation(20) for _ in range(30)])
shop = JobShop.from_matrices("x", routes, rng.integers(1, 100, routes.shape))
held = lambda solution, objective, bound: print("held", flush=True)
options = {"opening_s": 0.5}
result = solve(shop, "hybrid", time_limit=120, threads=int(sys.argv[1]), options=options, on_incumbent=held)
print(result.termination, result.solution_status, result.objective, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("threads", "wait_s"), [(1, 0.0), (2, 0.3), (2, 3.0)])
def test_ctrl_c_keeps_the_best(threads, wait_s):
    ended = press_ctrl_c([sys.executable, "-c", INTERRUPTED, str(threads)], "held", wait_s)
    assert ended.out.splitlines()[-1].startswith("interrupted feasible "), ended
    assert ended.after_s < 30  # of a time limit of 120: machines that run tests are busy


def test_ctrl_c_in_compiled_code_keeps_the_best(monkeypatch):
    def struck(*arguments):
        raise wrapped()

    monkeypatch.setattr(hybrid, "_search", struck)
    recorder = Recorder(random_shop(15, 15, 4))
    outcome = hybrid.solve(recorder.instance, Budget(threads=2), 0, Options(), recorder)
    assert outcome.termination is Termination.INTERRUPTED
    assert outcome.solution is not None
    assert outcome.bound == recorder.bound > 0
