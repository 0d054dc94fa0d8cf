"""Trigeiro's ``.DAT`` files: several items, one machine with a capacity, setup times.

Trigeiro, Thomas and McClain 1989, Management Science 35:353-366. n items and T periods; then ``1`` (machine); then the
capacity of every period; then a line per item of unit time, holding cost, setup time and setup cost; then the demand, a
line per period. Of more than 15 items the demand stands in blocks of 15 items (the last has what is left), T lines
each; files with all items on one line are read too. After it there may be lines of words, the headings of the columns.
Numbers are decimals (``1.00``, ``30.``); unit times may be fractional.

What is refused beyond bad numbers: lines too few or too many, numbers in a line too few or too many, and files whose
setup times are all zero: copies derived for solvers without setup times go around, and values found on them say
nothing of the instance they are named after. An instance that is meant so can be written as JSON.
"""

import re
from collections.abc import Sequence

import numpy as np

from counterpoint.datasets.text import MAX_DIGITS, Line, numbers
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.lot_sizing import MAX_CELLS, FloatArray, LotSizing

BLOCK = 15  # items on a line of demand
DECIMAL = re.compile(rb"[0-9]+(\.[0-9]*)?|\.[0-9]+")
ITEM = "unit time, holding cost, setup time, setup cost"


def read_trigeiro(lines: Sequence[Line], name: str) -> LotSizing:
    """Parse a Trigeiro file; InstanceError with the line if it is none."""
    items, periods = _sizes(lines[0])
    machines = _decimals(_line(lines, 1, "the number of machines, 1"), 1, "the number of machines, 1")
    if machines != [1.0]:
        raise InstanceError(f"{machines[0]:g} machines; these files describe one, so expected 1", line=lines[1].number)
    what = "the capacity of a period"
    [capacity] = _decimals(_line(lines, 2, what), 1, what)
    rows = [_decimals(_line(lines, 3 + i, f"item {i}: {ITEM}"), 4, f"item {i}: {ITEM}") for i in range(items)]
    unit_time, holding_cost, setup_time, setup_cost = np.array(rows).T
    if not setup_time.any():
        raise InstanceError(
            "all setup times are 0: derived copies of these files have lost them, and values found on such a copy "
            "do not count for the original; get that, or if no setup times are meant, write the instance as JSON",
            line=lines[3].number,
        )
    demand, end = _demand(lines, 3 + items, items, periods)
    _check_end(lines, end)
    return LotSizing(
        name,
        demand=demand,
        setup_cost=setup_cost,
        holding_cost=holding_cost,
        unit_time=unit_time,
        setup_time=setup_time,
        capacity=capacity,
    )


def write_trigeiro(instance: LotSizing) -> str:
    """Return the text of an instance; InstanceError if the format has no place for it."""
    capacity = instance.capacity
    if capacity is None:
        raise InstanceError("it needs a capacity")
    for array, what in (
        (instance.setup_cost, "setup costs"),
        (instance.holding_cost, "holding costs"),
        (capacity[None, :], "capacity"),
    ):
        if (array != array[:, :1]).any():
            raise InstanceError(f"it needs the same {what} in every period")
    for array, what in ((instance.unit_cost, "unit costs"), (instance.initial_stock, "initial stock")):
        if array.any():
            raise InstanceError(f"it has no place for {what}")
    columns = (instance.unit_time, instance.holding_cost[:, 0], instance.setup_time, instance.setup_cost[:, 0])
    blocks = (instance.demand[first : first + BLOCK] for first in range(0, instance.num_items, BLOCK))
    text = [
        f"{instance.num_items} {instance.num_periods}",
        "1",
        _plain(capacity[0]),
        *(" ".join(map(_plain, row)) for row in zip(*columns, strict=True)),
        *(" ".join(map(_plain, period)) for block in blocks for period in block.T),
        "",
    ]
    return "\n".join(text)


def _sizes(line: Line) -> tuple[int, int]:
    header = numbers(line, "the header: number of items, number of periods")
    if len(header) != 2:
        raise InstanceError(
            f"{len(header)} numbers in the header; expected number of items, number of periods", line=line.number
        )
    items, periods = header
    if items < 1 or periods < 1 or items * periods > MAX_CELLS:
        raise InstanceError(
            f"{items} items and {periods} periods in the header; expected 1 or more, {MAX_CELLS} cells at most",
            line=line.number,
        )
    return items, periods


def _demand(lines: Sequence[Line], at: int, items: int, periods: int) -> tuple[FloatArray, int]:
    """Return the demand [n, T] and the index of the line after it."""
    what = "demand of a period"
    wide = items > BLOCK and len(_line(lines, at, what).raw.split()) == items
    sizes = [items] if wide else [min(BLOCK, items - first) for first in range(0, items, BLOCK)]
    blocks = []
    for size in sizes:
        block = [
            _decimals(_line(lines, at + t, what), size, f"demand of period {t}, a number per item of its block")
            for t in range(periods)
        ]
        blocks.append(np.array(block).T)
        at += periods
    return np.concatenate(blocks), at


def _check_end(lines: Sequence[Line], end: int) -> None:
    """Refuse numbers after the demand, and a demand that may be cut short."""
    for line in lines[end:]:
        if re.search(rb"[0-9]", line.raw):
            raise InstanceError("expected no more numbers: every item and period has its demand", line=line.number)
    if end == len(lines) and not lines[-1].is_ended:
        raise InstanceError(
            "the last line has no newline, so its last number may be cut; add one if the file is complete",
            line=lines[-1].number,
        )


def _line(lines: Sequence[Line], at: int, what: str) -> Line:
    if at >= len(lines):
        raise InstanceError(f"the file ends where {what} is expected", line=lines[-1].number)
    return lines[at]


def _decimals(line: Line, count: int, what: str) -> list[float]:
    """Return `count` non-negative decimals; signs, exponents and names such as ``nan`` are refused."""
    tokens = line.raw.split()
    for token in tokens:
        text = printable(token[:40].decode("ascii", "backslashreplace"))
        if token.startswith(b"-") and DECIMAL.fullmatch(token[1:]):
            raise InstanceError(f"{text} is negative; expected {what}", line=line.number)
        if not DECIMAL.fullmatch(token):
            raise InstanceError(f"{text!r} is not a decimal number; expected {what}", line=line.number)
        if len(token.partition(b".")[0].lstrip(b"0")) > 12 or len(token) > 2 * MAX_DIGITS:
            raise InstanceError(f"{text} is too large or too long; expected {what}", line=line.number)
    if len(tokens) != count:
        raise InstanceError(f"{len(tokens)} numbers; expected {count}: {what}", line=line.number)
    return [float(token) for token in tokens]


def _plain(value: float) -> str:
    """Return the shortest decimal that reads back as `value`, without an exponent."""
    return str(np.format_float_positional(value, trim="-"))
