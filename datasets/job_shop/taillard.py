"""Taillard's specification: a line of names, their numbers, ``Times`` with n rows, ``Machines`` with n rows, 1-based.

Taillard, "Benchmarks for basic scheduling problems", EJOR 64 (1993) 278-285 and the files that go with it::

    Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound
    15 15 840612802 398197754 1231 1005
    Times
    94 66 ...
    Machines
    7 13 ...

Every job visits every machine once. Seeds and bounds are checked to be numbers and not used: best-known values
come from `counterpoint.datasets.registry`, which recognises an instance by its content.
"""

from collections.abc import Sequence

from counterpoint.datasets.text import (
    Line,
    count_checked,
    durations_checked,
    machines_checked,
    numbers,
    sizes_checked,
)
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop

NAMES = "Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound"


def read_taillard(lines: Sequence[Line], name: str) -> JobShop:
    """Parse a file in Taillard's format; InstanceError with the line if it is none."""
    if not lines[0].raw[:1].isalpha():
        raise InstanceError(f"expected the line of names: {NAMES}", line=lines[0].number)
    expected = lines[0].raw.count(b",") + 1
    if len(lines) < 2:
        raise InstanceError("the file ends after the line of names", line=lines[0].number)
    header = numbers(lines[1], f"{expected} numbers, one per name above")
    if len(header) != expected or expected < 2:
        raise InstanceError(f"{len(header)} numbers for {expected} names: {NAMES}", line=lines[1].number)
    if min(header) < 0:
        raise InstanceError(f"{min(header)} is negative; expected numbers >= 0", line=lines[1].number)
    num_jobs, num_machines = header[:2]
    sizes_checked(lines[1], num_jobs, num_machines)
    _keyword(lines, 2, b"times")
    count_checked(lines[3:], 2 * num_jobs + 1, f"lines: {num_jobs} of times, Machines, {num_jobs} more", lines[2])
    _keyword(lines, 3 + num_jobs, b"machines")
    times = [_row(line, num_machines, "durations") for line in lines[3 : 3 + num_jobs]]
    routes = []
    for line, row in zip(lines[3:], times, strict=False):
        durations_checked(line, row)
    for line in lines[4 + num_jobs :]:
        row = _row(line, num_machines, "machines")
        machines_checked(line, row, 1, num_machines)
        if len(set(row)) < num_machines:
            raise InstanceError(f"a job must visit each of the {num_machines} machines once", line=line.number)
        routes.append([machine - 1 for machine in row])
    try:
        return JobShop.from_matrices(name, routes, times, num_machines=num_machines)
    except InstanceError as error:
        raise InstanceError(error.message, line=lines[3].number) from None


def write_taillard(shop: JobShop) -> str:
    """Return the text of a rectangular shop; seeds and bounds are written as 0, which stands for unknown."""
    if not shop.is_rectangular:
        raise InstanceError("Taillard's format holds rectangular shops only; write it as json")
    shape = (shop.num_jobs, shop.num_machines)
    times, routes = shop.duration.reshape(shape).tolist(), (shop.machine + 1).reshape(shape).tolist()
    rows = [" ".join(map(str, row)) for row in (*times, *routes)]
    head = [NAMES, f"{shop.num_jobs} {shop.num_machines} 0 0 0 0", "Times"]
    return "\n".join([*head, *rows[: shop.num_jobs], "Machines", *rows[shop.num_jobs :], ""])


def _keyword(lines: Sequence[Line], index: int, word: bytes) -> None:
    at = lines[min(index, len(lines) - 1)]
    if len(lines) <= index or at.raw.lower() != word:
        raise InstanceError(f"expected the word {word.decode().capitalize()} alone on a line", line=at.number)


def _row(line: Line, length: int, what: str) -> list[int]:
    row = numbers(line, f"{length} {what}")
    if len(row) != length:
        raise InstanceError(f"{len(row)} numbers; expected {length} {what}", line=line.number)
    return row
