"""An annealing cools down once within its budget, or again and again without one."""

import pytest

from counterpoint.opt.budget import Budget
from counterpoint.solvers.local_search.cooling import Cooling


def test_iterations_are_one_cooling():
    cooling = Cooling(Budget(iterations=100).start(), 7)
    assert cooling.shares(0, 25) == (0.0, 0.25)
    assert cooling.shares(75, 25) == (0.75, 1.0)
    assert not cooling.is_over(100)


def test_without_a_limit_each_cooling_takes_twice_as_long():
    cooling = Cooling(Budget().start(), 10)
    assert cooling.shares(5, 10) == (0.5, 1.0)
    assert not cooling.is_over(9)
    assert cooling.is_over(10)
    assert cooling.shares(10, 5) == (0.0, 0.25)
    assert not cooling.is_over(29)
    assert cooling.is_over(31)
    assert cooling.steps == 40


def test_of_two_limits_the_nearer_one_counts():
    clock = Budget(iterations=100, time_limit_s=10.0).start()
    clock.started -= 5.0  # half of the time is over
    now, later = Cooling(clock, 7).shares(10, 1)
    assert now == pytest.approx(0.5, abs=0.05)
    assert later == pytest.approx(0.55, abs=0.06)
    clock.started -= 100.0
    assert Cooling(clock, 7).shares(10, 1) == (1.0, 1.0)
