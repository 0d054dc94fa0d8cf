"""The judges of tours, routes, walks and packings: by hand, and against slow twins on random solutions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems import cvrp, knapsack, orienteering, tsp
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp

SQUARE = Places("euc-2d", [[0, 0], [3, 0], [3, 4], [0, 4]])
ONE_WAY = Places("explicit", None, [[0, 1, 2, 3], [9, 0, 4, 5], [8, 7, 0, 6], [3, 2, 1, 0]])
PLACES = st.sampled_from([SQUARE, ONE_WAY, Places("euclidean", [[0, 0], [0.5, 1], [2, 0.1], [1, 1]])])
visits = st.lists(st.integers(0, 3), max_size=6)


def kinds(found):
    return sorted(v.kind for v in found.violations)


def legs(places, stops):
    return float(sum(places.distances()[a, b] for a, b in itertools.pairwise(stops)))


def test_tours_by_hand():
    instance = Tsp("x", ONE_WAY)
    assert tsp.check(instance, Tour([0, 1, 2, 3])).objective == 1 + 4 + 6 + 3
    assert tsp.check(instance, Tour([3, 2, 1, 0])).objective == 1 + 7 + 9 + 3
    assert tsp.check(Tsp("x", ONE_WAY, (0, 3)), Tour([0, 1, 2, 3])).objective == 11
    assert kinds(tsp.check(Tsp("x", ONE_WAY, (0, 3)), Tour([3, 1, 2, 0]))) == ["end"]
    assert kinds(tsp.check(instance, Tour([0, 1, 1]))) == ["missing", "missing", "repeated"]
    found = tsp.check(instance, Tour([0, 4, -1]))
    assert (found.objective, kinds(found)) == (None, ["place", "place"])
    assert tsp.check(Tsp("one", Places("geo", [[1, 2]])), Tour([0])).objective == 0


@given(places=PLACES, order=visits, path=st.booleans())
def test_tours_against_a_slow_twin(places, order, path):
    found = tsp.check(Tsp("x", places, (0, 3) if path else None), Tour(np.array(order, np.int64)))
    stops = order if path or not order else [*order, order[0]]
    assert found.objective == pytest.approx(legs(places, stops))
    is_right = sorted(order) == [0, 1, 2, 3] and (not path or (order[0], order[-1]) == (0, 3))
    assert is_right == (not found.violations)


@pytest.mark.parametrize(
    "ends", [(0, 0), (0, 4), (-1, 2), (0, 1, 2), (0,), 1, "ab", (0, 1.5), (None, 1), (True, False)]
)
def test_ends_that_cannot_be(ends):
    with pytest.raises(InstanceError) as caught:
        Tsp("x", SQUARE, ends)
    assert caught.value.place == ("ends",)


def test_solutions_are_lists_of_whole_numbers():
    for build in (Tour, Walk, Packing, lambda values: Routes((values,))):
        for wrong in ([0.5], ["1"], [[1]], None, [None], 3):
            with pytest.raises(InstanceError, match="list of whole numbers"):
                build(wrong)
        assert build([]) == build(np.zeros(0))


def test_solutions_are_compared_by_what_they_say():
    assert Tour([0, 1]) == Tour(np.array([0, 1]))
    assert hash(Tour([0, 1])) == hash(Tour((0, 1)))
    assert Tour([0, 1]) != Tour([1, 0])
    assert Packing([2, 0]) == Packing([0, 2])
    assert Walk([1]) != Tour([1])
    assert Routes(([1], [], [2])) == Routes(([1], [2]))
    assert Routes(([], [2])) != Routes(([2],))
    assert hash(Routes(([1],))) == hash(Routes(([1],)))


def test_routes_by_hand():
    instance = Cvrp("x", SQUARE, [0, 1, 2, 3], 4)
    found = cvrp.check(instance, Routes(([1], [2], [3])))
    assert (found.objective, found.violations, found.metrics) == (6 + 10 + 8, (), {"num_routes": 3})
    found = cvrp.check(instance, Routes(([1, 2, 3],)))
    assert [(v.kind, v.place, v.amount) for v in found.violations] == [("load", "route 0", 2)]
    assert kinds(cvrp.check(instance, Routes(([1, 1],)))) == ["missing", "missing", "repeated"]
    assert cvrp.check(instance, Routes(([0],))).objective is None
    assert cvrp.check(instance, Routes(([4],))).objective is None


def test_a_vehicle_under_way_by_hand():
    instance = Cvrp("x", SQUARE, [0, 1, 2, 3], 4, 1, 2)
    assert instance.customers.tolist() == [2, 3]
    assert instance.features == {"under-way"}
    assert cvrp.check(instance, Routes(([2], [3]))).objective == (4 + 5) + 8
    found = cvrp.check(instance, Routes(([], [2], [3])))
    assert (found.objective, found.violations) == (3 + 10 + 8, ())  # home first
    assert kinds(cvrp.check(instance, Routes(([3], [2])))) == ["load"]
    assert kinds(cvrp.check(instance, Routes(([2], [3, 1])))) == ["repeated"]
    alone = Cvrp("x", Places("euc-2d", [[0, 0], [3, 4]]), [0, 1], 4, 1, 0)
    assert cvrp.check(alone, Routes(())).objective == 5


@given(places=PLACES, routes=st.lists(st.lists(st.integers(1, 3), max_size=3), max_size=3), origin=st.integers(0, 3))
def test_routes_against_a_slow_twin(places, routes, origin):
    instance = Cvrp("x", places, [0, 1, 2, 3], 4, origin, 2 if origin else 4)
    solution = Routes(tuple(np.array(route, np.int64) for route in routes))
    found, total, bad = cvrp.check(instance, solution), 0.0, False
    shown = [route.tolist() for route in solution.routes]
    for k, route in enumerate(shown or [[]]):
        start = origin if k == 0 else 0
        total += legs(places, [start, *route, 0])
        bad |= sum(route) > (instance.load if k == 0 else 4)
    seen = sorted(i for route in shown for i in route)
    assert found.objective == pytest.approx(total)
    assert (not found.violations) == (not bad and seen == [i for i in (1, 2, 3) if i != origin])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"demand": [0, 1, 2]}, ("demand",)),
        ({"demand": [0, 1, 2, 5]}, ("demand", 3)),
        ({"demand": [0, 1, 2, -1]}, ("demand", 3)),
        ({"demand": [1, 1, 2, 1]}, ("demand", 0)),
        ({"demand": [0, 1, 2, 0.5]}, ("demand",)),
        ({"capacity": 0}, ("capacity",)),
        ({"capacity": 2.5}, ("capacity",)),
        ({"capacity": True}, ("capacity",)),
        ({"origin": 4}, ("origin",)),
        ({"origin": 1, "load": 5}, ("load",)),
        ({"origin": 1, "load": -1}, ("load",)),
        ({"load": 3}, ("load",)),
    ],
)
def test_cvrp_that_cannot_be(change, place):
    with pytest.raises(InstanceError) as caught:
        Cvrp(**{"name": "x", "places": SQUARE, "demand": [0, 1, 2, 3], "capacity": 4, **change})
    assert caught.value.place == place


def test_walks_by_hand():
    instance = Orienteering("x", SQUARE, [5, 1, 2, 3], 12)
    found = orienteering.check(instance, Walk([1, 2]))
    assert (found.objective, found.violations, found.metrics) == (3, (), {"length": 12})
    found = orienteering.check(instance, Walk([1, 2, 3]))
    assert [(v.kind, v.amount) for v in found.violations] == [("length", 2)]
    assert orienteering.check(instance, Walk([0])).objective is None
    assert orienteering.check(instance, Walk([])).metrics == {"length": 0}
    assert kinds(orienteering.check(instance, Walk([1, 1]))) == ["repeated"]
    path = Orienteering("x", SQUARE, [5, 1, 2, 3], 7, (0, 2))
    assert orienteering.check(path, Walk([])).metrics == {"length": 5}
    assert orienteering.check(path, Walk([1])).objective == 1


@given(places=PLACES, order=st.lists(st.integers(1, 2), max_size=4), limit=st.integers(9, 14), path=st.booleans())
def test_walks_against_a_slow_twin(places, order, limit, path):
    prize, ends = [9, 0.5, 2.25, 9], (0, 3 if path else 0)
    found = orienteering.check(Orienteering("x", places, prize, limit, ends), Walk(np.array(order, np.int64)))
    length = legs(places, [0, *order, ends[1]])
    assert found.objective == pytest.approx(sum(prize[i] for i in set(order)))
    assert found.metrics["length"] == pytest.approx(length)
    assert (not found.violations) == (length <= limit + 1e-9 * limit and len(set(order)) == len(order))


def test_rounding_of_floats_is_forgiven_and_whole_lengths_are_exact():
    flat = Orienteering("x", Places("euclidean", [[0, 0], [0.1, 0], [0.3, 0]]), [0, 1, 1], 0.6)
    assert not orienteering.check(flat, Walk([1, 2])).violations
    assert orienteering.tolerance(Orienteering("x", SQUARE, [0, 1, 1, 1], 6)) == 0


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"prize": [0, 1, 2]}, ("prize",)),
        ({"prize": [0, 1, 2, -1]}, ("prize",)),
        ({"prize": [0, 1, 2, float("nan")]}, ("prize",)),
        ({"prize": [0, 1, 2, "x"]}, ("prize",)),
        ({"max_length": -1}, ("max_length",)),
        ({"max_length": float("inf")}, ("max_length",)),
        ({"max_length": "3"}, ("max_length",)),
        ({"ends": (0, 4)}, ("ends",)),
        ({"ends": (0.5, 1)}, ("ends",)),
        ({"ends": None}, ("ends",)),
        ({"ends": (0, 1, 2)}, ("ends",)),
        ({"ends": (0, 2), "max_length": 4.9}, ("max_length",)),
    ],
)
def test_orienteering_that_cannot_be(change, place):
    with pytest.raises(InstanceError) as caught:
        Orienteering(**{"name": "x", "places": SQUARE, "prize": [0, 1, 2, 3], "max_length": 9, **change})
    assert caught.value.place == place


def test_packings_by_hand():
    sack = Knapsack("x", [6, 10, 3], [2, 5, 3], 7)
    found = knapsack.check(sack, Packing([1, 0]))
    assert (found.objective, found.violations, found.metrics) == (16, (), {"weight": 7, "num_packed": 2})
    found = knapsack.check(sack, Packing([0, 1, 2]))
    assert [(v.kind, v.amount) for v in found.violations] == [("weight", 3)]
    assert kinds(knapsack.check(sack, Packing([0, 0]))) == ["repeated"]
    assert knapsack.check(sack, Packing([3])).objective is None


@given(items=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6), data=st.data())
def test_packings_against_a_slow_twin(items, data):
    chosen = data.draw(st.lists(st.integers(0, len(items) - 1), max_size=6))
    value, weight = zip(*items, strict=True)
    found = knapsack.check(Knapsack("x", value, weight, 15), Packing(np.array(chosen, np.int64)))
    assert found.objective == sum(value[i] for i in set(chosen))
    fits = sum(weight[i] for i in set(chosen)) <= 15
    assert (not found.violations) == (fits and len(set(chosen)) == len(chosen))


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (([1, -1], [1, 1], 3), ("value", 1)),
        (([1, 1], [1, -1], 3), ("weight", 1)),
        (([1, 1], [1], 3), ("weight",)),
        (([], [], 3), ("weight",)),
        (([1.5], [1], 3), ("value",)),
        (([2**52, 2**53], [1, 1], 3), ("value",)),
        (([1], [1], -1), ("capacity",)),
        (([1], [1], 1.5), ("capacity",)),
    ],
)
def test_knapsacks_that_cannot_be(arguments, place):
    with pytest.raises(InstanceError) as caught:
        Knapsack("x", *arguments)
    assert caught.value.place == place


def test_the_hash_is_of_the_content_alone():
    for build in (
        lambda name: Tsp(name, SQUARE),
        lambda name: Cvrp(name, SQUARE, [0, 1, 2, 3], 4),
        lambda name: Orienteering(name, SQUARE, [0, 1, 2, 3], 12),
        lambda name: Knapsack(name, [1], [2], 3),
    ):
        assert build("a").content_hash == build("b").content_hash
        assert build("a") == build("a")
        assert build("a") != build("b")
        assert hash(build("a")) == hash(build("b"))
    different = [
        Tsp("x", SQUARE), Tsp("x", SQUARE, (0, 1)), Tsp("x", SQUARE, (1, 0)), Tsp("x", ONE_WAY),
        Cvrp("x", SQUARE, [0, 1, 2, 3], 4), Cvrp("x", SQUARE, [0, 1, 2, 3], 5), Cvrp("x", SQUARE, [0, 1, 2, 2], 4),
        Cvrp("x", SQUARE, [0, 1, 2, 3], 4, 1), Cvrp("x", SQUARE, [0, 1, 2, 3], 4, 1, 2),
        Orienteering("x", SQUARE, [0, 1, 2, 3], 12), Orienteering("x", SQUARE, [0, 1, 2, 3], 12.5),
        Orienteering("x", SQUARE, [0, 1, 2, 3], 12, (0, 1)), Orienteering("x", SQUARE, [0, 1, 2, 4], 12),
        Knapsack("x", [1], [2], 3), Knapsack("x", [2], [2], 3), Knapsack("x", [1], [1], 3), Knapsack("x", [1], [2], 2),
    ]  # fmt: skip
    assert len({instance.content_hash for instance in different}) == len(different)


def test_a_name_is_text():
    for build in (
        lambda: Tsp(3, SQUARE),
        lambda: Cvrp(None, SQUARE, [0, 1, 2, 3], 4),
        lambda: Orienteering(b"x", SQUARE, [0, 1, 2, 3], 12),
        lambda: Knapsack(3, [1], [2], 3),
    ):
        with pytest.raises(InstanceError, match="name must be text"):
            build()


def test_numbers_of_numpy_are_numbers():
    assert Orienteering("x", SQUARE, [0, 1, 2, 3], np.int64(12), np.array([0, 1])) == (
        Orienteering("x", SQUARE, [0, 1, 2, 3], 12.0, (0, 1))
    )
    assert Cvrp("x", SQUARE, [0, 1, 2, 3], np.int64(4)) == Cvrp("x", SQUARE, [0, 1, 2, 3], 4)


def test_features_and_representations():
    assert Tsp("x", ONE_WAY, (0, 1)).features == {"asymmetric", "path"}
    assert Orienteering("x", ONE_WAY, [0] * 4, 9, (0, 1)).features == {"asymmetric", "path"}
    assert Cvrp("x", ONE_WAY, [0] * 4, 9).features == {"asymmetric"}
    assert repr(Tsp("x", SQUARE, (0, 1))) == "<Tsp 'x': 4 places, euc-2d, from 0 to 1>"
    assert repr(Cvrp("x", SQUARE, [0] * 4, 9, 1, 2)) == (
        "<Cvrp 'x': 3 customers, capacity 9, euc-2d, a vehicle at 1 with 2 left>"
    )
    assert repr(Orienteering("x", SQUARE, [0] * 4, 9)) == "<Orienteering 'x': 4 places, length 9, euc-2d>"
    assert repr(Knapsack("x", [1], [2], 3)) == "<Knapsack 'x': 1 items, capacity 3>"
