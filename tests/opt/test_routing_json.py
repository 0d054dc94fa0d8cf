"""Routing and packing as tagged JSON: everything comes back, nothing unknown or missing passes."""

import json

import numpy as np
import pytest

from counterpoint.opt.codec import load_json
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems import cvrp_json, knapsack_json, orienteering_json, tsp_json
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp

POINTS = [[0.0, 0.0], [3.0, 4.0], [-0.5, 1e-17], [1 / 3, 2.0]]
FLAT = Places("euclidean", POINTS)
WHOLE = Places("explicit", None, [[0, 3, 4, 1], [5, 0, 6, 1], [7, 8, 0, 1], [1, 2, 3, 0]])
FLOATS = Places("explicit", POINTS, [[0.0, 3.0, 4.0, 1], [5, 0, 6, 1], [7, 8, 0, 1], [1, 2, 3, 0]])
VALUES = (
    (tsp_json, Tsp("closed", FLAT)),
    (tsp_json, Tsp("path", Places("geo", POINTS), (2, 0))),
    (tsp_json, Tsp("matrix", WHOLE)),
    (tsp_json, Tsp("floats", FLOATS)),
    (tsp_json, Tour([2, 0, 1])),
    (cvrp_json, Cvrp("plain", Places("euc-2d", POINTS), [0, 2, 3, 0], 5)),
    (cvrp_json, Cvrp("under way", WHOLE, [0, 2, 3, 4], 7, 2, 1)),
    (cvrp_json, Routes(([], [3, 1], [2]))),
    (orienteering_json, Orienteering("loop", FLAT, [0, 1, 2.5, 3], 7.25)),
    (orienteering_json, Orienteering("path", WHOLE, [0, 1, 2, 3], 6, (3, 2))),
    (orienteering_json, Walk([])),
    (knapsack_json, Knapsack("sack", [5, 0, 2**50], [1, 2, 3], 4)),
    (knapsack_json, Packing([2, 0])),
)


@pytest.mark.parametrize(("module", "value"), VALUES, ids=lambda v: getattr(v, "name", None) or type(v).__name__)
def test_everything_comes_back(module, value):
    back = module.decode(load_json(json.dumps(module.encode(value), allow_nan=False).encode()))
    assert back == value
    assert type(back) is type(value)
    if hasattr(value, "content_hash"):
        assert back.content_hash == value.content_hash


@pytest.mark.parametrize(("module", "value"), VALUES, ids=lambda v: getattr(v, "name", None) or type(v).__name__)
def test_every_field_counts(module, value):
    data = module.encode(value)
    for key in data:
        with pytest.raises(InstanceError):
            module.decode({k: v for k, v in data.items() if k != key})
        with pytest.raises(InstanceError):
            module.decode({**data, key: object()})
        if key != "version":  # True counts as 1 there
            with pytest.raises(InstanceError):
                module.decode({**data, key: True})
    with pytest.raises(InstanceError, match="unknown fields: more"):
        module.decode({**data, "more": 1})


@pytest.mark.parametrize("key", ["metric", "points", "matrix"])
def test_places_are_strict(key):
    data = tsp_json.encode(Tsp("x", FLOATS))
    places = dict(data["places"])
    del places[key]
    with pytest.raises(InstanceError, match=f"missing fields: {key}") as caught:
        tsp_json.decode({**data, "places": places})
    assert caught.value.place == ("places",)
    with pytest.raises(InstanceError, match="unknown fields: more"):
        tsp_json.decode({**data, "places": {**data["places"], "more": 1}})


def test_an_error_names_the_place():
    data = tsp_json.encode(Tsp("x", WHOLE))
    data["places"]["matrix"][1][2] = -1
    with pytest.raises(InstanceError) as caught:
        tsp_json.decode(data)
    assert caught.value.place == ("places", "matrix", 1, 2)
    data["places"]["matrix"][1][2] = "1"
    with pytest.raises(InstanceError) as caught:
        tsp_json.decode(data)
    assert caught.value.place == ("places", "matrix", 1, 2)


def test_a_matrix_of_floats_stays_one():
    text = json.dumps(tsp_json.encode(Tsp("x", FLOATS)))
    assert tsp_json.decode(json.loads(text)).places.matrix.dtype == np.float64
    assert "3.0" in text


@pytest.mark.parametrize("value", [2**63, 2**70, -(2**64), 1.5, None, "1", [1]])
def test_numbers_that_do_not_fit_are_refused(value):
    for module, given, key in (
        (knapsack_json, VALUES[11][1], "capacity"),
        (cvrp_json, VALUES[6][1], "load"),
    ):
        with pytest.raises(InstanceError):
            module.decode({**module.encode(given), key: value})
    data = tsp_json.encode(Tsp("x", WHOLE))
    data["places"]["matrix"][0][1] = value
    if value != 1.5:
        with pytest.raises(InstanceError):
            tsp_json.decode(data)
