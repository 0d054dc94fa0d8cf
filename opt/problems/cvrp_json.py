"""Capacitated vehicle routing instances and routes as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, take, whole
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.places_json import decode_places, encode_places

INSTANCE_FIELDS = ("name", "places", "demand", "capacity", "origin", "load")
ROUTES_FIELDS = ("routes",)


def encode(value: Cvrp | Routes) -> dict[str, Any]:
    """Return plain JSON data for an instance or routes."""
    if isinstance(value, Routes):
        return {"type": "routes", "version": 1, "routes": [route.tolist() for route in value.routes]}
    return {
        "type": "cvrp",
        "version": 1,
        "name": value.name,
        "places": encode_places(value.places),
        "demand": value.demand.tolist(),
        "capacity": value.capacity,
        "origin": value.origin,
        "load": value.load,
    }


def decode(data: Any) -> Cvrp | Routes:
    """Build an instance or routes from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "routes":
        given = expect(take(data, kind, 1, ROUTES_FIELDS)["routes"], list, "a list of routes", ("routes",))
        return Routes(tuple(np.array(integers(route, ("routes", k)), np.int64) for k, route in enumerate(given)))
    fields = take(data, "cvrp", 1, INSTANCE_FIELDS)
    return Cvrp(
        expect(fields["name"], str, "text", ("name",)),
        decode_places(fields["places"]),
        np.array(integers(fields["demand"], ("demand",)), np.int64),
        *(whole(fields[key], (key,)) for key in ("capacity", "origin", "load")),
    )
