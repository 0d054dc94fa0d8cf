"""Da Col and Teppan's format for re-entrant shops: ``n m``, then per job a line of pairs ended by ``-1 -1``, 0-based.

Da Col and Teppan, "Industrial-size job shop scheduling with constraint programming", Operations Research
Perspectives 9 (2022) 100249; jobs may have any number of operations and visit machines again.
The number of machines in the header is doubted if machine m - 1 never occurs.
"""

from collections.abc import Sequence

from counterpoint.datasets.job_shop.standard import shop_from_rows, write_standard
from counterpoint.datasets.text import (
    Line,
    durations_checked,
    machines_checked,
    machines_in_header,
    numbers,
)
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop


def read_dacol_teppan(lines: Sequence[Line], name: str) -> JobShop:
    """Parse a file in Da Col and Teppan's format; InstanceError with the line if it is none."""
    num_machines = machines_in_header(lines)
    rows = []
    for line in lines[1:]:
        row = numbers(line, "pairs: machine duration, then -1 -1")
        if row[-2:] != [-1, -1] or len(row) % 2:
            raise InstanceError("expected pairs: machine duration, then -1 -1 at the end of the line", line=line.number)
        machines_checked(line, row[:-2:2], 0, num_machines - 1)
        durations_checked(line, row[1:-2:2])
        if len(row) == 2:
            raise InstanceError("a job without operations; every job needs at least one", line=line.number)
        rows.append(row[:-2])
    if all(num_machines - 1 not in row[::2] for row in rows):
        raise InstanceError(
            f"machine {num_machines - 1} has no operation although the header says {num_machines} machines",
            line=lines[0].number,
        )
    return shop_from_rows(name, num_machines, rows, lines[1:])


def write_dacol_teppan(shop: JobShop) -> str:
    """Return the text of a shop that is not flexible."""
    header, *rows, _ = write_standard(shop).split("\n")
    return "\n".join([header, *(f"{row} -1 -1" for row in rows), ""])
