"""The standard format (OR-Library, JSPLIB): ``n m``, then a line of n ``machine duration`` pairs per job, 0-based.

Lines that are blank or start with ``#`` are skipped; blanks may be irregular; every job stands on one line.

What is refused beyond bad numbers: too few or too many lines, half a pair, a machine outside 0..m-1 and, since the
format has no check sum, whatever does not look like the shop the header promises:
- in a rectangular shop every job visits each of the m machines once; a file in which at least half of the jobs do
  is taken to be one, and a job that does not is refused there (a lost pair, a changed machine, a wrong m);
- any other file (jobs of different lengths, machines visited again) is read job by job, and refused if machine
  m - 1 has no operation (a wrong m) or the last line has no newline (the last job may be cut).
``format="ragged"`` is for files where jobs may have any operations: it drops these rules but the last; then a lost
pair passes, as does an m that is too large.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from counterpoint.datasets.text import (
    Line,
    durations_checked,
    machines_checked,
    machines_in_header,
    numbers,
)
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop


def read_standard(lines: Sequence[Line], name: str) -> JobShop:
    """Parse a file in the standard format; InstanceError with the line if it is none."""
    num_machines, rows = _rows(lines)
    full = [len(row) == 2 * num_machines and len(set(row[::2])) == num_machines for row in rows]
    if not all(full) and 2 * sum(full) >= len(rows):
        job = full.index(False)
        raise InstanceError(
            f"job {job} must visit each of the {num_machines} machines once, as most jobs here do; "
            'if jobs may differ in this file, read it with format="ragged"',
            line=lines[1 + job].number,
        )
    if all(num_machines - 1 not in row[::2] for row in rows):
        raise InstanceError(
            f"machine {num_machines - 1} has no operation although the header says {num_machines} machines; "
            'if that is meant, read it with format="ragged"',
            line=lines[0].number,
        )
    if not all(full):
        _check_end(lines)
    return shop_from_rows(name, num_machines, rows, lines[1:])


def read_ragged(lines: Sequence[Line], name: str) -> JobShop:
    """Parse a file in the standard format whose jobs may have any operations."""
    num_machines, rows = _rows(lines)
    _check_end(lines)
    return shop_from_rows(name, num_machines, rows, lines[1:])


def shop_from_rows(name: str, num_machines: int, rows: Sequence[Sequence[int]], lines: Sequence[Line]) -> JobShop:
    """Build a shop from one list ``machine, duration, machine, duration, ...`` per job."""
    pairs = np.concatenate([np.array(row, np.int64).reshape(-1, 2) for row in rows])
    offsets = np.cumsum([0, *(len(row) // 2 for row in rows)])
    try:
        return JobShop(name, num_machines, offsets, np.arange(len(pairs) + 1), pairs[:, 0], pairs[:, 1])
    except InstanceError as error:
        at = error.place[1] if error.place[:1] == ("jobs",) else 0
        raise InstanceError(error.message, line=lines[int(at)].number) from None


def write_standard(shop: JobShop) -> str:
    """Return the text of a shop that is not flexible."""
    pairs = np.stack([shop.machine, shop.duration], axis=1).ravel().tolist()
    ends = (2 * shop.job_offsets).tolist()
    rows = (" ".join(map(str, pairs[a:b])) for a, b in pairwise(ends))
    return "\n".join([f"{shop.num_jobs} {shop.num_machines}", *rows, ""])


def _check_end(lines: Sequence[Line]) -> None:
    if not lines[-1].is_ended:
        raise InstanceError(
            "the last line has no newline, so the last job may be cut; add one if the file is complete",
            line=lines[-1].number,
        )


def _rows(lines: Sequence[Line]) -> tuple[int, list[list[int]]]:
    num_machines = machines_in_header(lines)
    rows = []
    for line in lines[1:]:
        row = numbers(line, "pairs: machine duration")
        if len(row) % 2:
            raise InstanceError(f"{len(row)} numbers; expected pairs: machine duration", line=line.number)
        machines_checked(line, row[::2], 0, num_machines - 1)
        durations_checked(line, row[1::2])
        rows.append(row)
    return num_machines, rows
