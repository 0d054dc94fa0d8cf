"""One machine with heads and tails, preemptive: the Jackson preemptive schedule.

Operation i is ready at its head r_i, needs the machine for p_i, and the rest of the world for its tail q_i
afterwards; minimise max_i C_i + q_i. Allowing preemption, always working on the ready operation with the
largest tail is optimal (Jackson 1955; Carlier 1982, EJOR 11:42-47, section 2), also on a machine with periods
of unavailability, by the same exchange of two pieces of work.
"""

import numpy as np
from numba import njit

from counterpoint.opt.problems.job_shop import IntArray


@njit(cache=True)
def jackson_preemptive(
    head: IntArray, duration: IntArray, tail: IntArray, window_start: IntArray, window_end: IntArray
) -> int:
    """Return the optimal preemptive value max C_i + q_i; 0 for no operations. O((n + U) log n).

    Parameters
    ----------
    head, duration, tail : int64 arrays [n]
    window_start, window_end : int64 arrays [U]
        When the machine is unavailable: sorted, not overlapping.
    """
    num = len(head)
    sooner = -head
    waiting = np.empty(num, np.int64)  # heap of operations to come, the smallest head on top
    ready = np.empty(num, np.int64)  # heap of operations that have come, the largest tail on top
    num_waiting, num_ready, window = 0, 0, 0
    for i in range(num):
        num_waiting = _push(waiting, num_waiting, i, sooner)
    left = duration.copy()
    now, value = np.int64(0), np.int64(0)
    while num_ready > 0 or num_waiting > 0:
        if num_ready == 0:
            now = max(now, head[waiting[0]])
        while window < len(window_end) and window_end[window] <= now:
            window += 1
        if window < len(window_start) and window_start[window] <= now:
            now = window_end[window]
        while num_waiting > 0 and head[waiting[0]] <= now:
            num_ready = _push(ready, num_ready, waiting[0], tail)
            num_waiting = _pop(waiting, num_waiting, sooner)
        top = ready[0]
        until = now + left[top]
        if num_waiting > 0:
            until = min(until, head[waiting[0]])
        if window < len(window_start) and window_start[window] > now:
            until = min(until, window_start[window])
        elif window + 1 < len(window_start):
            until = min(until, window_start[window + 1])
        left[top] -= until - now
        now = until
        if left[top] == 0:
            value = max(value, now + tail[top])
            num_ready = _pop(ready, num_ready, tail)
    return int(value)


@njit(cache=True)
def _push(heap: IntArray, size: int, item: int, key: IntArray) -> int:
    """Put an operation into the heap of largest keys; return the new size."""
    at = size
    while at > 0 and key[heap[(at - 1) // 2]] < key[item]:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = item
    return size + 1


@njit(cache=True)
def _pop(heap: IntArray, size: int, key: IntArray) -> int:
    """Remove the top of the heap; return the new size."""
    size -= 1
    item = heap[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child + 1 < size and key[heap[child + 1]] > key[heap[child]]:
            child += 1
        if child >= size or key[heap[child]] <= key[item]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = item
    return size
