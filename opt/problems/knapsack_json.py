"""Knapsacks and packings as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, take, whole
from counterpoint.opt.problems.knapsack import Knapsack, Packing

INSTANCE_FIELDS = ("name", "value", "weight", "capacity")
PACKING_FIELDS = ("items",)


def encode(value: Knapsack | Packing) -> dict[str, Any]:
    """Return plain JSON data for an instance or a packing."""
    if isinstance(value, Packing):
        return {"type": "packing", "version": 1, "items": value.items.tolist()}
    return {
        "type": "knapsack",
        "version": 1,
        "name": value.name,
        "value": value.value.tolist(),
        "weight": value.weight.tolist(),
        "capacity": value.capacity,
    }


def decode(data: Any) -> Knapsack | Packing:
    """Build an instance or a packing from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "packing":
        return Packing(np.array(integers(take(data, kind, 1, PACKING_FIELDS)["items"], ("items",)), np.int64))
    fields = take(data, "knapsack", 1, INSTANCE_FIELDS)
    return Knapsack(
        expect(fields["name"], str, "text", ("name",)),
        np.array(integers(fields["value"], ("value",)), np.int64),
        np.array(integers(fields["weight"], ("weight",)), np.int64),
        whole(fields["capacity"], ("capacity",)),
    )
