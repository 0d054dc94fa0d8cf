"""Hydrothermal systems, their scenarios and trajectories as tagged JSON; unknown and missing fields are refused.

A system is nested like its parts. A deficit without a limit is null, and so is what a kind of network does not need.
"""

from dataclasses import fields
from typing import Any

import numpy as np

from counterpoint.opt.codec import Place, expect, integers, numbers, real, take, whole
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import PARTS, SCALARS, Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Generators, Inflows, Network, Reservoirs, arrays_of
from counterpoint.opt.problems.hydrothermal_run import COSTS, Dispatch, Scenario, Trajectory

SYSTEM = "hydrothermal"
KINDS = dict(zip(PARTS, (Reservoirs, Generators, Network, Inflows), strict=True))
WHOLE = ("bus", "generator", "from_bus", "to_bus")
UNLIMITED = "deficit_limit"  # whose null stands for infinity
DISPATCH = tuple(f.name for f in fields(Dispatch))
SCENARIO_FIELDS = ("opening", "inflow")
TRAJECTORY_FIELDS = ("cost", "costs", "storage", "dispatch", "stage_cost", "events")
EVENTS = ("inflow", "store", "spill", "deficit")


def encode(value: Hydrothermal | Scenario | Trajectory) -> dict[str, Any]:
    """Return plain JSON data."""
    if isinstance(value, Scenario):
        arrays = {key: getattr(value, key).tolist() for key in SCENARIO_FIELDS}
        return {"type": f"{SYSTEM}-scenario", "version": 1, **arrays}
    if isinstance(value, Trajectory):
        return {
            "type": f"{SYSTEM}-trajectory",
            "version": 1,
            "cost": value.cost,
            "costs": dict(value.costs),
            "storage": value.storage.tolist(),
            "dispatch": [{key: _plain(getattr(d, key)) for key in DISPATCH} for d in value.dispatch],
            "stage_cost": value.stage_cost.tolist(),
            "events": [list(event) for event in value.events],
        }
    parts = {part: {k: _plain(v) for k, v in arrays_of(getattr(value, part)).items()} for part in PARTS}
    return {"type": SYSTEM, "version": 1, "name": value.name, **{key: getattr(value, key) for key in SCALARS}, **parts}


def decode(data: Any) -> Hydrothermal | Scenario | Trajectory:
    """Build a system, a scenario or a trajectory from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == f"{SYSTEM}-scenario":
        found = take(data, kind, 1, SCENARIO_FIELDS)
        opening = np.array(integers(found["opening"], ("opening",)), np.int64)
        return Scenario(opening, nested(found["inflow"], ("inflow",), 2))
    if kind == f"{SYSTEM}-trajectory":
        return _trajectory(take(data, kind, 1, TRAJECTORY_FIELDS))
    found = take(data, SYSTEM, 1, ("name", *SCALARS, *PARTS))
    scalars: dict[str, Any] = {}
    for key in SCALARS:
        if key in ("horizon", "reported_stages"):
            scalars[key] = whole(found[key], (key,))
        elif key in ("network_kind", "sampler"):
            scalars[key] = expect(found[key], str, "text", (key,))
        else:
            scalars[key] = real(expect(found[key], int | float, "a number", (key,)), (key,))
    parts = {part: _part(found[part], part) for part in PARTS}
    return Hydrothermal(name=expect(found["name"], str, "text", ("name",)), **scalars, **parts)


def nested(value: Any, place: Place, depth: int, *, null: float | None = None) -> Any:
    """Return rows of rows of finite numbers, `depth` deep and each of one length, float64; `null` stands for null."""
    if depth == 1:
        items = expect(value, list, "a list of numbers", place)
        if null is not None:
            found = [null if x is None else real(x, (*place, i)) for i, x in enumerate(items)]
            return np.array(found, np.float64)
        return np.array(numbers(items, place), np.float64)
    rows = [
        nested(row, (*place, i), depth - 1, null=null) for i, row in enumerate(expect(value, list, "a list", place))
    ]
    for i, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise InstanceError("expected as many numbers as in the first row", place=(*place, i))
    return np.array(rows, np.float64).reshape(len(rows), *(rows[0].shape if rows else (0,) * (depth - 1)))


def _plain(value: Any) -> Any:
    """Return lists, with null for infinity, of an array; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return list(value) if isinstance(value, tuple) else value
    return value.tolist() if value.dtype.kind != "f" or np.isfinite(value).all() else _with_null(value.tolist())


def _with_null(rows: Any) -> Any:
    return [_with_null(row) for row in rows] if isinstance(rows, list) else None if rows == float("inf") else rows


DEPTH = {"demand": 2, "reactive_demand": 2, "deficit_cost": 2, "deficit_limit": 3, "rows": 3, "probability": 2,
         "turbined_to": 2, "spilled_to": 2}  # fmt: skip


def _part(data: Any, part: str) -> Any:
    """Build one part of a system; its errors already name the place, from the part on."""
    keys = tuple(f.name for f in fields(KINDS[part]))
    found = expect(data, dict, "an object", (part,))
    if sorted(found) != sorted(keys):
        wrong = ", ".join(sorted(str(key)[:40] for key in set(found) ^ set(keys)))
        raise InstanceError(f"missing or unknown fields: {wrong}", place=(part,))
    built: dict[str, Any] = {}
    for key in keys:
        value, place = found[key], (part, key)
        if key == "names":
            items = expect(value, list, "a list of names", place)
            built[key] = tuple(expect(name, str, "a name", (*place, i)) for i, name in enumerate(items))
        elif key == "reference":
            built[key] = whole(value, place)
        elif key in WHOLE:
            built[key] = np.array(integers(value, place), np.int64)
        elif key in ("turbined_to", "spilled_to"):
            built[key] = _booleans(value, place)
        elif key == "first" and value is None:
            built[key] = None
        else:
            built[key] = nested(value, place, DEPTH.get(key, 1), null=np.inf if key == UNLIMITED else None)
    return KINDS[part](**built)


def _booleans(value: Any, place: Place) -> Any:
    rows = [expect(row, list, "a list", (*place, i)) for i, row in enumerate(expect(value, list, "a list", place))]
    for i, row in enumerate(rows):
        if len(row) != len(rows) or not all(isinstance(item, bool) for item in row):
            raise InstanceError(f"expected {len(rows)} times true or false", place=(*place, i))
    return np.array(rows, bool).reshape(len(rows), len(rows))


def _trajectory(found: dict[str, Any]) -> Trajectory:
    cost = real(found["cost"], ("cost",))
    costs = expect(found["costs"], dict, "an object", ("costs",))
    if cost is None or sorted(costs) != sorted(COSTS):
        raise InstanceError(f"expected a cost and its parts {', '.join(COSTS)}", place=("costs",))
    parts = dict(zip(costs, numbers(list(costs.values()), ("costs",)), strict=True))
    steps = expect(found["dispatch"], list, "a list of dispatches", ("dispatch",))
    events = expect(found["events"], list, "a list of events", ("events",))
    return Trajectory(
        cost,
        nested(found["storage"], ("storage",), 2),
        tuple(_dispatch(step, ("dispatch", t)) for t, step in enumerate(steps)),
        nested(found["stage_cost"], ("stage_cost",), 2),
        {key: parts[key] for key in COSTS},
        tuple(_event(event, ("events", i)) for i, event in enumerate(events)),
    )


def _dispatch(data: Any, place: Place) -> Dispatch:
    found = expect(data, dict, "an object", place)
    if sorted(found) != sorted(DISPATCH):
        raise InstanceError(f"expected the fields {', '.join(DISPATCH)}", place=place)
    parts: dict[str, Any] = {}
    for key in DISPATCH:
        is_missing = found[key] is None and key in ("flow", "angle", "voltage", "reactive")
        parts[key] = None if is_missing else nested(found[key], (*place, key), 2 if key == "deficit" else 1)
    return Dispatch(**parts)


def _event(data: Any, place: Place) -> tuple[int | str, ...]:
    items = expect(data, list, "a list", place)
    if len(items) != 4 or items[1] not in EVENTS or not isinstance(items[3], str):
        raise InstanceError(f"expected [stage, one of {', '.join(EVENTS)}, number, amount as text]", place=place)
    return (whole(items[0], (*place, 0)), items[1], whole(items[2], (*place, 2)), items[3])
