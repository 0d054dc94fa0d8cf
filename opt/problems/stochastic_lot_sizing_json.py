"""Plants, their scenarios and trajectories as tagged JSON; unknown and missing fields are refused."""

from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, numbers, real, rows_of, take, whole
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.stochastic_lot_sizing import ARRAYS, Scenario, StochasticLotSizing, Trajectory

PLANT = "stochastic-lot-sizing"
SCENARIO_FIELDS = ("inventory", "setup", "demand")
TRAJECTORY_FIELDS = ("cost", "choice", "inventory", "lost", "scrapped", "costs")
COSTS = ("setup", "lost sales", "holding")
INTEGER = {"production": 2, "setup_loss": 2, "max_inventory": 1, "initial_inventory": 1, "initial_setup": 1}


def encode(value: StochasticLotSizing | Scenario | Trajectory) -> dict[str, Any]:
    """Return plain JSON data."""
    if isinstance(value, Scenario):
        arrays = {key: getattr(value, key).tolist() for key in SCENARIO_FIELDS}
        return {"type": f"{PLANT}-scenario", "version": 1, **arrays}
    if isinstance(value, Trajectory):
        arrays = {key: getattr(value, key).tolist() for key in TRAJECTORY_FIELDS[1:-1]}
        return {"type": f"{PLANT}-trajectory", "version": 1, "cost": value.cost, **arrays, "costs": value.costs}
    return {
        "type": PLANT,
        "version": 1,
        "name": value.name,
        "horizon": int(value.horizon),
        "is_random_start": value.is_random_start,
        **{key: getattr(value, key).tolist() for key in ARRAYS},
    }


def decode(data: Any) -> StochasticLotSizing | Scenario | Trajectory:
    """Build a plant, a scenario or a trajectory from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == f"{PLANT}-scenario":
        fields = take(data, kind, 1, SCENARIO_FIELDS)
        inventory, setup = (np.array(integers(fields[key], (key,)), np.int64) for key in ("inventory", "setup"))
        return Scenario(inventory, setup, whole_matrix(fields["demand"], "demand", len(inventory)))
    if kind == f"{PLANT}-trajectory":
        return _trajectory(take(data, kind, 1, TRAJECTORY_FIELDS))
    fields = take(data, PLANT, 1, ("name", "horizon", "is_random_start", *ARRAYS))
    arrays: dict[str, Any] = {}
    for key in ARRAYS:
        if key in INTEGER:
            arrays[key] = integers(fields[key], (key,)) if INTEGER[key] == 1 else whole_matrix(fields[key], key)
        elif key in ("holding_cost", "lost_sales_cost"):
            arrays[key] = numbers(fields[key], (key,))
        else:
            arrays[key] = number_matrix(fields[key], key)
    return StochasticLotSizing(
        name=expect(fields["name"], str, "text", ("name",)),
        horizon=whole(fields["horizon"], ("horizon",)),
        is_random_start=expect(fields["is_random_start"], bool, "true or false", ("is_random_start",)),
        **arrays,
    )


def number_matrix(value: Any, key: str) -> Any:
    """Return rows of finite numbers, all of one length, float64."""
    rows = rows_of(numbers, value, key)
    return np.array(rows, np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


def whole_matrix(value: Any, key: str, width: int | None = None) -> Any:
    """Return rows of whole numbers, all of one length, int64; `width` is that of no rows."""
    rows = rows_of(integers, value, key)
    return np.array(rows, np.int64).reshape(len(rows), len(rows[0]) if rows else width or 0)


def _trajectory(fields: dict[str, Any]) -> Trajectory:
    cost = real(fields["cost"], ("cost",))
    costs = expect(fields["costs"], dict, "an object", ("costs",))
    if cost is None or sorted(costs) != sorted(COSTS):
        raise InstanceError(f"expected a cost and its parts {', '.join(COSTS)}", place=("costs",))
    parts = dict(zip(costs, numbers(list(costs.values()), ("costs",)), strict=True))
    arrays = {key: whole_matrix(fields[key], key) for key in TRAJECTORY_FIELDS[1:-1]}
    return Trajectory(cost, costs=parts, **arrays)
