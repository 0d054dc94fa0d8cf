"""Budgets: what is refused, and which limit stops a run first."""

import math
import os

import pytest

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.result import Termination


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time_limit_s": -1}, "time limit"),
        ({"time_limit_s": math.inf}, "time limit"),
        ({"time_limit_s": math.nan}, "time limit"),
        ({"iterations": -1}, "iterations"),
        ({"target": math.nan}, "target"),
        ({"gap": -0.1}, "gap"),
        ({"gap": math.inf}, "gap"),
        ({"gap": math.nan}, "gap"),
        ({"threads": 0}, "threads"),
        ({"threads": 1.5}, "threads must be a whole number, not 1.5"),
        ({"iterations": True}, "iterations must be a whole number"),
        ({"time_limit_s": "10"}, "time_limit_s must be a number, not '10'"),
        ({"gap": None}, "gap must be a number"),
    ],
)
def test_impossible_limits_are_refused(fields, message):
    with pytest.raises(OptionError, match=message):
        Budget(**fields)


def clock(elapsed_s=0.0, **limits):
    """A clock that has run for `elapsed_s`."""
    running = Budget(**limits).start()
    running.started -= elapsed_s
    return running


class TestStop:
    def test_nothing_stops_without_limits(self):
        assert clock(1e6).stop(iteration=10**9, objective=5.0, bound=1.0) is None

    def test_time(self):
        assert clock(9.9, time_limit_s=100).stop() is None
        assert clock(100.1, time_limit_s=100).stop() is Termination.TIME
        assert clock(time_limit_s=0).stop() is Termination.TIME

    def test_iterations(self):
        assert clock(iterations=3).stop(iteration=2) is None
        assert clock(iterations=3).stop(iteration=3) is Termination.ITERATIONS

    def test_target_by_sense(self):
        assert clock(target=10).stop(objective=11.0) is None
        assert clock(target=10).stop(objective=10.0) is Termination.TARGET
        assert clock(target=10).stop(objective=11.0, sense="max") is Termination.TARGET
        assert clock(target=10).stop(objective=9.0, sense="max") is None

    def test_gap_and_proof(self):
        assert clock(gap=0.1).stop(objective=100.0, bound=89.0) is None
        assert clock(gap=0.1).stop(objective=100.0, bound=90.0) is Termination.GAP
        assert clock(gap=0.1).stop(objective=100.0, bound=100.0) is Termination.OPTIMAL

    def test_proof_comes_before_everything(self):
        done = clock(5, time_limit_s=1, iterations=0, target=200)
        assert done.stop(iteration=1, objective=100.0, bound=100.0) is Termination.OPTIMAL
        assert done.stop(iteration=1, objective=100.0) is Termination.TARGET
        assert done.stop(iteration=1) is Termination.ITERATIONS


class TestClock:
    def test_remaining_time(self):
        assert clock(4, time_limit_s=10).remaining_s() == pytest.approx(6, abs=0.1)
        assert clock(40, time_limit_s=10).remaining_s() == 0
        assert clock(40).remaining_s() == math.inf

    def test_a_part_of_what_is_left(self):
        part = clock(4, time_limit_s=10, gap=0.2).left(0.5, iterations=7)
        assert part.time_limit_s == pytest.approx(3, abs=0.1)
        assert (part.iterations, part.gap) == (7, 0.2)
        assert clock().left(0.5).time_limit_s is None

    def test_elapsed_never_runs_backwards(self):
        running = Clock(Budget())
        seen = [running.elapsed_s() for _ in range(1000)]
        assert seen == sorted(seen)
        assert seen[0] >= 0


def test_threads():
    assert Budget(threads=3).threads_or_all() == 3
    assert 1 <= Budget().threads_or_all() <= (os.cpu_count() or 1)
