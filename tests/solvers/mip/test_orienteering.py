"""Orienteering by HiGHS: the model cuts no walk off and lets nothing else pass; optima and bounds are proved."""

from functools import partial

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.orienteering import Orienteering, check
from counterpoint.opt.problems.places import Places
from counterpoint.solvers.dynamic_programming.orienteering import solve as dynamic_program
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.orienteering import Options, solve
from counterpoint.solvers.mip.orienteering_model import build, start_values, visits_of
from counterpoint.solvers.rules.orienteering import opened


def ignore(solution=None, *, bound=None):
    """Take a report and do nothing with it."""


def remember(bounds, solution=None, *, bound=None):
    """Take a report of a bound."""
    bounds.append(bound)


def drawn(k, n=9):
    """Closed or from end to end, whole distances or not, with the triangle inequality or without, some of them 0."""
    rng = np.random.default_rng(k)
    points = rng.integers(0, 12, (n, 2))
    places = (
        Places("euclidean", points / 12),
        Places("ceil-2d", 3 * points),
        Places("explicit", None, rng.integers(0, 30, (n, n))),
        Places("explicit", None, rng.random((n, n)) * rng.integers(0, 2, (n, n))),
    )[k % 4]
    ends = (0, 0) if k % 8 < 4 else (0, n - 1)
    home = 0 if ends[0] == ends[1] else float(places.lengths(*ends))
    longest = home + float(rng.random()) * (3.0, 100.0, 60.0, 1.5)[k % 4]
    return Orienteering(f"o{k}", places, rng.integers(0, 9, n) if k % 3 else rng.random(n), longest, ends)


def test_optima_are_those_of_dynamic_programming():
    for k in range(24):
        case = drawn(k)
        known = dynamic_program(case, Budget(), 0, None, ignore).objective
        bounds = []
        report = partial(remember, bounds)
        found = solve(case, Budget(threads=1), 0, Options(steps=0), report)
        assert check(case, found.solution).is_feasible
        assert found.objective == pytest.approx(known, abs=1e-9), case
        assert found.bound == pytest.approx(known, abs=2e-6), case
        assert all(bound is None or bound >= known - 1e-9 for bound in bounds), case


def test_no_walk_is_cut_off():
    rng = np.random.default_rng(0)
    tried = 0
    for k in range(60):
        case = drawn(k)
        walk = opened(case)
        model = build(walk)
        for _ in range(20):
            visits = 1 + rng.permutation(len(walk.place) - 2)[: rng.integers(0, 5)]
            if not check(case, walk.walk(visits)).is_feasible:
                continue
            tried += 1
            values = start_values(model, visits, len(walk.place))
            assert model.linear.violation(values) < 1e-6, (case, visits)
            assert -model.linear.cost @ values == pytest.approx(walk.prize[visits].sum())
            assert visits_of(model, values).tolist() == visits.tolist()
    assert tried > 300


def test_places_at_one_point_are_no_walk_of_their_own():
    far = [[0, 0], [1, 0], [9, 9], [9, 9], [9, 9]]
    case = Orienteering("far", Places("euc-2d", far), [0, 1, 50, 50, 50], 3)
    found = solve(case, Budget(threads=1), 0, Options(), ignore)
    assert (found.objective, found.bound) == (1.0, 1.0)
    near = Orienteering("near", Places("explicit", None, [[0, 9, 9], [9, 0, 0], [9, 0, 0]]), [0, 5, 5], 17)
    result = solve_model(build(opened(near)).linear)
    assert result.objective == 0.0  # the two are 18 away and back, and nothing apart


def test_bounds_hold_when_it_is_cut_short():
    rng = np.random.default_rng(1)
    case = Orienteering("forty", Places("euclidean", rng.random((40, 2))), rng.integers(1, 10, 40), 2.0)
    known = ct.solve(case, "local-search", iterations=3000).objective
    short = ct.solve(case, "mip", iterations=1, time_limit=3, threads=1)
    assert short.termination in (ct.Termination.ITERATIONS, ct.Termination.TIME)
    assert short.bound >= known
    assert short.bound < case.prize.sum()
    late = ct.solve(case, "mip", time_limit=0, threads=1)
    assert late.termination is ct.Termination.TIME
    assert late.objective == ct.solve(case, "greedy-insertion").objective
    searched = ct.solve(case, "mip", target=late.objective + 1, time_limit=60, threads=1)
    assert searched.termination is ct.Termination.TARGET
    with pytest.raises(ct.OptionError, match="steps"):
        ct.solve(case, "mip:steps=-1")
