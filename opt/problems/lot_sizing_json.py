"""Lot-sizing instances and production plans as tagged JSON; unknown and missing fields are refused.

Arrays are written as short as the constructor takes them: one number if all are equal, one per item if the periods
do not differ, else a matrix, a row per item.
"""

from typing import Any

import numpy as np

from counterpoint.opt.codec import Place, expect, real, take
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.lot_sizing import ARRAYS, FloatArray, LotSizing, ProductionPlan

PLAN_FIELDS = ("lots", "setups")
OPTIONAL = ("backlog_cost", "capacity")  # null: there is none
EXACT = 2.0**53  # beyond it a whole float is not one integer


def encode(value: LotSizing | ProductionPlan) -> dict[str, Any]:
    """Return plain JSON data for an instance or a plan."""
    if isinstance(value, ProductionPlan):
        return {"type": "lot-sizing-plan", "version": 1, "lots": _plain(value.lots), "setups": value.setups.tolist()}
    data: dict[str, Any] = {"type": "lot-sizing", "version": 1, "name": value.name}
    for key in ARRAYS:
        array = getattr(value, key)
        data[key] = None if array is None else _plain(array if key == "demand" else _short(array))
    return data


def decode(data: Any) -> LotSizing | ProductionPlan:
    """Build an instance or a plan from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "lot-sizing-plan":
        fields = take(data, kind, 1, PLAN_FIELDS)
        rows = expect(fields["setups"], list, "a list of rows", ("setups",))
        setups = [
            [expect(x, bool, "true or false", ("setups", i, t)) for t, x in enumerate(_row(row, ("setups", i)))]
            for i, row in enumerate(rows)
        ]
        expect(fields["lots"], list, "a list of rows", ("lots",))
        return ProductionPlan(_numbers(fields["lots"], ("lots",)), _rectangle(setups))
    fields = take(data, "lot-sizing", 1, ("name", *ARRAYS))
    expect(fields["demand"], list, "a list of rows", ("demand",))
    arrays: dict[str, Any] = {
        key: None if fields[key] is None and key in OPTIONAL else _numbers(fields[key], (key,)) for key in ARRAYS
    }
    return LotSizing(name=expect(fields["name"], str, "text", ("name",)), **arrays)


def _short(array: FloatArray) -> FloatArray:
    """Return the shortest array that the constructor repeats to this one."""
    if (array == array.flat[0]).all():
        return np.array(array.flat[0])
    if array.ndim == 2 and (array == array[:, :1]).all():
        return array[:, 0]
    return array


def _plain(array: FloatArray) -> Any:
    """Return nested lists; whole numbers as integers."""
    if array.ndim == 0 or array.ndim == 1:
        whole = (array == np.floor(array)) & (np.abs(array) < EXACT)
        if whole.all():
            return array.astype(np.int64).tolist()
        return array.tolist()
    return [_plain(row) for row in array]


def _numbers(value: Any, place: Place) -> Any:
    """Return a number, or lists of lists of numbers of one length."""
    if not isinstance(value, list):
        number = real(value, place)
        if number is None:
            raise InstanceError("expected a number or a list of numbers, not null", place=place)
        return number
    if len(place) > 2:
        raise InstanceError("expected a number, not a list", place=place)
    items = [_numbers(item, (*place, i)) for i, item in enumerate(value)]
    if any(isinstance(item, list) != isinstance(items[0], list) for item in items):
        raise InstanceError("expected numbers, or rows of numbers, not both", place=place)
    return _rectangle(items)


def _rectangle(rows: list[Any]) -> list[Any]:
    if rows and isinstance(rows[0], list):
        for i, row in enumerate(rows):
            if len(row) != len(rows[0]):
                raise InstanceError(f"row {i} has {len(row)} entries, row 0 has {len(rows[0])}")
    return rows


def _row(value: Any, place: Place) -> list[Any]:
    row: list[Any] = expect(value, list, "a list", place)
    return row
