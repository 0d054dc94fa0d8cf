"""The twin against something simpler still: every vector of start times, judged by the checker."""

import itertools

import numpy as np
import pytest

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.recording import Recorder
from counterpoint.opt.result import SolutionStatus, Termination
from counterpoint.opt.solving import solve
from counterpoint.solvers.exhaustive.job_shop import solve as exhaustive


def best_of_all_starts(shop, horizon):
    """Smallest objective over all choices and all integer starts up to `horizon`."""
    best = None
    choices = itertools.product(*(range(len(shop.options_of(i))) for i in range(shop.num_operations)))
    for choice in choices:
        for starts in itertools.product(range(horizon + 1), repeat=shop.num_operations):
            verdict = check(shop, Schedule.from_starts(shop, starts, np.array(choice)))
            if verdict.is_feasible and (best is None or verdict.objective < best):
                best = verdict.objective
    return best


CROSSING = [[(0, 1), (1, 2)], [(1, 2), (0, 1)]]  # under blocking the two jobs need a swap, or wait


@pytest.mark.parametrize(
    ("jobs", "rest", "expected"),
    [
        (CROSSING, {}, 4),
        (CROSSING, {"blocking": "swap"}, 4),
        (CROSSING, {"blocking": "no-swap"}, 6),
        (CROSSING, {"unavailable": [(0, 0, 2)]}, 5),
        (CROSSING, {"blocking": "swap", "unavailable": [(0, 0, 1), (1, 3, 4)]}, 6),
        (CROSSING, {"objective": "total-weighted-tardiness", "due_dates": [0, 0], "weights": [3, 1]}, 15),
        ([[(0, 2), (0, 1)], [(0, 0)]], {"blocking": "swap"}, 3),  # re-entrant, with an operation of no duration
        ([[[(0, 3), (1, 2)]], [[(0, 2), (1, 3)]]], {}, 2),
        ([[[(0, 1), (1, 2)], (1, 1)], [(1, 2)]], {"blocking": "no-swap"}, 3),
    ],
)
def test_known_values(jobs, rest, expected):
    shop = JobShop.from_jobs("tiny", jobs, **rest)
    result = solve(shop, "exhaustive")
    assert result.objective == expected
    assert result.solution_status is SolutionStatus.OPTIMAL
    assert best_of_all_starts(shop, 6) == expected


def test_equals_all_starts(small_shops):
    tiny = [shop for shop in small_shops(480, 3) if shop.num_operations <= 4]
    compared = 0
    for shop in tiny:
        result = solve(shop, "exhaustive")
        horizon = result.solution.makespan
        choices = np.prod(np.diff(shop.option_offsets))
        if choices * (horizon + 1) ** shop.num_operations > 2_500:
            continue
        assert best_of_all_starts(shop, horizon) == result.objective, shop
        compared += 1
    assert compared >= 40


def test_refuses_what_it_cannot_enumerate():
    shop = JobShop.from_matrices("large", [[0, 1, 2]] * 7, np.ones((7, 3), int))
    with pytest.raises(UnsupportedError, match="at most 20 operations"):
        exhaustive(shop, Budget(), 0, None, Recorder(shop))
    result = solve(shop, "exhaustive")
    assert result.termination is Termination.ERROR
    assert "use cp-sat" in result.message


def test_limits_keep_the_incumbent():
    rng = np.random.default_rng(1)
    machines = np.array([rng.permutation(4) for _ in range(5)])
    shop = JobShop.from_matrices("five", machines, rng.integers(1, 20, (5, 4)))
    stopped = solve(shop, "exhaustive", iterations=5)
    assert stopped.termination is Termination.ITERATIONS
    assert stopped.solution_status is SolutionStatus.FEASIBLE
    late = solve(shop, "exhaustive", time_limit=0)
    assert late.termination is Termination.TIME
    assert late.objective is not None
    optimum = solve(shop, "cp-sat", threads=1).objective
    assert solve(shop, "exhaustive", target=optimum).objective == optimum
    assert stopped.bound <= optimum <= stopped.objective
