"""One machine with heads, tails and delays between operations: Carlier's branch and bound.

Minimise max_i C_i + q_i without preemption, operation i starting at its head r_i or later. Optionally some
operations must wait for others: start_j >= start_i + delay[i, j] (delayed precedence), as sequences of other
machines impose them in the shifting bottleneck procedure.

Sources: Carlier 1982 (EJOR 11:42-47): Schrage's schedule, the critical operation c and the set J that c must
precede or follow. Delays: Balas, Lenstra and Vazacopoulos 1995 (Management Science 41:94-109); Dauzère-Pérès
and Lasserre 1993 (IJPR 31:923-932).
Deviation: with delays the critical path is followed back over a delay into the block before it, and c is
looked for there too, but a node where none is found is closed. So the result is optimal without delays, and
with them it is a feasible sequence, optimal if it equals the bound.
"""

import numpy as np
from numba import njit

from counterpoint.opt.problems.job_shop import IntArray
from counterpoint.solvers.bounds.one_machine import jackson_preemptive

NEVER = np.int64(2**62)


def one_machine(
    head: IntArray, duration: IntArray, tail: IntArray, delay: IntArray | None = None, *, node_limit: int = 10_000
) -> tuple[IntArray, int, int]:
    """Solve a one-machine problem.

    Parameters
    ----------
    head, duration, tail : int64 arrays [n], n >= 1
    delay : int64 array [n, n], optional
        ``delay[i, j]``, at least ``duration[i]``, from the start of i to the start of j; -1 where there is
        none. Must be free of cycles and closed: ``delay[i, k] >= delay[i, j] + delay[j, k]``.
    node_limit : int
        Nodes of the search tree to look at.

    Returns
    -------
    sequence : int64 array [n]
    value : int
        What the sequence is worth.
    bound : int
        Proven lower bound; equal to `value` if the sequence is proved optimal.

    Examples
    --------
    >>> one_machine(np.array([0, 0, 1]), np.array([3, 2, 2]), np.array([0, 4, 5]))[1:]
    (9, 9)
    """
    n = len(head)
    delays = np.full((n, n), -1, np.int64) if delay is None else np.ascontiguousarray(delay, np.int64)
    arrays = [np.ascontiguousarray(a, np.int64) for a in (head, duration, tail)]
    sequence, value, bound = carlier(*arrays, delays, node_limit)
    return sequence, int(value), int(bound)


@njit(cache=True)
def carlier(
    head: IntArray, duration: IntArray, tail: IntArray, delay: IntArray, node_limit: int
) -> tuple[IntArray, int, int]:
    """Search depth first, the child of better bound first; see `one_machine`. O(n^2) a node."""
    n = len(head)
    no_window = np.zeros(0, np.int64)
    heads, tails = np.empty((node_limit + 2, n), np.int64), np.empty((node_limit + 2, n), np.int64)
    bounds = np.empty(node_limit + 2, np.int64)
    root = jackson_preemptive(head, duration, tail, no_window, no_window)
    _put_row(heads, 0, head)
    _put_row(tails, 0, tail)
    bounds[0] = root
    num_before = np.zeros(n, np.int64)
    has_delays = False
    for i in range(n):
        for j in range(n):
            if delay[i, j] >= 0:
                num_before[j] += 1
                has_delays = True
    order, start = np.empty(n, np.int64), np.empty(n, np.int64)
    best_order, best = np.empty(n, np.int64), NEVER
    size, nodes = 1, 0
    while size > 0 and best > root and (nodes < node_limit or nodes == 0):
        size -= 1
        if bounds[size] >= best:
            continue
        nodes += 1
        h, q = heads[size].copy(), tails[size].copy()
        _schrage(h, duration, q, delay, num_before, order, start)
        value = _value(order, head, duration, tail, delay)
        if value < best:
            best = value
            best_order = order.copy()
        c, after_head, before_tail = _branching(h, duration, q, delay, order, start)
        if c < 0:
            continue
        old_head, old_tail = h[c], q[c]
        first = size
        if before_tail > old_tail:  # c before all of J
            _put_row(heads, size, h)
            _put_row(tails, size, q)
            tails[size, c] = before_tail
            for i in range(n):
                if delay[i, c] >= 0:
                    tails[size, i] = max(tails[size, i], delay[i, c] - duration[i] + duration[c] + before_tail)
            bounds[size] = jackson_preemptive(heads[size], duration, tails[size], no_window, no_window)
            bounds[size] = max(bounds[size], root)
            size += 1
        if after_head > old_head:  # c after all of J
            _put_row(heads, size, h)
            _put_row(tails, size, q)
            heads[size, c] = after_head
            for j in range(n):
                if delay[c, j] >= 0:
                    heads[size, j] = max(heads[size, j], after_head + delay[c, j])
            bounds[size] = jackson_preemptive(heads[size], duration, tails[size], no_window, no_window)
            bounds[size] = max(bounds[size], root)
            size += 1
        if size - first == 2 and bounds[first] < bounds[first + 1]:  # the better one on top
            for k in range(n):
                heads[first, k], heads[first + 1, k] = heads[first + 1, k], heads[first, k]
                tails[first, k], tails[first + 1, k] = tails[first + 1, k], tails[first, k]
            bounds[first], bounds[first + 1] = bounds[first + 1], bounds[first]
    bound = root
    if not has_delays and best > root:
        bound = best
        for k in range(size):
            bound = min(bound, max(root, bounds[k]))
    return best_order, int(best), int(bound)


@njit(cache=True)
def _put_row(matrix: IntArray, row: int, values: IntArray) -> None:
    """Copy by hand: a row assignment would take numba seconds more to compile."""
    for k in range(len(values)):
        matrix[row, k] = values[k]


@njit(cache=True)
def _schrage(
    head: IntArray,
    duration: IntArray,
    tail: IntArray,
    delay: IntArray,
    num_before: IntArray,
    order: IntArray,
    start: IntArray,
) -> None:
    """Fill `order` and `start`: of the operations that are ready, always the one with the largest tail."""
    n = len(head)
    ready, missing = head.copy(), num_before.copy()
    now = np.int64(0)
    for position in range(n):
        earliest = NEVER
        for j in range(n):
            if missing[j] == 0:
                earliest = min(earliest, ready[j])
        now = max(now, earliest)
        pick = -1
        for j in range(n):
            if (
                missing[j] == 0
                and ready[j] <= now
                and (pick < 0 or tail[j] > tail[pick] or (tail[j] == tail[pick] and duration[j] > duration[pick]))
            ):
                pick = j
        order[position], start[pick] = pick, now
        missing[pick] = -1
        for j in range(n):
            if delay[pick, j] >= 0:
                missing[j] -= 1
                ready[j] = max(ready[j], now + delay[pick, j])
        now += duration[pick]


@njit(cache=True)
def _value(order: IntArray, head: IntArray, duration: IntArray, tail: IntArray, delay: IntArray) -> int:
    """Return what a sequence is worth under the given heads, tails and delays."""
    ready = head.copy()
    now, value = np.int64(0), np.int64(0)
    for i in order:
        now = max(now, ready[i])
        for j in range(len(order)):
            if delay[i, j] >= 0:
                ready[j] = max(ready[j], now + delay[i, j])
        now += duration[i]
        value = max(value, now + tail[i])
    return int(value)


@njit(cache=True)
def _branching(
    head: IntArray, duration: IntArray, tail: IntArray, delay: IntArray, order: IntArray, start: IntArray
) -> tuple[int, int, int]:
    """Return the critical operation c, its head if it follows J, and its tail if it precedes J; c = -1: none."""
    n = len(order)
    end, worst = 0, np.int64(-1)
    for position in range(n):
        i = order[position]
        if start[i] + duration[i] + tail[i] >= worst:
            worst, end = start[i] + duration[i] + tail[i], position
    rest = tail[order[end]]  # length of the critical path after the operation at `end`
    while True:
        work, least_head = np.int64(0), NEVER
        position = end
        while True:
            i = order[position]
            if position < end and tail[i] < rest:
                return int(i), int(least_head + work), int(work + rest)
            work += duration[i]
            least_head = min(least_head, head[i])
            if position == 0 or start[order[position - 1]] + duration[order[position - 1]] < start[i]:
                break
            position -= 1
        first = order[position]
        if start[first] == head[first]:
            return -1, 0, 0
        before = -1  # the block waited for the delay after an earlier operation
        for k in range(position):
            i = order[k]
            if delay[i, first] >= 0 and start[i] + delay[i, first] == start[first]:
                before = k
        if before < 0:
            return -1, 0, 0
        i = order[before]
        rest += work + delay[i, first] - duration[i]
        end = before
