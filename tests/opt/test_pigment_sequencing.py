"""Pigment sequencing: what an instance is, what it refuses, and that JSON keeps all of it."""

import dataclasses
import json

import numpy as np
import pytest

from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_json import decode, encode

GOOD = {
    "name": "tiny",
    "orders": [[0, 1, 0], [0, 0, 1]],
    "stocking_cost": [2, 3],
    "changeover_cost": [[0, 5], [4, 0]],
}


def test_sizes_and_due_periods():
    instance = PigmentSequencing("tiny", [[0, 1, 0, 1], [0, 0, 1, 0]], 2, [[0, 5], [4, 0]])
    assert (instance.num_items, instance.num_periods, instance.num_orders) == (2, 4, 3)
    assert instance.utilisation == 0.75
    assert instance.due_periods(0).tolist() == [1, 3]
    assert instance.stocking_cost.tolist() == [2, 2]  # a scalar counts for every item
    assert repr(instance) == "<PigmentSequencing 'tiny': 2 items, 4 periods, 3 orders>"
    assert "75 %" in instance._repr_html_()


def test_different_stocking_costs_are_a_feature():
    assert PigmentSequencing(**GOOD).features == {"stocking-costs-per-item"}
    assert PigmentSequencing(**{**GOOD, "stocking_cost": [3, 3]}).features == set()


def test_arrays_are_copies_that_nobody_writes_to():
    orders = np.array(GOOD["orders"])
    instance = PigmentSequencing(**{**GOOD, "orders": orders})
    orders[0, 0] = 7
    assert instance.orders[0, 0] == 0
    for key in ("orders", "stocking_cost", "changeover_cost"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(instance, key)[0] = 1


def test_the_hash_is_of_the_content_alone():
    instance = PigmentSequencing(**GOOD)
    assert instance.content_hash == dataclasses.replace(instance, name="other").content_hash
    assert instance != dataclasses.replace(instance, name="other")
    for key, other in (
        ("orders", [[1, 0, 0], [0, 0, 1]]),
        ("stocking_cost", [2, 4]),
        ("changeover_cost", [[0, 5], [5, 0]]),
    ):
        assert PigmentSequencing(**{**GOOD, key: other}).content_hash != instance.content_hash, key


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("orders", [[0, 2, 0], [0, 0, 1]], r"orders\[0\]\[1\]: expected 0 or 1, not 2"),
        ("orders", [[0, -1, 0], [0, 0, 1]], "expected 0 or 1, not -1"),
        ("orders", [[0, 0.5, 0], [0, 0, 1]], "whole numbers"),
        ("orders", [[0, 1], [0, 0, 1]], "whole numbers"),
        ("orders", [0, 1], "matrix items x periods"),
        ("orders", [[], []], "matrix items x periods"),
        ("orders", [[0, 0, 0], [0, 0, 0]], "there is no order"),
        ("orders", [[1, 0, 0], [1, 0, 0]], r"infeasible: 2 orders are due within the first 1 periods"),
        ("orders", [[1, 1, 0], [0, 1, 0]], r"infeasible: 3 orders are due within the first 2 periods"),
        ("stocking_cost", [1], "expected 2 stocking costs"),
        ("stocking_cost", [1, -1], r"stocking_cost\[1\]: expected a cost from 0 to"),
        ("stocking_cost", [1, float("nan")], "whole numbers"),
        ("changeover_cost", [[0, 5]], "square matrix of 2 x 2"),
        ("changeover_cost", [[0, 5, 1], [4, 0, 1]], "square matrix of 2 x 2"),
        ("changeover_cost", [[0, -5], [4, 0]], r"changeover_cost\[0\]\[1\]: expected a cost from 0"),
        ("changeover_cost", [[0, 5], [4, 1]], r"changeover_cost\[1\]\[1\]: expected 0 from an item to itself"),
        ("changeover_cost", [[0, 2**41], [4, 0]], "expected a cost from 0"),
        ("name", 3, "name must be text"),
    ],
)
def test_what_is_refused(key, value, message):
    with pytest.raises(InstanceError, match=message):
        PigmentSequencing(**{**GOOD, key: value})


def test_costs_too_large_for_exact_sums_are_refused():
    orders = np.eye(5000, dtype=int)[:1].repeat(1, axis=0)
    orders[0] = 1
    with pytest.raises(InstanceError, match="too large"):
        PigmentSequencing("large", orders, [2**40], [[0]])


def test_as_many_orders_as_periods_are_feasible():
    assert PigmentSequencing("full", [[1, 1, 1]], 1, [[0]]).utilisation == 1


@pytest.mark.parametrize("item", [[[0, 1]], 0, [0.5], ["a"]])
def test_a_sequence_is_a_vector_of_whole_numbers(item):
    with pytest.raises(InstanceError):
        ProductionSequence(item)


def test_sequences_compare_by_content():
    assert ProductionSequence([0, -1]) == ProductionSequence(np.array([0.0, -1.0]))
    assert ProductionSequence([0, -1]) != ProductionSequence([-1, 0])
    assert len({ProductionSequence([0, -1]), ProductionSequence([0, -1])}) == 1
    assert repr(ProductionSequence([])) == "<ProductionSequence of 0 periods: 0 units, 0 idle>"


def test_json_keeps_everything():
    for seed in range(10):
        instance = uniform(items=4, periods=9, seed=seed, stocking_max=20)
        assert decode(json.loads(json.dumps(encode(instance)))) == instance
    sequence = ProductionSequence([-1, 0, 3])
    assert decode(json.loads(json.dumps(encode(sequence)))) == sequence


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orders": [[0, 1, 0], [0, 1]]}, r"orders\[1\]: expected 3 numbers"),
        ({"orders": [[0, True, 0], [0, 0, 1]]}, r"orders\[0\]\[1\]"),
        ({"orders": 3}, "orders: expected a list of rows"),
        ({"stocking_cost": 3}, "stocking_cost: expected a list"),
        ({"changeover_cost": [[0, 1.5], [4, 0]]}, r"changeover_cost\[0\]\[1\]"),
        ({"extra": 1}, "unknown fields: extra"),
        ({"version": 2}, "version"),
        ({"type": "job-shop"}, "type"),
    ],
)
def test_json_that_is_refused(change, message):
    with pytest.raises(InstanceError, match=message):
        decode({**encode(PigmentSequencing(**GOOD)), **change})


def test_json_of_a_sequence_that_is_refused():
    with pytest.raises(InstanceError, match=r"item\[0\]"):
        decode({"type": "production-sequence", "version": 1, "item": [0.5]})
