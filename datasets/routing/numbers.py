"""Columns of numbers from lines of text, with NumPy; decimal numbers, nothing else."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from counterpoint.datasets.text import Line
from counterpoint.opt.errors import InstanceError, printable

MAX_TOKEN = 40
MARKS = b"0123456789+-.eE"
EXACT = 2.0**53


def parsed(tokens: Sequence[bytes]) -> npt.NDArray[np.float64] | None:
    """Return numbers; None if any token is none (``nan``, ``inf``, ``1_000`` and hexadecimals are none). O(size)."""
    if not tokens:
        return np.zeros(0)
    if max(map(len, tokens)) > MAX_TOKEN or b"".join(tokens).translate(None, MARKS):
        return None
    try:
        found: npt.NDArray[np.float64] = np.array(tokens).astype(np.float64)
    except ValueError:
        return None
    is_finite = bool(np.isfinite(found).all())
    return found if is_finite else None


def table(lines: Sequence[Line], columns: int, what: str) -> npt.NDArray[np.float64]:
    """Return the numbers of lines that hold `columns` each, float64 [lines, columns]; InstanceError with the line."""
    rows = [line.raw.split() for line in lines]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != columns:
            raise InstanceError(f"{len(row)} fields; expected {what}", line=line.number)
    return _all(lines, [token for row in rows for token in row], what).reshape(-1, columns)


def stream(lines: Sequence[Line], what: str) -> tuple[npt.NDArray[np.float64], bool]:
    """Return the numbers of lines, wherever they break, and whether all are written as whole numbers."""
    text = b" ".join(line.raw for line in lines)
    is_whole = not text.translate(None, MARKS.translate(None, b".eE") + b" \t\r\f\v\n")
    return _all(lines, text.split(), what), is_whole


def whole(values: npt.NDArray[np.float64], lines: Sequence[Line], what: str) -> npt.NDArray[np.int64]:
    """Return a column as whole numbers; `lines` holds the line of each; InstanceError with the line otherwise."""
    bad = np.flatnonzero((values != np.floor(values)) | (np.abs(values) > EXACT))
    if len(bad):
        raise InstanceError(f"expected {what}, a whole number", line=lines[int(bad[0])].number)
    return values.astype(np.int64)


def single(text: bytes, line: Line, what: str) -> float:
    """Return one number; InstanceError with the line otherwise."""
    tokens = text.split()
    found = parsed(tokens) if len(tokens) == 1 else None
    if found is None:
        raise InstanceError(f"expected {what}, a number, not {_shown(text)}", line=line.number)
    return float(found[0])


def _all(lines: Sequence[Line], tokens: list[bytes], what: str) -> npt.NDArray[np.float64]:
    found = parsed(tokens)
    if found is not None:
        return found
    for line in lines:
        for token in line.raw.split():
            if parsed([token]) is None:
                raise InstanceError(f"{_shown(token)} is not a number; expected {what}", line=line.number)
    raise InstanceError(f"expected {what}", line=lines[0].number)


def _shown(text: bytes) -> str:
    return repr(printable(text[:40].decode("ascii", "backslashreplace")))
