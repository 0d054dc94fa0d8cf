"""The disjunctive graph of one selection (a machine order each), with heads and tails kept up to date.

Operations live in *slots*: job after job with one empty slot before the first job and after each job, so
that slot v - 1 is always v's job predecessor and v + 1 its job successor. An empty slot has machine -1
and finish, tail and duration 0, hence "no predecessor" needs no test in the inner loops.

- ``finish[v]``: longest path from the source up to and including v (head + duration);
- ``tail[v]``: longest path from v, including v, to the sink;
- ``order`` is a topological order of the graph, ``position`` its inverse.

Moving an operation changes only what lies behind (heads) or before (tails) the moved segment in the
topological order, so only that is recomputed. Reordering inside the segment is the affected-region idea of
Nowicki and Smutnicki (2005, "An advanced tabu search algorithm for the job shop problem", J. Scheduling
8:145-159, section 5).
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.solvers.local_search.job_shop_compiling import bare_jit, jit

Int32Array = npt.NDArray[np.int32]
Slots = npt.NDArray[np.uint32]  # unsigned, so that compiled code need not test for negative indices
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Graph(NamedTuple):
    """Slots [P = N + n + 1] of one instance and the present selection; owned by one run.

    Slot 0 stands for "none" in the machine links.
    """

    duration: Int64Array  # [P]
    machine: Int32Array  # [P], -1 for empty slots
    last: Slots  # [n], last slot of each job
    after: Slots  # [P], machine successor
    before: Slots  # [P], machine predecessor
    finish: Int64Array  # [P]
    tail: Int64Array  # [P]
    order: Slots  # [N]
    position: Int32Array  # [P]
    is_moved: BoolArray  # [P], scratch, all False between moves
    moved: Slots  # [N], scratch


def build_graph(instance: JobShop) -> Graph:
    """Lay out an instance in slots; the selection is still empty (call `load_order`)."""
    slot = slots_of(instance)
    size = instance.num_operations + instance.num_jobs + 1
    duration, machine = np.zeros(size, np.int64), np.full(size, -1, np.int32)
    duration[slot], machine[slot] = instance.duration, instance.machine
    links = [np.zeros(size, np.uint32) for _ in range(2)]
    times = [np.zeros(size, np.int64) for _ in range(2)]
    return Graph(
        duration=duration,
        machine=machine,
        last=slot[instance.job_offsets[1:] - 1],
        after=links[0],
        before=links[1],
        finish=times[0],
        tail=times[1],
        order=np.zeros(instance.num_operations, np.uint32),
        position=np.zeros(size, np.int32),
        is_moved=np.zeros(size, np.bool_),
        moved=np.zeros(instance.num_operations, np.uint32),
    )


def slots_of(instance: JobShop) -> Slots:
    """Slot of each operation, uint32 [N]."""
    return (np.arange(instance.num_operations) + instance.job_of + 1).astype(np.uint32)


def order_of(instance: JobShop, schedule: Schedule) -> Slots:
    """Slots of a feasible schedule in a topological order of its graph.

    Sorted by (start, end, index): of two operations of one job or one machine the earlier comes first,
    also where durations are zero.
    """
    operation = instance.job_offsets[schedule.job] + schedule.operation
    order: Slots = slots_of(instance)[operation[np.lexsort((operation, schedule.end, schedule.start))]]
    return order


def order_of_machines(instance: JobShop, sequences: list[Int64Array]) -> Slots:
    """Slots in a topological order, given the operations of each machine in sequence.

    Raises
    ------
    InstanceError
        If the sequences are no permutation of the operations or contradict the job order.
    """
    if sorted(int(i) for row in sequences for i in row) != list(range(instance.num_operations)):
        raise InstanceError("machine orders must name every operation once")
    followers: list[list[int]] = [[] for _ in range(instance.num_operations)]
    waits = np.zeros(instance.num_operations, np.int64)
    job = instance.job_of
    chains = [np.flatnonzero(job == j) for j in range(instance.num_jobs)] + [np.asarray(row) for row in sequences]
    for chain in chains:
        for a, b in pairwise(chain):
            followers[int(a)].append(int(b))
            waits[b] += 1
    ready = [int(i) for i in np.flatnonzero(waits == 0)]
    for i in ready:  # grows while it is walked
        for k in followers[i]:
            waits[k] -= 1
            if waits[k] == 0:
                ready.append(k)
    if len(ready) < instance.num_operations:
        raise InstanceError("machine orders contradict the job order: the graph has a cycle")
    order: Slots = slots_of(instance)[np.array(ready)]
    return order


def schedule_of(instance: JobShop, graph: Graph, order: Slots) -> Schedule:
    """Semi-active schedule of a topological order; loads it into `graph`."""
    load_order(graph, order)
    slot = slots_of(instance)
    return Schedule.from_starts(instance, graph.finish[slot] - graph.duration[slot])


@jit
def load_order(graph: Graph, order: Slots) -> int:
    """Make `order` the selection: links, ranks, finishes and tails from scratch; return the makespan. O(N)."""
    num_machines = 0
    for v in order:
        num_machines = max(num_machines, graph.machine[v] + 1)
    previous = np.zeros(num_machines, np.uint32)
    for i in range(len(order)):
        v = order[i]
        m = graph.machine[v]
        graph.order[i] = v
        graph.position[v] = i
        graph.before[v] = previous[m]
        graph.after[v] = 0
        if previous[m] != 0:
            graph.after[previous[m]] = v
        previous[m] = v
        graph.finish[v] = max(graph.finish[v - 1], graph.finish[graph.before[v]]) + graph.duration[v]
    for i in range(len(order) - 1, -1, -1):
        v = order[i]
        graph.tail[v] = max(graph.tail[v + 1], graph.tail[graph.after[v]]) + graph.duration[v]
    return int(makespan(graph.finish, graph.last))


@bare_jit
def makespan(finish: Int64Array, last: Slots) -> int:
    """Latest finish of a job. O(n)."""
    longest = finish[last[0]]
    for v in last:
        longest = max(longest, finish[v])
    return int(longest)


@jit
def move_right(graph: Graph, u: int, v: int) -> bool:
    """Put u directly behind v on their machine (u comes before v now) and update everything.

    Returns False, with the graph spoilt, if that closes a cycle.
    """
    relink_right(graph.before, graph.after, u, v)
    return bool(update(
        graph.finish, graph.tail, graph.duration, graph.before, graph.after,
        graph.order, graph.position, graph.is_moved, graph.moved, u, v,
    ))  # fmt: skip


@jit
def move_left(graph: Graph, u: int, v: int) -> bool:
    """Put v directly before u on their machine (u comes before v now) and update everything.

    Returns False, with the graph spoilt, if that closes a cycle.
    """
    relink_left(graph.before, graph.after, u, v)
    return bool(update(
        graph.finish, graph.tail, graph.duration, graph.before, graph.after,
        graph.order, graph.position, graph.is_moved, graph.moved, u, v,
    ))  # fmt: skip


@bare_jit
def relink_right(before: Slots, after: Slots, u: int, v: int) -> None:
    """Put u directly behind v in the machine links."""
    left, right, first = before[u], after[v], after[u]
    before[first] = left
    if left != 0:
        after[left] = first
    after[v], before[u], after[u] = u, v, right
    if right != 0:
        before[right] = u


@bare_jit
def relink_left(before: Slots, after: Slots, u: int, v: int) -> None:
    """Put v directly before u in the machine links."""
    left, right, final = before[u], after[v], before[v]
    after[final] = right
    if right != 0:
        before[right] = final
    before[u], after[v], before[v] = v, u, left
    if left != 0:
        after[left] = v


@bare_jit
def update(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    before: Slots,
    after: Slots,
    order: Slots,
    position: Int32Array,
    is_moved: BoolArray,
    moved: Slots,
    u: int,
    v: int,
) -> bool:
    """Repair order, finishes and tails after a move within the machine segment that ran from u to v.

    The old positions of u and v
    bound what may have to be reordered: u and all in between that now depends on u go behind the rest,
    both parts keeping their order. v among them means a cycle.
    """
    a, b = position[u], position[v]
    moved[0] = u
    is_moved[u] = True
    count = 1
    k = a
    for i in range(a + 1, b + 1):
        w = order[i]
        if is_moved[w - 1] or is_moved[before[w]]:
            is_moved[w] = True
            moved[count] = w
            count += 1
        else:
            order[k] = w
            position[w] = k
            k += 1
    is_acyclic = not is_moved[v]
    for i in range(count):
        w = moved[i]
        is_moved[w] = False
        order[k] = w
        position[w] = k
        k += 1
    if not is_acyclic:
        return False
    # Stopping where no change is left to propagate was measured to save under 3 % of the visits and to
    # double their cost, so the rest of the order is simply recomputed.
    for i in range(a, len(order)):
        w = np.int64(order[i])
        finish[w] = max(finish[w - 1], finish[before[w]]) + duration[w]
    for i in range(b, -1, -1):
        w = np.int64(order[i])
        tail[w] = max(tail[w + 1], tail[after[w]]) + duration[w]
    return True
