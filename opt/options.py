"""Method names with options: ``spt:scheme=active``, dictionaries, TOML tables; unknown keys raise."""

import dataclasses
import difflib
import operator
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from counterpoint.opt.errors import OptionError, printable
from counterpoint.opt.problems.table import resolve
from counterpoint.opt.registry import Method


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split ``name:key=value,key=value`` into the name and its options; a value of several parts has slashes.

    >>> split_spec("spt:scheme=active")
    ('spt', {'scheme': 'active'})
    >>> split_spec("tree-mip:branching=4/2/2,gap=0.1")
    ('tree-mip', {'branching': '4/2/2', 'gap': '0.1'})
    """
    name, colon, rest = spec.partition(":")
    pairs: dict[str, str] = {}
    for item in rest.split(",") if colon else ():
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise OptionError(f"{printable(item)!r} in {printable(spec)!r} must read key=value")
        pairs[key.strip().replace("-", "_")] = value.strip()
    return name.strip(), pairs


def build_options(method: Method, given: Mapping[str, Any] | None) -> Any:
    """Build the method's options dataclass; text is converted to the field's type.

    Raises
    ------
    OptionError
        For an unknown key, an option the method's name already fixes, or a value of the wrong type.
    """
    given = dict(given or {})
    if not method.options:
        if given:
            raise OptionError(f"method {method.name} takes no options, but got {', '.join(map(printable, given))}")
        return None
    cls = resolve(method.options)
    free = [f.name for f in dataclasses.fields(cls) if f.name not in method.preset]
    return validated(cls, given, owner=f"method {method.name}", noun="option", free=free, preset=method.preset)


def validated(
    cls: Any,
    given: Mapping[str, Any],
    *,
    owner: str,
    noun: str,
    free: Sequence[str],
    preset: Mapping[str, Any] | None = None,
) -> Any:
    """Build a dataclass from what users wrote; text is converted to the field's type, ``4/2/2`` to a tuple.

    Parameters
    ----------
    cls : type
        A dataclass.
    given : mapping
    owner, noun : str
        How errors name what takes them and what they are: "method spt", "option".
    free : sequence of str
        Keys that may be given.
    preset : mapping, optional
        Values that are fixed.

    Raises
    ------
    OptionError
        For an unknown key (with the nearest name) or a value of the wrong type.
    """
    for key in given:
        if key not in free:
            close = difflib.get_close_matches(key, free, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it takes: {', '.join(free) or 'none'}"
            raise OptionError(f"{owner} has no {noun} {printable(str(key))!r}{hint}")
    from pydantic import TypeAdapter, ValidationError  # 0.1 s of import, only needed here

    several = {key for key, kind in typing.get_type_hints(cls).items() if typing.get_origin(kind) is tuple}
    parted = {k: v.split("/") if k in several and isinstance(v, str) else v for k, v in given.items()}
    try:
        return TypeAdapter(cls).validate_python({**(preset or {}), **parted})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        where = f"{owner}, {noun} {place}" if place else owner  # what the class itself checks names its options
        said = first.get("ctx", {}).get("error", first["msg"])
        raise OptionError(f"{where}: {printable(str(said))}") from None


def options_dict(options: Any) -> dict[str, Any]:
    """Return the options as a plain dictionary (empty for None)."""
    return {} if options is None else dataclasses.asdict(options)


def checked_seed(seed: Any) -> int:
    """Return a seed that can be stored; OptionError for anything but a whole number of at most 63 bits."""
    try:
        number = operator.index(seed)
    except TypeError:
        raise OptionError(f"a seed must be a whole number, not {printable(repr(seed)[:40])}") from None
    if not -(2**63) <= number < 2**63:
        raise OptionError(f"seed {number} does not fit in 64 bits")
    return number
