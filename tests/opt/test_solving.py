"""`solve` verifies what methods claim: lies, crashes and interrupts become honest results."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.recording import Recorder
from counterpoint.opt.registry import method, methods
from counterpoint.opt.result import Outcome, Reference, SolutionStatus, Termination
from counterpoint.opt.solving import run
from counterpoint.opt.verifying import verify

SHOP = JobShop.from_jobs("two", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
GOOD = Schedule.from_starts(SHOP, [0, 4, 0, 4])  # makespan 6, optimal: machine 1 carries 6
LATE = Schedule.from_starts(SHOP, [0, 5, 0, 4])  # makespan 7
OVERLAP = Schedule.from_starts(SHOP, [0, 3, 0, 4])


def attempt(body, **budget) -> ct.Result:
    """Run a function as if it were a method."""

    class Fake:
        name, version, is_parallel = "fake", 1, False

        def load(self):
            return body

    return run(SHOP, Fake(), Budget(**budget), 0, None)  # type: ignore[arg-type]


def test_an_honest_method_is_believed_after_the_check() -> None:
    result = attempt(lambda i, b, s, o, r: Outcome(GOOD, 6, Termination.OPTIMAL, bound=6))
    assert (result.objective, result.bound, result.gap) == (6, 6, 0)
    assert result.solution_status is SolutionStatus.OPTIMAL
    assert verify(result).is_confirmed


def test_a_wrong_claim_is_an_error_and_the_true_objective_is_kept() -> None:
    result = attempt(lambda i, b, s, o, r: Outcome(LATE, 6, Termination.OPTIMAL, bound=6))
    assert result.termination is Termination.ERROR
    assert result.objective == 7
    assert result.claimed_objective == 6
    assert result.solution_status is SolutionStatus.FEASIBLE
    assert "claimed objective 6" in result.message


def test_an_infeasible_solution_is_an_error_with_the_violation() -> None:
    result = attempt(lambda i, b, s, o, r: Outcome(OVERLAP, 5, Termination.COMPLETED))
    assert result.termination is Termination.ERROR
    assert result.solution_status is SolutionStatus.INFEASIBLE
    assert result.objective is None
    assert "overlap at machine 1" in result.message


def test_an_infeasible_incumbent_is_not_hidden_by_a_good_end() -> None:
    def body(i, b, s, o, report):
        report(OVERLAP)
        return Outcome(GOOD, 6, Termination.COMPLETED)

    result = attempt(body)
    assert result.termination is Termination.ERROR
    assert result.objective == 6


def test_a_bound_above_the_objective_is_an_error() -> None:
    result = attempt(lambda i, b, s, o, r: Outcome(GOOD, 6, Termination.OPTIMAL, bound=6.5))
    assert result.termination is Termination.ERROR
    assert "contradicts" in result.message
    assert result.solution_status is not SolutionStatus.OPTIMAL


def test_optimal_without_a_bound_is_only_feasible() -> None:
    result = attempt(lambda i, b, s, o, r: Outcome(GOOD, 6, Termination.OPTIMAL))
    assert result.solution_status is SolutionStatus.FEASIBLE


def test_a_crash_keeps_the_best_and_says_where() -> None:
    def body(i, b, s, o, report):
        report(LATE, bound=4)
        raise ZeroDivisionError("oh\x1b[31m")

    result = attempt(body)
    assert result.termination is Termination.ERROR
    assert (result.objective, result.bound) == (7, 4)
    assert "ZeroDivisionError" in result.message
    assert "\x1b" not in result.message


@pytest.mark.parametrize(
    ("error", "termination"), [(KeyboardInterrupt, Termination.INTERRUPTED), (MemoryError, Termination.MEMORY)]
)
def test_interrupts_keep_the_best(error: type[BaseException], termination: Termination) -> None:
    def body(i, b, s, o, report):
        report(LATE)
        raise error

    result = attempt(body)
    assert (result.termination, result.objective) == (termination, 7)


@pytest.mark.parametrize(
    ("cause", "termination"), [(KeyboardInterrupt(), Termination.INTERRUPTED), (ValueError(), Termination.ERROR)]
)
def test_an_interrupt_that_numba_wrapped_is_one(cause: BaseException, termination: Termination) -> None:
    def body(i, b, s, o, report):
        report(LATE)
        inner = SystemError("_numba_unpickle returned a result with an exception set")
        inner.__cause__ = cause
        raise SystemError("CPUDispatcher returned a result with an exception set") from inner

    result = attempt(body)
    assert (result.termination, result.objective) == (termination, 7)


def test_a_malformed_solution_is_an_error_not_a_crash() -> None:
    def body(i, b, s, o, report):
        report(LATE)
        return Outcome("no schedule", 6, Termination.OPTIMAL)

    result = attempt(body)
    assert (result.termination, result.objective) == (Termination.ERROR, 7)
    assert "AttributeError" in result.message


def test_an_interrupt_while_the_end_is_recorded_keeps_the_best() -> None:
    calls = []

    def listener(solution, objective, bound):
        calls.append(objective)
        if objective == 6:
            raise KeyboardInterrupt

    class Fake:
        name, version, is_parallel = "fake", 1, False

        def load(self):
            return lambda i, b, s, o, report: (report(LATE), Outcome(GOOD, 6, Termination.COMPLETED))[1]

    result = run(SHOP, Fake(), Budget(), 0, None, on_incumbent=listener)  # type: ignore[arg-type]
    assert (result.termination, result.objective, calls) == (Termination.INTERRUPTED, 6, [7, 6])


def test_reports_from_many_threads_are_taken_one_by_one() -> None:
    busy, most = 0, 0

    def listener(solution, objective, bound):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        time.sleep(0.001)
        busy -= 1

    recorder = Recorder(SHOP, listener)
    threads = [threading.Thread(target=lambda k=k: [recorder(bound=b) for b in range(k, 40, 4)]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    bounds = [point.bound for point in recorder.trace]
    assert bounds == sorted(bounds)
    assert recorder.bound == 39


def test_solve_and_check_take_names_and_results() -> None:
    result = ct.solve("ft06", "spt")
    assert ct.check("ft06", result) == ct.check(ct.benchmark("ft06"), result.solution)
    for nothing in (None, "abc", 7):
        with pytest.raises(ct.InstanceError, match="expected a solution"):
            ct.check("ft06", nothing)


@pytest.mark.parametrize("seed", [1.5, "a", None, 2**70])
def test_seeds_that_cannot_be_stored_are_refused(seed) -> None:
    with pytest.raises(ct.OptionError, match="seed"):
        ct.solve(SHOP, "spt", seed=seed)


def test_the_whole_budget_is_recorded_and_read_back(tmp_path) -> None:
    result = ct.solve(SHOP, "randomised", iterations=3, target=2, gap=0.01, time_limit=9)
    result.save(tmp_path / "r.json")
    again = ct.read_result(tmp_path / "r.json")
    assert (again.iteration_limit, again.target, again.gap_limit, again.time_limit_s) == (3, 2, 0.01, 9)


def test_trace_is_monotone_and_verified() -> None:
    def body(i, b, s, o, report):
        report(LATE, bound=1)
        report(bound=0)  # weaker: ignored
        report(LATE)  # not better: ignored
        report(GOOD)
        report(bound=6)
        return Outcome(GOOD, 6, Termination.OPTIMAL, bound=6)

    result = attempt(body)
    assert [(p.objective, p.bound) for p in result.trace] == [(7, 1), (6, 1), (6, 6)]
    assert all(a.wall_s <= b.wall_s for a, b in zip(result.trace, result.trace[1:], strict=False))


def test_listener_hears_each_improvement() -> None:
    heard = []
    recorder = Recorder(SHOP, lambda solution, objective, bound: heard.append((objective, bound)))
    recorder(LATE)
    recorder(GOOD, bound=5)
    assert heard == [(7, None), (6, 5)]


def test_an_objective_below_a_proven_bound_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import counterpoint.datasets.registry as registry

    monkeypatch.setattr(registry, "best_known", lambda i: Reference("two", 6.5, 9, "test"))
    result = attempt(lambda i, b, s, o, r: Outcome(GOOD, 6, Termination.COMPLETED))
    assert result.termination is Termination.ERROR
    assert "below the proven bound 6.5" in result.message
    assert not verify(result).is_confirmed


def test_verify_finds_every_tampered_field() -> None:
    result = attempt(lambda i, b, s, o, r: Outcome(GOOD, 6, Termination.OPTIMAL, bound=6))
    for change in (
        {"objective": 5.0},
        {"objective": None},
        {"solution": LATE},
        {"solution": OVERLAP},
        {"solution": None},
        {"bound": 7.0},
        {"bound": 5.0},  # claims proven optimality
        {"metrics": {"makespan": 5.0}},
        {"sense": "max"},
        {"solution_status": SolutionStatus.NONE},
        {"solution_status": SolutionStatus.INFEASIBLE},
        {"instance_hash": "0" * 64},
        {"instance": replace(SHOP, option_duration=np.array([1, 1, 1, 1]))},
        {"instance": None},
    ):
        assert not verify(replace(result, **change)).is_confirmed, change


def test_unsupported_features_name_methods_that_can() -> None:
    blocking = replace(SHOP, blocking="swap")
    with pytest.raises(ct.UnsupportedError, match="cp-sat"):
        ct.solve(blocking, "tabu")


def test_unknown_names_suggest() -> None:
    with pytest.raises(ct.UnknownNameError, match="cp-sat"):
        method("job-shop", "cpsat")
    with pytest.raises(ct.UnknownNameError, match="job-shop"):
        methods("jobshop")


def test_missing_package_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = replace(method("job-shop", "spt"), needs=("no_such_package",), extra="learn")
    with pytest.raises(ct.MissingPackageError, match=r"counterpoint\[learn\]"):
        fake.require(SHOP)


def test_registry_is_consistent() -> None:
    names = [m.name for m in methods("job-shop")]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and " " not in name and ":" not in name for name in names)
    known = {"flexible", "blocking-swap", "blocking-no-swap", "tardiness", "unavailability"}
    assert all(m.handles <= known for m in methods("job-shop"))


def test_a_bound_one_unit_away_proves_nothing_however_large_the_numbers() -> None:
    large = JobShop.from_jobs("large", [[(0, 10**9)], [(1, 1)]])
    schedule = Schedule.from_starts(large, [1, 0])  # a unit late

    class Fake:
        name, version, is_parallel = "fake", 1, False

        def load(self):
            return lambda *_: Outcome(schedule, 10**9 + 1, Termination.OPTIMAL, bound=10**9)

    result = run(large, Fake(), Budget(), 0, None)  # type: ignore[arg-type]
    assert result.solution_status is SolutionStatus.FEASIBLE
    assert not verify(replace(result, solution_status=SolutionStatus.OPTIMAL)).is_confirmed
    assert ct.solve(large, "exhaustive").objective == 10**9


def test_a_clock_calls_optimal_only_what_meets_the_bound() -> None:
    clock = Budget().start()
    assert clock.stop(objective=10**12 + 6, bound=10**12 + 5) is None
    assert clock.stop(objective=10**12 + 5, bound=10**12 + 5) is Termination.OPTIMAL
    assert clock.stop(objective=5, bound=6, sense="max") is None
    assert clock.stop(objective=6, bound=6, sense="max") is Termination.OPTIMAL
    huge = JobShop.from_jobs("huge", [[(1, 10**12 + 5)], [(0, 1)]])
    assert ct.solve(huge, "exhaustive").objective == 10**12 + 5
