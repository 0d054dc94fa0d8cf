"""Places as plain JSON, a part of every routing instance; unknown and missing fields are refused."""

from typing import Any

from counterpoint.opt.codec import Place, expect, numbers, rows_of
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.places import Places

FIELDS = ("metric", "points", "matrix")


def encode_places(places: Places) -> dict[str, Any]:
    """Return plain JSON data; the numbers of a matrix of floats are written as such."""
    points, matrix = (None if array is None else array.tolist() for array in (places.points, places.matrix))
    return {"metric": places.metric, "points": points, "matrix": matrix}


def decode_places(data: Any) -> Places:
    """Build places from the field ``places``; a matrix is one of floats if any number of it is.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    fields = expect(data, dict, "an object", ("places",))
    if missing := [key for key in FIELDS if key not in fields]:
        raise InstanceError(f"missing fields: {', '.join(missing)}", place=("places",))
    if unknown := [key for key in fields if key not in FIELDS]:
        raise InstanceError(f"unknown fields: {', '.join(printable(str(key)) for key in unknown)}", place=("places",))
    metric = expect(fields["metric"], str, "text", ("places", "metric"))
    try:
        points = None if fields["points"] is None else rows_of(numbers, fields["points"], "points")
        matrix = None if fields["matrix"] is None else rows_of(_as_written, fields["matrix"], "matrix")
        return Places(metric, points, matrix)  # type: ignore[arg-type]  # it validates
    except InstanceError as error:
        raise InstanceError(error.message, place=("places", *error.place)) from None


def _as_written(value: Any, place: Place) -> list[Any]:
    """Return finite numbers, integers as such."""
    numbers(value, place)
    items: list[Any] = value
    return items
