"""Local search for orienteering: a budget holds several coolings, each from the greedy walk."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from counterpoint.datasets.generators import orienteering
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.orienteering import check
from counterpoint.simulators.splitmix import stream
from counterpoint.solvers.local_search import orienteering as local_search
from counterpoint.solvers.local_search.orienteering import Options, solve
from counterpoint.solvers.local_search.orienteering_kernels import _force_in


def found(case, iterations, **options):
    outcome = solve(case, Budget(iterations=iterations), 0, Options(**options), unheard)
    verdict = check(case, outcome.solution)
    assert verdict.is_feasible
    assert verdict.objective == pytest.approx(outcome.objective)
    return outcome


def test_several_coolings_find_what_one_of_the_same_steps_misses():
    case = orienteering.uniform(places=50, seed=810_002)
    one, four = (found(case, 3000, steps=750, coolings=times).objective for times in (1, 4))
    assert one == pytest.approx(17.24)
    assert four == pytest.approx(17.61)


def test_visits_that_pay_little_by_themselves_lead_to_others():
    """Two far clusters: without a newcomer forced in, the walk stays in the one however long it is searched for."""
    assert found(orienteering.uniform(places=50, seed=910_006), 3000).objective == pytest.approx(18.22)


def test_a_visit_is_forced_in_where_it_costs_least_if_it_fits():
    """Of four corners of a square and one far off: the fourth corner fits, the far place and those visited do not."""
    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [9, 9], [0, 0]], float)
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    seen = set()
    for seed in range(60):
        order = np.array([0, 1, 3, 5, 0, 0])
        state = np.array([stream(np.uint64(seed), 0)], np.uint64)
        count = _force_in(order, 4, distance, np.array([0, 1.0, 1.0, 1.0, 1.0, 0]), 4.0, state)
        seen.add(tuple(order[:count].tolist()))
    assert seen == {(0, 1, 3, 5), (0, 1, 2, 3, 5)}


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
