"""The graph of a partly sequenced job shop: longest paths while some machines have no order yet.

Arcs: job predecessor -> operation, and, on sequenced machines, machine predecessor -> operation.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from counterpoint.opt.problems.job_shop import IntArray, JobShop


class Selection(NamedTuple):
    """Operations as nodes; -1 stands for no neighbour."""

    duration: IntArray  # [N]
    job_before: IntArray  # [N]
    job_after: IntArray  # [N]
    machine_before: IntArray  # [N] on sequenced machines, else -1
    machine_after: IntArray  # [N]


def empty_selection(shop: JobShop) -> Selection:
    """Return the selection of a shop without options in which no machine is sequenced."""
    op = np.arange(shop.num_operations)
    before, after = op - 1, op + 1
    before[shop.job_offsets[:-1]] = -1
    after[shop.job_offsets[1:] - 1] = -1
    return Selection(shop.duration.copy(), before, after, np.full_like(op, -1), np.full_like(op, -1))


def sequence_machine(graph: Selection, order: IntArray) -> None:
    """Sequence one machine: its operations in this order."""
    graph.machine_before[order[0]] = -1
    graph.machine_after[order[-1]] = -1
    graph.machine_before[order[1:]] = order[:-1]
    graph.machine_after[order[:-1]] = order[1:]


def release_machine(graph: Selection, ops: IntArray) -> None:
    """Take back the sequence of one machine."""
    graph.machine_before[ops] = -1
    graph.machine_after[ops] = -1


@njit(cache=True)
def longest_paths(graph: Selection) -> tuple[IntArray, IntArray, IntArray]:
    """Return heads [N], tails [N] (after the operation) and a topological order [N]; O(N).

    The order is shorter than N if the graph has a cycle.
    """
    num = len(graph.duration)
    missing = np.zeros(num, np.int64)
    order = np.empty(num, np.int64)
    count = 0
    for i in range(num):
        missing[i] = (graph.job_before[i] >= 0) + (graph.machine_before[i] >= 0)
        if missing[i] == 0:
            order[count] = i
            count += 1
    head, tail = np.zeros(num, np.int64), np.zeros(num, np.int64)
    at = 0
    while at < count:
        i = order[at]
        at += 1
        for j in (graph.job_after[i], graph.machine_after[i]):
            if j >= 0:
                head[j] = max(head[j], head[i] + graph.duration[i])
                missing[j] -= 1
                if missing[j] == 0:
                    order[count] = j
                    count += 1
    for at in range(count - 1, -1, -1):
        i = order[at]
        for j in (graph.job_after[i], graph.machine_after[i]):
            if j >= 0:
                tail[i] = max(tail[i], graph.duration[j] + tail[j])
    return head, tail, order[:count]


@njit(cache=True)
def delays_between(graph: Selection, ops: IntArray, order: IntArray) -> IntArray:
    """Return the longest path [k, k] from the start of each of `ops` to the start of another, -1: no path.

    `order` is a topological order of all operations. O(k N).
    """
    num = len(order)
    place, column = np.empty(num, np.int64), np.full(num, -1, np.int64)
    for at in range(num):
        place[order[at]] = at
    for k in range(len(ops)):
        column[ops[k]] = k
    delay = np.full((len(ops), len(ops)), -1, np.int64)
    length = np.full(num, -1, np.int64)
    for k in range(len(ops)):
        length[:] = -1
        length[ops[k]] = 0
        for at in range(place[ops[k]], num):
            i = order[at]
            if length[i] < 0:
                continue
            if column[i] >= 0 and i != ops[k]:
                delay[k, column[i]] = length[i]
            reach = length[i] + graph.duration[i]
            for j in (graph.job_after[i], graph.machine_after[i]):
                if j >= 0:
                    length[j] = max(length[j], reach)
    return delay
