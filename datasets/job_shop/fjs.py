"""The .fjs format of flexible job shops (Brandimarte 1993; Hurink, Jurisch and Thole 1994).

``n m [mean number of machines per operation]``, then one line per job: the number of operations, and for each
operation the number of its machines followed by ``machine duration`` pairs. The third number of the header is not used.

Files in circulation number machines from 1 (Brandimarte, Hurink) or from 0 (some mirrors), and nothing in them
says which. A file in which 0 and m - 1 occur and m does not is 0-based; one in which m occurs and 0 does not is
1-based; if neither occurs the reader asks for the base (``format="fjs-0"`` or ``"fjs-1"``) instead of guessing,
unless one of the two readings is, number for number, a public instance (Brandimarte's mk06 and mk10 leave machines
unused). Read with the base given, an m that is too large passes.
"""

import re
from collections.abc import Sequence

import numpy as np

from counterpoint.datasets.text import Line, count_checked, durations_checked, numbers, sizes_checked
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop

ASK = 'pass format="fjs-0" or format="fjs-1"'
FLEXIBILITY = re.compile(rb"[0-9]{1,9}(\.[0-9]{1,18})?")


def read_fjs(lines: Sequence[Line], name: str, base: int | None = None) -> JobShop:
    """Parse a flexible shop whose machines count from `base` (None: told from the content, or refused)."""
    num_machines, jobs = _jobs(lines)
    machines = [[pair[0] for operation in job for pair in operation] for job in jobs]
    if base is None:
        base = _base(lines, machines, num_machines)
    if base is None:
        base = _public_base(lines, name, num_machines)
    for line, row in zip(lines[1:], machines, strict=True):
        for machine in row:
            if not base <= machine < base + num_machines:
                raise InstanceError(
                    f"machine {machine} does not exist; expected {base}..{base + num_machines - 1} "
                    f"(machines are numbered from {base} here)",
                    line=line.number,
                )
    pairs = np.array([pair for job in jobs for operation in job for pair in operation], np.int64)
    sizes = [len(operation) for job in jobs for operation in job]
    job_offsets = np.cumsum([0, *(len(job) for job in jobs)])
    try:
        return JobShop(name, num_machines, job_offsets, np.cumsum([0, *sizes]), pairs[:, 0] - base, pairs[:, 1])
    except InstanceError as error:
        at = error.place[1] if error.place[:1] == ("jobs",) else -1
        raise InstanceError(error.message, line=lines[1 + int(at)].number) from None


def read_fjs_0(lines: Sequence[Line], name: str) -> JobShop:
    """Parse a flexible shop whose machines count from 0."""
    return read_fjs(lines, name, base=0)


def read_fjs_1(lines: Sequence[Line], name: str) -> JobShop:
    """Parse a flexible shop whose machines count from 1."""
    return read_fjs(lines, name, base=1)


def write_fjs_0(shop: JobShop) -> str:
    """Return the text, machines counted from 0."""
    return _write(shop, 0)


def write_fjs_1(shop: JobShop) -> str:
    """Return the text, machines counted from 1; where the last machine is idle, only this format's name tells so."""
    return _write(shop, 1)


def _write(shop: JobShop, base: int) -> str:
    mean = len(shop.option_machine) / shop.num_operations
    rows = [f"{shop.num_jobs} {shop.num_machines} {mean:.2f}"]
    for j in range(shop.num_jobs):
        operations = range(int(shop.job_offsets[j]), int(shop.job_offsets[j + 1]))
        row = [len(operations)]
        for i in operations:
            options = shop.options_of(i)
            row += [len(options), *(x for machine, duration in options for x in (machine + base, duration))]
        rows.append(" ".join(map(str, row)))
    return "\n".join([*rows, ""])


def _jobs(lines: Sequence[Line]) -> tuple[int, list[list[list[tuple[int, int]]]]]:
    """Return the number of machines and, per job and operation, the (machine, duration) pairs as written."""
    what = "number of jobs, number of machines and possibly their mean number per operation"
    tokens = lines[0].raw.split()
    if len(tokens) not in (2, 3) or (len(tokens) == 3 and not FLEXIBILITY.fullmatch(tokens[2])):
        raise InstanceError(f"expected the header: {what}", line=lines[0].number)
    num_jobs, num_machines = numbers(Line(lines[0].number, b" ".join(tokens[:2])), f"the header: {what}")
    sizes_checked(lines[0], num_jobs, num_machines)
    count_checked(lines[1:], num_jobs, "lines, one per job", lines[0])
    return num_machines, [_job(line) for line in lines[1:]]


def _job(line: Line) -> list[list[tuple[int, int]]]:
    row = numbers(line, "number of operations, then per operation: number of machines, pairs machine duration")
    if row[0] < 1:
        raise InstanceError(f"{row[0]} operations; every job needs at least one", line=line.number)
    operations, at = [], 1
    for k in range(row[0]):
        if at >= len(row):
            raise InstanceError(f"expected {row[0]} operations, but the line ends after {k}", line=line.number)
        options = row[at]
        if options < 1:
            raise InstanceError(f"operation {k} has {options} machines; it needs at least one", line=line.number)
        pairs = row[at + 1 : at + 1 + 2 * options]
        if len(pairs) < 2 * options:
            raise InstanceError(f"operation {k} needs {options} pairs, but the line ends before", line=line.number)
        durations_checked(line, pairs[1::2])
        if len(set(pairs[::2])) < options:
            raise InstanceError(f"operation {k} lists a machine twice", line=line.number)
        operations.append(list(zip(pairs[::2], pairs[1::2], strict=True)))
        at += 1 + 2 * options
    if at != len(row):
        raise InstanceError(f"{len(row) - at} numbers too many after {row[0]} operations", line=line.number)
    return operations


def _base(lines: Sequence[Line], machines: Sequence[Sequence[int]], num_machines: int) -> int | None:
    """Return 0 or 1, None if the file could be either; InstanceError if it can be neither."""
    has_zero = has_last = None
    for line, row in zip(lines[1:], machines, strict=True):
        for machine in row:
            if not 0 <= machine <= num_machines:
                raise InstanceError(
                    f"machine {machine} does not exist; expected 0..{num_machines - 1} or 1..{num_machines}",
                    line=line.number,
                )
        has_zero = line if has_zero is None and 0 in row else has_zero
        has_last = line if has_last is None and num_machines in row else has_last
    if has_zero is not None and has_last is not None:
        later = max(has_zero, has_last)
        raise InstanceError(
            f"machines 0 and {num_machines} both occur; expected 0..{num_machines - 1} or 1..{num_machines}",
            line=later.number,
        )
    if has_zero is None and has_last is None:
        return None
    if has_zero is not None and all(num_machines - 1 not in row for row in machines):
        raise InstanceError(
            f"machine {num_machines - 1} has no operation although machines count from 0 and the header says "
            f'{num_machines} machines; if that is meant, pass format="fjs-0"',
            line=lines[0].number,
        )
    return 0 if has_zero is not None else 1


def _public_base(lines: Sequence[Line], name: str, num_machines: int) -> int:
    """Return the base with which the file is a public instance, told by its content hash."""
    from counterpoint.datasets.registry import best_known

    for base in (0, 1):
        if best_known(read_fjs(lines, name, base)) is not None:
            return base
    raise InstanceError(
        f"neither machine 0 nor machine {num_machines} occurs, so the base is unknown; {ASK}", line=lines[0].number
    )
