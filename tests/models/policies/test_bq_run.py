"""What a run of the learned method keeps, reports and ends by, on numbers that stand for solutions."""

import time

import pytest

from counterpoint.models.policies.bq import Options
from counterpoint.models.policies.bq_run import run
from counterpoint.opt.budget import Budget
from counterpoint.opt.result import Termination


def ran(built, rounds=(), *, options=None, budget=None, sense="min"):
    told, asked = [], []

    def build(width, samples):
        asked.append((width, samples) if samples else width)
        return built[asked[-1]]

    outcome = run(
        build, lambda held: iter(rounds), float, lambda held: f"<{held}>",
        options=options or Options(), clock=(budget or Budget()).start(), report=told.append, sense=sense,
    )  # fmt: skip
    return outcome, told, asked


def test_a_beam_that_is_worse_than_greedy_is_not_kept():
    outcome, told, asked = ran({1: (5, False), 4: (7, False)}, options=Options(width=4))
    assert (outcome.solution, outcome.objective, outcome.termination) == ("<5>", 5.0, Termination.COMPLETED)
    assert (told, asked) == (["<5>"], [1, 4])


def test_what_is_drawn_comes_between_the_greedy_one_and_the_beam():
    built = {1: (5, False), (1, 8): (4, False), 4: (7, False)}
    outcome, told, asked = ran(built, options=Options(width=4, samples=8))
    assert (outcome.objective, told, asked) == (4, ["<5>", "<4>"], [1, (1, 8), 4])
    late = {1: (5, False), (1, 8): (6, True)}
    outcome, told, asked = ran(late, options=Options(width=4, samples=8))
    assert (outcome.objective, outcome.termination, asked) == (5, Termination.TIME, [1, (1, 8)])


@pytest.mark.parametrize(("sense", "best"), [("min", 3), ("max", 9)])
def test_improvements_are_kept_and_reported_as_they_come(sense, best):
    better = {"min": [6, 4, 5, 3, 8], "max": [5, 6, 6, 9, 2]}[sense]
    outcome, told, _ = ran({1: (5, False)}, better, options=Options(reconstructions=9), sense=sense)
    assert outcome.objective == best
    assert told[-1] == f"<{best}>"
    assert len(told) == 3
    assert outcome.iterations == 5  # as many as came
    assert outcome.termination is Termination.COMPLETED


def test_rounds_end_by_their_number_the_target_or_the_budgets_iterations():
    endless = [5, 4, 3, 2, 1] + [0] * 100
    outcome, _, _ = ran({1: (5, False)}, endless, options=Options(reconstructions=2))
    assert (outcome.objective, outcome.iterations, outcome.termination) == (4, 2, Termination.COMPLETED)
    outcome, _, _ = ran({1: (5, False)}, endless, options=Options(reconstructions=200), budget=Budget(target=3))
    assert (outcome.objective, outcome.termination) == (3, Termination.TARGET)
    outcome, _, _ = ran({1: (5, False)}, endless, options=Options(reconstructions=200), budget=Budget(iterations=4))
    assert (outcome.objective, outcome.iterations, outcome.termination) == (2, 4, Termination.ITERATIONS)


def test_no_beam_after_the_time_or_the_target():
    outcome, _, asked = ran({1: (5, True), 8: (1, False)}, options=Options(width=8))
    assert (outcome.objective, outcome.termination, asked) == (5, Termination.TIME, [1])
    outcome, _, asked = ran({1: (5, False), 8: (1, False)}, options=Options(width=8), budget=Budget(target=5))
    assert (outcome.objective, outcome.termination, asked) == (5, Termination.TARGET, [1])


def test_a_beam_that_the_time_cuts_says_so():
    outcome, _, _ = ran({1: (5, False), 8: (4, True)}, options=Options(width=8))
    assert (outcome.objective, outcome.termination) == (4, Termination.TIME)


def test_without_a_number_rounds_last_as_long_as_the_budget_if_it_ends():
    endless = [5, 4, 3, 2, 1] + [0] * 100
    outcome, _, _ = ran({1: (5, False)}, endless)
    assert (outcome.objective, outcome.iterations, outcome.termination) == (5, 0, Termination.COMPLETED)
    outcome, _, _ = ran({1: (5, False)}, endless, budget=Budget(iterations=3))
    assert (outcome.objective, outcome.iterations, outcome.termination) == (3, 3, Termination.ITERATIONS)
    slow = (time.sleep(0.02) or number for number in range(5, -1000, -1))
    outcome, _, _ = ran({1: (5, False)}, slow, budget=Budget(time_limit_s=0.3))
    assert outcome.iterations >= 1
    assert outcome.termination is Termination.TIME
