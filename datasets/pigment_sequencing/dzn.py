"""MiniZinc data (.dzn) of pigment sequencing, as CSPLib problem 058 and the University of Udine publish it.

``Periods = T;``, ``Items = n;``, ``Demands = [|row|row ...|];`` (n rows of 0 or 1 per period),
``StockingCosts = [h, ...];`` (one per item), ``SetupCosts = [|row|...|];`` (changeover costs, n x n), each exactly
once, in any order. Of MiniZinc's language only whole numbers, arrays, comments (``%``) and blanks are understood.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from counterpoint.datasets.text import MAX_DIGITS, Line
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing

KEYS = ("Periods", "Items", "Demands", "StockingCosts", "SetupCosts")
PLACES = {"orders": "Demands", "stocking_cost": "StockingCosts", "changeover_cost": "SetupCosts"}
TOKEN = re.compile(rb"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>-?[0-9]+)(?![\w.])|(?P<mark>\[\||\|\]|[=;,|\[\]]))")


class Token(NamedTuple):
    """A name, number or mark, and its line."""

    kind: str
    text: str
    line: int


class Value(NamedTuple):
    """What a name was set to: rows of numbers with the line of each; a number is one row of one."""

    shape: str  # "number", "vector" or "matrix"
    rows: list[list[int]]
    lines: list[int]


def read_dzn(lines: Sequence[Line], name: str) -> PigmentSequencing:
    """Parse a .dzn file; InstanceError with the line if it is none."""
    values = _assignments(_tokens(lines))
    for key in KEYS:
        if key not in values:
            raise InstanceError(f"{key} is missing; expected {', '.join(KEYS)}", line=lines[-1].number)
    shapes = dict(zip(KEYS, ("number", "number", "matrix", "vector", "matrix"), strict=True))
    for key, value in values.items():
        if value.shape != shapes[key]:
            raise InstanceError(f"{key} is a {value.shape}; expected a {shapes[key]}", line=value.lines[0])
    periods, items = values["Periods"].rows[0][0], values["Items"].rows[0][0]
    for key, rows, columns in (("Demands", items, periods), ("StockingCosts", 1, items), ("SetupCosts", items, items)):
        _sized(key, values[key], rows, columns)
    try:
        return PigmentSequencing(
            name,
            np.array(values["Demands"].rows),
            np.array(values["StockingCosts"].rows[0]),
            np.array(values["SetupCosts"].rows),
        )
    except InstanceError as error:
        at = values[PLACES.get(str((*error.place, "")[0]), "Demands")]
        row = int(error.place[1]) if len(error.place) > 2 else 0
        raise InstanceError(error.message, line=at.lines[row]) from None


def write_dzn(instance: PigmentSequencing) -> str:
    """Return the text of an instance."""
    return "\n".join(
        [
            f"Periods = {instance.num_periods};",
            f"Items = {instance.num_items};",
            f"Demands = {_matrix(instance.orders.tolist())};",
            f"StockingCosts = [{', '.join(map(str, instance.stocking_cost.tolist()))}];",
            f"SetupCosts = {_matrix(instance.changeover_cost.tolist())};",
            "",
        ]
    )


def _matrix(rows: list[list[int]]) -> str:
    return "[|" + "\n|".join(", ".join(map(str, row)) for row in rows) + "|]"


def _sized(key: str, value: Value, rows: int, columns: int) -> None:
    """Refuse a matrix or vector of another size than the numbers of items and periods ask for."""
    for row, line in zip(value.rows, value.lines, strict=True):
        if len(row) != columns:
            raise InstanceError(f"{len(row)} numbers; expected {columns} in a row of {key}", line=line)
    if len(value.rows) != rows:
        raise InstanceError(f"{key} has {len(value.rows)} rows; expected {rows}", line=value.lines[-1])


def _tokens(lines: Sequence[Line]) -> list[Token]:
    found = []
    for line in lines:
        text = line.raw.partition(b"%")[0].rstrip()
        at = 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                rest = printable(text[at : at + 20].strip().decode("ascii", "backslashreplace"))
                raise InstanceError(f"{rest!r} is neither a name, a whole number nor one of = ; , [ | ]", line=line[0])
            kind = str(match.lastgroup)
            token = Token(kind, match.group(kind).decode(), line.number)
            if kind == "number" and (len(token.text.lstrip("-")) > MAX_DIGITS or token.text == "-0"):
                raise InstanceError(f"{token.text[:40]!r} is not a number we accept", line=line.number)
            found.append(token)
            at = match.end()
    return found


def _assignments(tokens: list[Token]) -> dict[str, Value]:
    """Return what each name is set to."""
    values: dict[str, Value] = {}
    at = 0
    while at < len(tokens):
        key, _, _ = _expected(tokens, at, "name", None, "a name")
        if key not in KEYS:
            raise InstanceError(f"{key!r} is not a name of this format: {', '.join(KEYS)}", line=tokens[at].line)
        if key in values:
            raise InstanceError(f"{key} is set twice", line=tokens[at].line)
        _expected(tokens, at + 1, "mark", "=", f"= after {key}")
        values[key], at = _value(tokens, at + 2, key)
        _expected(tokens, at, "mark", ";", f"; after the value of {key}")
        at += 1
    return values


def _expected(tokens: list[Token], at: int, kind: str, text: str | None, what: str) -> tuple[str, str, int]:
    """Return (text, kind, line) of the token at a place; refuse any other than the one expected."""
    if at >= len(tokens):
        raise InstanceError(f"expected {what}, but the file ends here", line=tokens[-1].line)
    token = tokens[at]
    if token.kind != kind or text not in (None, token.text):
        raise InstanceError(f"expected {what}, not {token.text!r}", line=token.line)
    return token.text, token.kind, token.line


def _value(tokens: list[Token], at: int, key: str) -> tuple[Value, int]:
    """Return the number, vector or matrix that begins at a token, and the place after it."""
    opening = tokens[at].text if at < len(tokens) else ""
    if opening not in ("[", "[|"):
        text, _, line = _expected(tokens, at, "number", None, f"a value of {key}")
        return Value("number", [[int(text)]], [line]), at + 1
    shape, closing = ("vector", "]") if opening == "[" else ("matrix", "|]")
    rows: list[list[int]] = [[]]
    lines = [tokens[at].line]
    at += 1
    while True:
        text, _, line = _expected(tokens, at, "number", None, f"a number in {key}")
        if not rows[-1]:
            lines[-1] = line
        rows[-1].append(int(text))
        after = tokens[at + 1].text if at + 1 < len(tokens) else ""
        at += 2
        if after == closing:
            return Value(shape, rows, lines), at
        if after == "|" and shape == "matrix":
            rows.append([])
            lines.append(line)
        elif after != ",":
            _expected(tokens, at - 1, "mark", ",", f", or {closing} in {key}")
