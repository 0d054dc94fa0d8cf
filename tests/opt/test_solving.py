"""`solve` verifies what methods claim: lies, crashes and interrupts become honest results."""

from dataclasses import replace

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.registry import method, methods
from counterpoint.opt.result import Outcome, Reference, SolutionStatus, Termination
from counterpoint.opt.solving import Recorder, run
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
