"""Orienteering instances and walks as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, numbers, real, take
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places_json import decode_places, encode_places

INSTANCE_FIELDS = ("name", "places", "prize", "max_length", "ends")
WALK_FIELDS = ("visits",)


def encode(value: Orienteering | Walk) -> dict[str, Any]:
    """Return plain JSON data for an instance or a walk."""
    if isinstance(value, Walk):
        return {"type": "walk", "version": 1, "visits": value.visits.tolist()}
    return {
        "type": "orienteering",
        "version": 1,
        "name": value.name,
        "places": encode_places(value.places),
        "prize": value.prize.tolist(),
        "max_length": value.max_length,
        "ends": list(value.ends),
    }


def decode(data: Any) -> Orienteering | Walk:
    """Build an instance or a walk from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "walk":
        return Walk(np.array(integers(take(data, kind, 1, WALK_FIELDS)["visits"], ("visits",)), np.int64))
    fields = take(data, "orienteering", 1, INSTANCE_FIELDS)
    first, last = integers(fields["ends"], ("ends",), 2)
    longest = real(expect(fields["max_length"], int | float, "a number", ("max_length",)), ("max_length",))
    return Orienteering(
        expect(fields["name"], str, "text", ("name",)),
        decode_places(fields["places"]),
        np.array(numbers(fields["prize"], ("prize",)), np.float64),
        longest,  # type: ignore[arg-type]  # a number
        (first, last),
    )
