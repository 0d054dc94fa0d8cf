"""The nearest place next: as looked for among all that are left, also by a tree."""

import numpy as np
import pytest

from counterpoint.models.policies import nearest
from counterpoint.models.policies.nearest import nearest_next
from counterpoint.opt.problems.places import METRICS, Places


@pytest.mark.parametrize("metric", METRICS[:-1])
def test_a_tree_finds_ways_as_short_as_looking_at_all(metric, monkeypatch):
    """Step by step, as what is equally near may be taken in any order."""
    points = np.random.default_rng(0).random((300, 2)) * (89 if metric == "geo" else 5000)
    places, rest = Places(metric, points), np.arange(1, 300)
    plain = nearest_next(places, 0, rest)
    monkeypatch.setattr(nearest, "MANY", 10)
    found = nearest_next(places, 0, rest)
    assert (np.sort(found) == rest).all()
    left, here = set(rest.tolist()), 0
    for place in found.tolist():
        away = places.lengths(here, np.array(sorted(left)))
        assert places.lengths(here, place) <= away.min() + (0 if metric == "euclidean" else 1)
        left.remove(place)
        here = place
    if metric == "euclidean":
        assert (found == plain).all()


def test_places_on_one_spot_are_all_visited(monkeypatch):
    monkeypatch.setattr(nearest, "MANY", 5)
    places = Places("euclidean", np.repeat(np.random.default_rng(1).random((6, 2)), 20, axis=0))
    found = nearest_next(places, 0, np.arange(1, 120))
    assert (np.sort(found) == np.arange(1, 120)).all()
    legs = places.lengths(np.r_[0, found[:-1]], found)
    assert (legs > 0).sum() == 5  # each spot is left once


def test_a_few_are_ordered_as_ever():
    line = Places("euclidean", [[0, 0], [5, 0], [1, 0], [3, 0]])
    assert nearest_next(line, 0, np.array([1, 2, 3])).tolist() == [2, 3, 1]
    assert nearest_next(line, 0, np.array([], np.int64)).tolist() == []
