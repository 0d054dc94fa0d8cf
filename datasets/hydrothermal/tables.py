"""CSV tables of numbers, read strictly: an InstanceError names file and line."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.datasets.json_lines import first_bad_token, line_of_place
from counterpoint.opt.codec import load_json
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.hydrothermal_parts import FloatArray

MAX_BYTES = 200_000_000
TINY = 2.2250738585072014e-308  # smaller numbers are what memory once held: 0
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


def folder_text(folder: Path, name: str) -> bytes:
    """Return the bytes of a file of a case's folder."""
    path = folder / name
    try:
        if not path.is_file():
            raise InstanceError("the folder needs this file", file=str(path), line=1)
        if path.stat().st_size > MAX_BYTES:
            raise InstanceError(f"files up to {MAX_BYTES} bytes are read", file=str(path), line=1)
        return path.read_bytes()
    except OSError as error:
        raise InstanceError(f"cannot be read: {error.strerror}", file=str(path), line=1) from None


def folder_json(folder: Path, name: str) -> Any:
    """Return the data of a JSON file of a case's folder."""
    raw = folder_text(folder, name)
    try:
        return load_json(raw)
    except InstanceError as error:
        line = error.line or first_bad_token(raw.decode("utf-8-sig", "replace"))
        raise error.at(str(folder / name), line) from None


def in_json_file(error: InstanceError, folder: Path, name: str) -> InstanceError:
    """Return an error at a place inside a JSON file with the file's name and the line of the place."""
    text = folder_text(folder, name).decode("utf-8-sig", "replace")
    return error.at(str(folder / name), line_of_place(text, error.place) if error.place else 1)


def table(
    raw: bytes,
    file: str,
    *,
    delimiter: str = ",",
    names: Sequence[str] | None = None,
    has_index: bool = False,
    missing: Sequence[str] = (),
) -> tuple[list[str], FloatArray]:
    """Return the row labels and the numbers, float64 [rows, columns], of a CSV text.

    Parameters
    ----------
    raw : bytes
    file : str
        For messages.
    delimiter : str
    names : sequence of str, optional
        The columns that the header must name (empty: any); None: there is no header.
    has_index : bool
        The first column holds labels.
    missing : sequence of str
        Spellings of a number that is not there, which becomes NaN.
    """  # fmt: skip
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InstanceError("not UTF-8 text", file=file, line=raw[: error.start].count(b"\n") + 1) from None
    lines = [(n, line.split(delimiter)) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if names is not None:
        if not lines:
            raise InstanceError("expected a header", file=file, line=1)
        (number, header), lines = lines[0], lines[1:]
        found = [word.strip().strip('"') for word in header[1 if has_index else 0 :]]
        if names and found != list(names):
            shown = printable(", ".join(found)[:80])
            raise InstanceError(f"expected the columns {', '.join(names)}, not {shown}", file=file, line=number)
        width = len(header)
    elif lines:
        width = len(lines[0][1])
    if not lines:
        raise InstanceError("expected rows of numbers", file=file, line=1)
    labels, rows = [], []
    for number, words in lines:
        if len(words) != width:
            raise InstanceError(f"expected {width} columns, not {len(words)}", file=file, line=number)
        labels.append(words[0].strip().strip('"') if has_index else "")
        rows.append([_number(word.strip(), file, number, missing) for word in words[1 if has_index else 0 :]])
    return labels, np.array(rows, np.float64).reshape(len(rows), -1)


def _number(word: str, file: str, line: int, missing: Sequence[str]) -> float:
    if word in missing:
        return math.nan
    value = float(word) if NUMBER.fullmatch(word) else math.nan
    if not math.isfinite(value):
        raise InstanceError(f"{printable(repr(word[:40]))} is no finite number", file=file, line=line)
    return 0.0 if abs(value) < TINY else value
