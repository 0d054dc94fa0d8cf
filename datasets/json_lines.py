"""Find the line of a place in JSON text: parsers give values without positions, users need the line."""

import json
import re
from collections.abc import Iterator

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+|\n')
MAX_NUMBER = 4300  # digits that Python converts
MAX_DEPTH = 500
Place = tuple[str | int, ...]


def line_of_place(text: str, place: Place) -> int:
    r"""Return the 1-based line where the value at `place` starts, or its nearest container if missing; O(size).

    >>> line_of_place('{"a":\n [1,\n 2]}', ("a", 1))
    3
    """
    best, line = -1, 1
    for at, found in _values(text):
        depth = len(found)
        if depth > best and found == place[:depth]:
            best, line = depth, at
            if depth == len(place):
                break
    return line


def first_bad_token(text: str) -> int:
    """Return the line of the first NaN, Infinity, doubled field name, endless number or nest; 1 if there is none."""
    line, keys = 1, [set[str]()]
    expects_key = False
    for match in TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
        elif (
            token in ("NaN", "Infinity", "-Infinity")
            or len(keys) > MAX_DEPTH
            or (len(token) > MAX_NUMBER and not token.startswith('"'))
        ):
            return line
        elif token == "{":
            keys.append(set())
            expects_key = True
        elif token == "[":
            keys.append(set())
            expects_key = False
        elif token in "]}":
            if len(keys) > 1:
                keys.pop()
            expects_key = False
        elif token == ":":
            expects_key = False
        elif token == ",":
            expects_key = bool(keys[-1])
        elif expects_key:
            if token in keys[-1]:
                return line
            keys[-1].add(token)
            expects_key = False
    return 1


def _values(text: str) -> Iterator[tuple[int, Place]]:
    """Yield (line, place) of every value in the text, in order; the text must be valid JSON."""
    path: list[str | int] = []
    inside: list[str] = []  # the open brackets
    line, key_comes = 1, False
    for match in TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
        elif token == ",":
            if inside[-1] == "[":
                path[-1] = int(path[-1]) + 1
            else:
                key_comes = True
        elif token == ":":
            continue
        elif token in "]}":
            inside.pop()
            path.pop()
            key_comes = False
        elif key_comes:
            path[-1] = _unquoted(token)
            key_comes = False
        else:
            yield line, tuple(path)
            if token in "[{":
                inside.append(token)
                path.append(0 if token == "[" else "")
                key_comes = token == "{"


def _unquoted(token: str) -> str:
    text: str = json.loads(token)
    return text
