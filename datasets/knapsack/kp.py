"""Pisinger's knapsacks as kplib publishes them: number of items, capacity, then a line of value and weight per item.

Kellerer, Pferschy and Pisinger 2004, Knapsack Problems; github.com/likr/kplib (CC BY 4.0). Whole numbers only.
"""

from collections.abc import Sequence

import numpy as np

from counterpoint.datasets.text import Line, numbers
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.knapsack import Knapsack

ITEM = "the value and the weight of an item"


def read_kp(lines: Sequence[Line], name: str) -> Knapsack:
    """Parse a .kp file; InstanceError with the line if it is none."""
    header = [
        _row(line, 1, what)[0] for line, what in zip(lines, ("the number of items", "the capacity"), strict=False)
    ]
    if len(header) < 2:
        raise InstanceError("expected the capacity, but the file ends here", line=lines[-1].number)
    count, body = header[0], lines[2:]
    if len(body) != count or not count:
        at = body[count] if 0 <= count < len(body) else lines[-1]
        raise InstanceError(f"{len(body)} lines of items; expected {count}, and at least 1", line=at.number)
    if not lines[-1].is_ended:
        raise InstanceError("the last line is cut: it has no end", line=lines[-1].number)
    value, weight = np.array([_row(line, 2, ITEM) for line in body], np.int64).T
    try:
        return Knapsack(name, value, weight, header[1])
    except InstanceError as error:
        row = int(error.place[1]) + 2 if len(error.place) > 1 else 1
        raise InstanceError(error.message, line=lines[row].number) from None


def write_kp(instance: Knapsack) -> str:
    """Return the text of an instance."""
    items = zip(instance.value.tolist(), instance.weight.tolist(), strict=True)
    return "\n".join(["", str(instance.num_items), str(instance.capacity), "", *(f"{v} {w}" for v, w in items), ""])


def _row(line: Line, size: int, what: str) -> list[int]:
    values = numbers(line, what)
    if len(values) != size:
        raise InstanceError(f"{len(values)} numbers; expected {what}", line=line.number)
    return values
