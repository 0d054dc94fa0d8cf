"""The learned walks: what is taken of what was rebuilt, and what the shipped network is worth."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.datasets.generators.orienteering import uniform
from counterpoint.models.policies.orienteering_reconstruction import Stretch, joined
from counterpoint.opt.problems.orienteering import Orienteering, Walk, check
from counterpoint.opt.problems.places import Places

LEARNED = tuple(f"bq:reconstructions={extra}" for extra in ("0", "0,width=16", "0,samples=16", "2"))
LINE = Places("euclidean", [[x, 0] for x in range(5)] + [[x, 1] for x in range(5)])


def stretch(case, visits, first, last, inner):
    """Return a stretch with what it gains."""
    stops = np.array([case.ends[0], *visits, case.ends[1]])
    was, way = stops[first : last + 1], np.array([stops[first], *inner, stops[last]])
    long = [float(case.places.lengths(w[:-1], w[1:]).sum()) for w in (was, way)]
    gain = case.prize[list(inner)].sum() - case.prize[was[1:-1]].sum()
    return Stretch(first, last, np.array(inner, np.int64), float(gain), long[1] - long[0])


def test_what_goes_together_is_taken() -> None:
    prize = np.array([0, 1, 1, 1, 0, 5, 2, 2, 3, 5])
    visits = np.array([1, 2, 3])
    case = Orienteering("l", LINE, prize, 4 + 2.5, (0, 4))
    early = stretch(case, visits, 0, 1, [5])  # 1.4 longer, 5 more
    late = stretch(case, visits, 3, 4, [9])  # likewise
    both = joined(case, visits, [early, late])
    assert both.tolist() in ([5, 1, 2, 3], [1, 2, 3, 9])  # there is room for one of them
    roomy = Orienteering("l", LINE, prize, 4 + 3.0, (0, 4))
    assert joined(roomy, visits, [early, late]).tolist() == [5, 1, 2, 3, 9]
    twice = [stretch(roomy, visits, 0, 2, [6]), stretch(roomy, visits, 2, 4, [6])]  # of no place twice
    assert joined(roomy, visits, twice).tolist() in ([6, 2, 3], [1, 2, 6])
    overlapping = [stretch(roomy, visits, 0, 2, [6]), stretch(roomy, visits, 1, 3, [7])]
    assert check(roomy, Walk(joined(roomy, visits, overlapping))).is_feasible
    worse = stretch(roomy, visits, 0, 4, [1, 2])
    assert joined(roomy, visits, [worse]).tolist() == visits.tolist()
    detour = np.array([2, 1, 3])
    assert joined(roomy, detour, [stretch(roomy, detour, 0, 3, [1, 2])]).tolist() == [1, 2, 3]  # as much, but shorter
    longer = stretch(roomy, visits, 0, 3, [2, 1])
    assert joined(roomy, visits, [longer]).tolist() == visits.tolist()


@pytest.fixture(scope="module")
def cases():
    """Instances as published: 20 and 50 places."""
    return [uniform(places=n, seed=900 + k) for n in (20, 50) for k in range(4)]


def test_the_shipped_network_beats_insertion(cases) -> None:
    prizes = {
        method: [ct.solve(case, method, seed=1).objective for case in cases]
        for method in (*LEARNED, "greedy-insertion")
    }
    plain, wide, drawn, rebuilt = (prizes[method] for method in LEARNED)
    assert np.mean(wide) > np.mean(prizes["greedy-insertion"])
    assert np.mean(wide) > np.mean(plain)
    assert np.mean(drawn) > np.mean(plain)
    assert all(a >= b for a, b in zip(rebuilt, plain, strict=True))


def test_where_nothing_is_within_reach_nothing_is_rebuilt() -> None:
    case = Orienteering("l", LINE, np.ones(10), 0.5)
    result = ct.solve(case, "bq:reconstructions=1000000", time_limit=600)
    assert (result.objective, result.iterations) == (0.0, 0)
    assert result.termination is ct.Termination.COMPLETED
