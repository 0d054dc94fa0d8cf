"""Weighted sums stay exact: at the door for solvers, in the checker for whatever a file states."""

import pytest

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check

LATE = {"objective": "total-weighted-tardiness", "due_dates": [0, 0]}


def test_weights_that_would_overflow_are_refused():
    jobs = [[(0, 2**39)], [(0, 2**38)]]
    with pytest.raises(InstanceError, match="divide the weights"):
        JobShop.from_jobs("huge", jobs, weights=[2**40, 2**40], **LATE)
    with pytest.raises(InstanceError, match="divide the weights"):
        JobShop.from_jobs("windows", [[(0, 1)]] * 2, weights=[2**20, 0], unavailable=[(0, 0, 2**40)], **LATE)


def test_the_checker_sums_weighted_tardiness_without_wrapping_round():
    shop = JobShop.from_jobs("two", [[(0, 1)], [(0, 1)]], weights=[2**30, 2**30], **LATE)
    late = 2**40
    verdict = check(shop, Schedule.from_starts(shop, [late, late + 1]))
    assert verdict.is_feasible
    assert verdict.objective == float(2**30 * (2 * late + 3)) > 2**63
