"""CP-SAT on every variant: equal to the exhaustive twin, honest about limits, quick to be stopped."""

import os
import sys
import threading

import numpy as np
import pytest
from tests.busy_machine import soon
from tests.ctrl_c import press_ctrl_c

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.recording import Recorder
from counterpoint.opt.result import SolutionStatus, Termination
from counterpoint.opt.solving import solve
from counterpoint.solvers.cp_sat.job_shop import Options, first_schedule, improve
from counterpoint.solvers.cp_sat.job_shop_model import build


def random_shop(jobs, machines, seed, **rest):
    rng = np.random.default_rng(seed)
    routes = np.array([rng.permutation(machines) for _ in range(jobs)])
    return JobShop.from_matrices(f"random-{jobs}x{machines}", routes, rng.integers(1, 100, routes.shape), **rest)


def test_agrees_with_the_exhaustive_twin(small_shops):
    """200 shops, every variant and combination; half without the hint, so that the search has to search."""
    for index, shop in enumerate(small_shops(240, 2024)):
        twin = solve(shop, "exhaustive")
        found = solve(shop, "cp-sat", threads=1, seed=index, options={"hint": index % 48 < 24})
        assert found.objective == twin.objective, (shop, found, found.message)
        assert found.solution_status is twin.solution_status is SolutionStatus.OPTIMAL, (shop, found)
        assert found.bound == twin.objective


def test_every_known_schedule_is_a_complete_hint(small_shops):
    """The hint of any feasible schedule satisfies the model, also where variables are auxiliary."""
    from ortools.sat.python import cp_model

    for shop in small_shops(120, 5):
        known = first_schedule(shop, 0, Budget().start(), Recorder(shop))
        model = build(shop, known, round(check(shop, known).objective))
        for variable, value in model.hint:
            model.cp.add(variable == value)
        assert len(model.hint) == len(model.cp.proto.variables)
        solver = cp_model.CpSolver()
        solver.parameters.catch_sigint_signal = False
        solver.parameters.num_workers = 1
        solver.parameters.stop_after_first_solution = True
        assert solver.solve(model.cp) in (cp_model.OPTIMAL, cp_model.FEASIBLE), shop


def test_operation_of_no_duration_lies_between_not_inside():
    """Job 1 must be on machine 0 at time 2 exactly; there the other job has to pause between operations."""
    shop = JobShop.from_jobs("zero", [[(0, 3)], [(1, 2), (0, 0), (2, 3)]])
    result = solve(shop, "cp-sat", threads=1)
    assert result.objective == solve(shop, "exhaustive").objective == 5
    start = result.solution.start
    assert start[2] <= start[0] or start[2] >= start[0] + 3


def test_gap_target_and_iterations_are_named():
    shop = random_shop(10, 10, 3)
    assert solve(shop, "cp-sat", gap=0.9, threads=1).termination is Termination.GAP
    first = solve(shop, "cp-sat", time_limit=0, threads=1)
    assert first.termination is Termination.TIME
    assert first.solution_status is SolutionStatus.FEASIBLE
    target = first.objective - 1
    reached = solve(shop, "cp-sat", target=target, threads=1, time_limit=60)
    assert reached.termination is Termination.TARGET
    assert reached.objective <= target
    counted = solve(shop, "cp-sat", iterations=50, threads=1, seed=4)
    assert counted.termination is Termination.ITERATIONS
    again = solve(shop, "cp-sat", iterations=50, threads=1, seed=4)
    assert (again.objective, again.bound) == (counted.objective, counted.bound)
    assert again.solution == counted.solution


def test_time_limit_holds_and_the_trace_tells():
    result = soon(lambda: solve(random_shop(20, 15, 1), "cp-sat", time_limit=2, threads=2), 1.1 * 2 + 1)
    assert result.termination is Termination.TIME
    objectives = [point.objective for point in result.trace if point.objective is not None]
    assert objectives == sorted(objectives, reverse=True)
    assert result.objective == objectives[-1]
    assert result.bound <= result.objective


def test_a_bound_from_outside_proves():
    shop = random_shop(5, 5, 2)
    clock = Budget(threads=1).start()
    optimum = solve(shop, "exhaustive" if shop.num_operations <= 20 else "cp-sat", threads=1)
    recorder = Recorder(shop)
    outcome = improve(shop, optimum.solution, clock, 0, Options(), recorder, bound=optimum.objective)
    assert outcome.termination is Termination.OPTIMAL
    assert outcome.bound == recorder.bound == optimum.objective


def test_stop_from_another_thread():
    shop = random_shop(30, 20, 1)
    stop = threading.Event()
    clock = Budget(time_limit_s=100, threads=1).start()
    known = first_schedule(shop, 0, clock, Recorder(shop))
    threading.Timer(0.5, stop.set).start()
    outcome = improve(shop, known, clock, 0, Options(), Recorder(shop), stop=stop.is_set)
    assert clock.elapsed_s() < 50
    assert outcome.termination is Termination.COMPLETED


def test_an_error_in_the_report_comes_back():
    shop = random_shop(10, 10, 3)
    calls = []

    def report(solution, objective, bound):
        calls.append(objective)
        if len(calls) > 2:
            raise ValueError("full disk")

    result = solve(shop, "cp-sat", threads=1, time_limit=60, on_incumbent=report)
    assert result.termination is Termination.ERROR
    assert "full disk" in result.message


def test_largest_times_and_weights():
    """The largest numbers an instance may hold fit into the solver's 64 bits, ranks included."""
    long = 2**40 - 5
    jobs = [[(0, long // 4), (1, long // 4)], [(1, long // 4), (0, long // 4)]]
    weighted = {"objective": "total-weighted-tardiness", "due_dates": [0, 5], "weights": [2**10, 2**11]}
    for blocking in ("none", "swap", "no-swap"):
        for rest in ({}, weighted, {"unavailable": [(0, 5, 2**40)]}):
            shop = JobShop.from_jobs("long", jobs, num_machines=2, blocking=blocking, **rest)
            found, twin = solve(shop, "cp-sat", threads=1), solve(shop, "exhaustive")
            assert found.objective == twin.objective, (found, found.message)
            assert found.solution_status is SolutionStatus.OPTIMAL


INTERRUPTED = """
import numpy as np, sys
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.solving import solve
rng = np.random.default_rng(1)
routes = np.array([rng.permutation(20) for _ in range(30)])
shop = JobShop.from_matrices("x", routes, rng.integers(1, 100, routes.shape))
held = lambda solution, objective, bound: print("held", flush=True)
result = solve(shop, "cp-sat", time_limit=120, threads=2, on_incumbent=held)
print(result.termination, result.solution_status, result.objective, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("wait_s", [0.0, 2.0])
def test_ctrl_c_keeps_the_best(wait_s):
    ended = press_ctrl_c([sys.executable, "-c", INTERRUPTED], "held", wait_s)
    assert ended.out.splitlines()[-1].startswith("interrupted feasible "), ended
    assert ended.after_s < 30  # of a time limit of 120: machines that run tests are busy
