"""Pigment sequencing and production sequences as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, rows_of, take
from counterpoint.opt.problems.pigment_sequencing import IntArray, PigmentSequencing, ProductionSequence

INSTANCE_FIELDS = ("name", "orders", "stocking_cost", "changeover_cost")
SEQUENCE_FIELDS = ("item",)


def encode(value: PigmentSequencing | ProductionSequence) -> dict[str, Any]:
    """Return plain JSON data for an instance or a sequence."""
    if isinstance(value, ProductionSequence):
        return {"type": "production-sequence", "version": 1, "item": value.item.tolist()}
    return {
        "type": "pigment-sequencing",
        "version": 1,
        "name": value.name,
        "orders": value.orders.tolist(),
        "stocking_cost": value.stocking_cost.tolist(),
        "changeover_cost": value.changeover_cost.tolist(),
    }


def decode(data: Any) -> PigmentSequencing | ProductionSequence:
    """Build an instance or a sequence from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "production-sequence":
        return ProductionSequence(np.array(integers(take(data, kind, 1, SEQUENCE_FIELDS)["item"], ("item",)), np.int64))
    fields = take(data, "pigment-sequencing", 1, INSTANCE_FIELDS)
    return PigmentSequencing(
        expect(fields["name"], str, "text", ("name",)),
        _matrix(fields["orders"], "orders"),
        np.array(integers(fields["stocking_cost"], ("stocking_cost",)), np.int64),
        _matrix(fields["changeover_cost"], "changeover_cost"),
    )


def _matrix(value: Any, key: str) -> IntArray:
    return np.array(rows_of(integers, value, key), np.int64)
