"""Instances as tagged JSON, with the line of every error.

What we write carries ``content_hash``, the SHA-256 of the instance without its name; a file that has it and does not
match it was changed on the way, and is refused. Files written by hand need not have it.
"""

import json
from typing import Any

from counterpoint.datasets.formats import JSON_FORMATS
from counterpoint.datasets.json_lines import first_bad_token, line_of_place
from counterpoint.opt.codec import load_json
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.table import problems

HASH = "content_hash"


def read_json(raw: bytes, problem: str | None = None, name: str = "instance") -> Any:
    """Decode an instance from JSON bytes; InstanceError carries the line and the place inside the data.

    `name` is for formats of others, which carry none.
    """
    try:
        return _decode(load_json(raw), problem, name)
    except InstanceError as error:
        if error.line is not None:
            raise
        text = raw.decode("utf-8-sig", "replace")
        line = line_of_place(text, error.place) if error.place else first_bad_token(text)
        raise InstanceError(error.message, line=line, place=error.place) from None


def write_json(instance: Any) -> str:
    """Return an instance as JSON, one field per line, so that a lost or doubled line cannot pass."""
    family = next(p for p in problems() if p.name == instance.problem)
    data = {**family.load("encode")(instance), HASH: instance.content_hash}
    fields = (f"  {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in data.items())
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _decode(data: Any, problem: str | None, name: str) -> Any:
    for other in JSON_FORMATS:
        if problem in (None, other.problem) and other.looks_right(data):
            return other.read(data, name)
    names = [p.name for p in problems() if problem in (None, p.name)]
    kind = data.get("type") if isinstance(data, dict) else None
    if kind == "counterpoint-result":
        raise InstanceError("this is a result, not an instance; read it with counterpoint.read_result", place=("type",))
    if kind not in names:
        raise InstanceError(
            f"expected an object with type {' or '.join(names)}, not {printable(repr(kind)[:40])}", place=("type",)
        )
    fields = {key: value for key, value in data.items() if key != HASH}
    instance = next(p for p in problems() if p.name == kind).load("decode")(fields)
    if HASH in data and data[HASH] != instance.content_hash:
        raise InstanceError(
            "the instance differs: the file was changed; remove this field if that is meant", place=(HASH,)
        )
    return instance
