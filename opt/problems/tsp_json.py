"""Travelling salesman instances and tours as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, take
from counterpoint.opt.problems.places_json import decode_places, encode_places
from counterpoint.opt.problems.tsp import Tour, Tsp

INSTANCE_FIELDS = ("name", "places", "ends")
TOUR_FIELDS = ("order",)


def encode(value: Tsp | Tour) -> dict[str, Any]:
    """Return plain JSON data for an instance or a tour."""
    if isinstance(value, Tour):
        return {"type": "tour", "version": 1, "order": value.order.tolist()}
    ends = None if value.ends is None else list(value.ends)
    return {"type": "tsp", "version": 1, "name": value.name, "places": encode_places(value.places), "ends": ends}


def decode(data: Any) -> Tsp | Tour:
    """Build an instance or a tour from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "tour":
        return Tour(np.array(integers(take(data, kind, 1, TOUR_FIELDS)["order"], ("order",)), np.int64))
    fields = take(data, "tsp", 1, INSTANCE_FIELDS)
    name = expect(fields["name"], str, "text", ("name",))
    ends = None if fields["ends"] is None else integers(fields["ends"], ("ends",), 2)
    return Tsp(name, decode_places(fields["places"]), None if ends is None else (ends[0], ends[1]))
