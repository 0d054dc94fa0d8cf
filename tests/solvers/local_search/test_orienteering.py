"""Local search for orienteering: a budget holds several coolings, each from the greedy walk."""

from dataclasses import replace
from itertools import pairwise

import pytest

from counterpoint.datasets.generators import orienteering
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.orienteering import check
from counterpoint.solvers.local_search import orienteering as local_search
from counterpoint.solvers.local_search.orienteering import Options, solve


def found(case, iterations, **options):
    outcome = solve(case, Budget(iterations=iterations), 0, Options(**options), unheard)
    verdict = check(case, outcome.solution)
    assert verdict.is_feasible
    assert verdict.objective == pytest.approx(outcome.objective)
    return outcome


def test_several_coolings_find_what_one_of_the_same_steps_misses():
    case = orienteering.uniform(places=50, seed=810_002)
    one, eight = (found(case, 3000, steps=375, coolings=times).objective for times in (1, 8))
    assert one == pytest.approx(17.14)
    assert eight == pytest.approx(17.35)


@pytest.mark.parametrize(("iterations", "times"), [(3000, 1), (10_000, 2), (24_999, 4), (200_000, 8)])
def test_a_limit_holds_as_many_coolings_as_there_is_room_for(iterations, times, monkeypatch):
    """Counted by how often the temperature is the first one again; the kernel is not run."""
    begun = []

    def anneal(order, count, best_order, best_count, *given):
        begun.append(given[6])
        return count, best_count

    monkeypatch.setattr(local_search, "anneal", anneal)
    case = orienteering.uniform(places=100, seed=1)
    outcome = found(case, iterations)
    assert outcome.iterations == iterations
    rises = 1 + sum(after > before for before, after in pairwise(begun))
    assert rises == times
    assert min(begun) < 0.1 * max(begun)


def test_options_are_checked():
    with pytest.raises(OptionError, match="coolings"):
        replace(Options(), coolings=0)
