"""Places: each metric by hand and by a slow twin in plain Python, matrices, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.places import MAX_MATRIX, METRICS, Places

POINTS = [[0.0, 0.0], [3.0, 4.0], [-0.5, 2.5], [1.0, 1.0]]
BY_POINTS = [metric for metric in METRICS if metric != "explicit"]


def degrees(x):
    whole = int(x)
    return 3.141592 * (whole + 5.0 * (x - whole) / 3.0) / 180.0


def slow(metric, a, b):
    """Return the distance by TSPLIB's documentation, one pair at a time."""
    dx, dy = a[0] - b[0], a[1] - b[1]
    nearest = lambda x: math.floor(x + 0.5)  # noqa: E731
    if metric == "euclidean":
        return math.sqrt(dx * dx + dy * dy)
    if metric == "euc-2d":
        return nearest(math.sqrt(dx * dx + dy * dy))
    if metric == "ceil-2d":
        return math.ceil(math.sqrt(dx * dx + dy * dy))
    if metric == "man-2d":
        return nearest(abs(dx) + abs(dy))
    if metric == "max-2d":
        return max(nearest(abs(dx)), nearest(abs(dy)))
    if metric == "att":
        r = math.sqrt((dx * dx + dy * dy) / 10.0)
        return nearest(r) + (nearest(r) < r)
    (lat_a, lon_a), (lat_b, lon_b) = map(degrees, a), map(degrees, b)
    q1, q2, q3 = math.cos(lon_a - lon_b), math.cos(lat_a - lat_b), math.cos(lat_a + lat_b)
    return int(6378.388 * math.acos(max(-1.0, min(1.0, 0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)))) + 1.0)


coordinates = st.lists(st.tuples(*[st.integers(-9000, 9000).map(lambda x: x / 100)] * 2), min_size=1, max_size=6)


@pytest.mark.parametrize("metric", BY_POINTS)
@given(points=coordinates)
def test_distances_are_those_of_the_documentation(metric, points):
    places = Places(metric, points)
    found = places.distances()
    assert found.dtype == (np.float64 if metric == "euclidean" else np.int64)
    for a in range(len(points)):
        for b in range(len(points)):
            expected = 0 if a == b else slow(metric, points[a], points[b])
            assert found[a, b] == pytest.approx(expected, abs=1e-9)
            if a != b:
                assert places.lengths(a, b) == found[a, b]


def test_symmetry_and_whole_numbers():
    assert Places("euclidean", POINTS).is_symmetric
    assert not Places("euclidean", POINTS).is_integral
    assert Places("att", POINTS).is_integral
    assert not Places("explicit", None, [[0, 1], [2, 0]]).is_symmetric
    assert Places("explicit", None, [[0, 1], [1, 0]]).is_integral
    assert not Places("explicit", None, [[0, 1.0], [1, 0]]).is_integral
    assert len(Places("explicit", None, [[0, 1], [2, 0]])) == 2


def test_lengths_broadcast():
    places = Places("euc-2d", POINTS)
    assert places.lengths([0, 1], [1, 0]).tolist() == [5, 5]
    assert places.lengths(np.array([[0], [1]]), [0, 1]).tolist() == [[0, 5], [5, 0]]


def test_arrays_are_copies_that_nobody_writes_to():
    matrix = np.array([[7, 1], [2, 7]])
    places = Places("explicit", [[0, 0], [1, 1]], matrix)
    matrix[0, 1] = 9
    assert places.matrix.tolist() == [[0, 1], [2, 0]]
    for array in (places.points, places.matrix):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_facts_tell_everything_apart():
    different = [
        Places("euc-2d", POINTS), Places("att", POINTS), Places("euc-2d", POINTS[::-1]),
        Places("explicit", None, [[0, 1], [1, 0]]), Places("explicit", None, [[0, 1.0], [1, 0]]),
        Places("explicit", [[0, 0], [1, 1]], [[0, 1], [1, 0]]), Places("explicit", None, [[0]]),
    ]  # fmt: skip
    assert len({places.facts() for places in different}) == len(different)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("euclid", POINTS), ("metric",)),
        (("euc-2d",), ("points",)),
        (("explicit", POINTS), ("matrix",)),
        (("euc-2d", POINTS, [[0]]), ("matrix",)),
        (("euc-2d", []), ("points",)),
        (("euc-2d", [[1, 2, 3]]), ("points",)),
        (("euc-2d", [[1, 2], [3]]), ("points",)),
        (("euc-2d", [["a", "b"]]), ("points",)),
        (("euc-2d", [[0, 0], [0, math.nan]]), ("points", 1)),
        (("euc-2d", [[0, 0], [0, 1e10]]), ("points", 1)),
        (("explicit", None, [[0, 1]]), ("matrix",)),
        (("explicit", None, [[0, 1], [1]]), ("matrix",)),
        (("explicit", None, [["0"]]), ("matrix",)),
        (("explicit", None, []), ("matrix",)),
        (("explicit", None, [[0, -1], [1, 0]]), ("matrix", 0, 1)),
        (("explicit", None, [[0, 1], [math.nan, 0]]), ("matrix", 1, 0)),
        (("explicit", None, [[0, 1], [10**13, 0]]), ("matrix", 1, 0)),
        (("explicit", [[0, 0]], [[0, 1], [1, 0]]), ("points",)),
    ],
)
def test_what_is_refused(arguments, place):
    with pytest.raises(InstanceError) as caught:
        Places(*arguments)
    assert caught.value.place == place


def test_a_matrix_beyond_memory_is_refused():
    places = Places("euc-2d", np.zeros((MAX_MATRIX + 1, 2)))
    with pytest.raises(InstanceError, match="too large"):
        places.distances()
    assert places.lengths(0, MAX_MATRIX) == 0
