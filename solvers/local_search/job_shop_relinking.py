"""Selections between two selections, and how far apart they are.

Path relinking (Glover 1997; for job shops Nowicki and Smutnicki 2005, section 6, and Peng, Lue and Cheng
2015) walks from one elite solution towards another by turning round pairs of operations that the two have
in different order. Deviation: instead of single swaps with a repair of infeasible selections, a point on the
way is found at once by sorting the operations by (1 - w) a + w b, where a and b are their places in the two
orders. Whatever precedes in both orders precedes in the mix, so job chains hold, no cycle can arise, and only
pairs that differ are turned.
"""

import numpy as np

from counterpoint.solvers.local_search.job_shop_compiling import jit
from counterpoint.solvers.local_search.job_shop_graph import Graph, Slots, load_order


def by_start(graph: Graph, order: Slots) -> Slots:
    """Return the same selection with its operations sorted by start time; loads it into `graph`."""
    load_order(graph, order)
    start = graph.finish[order] - graph.duration[order]
    return order[np.argsort(start, kind="stable")]


def blend(first: Slots, second: Slots, weight: float) -> Slots:
    """Return the order at `weight` (0..1) of the way from one order to another; O(N log N)."""
    place = np.zeros(first.max() + 1, np.float64)
    place[first] = np.arange(len(first)) * (1 - weight)
    place[second] += np.arange(len(second)) * weight
    return first[np.argsort(place[first], kind="stable")]


@jit
def distance(graph: Graph, first: Slots, second: Slots) -> int:
    """Count the pairs of operations of one machine that two orders put differently; O(N log N).

    Inversions by a binary indexed tree (Fenwick 1994) for each machine.
    """
    machine = graph.machine
    num_machines = machine.max() + 1
    begin = np.zeros(num_machines + 1, np.int64)
    for v in first:
        begin[machine[v] + 1] += 1
    for m in range(num_machines):
        begin[m + 1] += begin[m]
    seen = np.zeros(num_machines, np.int64)
    rank = np.empty(len(machine), np.int64)  # 1-based, in the machine's sequence of the second order
    for v in second:
        seen[machine[v]] += 1
        rank[v] = seen[machine[v]]
    seen[:] = 0
    tree = np.zeros(len(first), np.int64)
    count = 0
    for v in first:
        m = machine[v]
        base, size = begin[m] - 1, begin[m + 1] - begin[m]
        count += seen[m]
        k = rank[v]
        while k > 0:  # take off those before v in both
            count -= tree[base + k]
            k -= k & -k
        k = rank[v]
        while k <= size:
            tree[base + k] += 1
            k += k & -k
        seen[m] += 1
    return int(count)
