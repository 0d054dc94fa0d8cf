"""The whole search: valid, reproducible, within its budget, and optimal where that is known."""

import math
import time

import numpy as np
import pytest
from tests.busy_machine import soon

import counterpoint.opt.solving as solving
from counterpoint.datasets.registry import benchmark, best_known
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import InstanceError, OptionError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.result import SolutionStatus, Termination
from counterpoint.solvers.exhaustive.job_shop import solve as enumerate_all
from counterpoint.solvers.local_search import job_shop_run
from counterpoint.solvers.local_search.job_shop import Options, improve, solve

FT06 = [
    [(2, 1), (0, 3), (1, 6), (3, 7), (5, 3), (4, 6)],
    [(1, 8), (2, 5), (4, 10), (5, 10), (0, 10), (3, 4)],
    [(2, 5), (3, 4), (5, 8), (0, 9), (1, 1), (4, 7)],
    [(1, 5), (0, 5), (2, 5), (3, 3), (4, 8), (5, 9)],
    [(2, 9), (1, 3), (4, 5), (5, 4), (0, 3), (3, 1)],
    [(1, 3), (3, 3), (5, 9), (0, 10), (4, 4), (2, 1)],
]
SMALL = Options(population=3, patience=200)


def quiet(solution=None, *, bound=None):
    """Take a report and forget it."""


@pytest.fixture(scope="module")
def ft06():
    return JobShop.from_jobs("ft06", FT06)


@pytest.fixture(scope="module")
def square():
    rng = np.random.default_rng(3)
    return JobShop.from_matrices("square", [rng.permutation(8) for _ in range(8)], rng.integers(1, 100, (8, 8)))


@pytest.mark.parametrize("neighbourhood", ["N5", "N6", "N7"])
def test_ft06_is_solved(ft06, neighbourhood):
    options = Options(neighbourhood=neighbourhood, population=5, patience=2000)
    outcome = solve(ft06, Budget(target=55, iterations=200_000), 1, options, quiet)
    assert outcome.objective == 55
    assert outcome.termination == Termination.TARGET
    assert check(ft06, outcome.solution).objective == 55


def test_ft10_is_solved():
    instance = benchmark("ft10")
    outcome = solve(instance, Budget(target=930, iterations=1_500_000), 4, Options(), quiet)
    assert check(instance, outcome.solution).objective == 930


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ft10_is_solved_from_any_seed(seed):
    assert solve(benchmark("ft10"), Budget(target=930, iterations=20_000_000), seed, Options(), quiet).objective == 930


@pytest.mark.parametrize("name", ["ta51", "ta61", "ta71", "ta78"])
def test_wide_shops_are_proved_by_the_bound(name):
    result = solving.solve(benchmark(name), "tabu", iterations=200_000)
    assert result.solution_status == SolutionStatus.OPTIMAL
    assert result.objective == result.bound == best_known(benchmark(name)).upper_bound


def test_schedules_of_any_shape_pass_the_checker(shop):
    for seed in range(120):
        rng = np.random.default_rng(seed)
        instance = shop(seed, int(rng.integers(1, 12)), int(rng.integers(1, 8)), int(rng.choice([0, 1, 20])))
        outcome = solve(instance, Budget(iterations=600), seed, Options(population=3, patience=60), quiet)
        verdict = check(instance, outcome.solution)
        assert verdict.is_feasible, (seed, verdict)
        assert verdict.objective == outcome.objective >= outcome.bound
        assert outcome.iterations <= 600
        expected = Termination.OPTIMAL if outcome.objective == outcome.bound else Termination.ITERATIONS
        assert outcome.termination == expected


def test_tiny_shops_are_solved_to_the_enumerated_optimum(small_shops):
    compared = 0
    for instance in small_shops(240, 11):
        if instance.features:
            continue
        best = enumerate_all(instance, Budget(), 0, None, quiet).objective
        outcome = solve(instance, Budget(target=best, iterations=20_000), 0, SMALL, quiet)
        assert outcome.objective == best, instance.name
        compared += 1
    assert compared >= 10


def test_the_same_seed_gives_the_same_schedule_whatever_the_chunks(square, monkeypatch):
    def run(seed):
        outcome = solve(square, Budget(iterations=5000), seed, SMALL, quiet)
        return outcome.solution.start.tobytes(), outcome.objective, outcome.iterations

    first = run(4)
    assert run(4) == first
    monkeypatch.setattr(job_shop_run, "CHUNK_S", 1e-5)  # other chunks, as on a slower machine
    assert run(4) == first
    monkeypatch.setattr(job_shop_run.Run, "_steps", lambda self: min(7, 5000 - self.iterations))
    assert run(4) == first
    assert len({run(seed)[0] for seed in range(4, 9)}) > 1


def test_iterations_are_exact_and_time_is_kept(square):
    for iterations in (0, 1, 777):
        outcome = solve(square, Budget(iterations=iterations), 0, SMALL, quiet)
        assert (outcome.termination, outcome.iterations) == (Termination.ITERATIONS, iterations)
    began = time.monotonic()
    outcome = soon(lambda: solve(square, Budget(time_limit_s=0.3), 0, SMALL, quiet), 2.0)
    assert time.monotonic() - began >= 0.3
    assert outcome.termination == Termination.TIME
    assert solve(square, Budget(time_limit_s=0.0), 0, SMALL, quiet).termination == Termination.TIME


def test_target_and_gap_end_the_run(square):
    best = solve(square, Budget(iterations=20_000), 0, SMALL, quiet)
    easy = solve(square, Budget(iterations=20_000, target=best.objective + 30.5), 0, SMALL, quiet)
    assert easy.termination == Termination.TARGET
    assert best.objective <= easy.objective <= best.objective + 30
    gap = (best.objective + 5 - best.bound) / (best.objective + 5)
    close = solve(square, Budget(iterations=50_000, gap=gap), 0, SMALL, quiet)
    assert close.termination in (Termination.GAP, Termination.OPTIMAL)
    assert close.objective <= best.objective + 5
    met = solve(square, Budget(iterations=100, target=math.inf), 0, SMALL, quiet)
    assert (met.termination, met.iterations) == (Termination.TARGET, 0)
    never = solve(square, Budget(iterations=100, target=-math.inf), 0, SMALL, quiet)
    assert never.termination == Termination.ITERATIONS


def test_a_met_bound_is_a_proof():
    instance = JobShop.from_jobs("machine", [[(0, 5), (1, 1)], [(0, 4), (1, 1)], [(0, 3), (1, 1)]])
    result = solving.solve(instance, "tabu", iterations=1000)
    assert (result.objective, result.bound) == (13, 13)
    assert result.solution_status == SolutionStatus.OPTIMAL
    assert result.termination == Termination.OPTIMAL


def test_reports_improve_strictly_and_end_with_the_result(square):
    seen = []

    def report(solution=None, *, bound=None):
        if solution is not None:
            seen.append(check(square, solution).objective)

    outcome = solve(square, Budget(iterations=5000), 2, SMALL, report)
    assert seen == sorted(set(seen), reverse=True)
    assert seen[-1] == outcome.objective


def test_improve_shares_a_clock_and_never_worsens_the_start(square):
    worst = solve(square, Budget(iterations=0), 0, SMALL, quiet).solution
    clock = Budget(iterations=3000).start()
    outcome = improve(square, worst, clock, 0, quiet)
    assert outcome.objective < worst.makespan
    done = Budget(time_limit_s=0.0).start()
    assert improve(square, outcome.solution, done, 0, quiet).objective == outcome.objective


def test_a_start_that_is_no_schedule_is_refused(square):
    good = solve(square, Budget(iterations=0), 0, SMALL, quiet).solution
    early = Schedule(good.job, good.operation, good.machine, good.start * 0, good.end - good.start)
    with pytest.raises(InstanceError, match="feasible"):
        improve(square, early, Budget().start(), 0, quiet)


def test_shops_without_any_move_end():
    """One job only, or a critical path on which no two operations may be exchanged."""
    single = JobShop.from_jobs("single", [[(0, 2), (0, 3), (1, 1)]])
    assert solve(single, Budget(), 0, SMALL, quiet).termination == Termination.OPTIMAL
    stuck = improve(
        single, solve(single, Budget(), 0, SMALL, quiet).solution, Budget(iterations=5).start(), 0, quiet, bound=0
    )
    assert (stuck.termination, stuck.iterations) == (Termination.ITERATIONS, 5)
    nothing = JobShop.from_jobs("nothing", [[(0, 0)], [(0, 0)]])
    assert solve(nothing, Budget(), 0, SMALL, quiet).objective == 0


def test_runs_share_nothing(square, ft06):
    alone = solve(square, Budget(iterations=2000), 1, SMALL, quiet).solution
    kept = []

    def report(solution=None, *, bound=None):
        """Run another search within the first, as a careless caller might."""
        if solution is not None and len(kept) < 3:
            kept.append(solve(ft06, Budget(iterations=300), 1, SMALL, quiet))

    assert solve(square, Budget(iterations=2000), 1, SMALL, report).solution == alone


def test_ctrl_c_passes_and_the_best_is_kept(square):
    calls = []

    def interrupt(solution, objective, bound):
        calls.append(objective)
        if len(calls) == 3:
            raise KeyboardInterrupt

    result = solving.solve(square, "tabu", iterations=100_000, on_incumbent=interrupt)
    assert result.termination == Termination.INTERRUPTED
    assert result.objective == min(o for o in calls if o is not None)


def test_other_variants_and_bad_options_are_refused(ft06):
    flexible = JobShop.from_jobs("flexible", [[[(0, 3), (1, 2)]]])
    with pytest.raises(UnsupportedError, match="flexible"):
        improve(flexible, None, Budget().start(), 0, quiet)
    with pytest.raises(OptionError, match="population"):
        Options(population=1)
    with pytest.raises(OptionError, match="patience"):
        Options(patience=0)


def test_huge_durations_do_not_overflow():
    rng = np.random.default_rng(0)
    small = JobShop.from_matrices("a", [rng.permutation(5) for _ in range(6)], rng.integers(1, 100, (6, 5)))
    large = JobShop.from_matrices("b", small.machine.reshape(6, 5), small.duration.reshape(6, 5) * 2**27)
    few = Budget(iterations=3000)
    assert solve(large, few, 0, SMALL, quiet).objective == solve(small, few, 0, SMALL, quiet).objective * 2**27
