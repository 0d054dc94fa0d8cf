"""B problems and their partial solutions as arrays of records, for the compiled propagation; padded to one size."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from counterpoint.simulators.cp.encoding import Encoding

NEVER = 2**62
UNFIXED = -1


def _record(**kinds: str) -> np.dtype[Any]:
    return np.dtype(list(kinds.items()))


CHAIN = _record(
    first="i8", end="i8",  # its intervals
    following="i8",  # the next one to fix
    created="i8",  # those before this one exist (lazy model)
)  # fmt: skip
INTERVAL = _record(
    chain="i8", first="i8", end="i8",  # its options
    is_held="i8",  # keeps its resource until its successor starts
    start="i8", option="i8",  # once fixed; else UNFIXED
)  # fmt: skip
OPTION = _record(
    interval="i8", resource="i8", duration="i8",
    lower="i8",  # start.lb
)  # fmt: skip
RESOURCE = _record(
    first="i8", end="i8",  # its options, in `users`
    busy="i8", free="i8",  # start and end.lb of its last fixed interval of positive length
    holder="i8",  # the interval that holds it until its successor starts, or UNFIXED
    queue="i8", is_queued="i8",  # work space
)  # fmt: skip
FACTS = _record(
    chains="i8", intervals="i8", options="i8", resources="i8",  # numbers of them
    origin="i8",  # which encoding of the pool this is
    time="i8",  # least start.lb of all next intervals; NEVER when done
    bound="i8",  # latest end.lb of all intervals created: of the makespan
    mean="f8", deviation="f8",  # of all durations
)  # fmt: skip


class Problem(NamedTuple):
    """One problem and its partial solution; each a record array, changed in place."""

    chains: Any  # CHAIN [n]
    intervals: Any  # INTERVAL [N]
    options: Any  # OPTION [P]
    resources: Any  # RESOURCE [m]
    users: Any  # int64 [P]
    facts: Any  # FACTS [1]


class Shape(NamedTuple):
    """The sizes that problems are padded to."""

    chains: int
    intervals: int
    options: int
    resources: int
    width: int

    @classmethod
    def of(cls, encodings: Sequence[Encoding]) -> "Shape":
        """Return the least shape that holds all of them."""
        sizes = [(e.num_chains, e.num_intervals, len(e.resource), e.num_resources, e.width) for e in encodings]
        return cls(*(max(column) for column in zip(*sizes, strict=True)))


def blank(batch: int, shape: Shape) -> Problem:
    """Return arrays [batch, ...] of a shape, to be filled by `place`."""
    kinds = (CHAIN, INTERVAL, OPTION, RESOURCE, np.dtype(np.int64), FACTS)
    sizes = (*shape[:4], shape.options, 1)
    return Problem(*(np.zeros((batch, size), kind) for size, kind in zip(sizes, kinds, strict=True)))


def place(problems: Problem, row: int, encoding: Encoding, origin: int) -> None:
    """Write an encoding into a row of such arrays; `propagation.restart` must follow."""
    e = encoding
    order = np.argsort(e.resource, kind="stable")
    bounds = np.searchsorted(e.resource[order], np.arange(e.num_resources + 1))
    columns = {
        ("chains", "first"): e.chain_offsets[:-1],
        ("chains", "end"): e.chain_offsets[1:],
        ("intervals", "chain"): np.repeat(np.arange(e.num_chains), np.diff(e.chain_offsets)),
        ("intervals", "first"): e.option_offsets[:-1],
        ("intervals", "end"): e.option_offsets[1:],
        ("intervals", "is_held"): e.is_held,
        ("options", "interval"): np.repeat(np.arange(e.num_intervals), np.diff(e.option_offsets)),
        ("options", "resource"): e.resource,
        ("options", "duration"): e.duration,
        ("resources", "first"): bounds[:-1],
        ("resources", "end"): bounds[1:],
    }
    for array in problems:
        array[row] = np.zeros((), array.dtype)
    for (table, field), values in columns.items():
        getattr(problems, table)[field][row, : len(values)] = values
    problems.users[row, : len(order)] = order
    sizes = (e.num_chains, e.num_intervals, len(e.resource), e.num_resources)
    problems.facts[row, 0] = (*sizes, origin, 0, 0, e.duration.mean(), e.duration.std())


@njit(cache=True)
def row_of(problems: Problem, row: int) -> Problem:
    """Return one problem of such arrays; a view."""
    return Problem(
        problems.chains[row], problems.intervals[row], problems.options[row], problems.resources[row],
        problems.users[row], problems.facts[row],
    )  # fmt: skip
