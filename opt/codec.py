"""Plain, tagged JSON: what is written can be read back and verified; nothing unknown or missing passes."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.table import problem, problems
from counterpoint.opt.result import Result, SolutionStatus, Termination, TracePoint

Place = tuple[str | int, ...]

RESULT_FIELDS = (
    "problem", "instance_name", "instance_hash", "method", "method_version", "options", "seed", "time_limit_s",
    "threads", "termination", "solution_status", "objective", "claimed_objective", "bound", "solution", "trace",
    "wall_s", "cpu_s", "solver", "message", "iterations", "sense", "metrics", "instance", "iteration_limit", "target",
    "gap_limit",
)  # fmt: skip


def expect(value: Any, kind: type | UnionType, what: str, place: Place = ()) -> Any:
    """Return `value` if it is of `kind`; InstanceError that asks for `what` otherwise."""
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise InstanceError(f"expected {what}, not {_short(value)}", place=place)
    return value


def whole(value: Any, place: Place = ()) -> int:
    """Return an integer of at most 63 bits."""
    number: int = expect(value, int, "a whole number", place)
    if not -(2**63) <= number < 2**63:
        raise InstanceError("number does not fit in 64 bits", place=place)
    return number


def real(value: Any, place: Place = ()) -> float | None:
    """Return a finite number or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise InstanceError(f"expected a finite number or null, not {_short(value)}", place=place)
    return float(value)


def integers(value: Any, place: Place = (), length: int | None = None) -> list[int]:
    """Return a flat list of integers, of `length` if given."""
    items = expect(value, list, "a list of whole numbers", place)
    if length is not None and len(items) != length:
        raise InstanceError(f"expected {length} whole numbers, not {len(items)}", place=place)
    return [whole(item, (*place, i)) for i, item in enumerate(items)]


def numbers(value: Any, place: Place = ()) -> list[float]:
    """Return a flat list of finite numbers."""
    items = expect(value, list, "a list of numbers", place)
    found = [real(item, (*place, i)) for i, item in enumerate(items)]
    if None in found:
        raise InstanceError("expected numbers, not null", place=(*place, found.index(None)))
    return [x for x in found if x is not None]


def rows_of(read: Callable[[Any, Place], list[Any]], value: Any, key: str) -> list[list[Any]]:
    """Return rows of one length, each read by `integers` or `numbers`, from the field `key`."""
    rows = [read(row, (key, i)) for i, row in enumerate(expect(value, list, "a list of rows", (key,)))]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InstanceError(f"expected {len(rows[0])} numbers as in the first row, not {len(row)}", place=(key, i))
    return rows


def take(data: Any, kind: str, version: int, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return `data` if it is an object of this type, version and exactly these fields."""
    found: dict[str, Any] = expect(data, dict, "an object")
    if found.get("type") != kind:
        raise InstanceError(f"expected type {kind!r}, not {_short(found.get('type'))}", place=("type",))
    if type(found.get("version")) is not int or found["version"] != version:  # True == 1 == 1.0
        raise InstanceError(
            f"expected version {version} of {kind}, not {_short(found.get('version'))}",
            place=("version",),
        )
    missing = [f for f in fields if f not in found]
    if missing:
        raise InstanceError(f"missing fields: {', '.join(missing)}")
    unknown = [f for f in found if f not in (*fields, "type", "version")]
    if unknown:
        raise InstanceError(f"unknown fields: {', '.join(printable(str(f)) for f in unknown)}")
    return found


def encode_result(result: Result) -> dict[str, Any]:
    """Return plain JSON data of a result, its solution and its instance."""
    encode = problem(result.problem).load("encode")
    data: dict[str, Any] = {"type": "counterpoint-result", "version": 1}
    for key in RESULT_FIELDS:
        value = getattr(result, key)
        if key in ("solution", "instance"):
            value = None if value is None else encode(value)
        elif key == "trace":
            value = [[p.wall_s, p.objective, p.bound] for p in value]
        elif key in ("options", "metrics"):
            value = dict(value)
        data[key] = value
    return data


def decode_result(data: Any) -> Result:
    """Build a Result from plain JSON data; InstanceError with the place if it is none."""
    fields = dict(take(data, "counterpoint-result", 1, RESULT_FIELDS))
    name = expect(fields["problem"], str, "text", ("problem",))
    if name not in {p.name for p in problems()}:
        raise InstanceError(f"no problem named {printable(name)!r}", place=("problem",))
    decode = problem(name).load("decode")
    out: dict[str, Any] = {}
    for key in RESULT_FIELDS:
        value = fields[key]
        place: Place = (key,)
        if key in ("solution", "instance"):
            out[key] = None if value is None else _inside(decode, value, key)
        elif key == "trace":
            out[key] = tuple(
                TracePoint(*_point(point, ("trace", i))) for i, point in enumerate(expect(value, list, "a list", place))
            )
        elif key == "options":
            out[key] = expect(value, dict, "an object", place)
        elif key == "metrics":
            found = expect(value, dict, "an object", place)
            out[key] = {k: real(expect(v, int | float, "a number", (key, k)), (key, k)) for k, v in found.items()}
        elif key in ("objective", "claimed_objective", "bound", "time_limit_s", "target"):
            out[key] = real(value, place)
        elif key in ("wall_s", "cpu_s", "gap_limit"):
            out[key] = real(expect(value, int | float, "a number", place), place)
            if value < 0:
                what = "seconds" if key.endswith("_s") else "a number"
                raise InstanceError(f"expected {what} >= 0, not {_short(value)}", place=place)
        elif key in ("method_version", "seed", "threads"):
            out[key] = whole(value, place)
        elif key in ("iterations", "iteration_limit"):
            out[key] = None if value is None else whole(value, place)
        elif key in ("termination", "solution_status"):
            kinds = Termination if key == "termination" else SolutionStatus
            if value not in [str(k) for k in kinds]:
                raise InstanceError(f"expected one of {', '.join(kinds)}", place=place)
            out[key] = kinds(value)
        else:
            out[key] = expect(value, str, "text", place)
    return Result(**out)


def write_result(result: Result, path: str | os.PathLike[str]) -> None:
    """Write a result as JSON; the file appears whole or not at all."""
    write_text(path, json.dumps(encode_result(result), allow_nan=False) + "\n")


def read_result(path: str | os.PathLike[str]) -> Result:
    """Read a result; InstanceError names the file and place."""
    try:
        return decode_result(load_json(Path(path).read_bytes()))
    except OSError as error:
        raise InstanceError(f"cannot read it: {error.strerror}", file=str(path)) from None
    except InstanceError as error:
        raise error.at(str(path)) from None


def load_json(raw: bytes) -> Any:
    """Parse JSON strictly: UTF-8, no NaN, no doubled keys, no deep nesting."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({k for k, _ in items}) != len(items):
            raise InstanceError("an object names the same field twice")
        return dict(items)

    def constant(text: str) -> Any:
        raise InstanceError(f"{text} is not a number here")

    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=constant)
    except UnicodeDecodeError as error:
        raise InstanceError("not UTF-8 text", line=raw[: error.start].count(b"\n") + 1) from None
    except json.JSONDecodeError as error:
        raise InstanceError(f"not JSON: {error.msg}", line=error.lineno) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, InstanceError):
            raise
        raise InstanceError(f"not JSON we accept: {printable(str(error)[:80])}") from None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file atomically: a reader sees the old content or the new, never half."""
    write_bytes(path, text.encode())


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file atomically."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".counterpoint-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _short(value: Any) -> str:
    """Return any value as a few harmless characters."""
    return printable(repr(value)[:40])


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _inside(decode: Any, value: Any, key: str) -> Any:
    try:
        return decode(value)
    except InstanceError as error:
        raise InstanceError(error.message, place=(key, *error.place)) from None


def _point(point: Any, place: Place) -> tuple[float, float | None, float | None]:
    items = expect(point, list, "a list of three", place)
    if len(items) != 3 or items[0] is None:
        raise InstanceError("expected [seconds, objective, bound]", place=place)
    wall, objective, bound = (real(x, place) for x in items)
    return float(wall or 0.0), objective, bound
