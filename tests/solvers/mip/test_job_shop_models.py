"""Anchors, guards, limits and the parts of the job-shop models."""

import dataclasses

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.result import SolutionStatus, Termination
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.job_shop_disjunctive import DisjunctiveModel
from counterpoint.solvers.mip.job_shop_frame import earliest_starts, frame_of, longest_paths, objective_of
from counterpoint.solvers.mip.job_shop_pyomo import build_pyomo
from counterpoint.solvers.mip.job_shop_steps import Steps, ranges
from counterpoint.solvers.mip.job_shop_time_indexed import TimeIndexedModel
from counterpoint.solvers.mip.model import Columns

FT06 = JobShop.from_matrices(  # Fisher and Thompson 1963, 6 x 6; optimum 55
    "ft06",
    [
        [2, 0, 1, 3, 5, 4], [1, 2, 4, 5, 0, 3], [2, 3, 5, 0, 1, 4],
        [1, 0, 2, 3, 4, 5], [2, 1, 4, 5, 0, 3], [1, 3, 5, 0, 4, 2],
    ],
    [
        [1, 3, 6, 7, 3, 6], [8, 5, 10, 10, 10, 4], [5, 4, 8, 9, 1, 7],
        [5, 5, 5, 3, 8, 9], [9, 3, 5, 4, 3, 1], [3, 3, 9, 10, 4, 1],
    ],
)  # fmt: skip
METHODS = ("mip-disjunctive", "mip-time-indexed", "mip-disjunctive-pyomo", "mip-time-indexed-pyomo")


@pytest.mark.parametrize("method", METHODS[:3:2])
def test_ft06_is_proved(method: str) -> None:
    result = ct.solve(FT06, method, time_limit=120, threads=1)
    assert (result.objective, result.bound, result.termination) == (55, 55, Termination.OPTIMAL)
    assert result.solution_status is SolutionStatus.OPTIMAL
    assert result.solver.startswith("highs 1.")
    values = [point.objective for point in result.trace if point.objective is not None]
    assert values == sorted(values, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("blocking", "optimum"), [("none", 55), ("swap", 63)])
def test_ft06_by_every_method(method: str, blocking: str, optimum: int) -> None:
    """63 with swap: OptalCP and CP Optimizer, as published in ScheduleOpt/optalcp-benchmarks."""
    shop = dataclasses.replace(FT06, blocking=blocking)
    result = ct.solve(shop, method, time_limit=300, threads=1)
    assert (result.objective, result.solution_status) == (optimum, SolutionStatus.OPTIMAL)


def test_swap_is_what_tells_the_two_kinds_of_blocking_apart() -> None:
    """Two jobs that cross: with swap they exchange machines at 3; without, one must wait for the other to be done."""
    jobs = [[(0, 3), (1, 3)], [(1, 3), (0, 3)]]
    for blocking, optimum in (("swap", 6), ("no-swap", 12)):
        shop = JobShop.from_jobs("cross", jobs, blocking=blocking)
        for method in METHODS:
            assert ct.solve(shop, method, time_limit=60, threads=1).objective == optimum, (blocking, method)


def test_no_model_lets_a_swap_through_where_none_is_allowed() -> None:
    """The swap's own values break a rank row of either model, and nothing but a rank row."""
    jobs = [[(0, 3), (1, 3)], [(1, 3), (0, 3)]]
    shop = JobShop.from_jobs("cross", jobs, blocking="no-swap")
    exchange = Schedule.from_starts(shop, [0, 3, 0, 3])
    assert [v.kind for v in check(shop, exchange).violations] == ["swap"]
    frame = frame_of(shop, Budget().start(), 0)
    for build in (DisjunctiveModel, TimeIndexedModel):
        built = build(shop, frame)
        free = dataclasses.replace(
            built.model,
            col_lower=np.where(is_rank(built), 0, built.values_of(exchange)),
            col_upper=np.where(is_rank(built), built.model.col_upper, built.values_of(exchange)),
        )
        assert solve_model(free).termination is Termination.INFEASIBLE


def is_rank(built) -> np.ndarray:
    ranks = built.u if isinstance(built, DisjunctiveModel) else built.v
    return np.isin(np.arange(built.model.num_cols), ranks)


@pytest.mark.parametrize("method", METHODS)
def test_limits_of_the_budget(method: str) -> None:
    stopped = ct.solve(FT06, method, target=60, time_limit=60, threads=1)
    assert stopped.objective <= 60
    assert stopped.termination in (Termination.TARGET, Termination.OPTIMAL)
    nothing = ct.solve(FT06, method, time_limit=0.0, threads=1)
    assert (nothing.termination, nothing.solution_status) == (Termination.TIME, SolutionStatus.FEASIBLE)
    loose = ct.solve(FT06, method, gap=0.5, time_limit=60, threads=1)
    assert loose.termination in (Termination.GAP, Termination.OPTIMAL)
    assert loose.gap <= 0.5


def test_iterations_are_nodes() -> None:
    rng = np.random.default_rng(0)
    machines = np.array([rng.permutation(5) for _ in range(8)])
    shop = JobShop.from_matrices("eight", machines, rng.integers(1, 100, (8, 5)))
    result = ct.solve(shop, "mip-disjunctive", iterations=1, threads=1)
    assert result.termination is Termination.ITERATIONS
    assert result.iterations <= 1
    assert result.bound < result.objective


def test_same_seed_gives_the_same_schedule() -> None:
    first, second = (ct.solve(FT06, "mip-disjunctive", seed=3, threads=1, time_limit=60) for _ in range(2))
    assert first.solution == second.solution
    assert first.iterations == second.iterations


def test_size_guards_say_the_numbers() -> None:
    rng = np.random.default_rng(0)
    machines = np.array([rng.permutation(10) for _ in range(30)])
    shop = JobShop.from_matrices("large", machines, rng.integers(1, 100, (30, 10)))
    with pytest.raises(UnsupportedError, match=r"needs \d{6} columns.*more than 100000.*mip-disjunctive"):
        build_pyomo(shop, "time-indexed")
    result = ct.solve(shop, "mip-time-indexed", time_limit=60)
    assert result.termination is Termination.ERROR
    assert "max_columns" in result.message
    assert result.solution_status is SolutionStatus.FEASIBLE  # the first schedule is kept
    crowd = ct.solve(shop, "mip-disjunctive:max-pairs=100", time_limit=60)
    assert crowd.termination is Termination.ERROR
    assert "4350 pairs" in crowd.message


def test_frame_by_hand() -> None:
    """Jobs of work 5 and 4; machine 0 down in [1, 4), so job 0 starts at 4."""
    shop = JobShop.from_jobs("frame", [[(0, 3), (1, 2)], [(1, 4)]], unavailable=[(0, 1, 4)])
    frame = frame_of(shop, Budget().start(), 0)
    assert frame.earliest.tolist() == [4, 7, 0]
    assert (frame.lower, frame.upper) == (9, 9)
    assert frame.latest.tolist() == [4, 7, 5]
    late = dataclasses.replace(
        shop, objective="total-weighted-tardiness", due_dates=np.array([0, 4]), weights=np.array([2, 3])
    )
    frame = frame_of(late, Budget().start(), 0)
    assert (frame.lower, frame.upper) == (18, 18)
    assert frame.latest.tolist() == [4, 7, 4 + 18 // 3 - 4]


def test_earliest_starts_by_hand() -> None:
    shop = JobShop.from_jobs("three", [[(0, 3), (1, 2)], [(0, 2), (1, 4)]], unavailable=[(1, 4, 6)])
    option, latest = np.arange(4), np.full(4, 100)
    first_job_first = earliest_starts(shop, option, np.array([0, 1]), np.array([2, 3]), latest)
    assert first_job_first.tolist() == [0, 6, 3, 8]
    cycle = earliest_starts(shop, option, np.array([0, 3]), np.array([2, 1]), latest)
    assert cycle.tolist() == [0, 10, 3, 6]
    assert earliest_starts(shop, option, np.array([0, 2]), np.array([2, 0]), latest) is None
    far = np.full(4, 2**40)  # a cycle of length 5: not walked round until then
    assert earliest_starts(shop, option, np.array([0, 2]), np.array([2, 0]), far) is None


def test_longest_paths() -> None:
    assert longest_paths(4, np.array([0, 1, 0]), np.array([1, 2, 2])).tolist() == [0, 1, 2, 0]
    assert longest_paths(0, np.zeros(0, int), np.zeros(0, int)).tolist() == []


def test_steps_alias_forbidden_starts() -> None:
    """Duration 2, window [3, 5): starts 2, 3, 4 are forbidden; the last start of an only option is the constant 1."""
    shop = JobShop.from_jobs("steps", [[(0, 2)]], unavailable=[(0, 3, 5)])
    steps = Steps(shop, np.array([0]), np.array([6]), Columns())
    assert steps.time.tolist() == [0, 1, 5]
    zero, one = steps.zero, steps.one
    a, b, c = steps.columns.tolist()
    seen = steps.at(np.zeros(10, int), np.arange(-1, 9)).tolist()
    assert seen == [zero, a, b, b, b, b, c, one, one, one]
    values = np.array([0.0, 1.0, 0.0, 0.0, 1.0])
    assert steps.first_time(0, values) == 5
    assert ranges(np.array([3, 8]), np.array([2, 9]))[1].tolist() == [8, 9]


def test_objective_of_both_kinds() -> None:
    shop = JobShop.from_jobs("o", [[(0, 3), (1, 2)], [(1, 4)]], due_dates=[2, 20], weights=[3, 1])
    schedule = Schedule.from_starts(shop, [0, 4, 0])
    assert objective_of(shop, schedule) == 6
    assert objective_of(dataclasses.replace(shop, objective="total-weighted-tardiness"), schedule) == 12


def test_an_optimum_past_a_million_is_no_failure() -> None:
    """A bound of 10^7 is not exact to one unit in floats; that the schedule is the best all the same is no error."""
    rng = np.random.default_rng(0)
    machines = [rng.permutation(3) for _ in range(4)]
    shop = JobShop.from_matrices("microseconds", machines, rng.integers(1, 100, (4, 3)) * 10**5)
    result = ct.solve(shop, "mip-disjunctive", time_limit=60, threads=1)
    assert result.termination in (Termination.OPTIMAL, Termination.COMPLETED), result.message
    exact = ct.solve(shop, "exhaustive").objective
    assert result.objective == exact
    assert (1 - 2e-6) * exact <= result.bound <= exact


def test_huge_durations_are_solved_or_refused_but_never_wrong() -> None:
    """Big-M rows of 10^11 pass any tolerance: the schedule is read from the orders, and the claim is checked."""
    unit = 10**10
    shop = JobShop.from_jobs(
        "huge", [[(0, 3 * unit + 1), (1, 2 * unit)], [(1, 4 * unit), (0, unit)], [(0, 2 * unit + 1)]]
    )
    result = ct.solve(shop, "mip-disjunctive", time_limit=20, threads=1)
    assert check(shop, result.solution).is_feasible
    assert result.termination in (Termination.OPTIMAL, Termination.ERROR)
    exact = ct.solve(shop, "exhaustive").objective
    assert result.bound <= exact <= result.objective
