"""Text files as numbered lines of numbers, read strictly: ASCII decimal integers and blanks, nothing else."""

from collections.abc import Sequence
from typing import NamedTuple

from counterpoint.opt.errors import InstanceError, printable

MAX_DIGITS = 18  # fits in int64
MAX_JOBS = 10_000_000
MAX_MACHINES = 1_000_000


class Line(NamedTuple):
    """A line that is neither blank nor a comment, with its 1-based number in the file.

    `is_ended` is False for a last line without a newline: the file may have been cut there.
    """

    number: int
    raw: bytes
    is_ended: bool = True


def data_lines(raw: bytes) -> list[Line]:
    """Split a file into its lines, without blank lines and ``#`` comments; O(size)."""
    texts = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    lines = []
    for number, text in enumerate(texts, 1):
        content = text.strip()
        if content and not content.startswith(b"#"):
            lines.append(Line(number, content, number < len(texts)))
    return lines


def numbers(line: Line, what: str) -> list[int]:
    """Return the integers on a line; InstanceError with its number if anything else stands there.

    ``1_000``, ``+1``, ``1.0``, ``nan``, ``-0`` and digits beyond ASCII are refused.

    >>> numbers(Line(3, b"0 12 -1"), "pairs")
    [0, 12, -1]
    """
    tokens = line.raw.split()
    for token in tokens:
        digits = token[1:] if token.startswith(b"-") and token != b"-0" else token
        if not digits.isdigit():
            text = printable(token[:40].decode("ascii", "backslashreplace"))
            raise InstanceError(f"{text!r} is not a whole number; expected {what}", line=line.number)
        if len(digits) > MAX_DIGITS:
            raise InstanceError(f"a number of {len(digits)} digits is too large; expected {what}", line=line.number)
    return [int(token) for token in tokens]


def durations_checked(line: Line, values: Sequence[int]) -> None:
    """Refuse negative durations."""
    if values and min(values) < 0:
        raise InstanceError(f"duration {min(values)} is negative; expected a whole number >= 0", line=line.number)


def machines_checked(line: Line, values: Sequence[int], first: int, last: int) -> None:
    """Refuse machines outside first..last, saying so if the file looks shifted by one."""
    for value in values:
        if not first <= value <= last:
            hint = f" (machines are numbered from {first} here)" if value in (first - 1, last + 1) else ""
            raise InstanceError(f"machine {value} does not exist; expected {first}..{last}{hint}", line=line.number)


def sizes_checked(line: Line, jobs: int, machines: int) -> None:
    """Refuse a header without jobs or machines, or with absurdly many, before anything is allocated."""
    for value, what, most in ((jobs, "jobs", MAX_JOBS), (machines, "machines", MAX_MACHINES)):
        if not 1 <= value <= most:
            raise InstanceError(f"{value} {what} in the header; expected 1..{most}", line=line.number)


def count_checked(lines: Sequence[Line], expected: int, what: str, after: Line) -> None:
    """Refuse too few or too many lines: `lines` must be `expected` many; `after` is the line before them."""
    if len(lines) < expected:
        last = lines[-1] if lines else after
        raise InstanceError(f"expected {expected} {what}, but the file ends after {len(lines)}", line=last.number)
    if len(lines) > expected:
        raise InstanceError(f"expected {expected} {what} and then nothing more", line=lines[expected].number)


def machines_in_header(lines: Sequence[Line]) -> int:
    """Return the number of machines; the header names jobs and machines, and one line per job must follow it."""
    header = numbers(lines[0], "the header: number of jobs, number of machines")
    if len(header) != 2:
        raise InstanceError(
            f"{len(header)} numbers in the header; expected number of jobs, number of machines", line=lines[0].number
        )
    num_jobs, num_machines = header
    sizes_checked(lines[0], num_jobs, num_machines)
    count_checked(lines[1:], num_jobs, "lines, one per job", lines[0])
    return num_machines
