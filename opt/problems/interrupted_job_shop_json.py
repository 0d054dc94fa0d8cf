"""Interrupted job shops, scenarios and trajectories as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, real, take, whole
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems import job_shop_json
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario, Trajectory
from counterpoint.opt.problems.job_shop import JobShop

SHOP_FIELDS = ("shop", "shutdown_probability", "repair", "repair_mean", "fail_when", "on_interrupt")
SCENARIO_FIELDS = ("up", "repair")
TRAJECTORY_FIELDS = ("cost", "events", "start", "end")
EVENT = ("time", "kind", "machine", "job", "operation")


def encode(value: InterruptedJobShop | Scenario | Trajectory) -> dict[str, Any]:
    """Return plain JSON data."""
    if isinstance(value, Scenario):
        return {
            "type": "interrupted-job-shop-scenario",
            "version": 1,
            "up": value.up.tolist(),
            "repair": value.repair.tolist(),
        }
    if isinstance(value, Trajectory):
        return {
            "type": "interrupted-job-shop-trajectory",
            "version": 1,
            "cost": value.cost,
            "events": [list(event) for event in value.events],
            "start": value.start.tolist(),
            "end": value.end.tolist(),
        }
    return {
        "type": "interrupted-job-shop",
        "version": 1,
        "shop": job_shop_json.encode(value.shop),
        "shutdown_probability": value.shutdown_probability,
        "repair": value.repair,
        "repair_mean": int(value.repair_mean),
        "fail_when": value.fail_when,
        "on_interrupt": value.on_interrupt,
    }


def decode(data: Any) -> InterruptedJobShop | Scenario | Trajectory:
    """Build an instance, a scenario or a trajectory from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "interrupted-job-shop-scenario":
        fields = take(data, kind, 1, SCENARIO_FIELDS)
        return Scenario(_matrix(fields["up"], "up"), _matrix(fields["repair"], "repair"))
    if kind == "interrupted-job-shop-trajectory":
        return _trajectory(take(data, kind, 1, TRAJECTORY_FIELDS))
    fields = take(data, "interrupted-job-shop", 1, SHOP_FIELDS)
    try:
        shop = job_shop_json.decode(fields["shop"])
    except InstanceError as error:
        raise InstanceError(error.message, place=("shop", *error.place)) from None
    q = real(fields["shutdown_probability"], ("shutdown_probability",))
    if q is None or not isinstance(shop, JobShop):
        raise InstanceError("expected a job shop and a probability in [0, 1]")
    return InterruptedJobShop(
        shop,
        q,
        repair=expect(fields["repair"], str, "text", ("repair",)),
        repair_mean=whole(fields["repair_mean"], ("repair_mean",)),
        fail_when=expect(fields["fail_when"], str, "text", ("fail_when",)),
        on_interrupt=expect(fields["on_interrupt"], str, "text", ("on_interrupt",)),
    )


def _matrix(value: Any, key: str) -> Any:
    rows = [integers(row, (key, i)) for i, row in enumerate(expect(value, list, "a list of rows", (key,)))]
    if len({len(row) for row in rows}) > 1:
        raise InstanceError("rows must be of one length", place=(key,))
    return np.array(rows, np.int64).reshape(len(rows), len(rows[0]) if rows else 0)


def _trajectory(fields: dict[str, Any]) -> Trajectory:
    events: list[tuple[int | str, ...]] = []
    for i, event in enumerate(expect(fields["events"], list, "a list of events", ("events",))):
        parts = expect(event, list, "an event", ("events", i))
        if len(parts) != len(EVENT) or parts[1] not in ("end", "fail", "repair", "start"):
            raise InstanceError(f"expected [{', '.join(EVENT)}]", place=("events", i))
        events.append((whole(parts[0]), str(parts[1]), *(whole(x) for x in parts[2:])))
    cost = real(fields["cost"], ("cost",))
    if cost is None:
        raise InstanceError("expected a number", place=("cost",))
    start, end = (np.array(integers(fields[key], (key,)), np.int64) for key in ("start", "end"))
    return Trajectory(cost, tuple(events), start, end)
