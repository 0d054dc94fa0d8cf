"""The .psp format of CSPLib problem 058: whole numbers on lines.

Number of periods; number of items n; n lines of 0 or 1 per period (1: a unit of the item is due); the stocking cost
of every item; lines of changeover costs, from the line's item to the column's; the optimal cost, or a lower and an
upper bound. Blank lines anywhere.

As published, pigment15c has a larger square of changeover costs than it has items: the costs of items that nobody
orders, which are left out. Since an instance has no place for the last line, the reader checks that it is one and
drops it (`stated_bounds` returns it), and the writer writes none.
"""

from collections.abc import Sequence

import numpy as np

from counterpoint.datasets.text import Line, numbers
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.pigment_sequencing import MAX_CELLS, PigmentSequencing

PERIODS = "the number of periods"
ITEMS = "the number of items"
ORDERS = "0 or 1 for each period"
STOCKING = "the stocking cost of every item"
CHANGEOVER = "changeover costs"
VALUE = "the optimal cost, or a lower and an upper bound"


def read_psp(lines: Sequence[Line], name: str) -> PigmentSequencing:
    """Parse a .psp file; InstanceError with the line if it is none."""
    num_items, last = _layout(lines)
    first = 3 + num_items  # of the changeover costs
    rows = [numbers(line, ORDERS) for line in lines[2 : 2 + num_items]]
    stocking = _one(lines[2 + num_items], STOCKING)
    changeover = [numbers(line, CHANGEOVER) for line in lines[first:last]]
    stated_bounds(lines)
    try:
        square = np.array(changeover)[:num_items, :num_items]
        return PigmentSequencing(name, np.array(rows), np.full(num_items, stocking), square)
    except InstanceError as error:
        at = {"orders": 2, "stocking_cost": 2 + num_items, "changeover_cost": first}.get(str((*error.place, "")[0]), 0)
        row = int(error.place[1]) if len(error.place) > 2 else 0
        raise InstanceError(error.message, line=lines[at + row].number) from None


def stated_bounds(lines: Sequence[Line]) -> tuple[int, int] | None:
    """Return the lower and upper bound (twice the optimum) that a .psp file states in its last line, if it has one."""
    _, last = _layout(lines)
    if last == len(lines):
        return None
    values = numbers(lines[last], VALUE)
    if len(values) not in (1, 2) or min(values) < 0 or values[0] > values[-1]:
        raise InstanceError(f"expected {VALUE}", line=lines[last].number)
    return values[0], values[-1]


def write_psp(instance: PigmentSequencing) -> str:
    """Return the text of an instance with one stocking cost; no optimal cost is stated."""
    blocks: list[list[object]] = [
        [instance.num_periods],
        [instance.num_items],
        [" ".join(map(str, row)) for row in instance.orders.tolist()],
        [instance.stocking_cost[0]],
        [" ".join(map(str, row)) for row in instance.changeover_cost.tolist()],
    ]
    return "\n".join([str(line) for block in blocks for line in block] + [""])


def _layout(lines: Sequence[Line]) -> tuple[int, int]:
    """Return the number of items and the index of the line after the changeover costs; refuse what cannot be."""
    _enough(lines, 2, f"{PERIODS} and {ITEMS}")
    num_periods, num_items = _one(lines[0], PERIODS), _one(lines[1], ITEMS)
    for line, size, what in ((lines[0], num_periods, "periods"), (lines[1], num_items, "items")):
        if not 1 <= size <= MAX_CELLS:
            raise InstanceError(f"{size} {what}; expected 1..{MAX_CELLS}", line=line.number)
    _enough(lines, 4 + num_items, f"{num_items} lines of orders, the stocking cost and the changeover costs")
    for line in lines[2 : 2 + num_items]:
        given = len(line.raw.split())
        if given != num_periods:
            raise InstanceError(f"{given} numbers; expected {ORDERS}, of {num_periods}", line=line.number)
    _one(lines[2 + num_items], STOCKING)
    first = 3 + num_items
    width = len(lines[first].raw.split())
    if width < num_items:
        raise InstanceError(f"{width} changeover costs; expected {num_items}, one per item", line=lines[first].number)
    _enough(lines, first + width, f"{width} lines of changeover costs")
    for line in lines[first : first + width]:
        given = len(line.raw.split())
        if given != width:
            raise InstanceError(f"{given} numbers; expected {width} changeover costs as above", line=line.number)
    if len(lines) > first + width + 1:
        raise InstanceError(f"expected {VALUE} on the line before, and then nothing", line=lines[-1].number)
    return num_items, first + width


def _one(line: Line, what: str) -> int:
    values = numbers(line, what)
    if len(values) != 1:
        raise InstanceError(f"{len(values)} numbers; expected {what}", line=line.number)
    return values[0]


def _enough(lines: Sequence[Line], count: int, what: str) -> None:
    if len(lines) < count:
        raise InstanceError(f"expected {what}, but the file ends here", line=lines[-1].number)
