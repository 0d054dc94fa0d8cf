"""Lower bounds for job shops in milliseconds: jobs, machines, heads and tails, Jackson's preemptive schedule.

Every bound is valid for every variant of the family:

- blocking only forbids schedules, so what bounds the shop with buffers bounds the one without;
- unavailability windows only delay: heads and the preemptive schedule count them, the others ignore them;
- a flexible operation counts with its shortest option; the machine bounds look at the operations of one
  option on each machine, and at pools: sets of machines that some operation may choose from. All operations
  confined to a pool S do their work on |S| machines, so they need at least work / |S| time;
- the makespan bounds say nothing about tardiness, for which each job is bounded alone.

Sources: Carlier 1982 (EJOR 11:42-47); Carlier and Pinson 1989 (Management Science 35:164-176).
"""

from collections.abc import Iterator

import numpy as np
from numba import njit

from counterpoint.opt.problems.job_shop import IntArray, JobShop
from counterpoint.solvers.bounds.one_machine import jackson_preemptive
from counterpoint.solvers.rules.job_shop_arrays import ShopArrays, arrays_of
from counterpoint.solvers.rules.job_shop_kernels import NEVER, after_windows

MAX_POOLS = 256  # pools looked at, the most frequent first


def best_bound(instance: JobShop) -> int:
    """Return the best of these lower bounds on the instance's own objective.

    Examples
    --------
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 4)]])
    >>> job_length(shop), machine_load(shop), machine_heads_tails(shop), preemptive(shop), best_bound(shop)
    (5, 7, 7, 7, 7)
    """
    if instance.objective != "makespan":
        return tardiness_bound(instance)
    return max(job_length(instance), preemptive(instance))


def job_length(shop: JobShop) -> int:
    """Return the makespan of the longest job if it had the shop to itself; O(N log U)."""
    return int(_completions(shop).max())


def machine_load(shop: JobShop) -> int:
    """Return the largest work of a machine, or of a pool of machines per machine, ignoring windows."""
    duration = shortest_durations(shop)
    return max(-(-int(duration[ops].sum()) // size) for ops, size in _groups(shop))


def machine_heads_tails(shop: JobShop) -> int:
    """Return the largest least head + work + least tail over machines and pools of machines."""
    head, tail = heads_tails(shop)
    duration = shortest_durations(shop)
    best = 0
    for ops, size in _groups(shop):
        busy = ops[duration[ops] > 0]  # any subset gives a bound; operations of no duration only weaken it
        if len(busy):
            least = int(head[busy].min() + tail[busy].min())
            best = max(best, least - (-int(duration[busy].sum()) // size))
    return best


def preemptive(shop: JobShop) -> int:
    """Return the largest optimal preemptive one-machine value over machines; O(N log N) in all.

    In a flexible shop not below `machine_heads_tails`, which also looks at pools; elsewhere it never is.
    """
    head, tail = heads_tails(shop)
    duration = shortest_durations(shop)
    arrays = arrays_of(shop)
    best = machine_heads_tails(shop) if shop.is_flexible else 0
    for machine, ops in enumerate(_by_machine(shop)):
        busy = ops[duration[ops] > 0]  # an instant at a window's edge may be used by those of no duration
        span = slice(arrays.window_offsets[machine], arrays.window_offsets[machine + 1])
        windows = arrays.window_start[span], arrays.window_end[span]
        best = max(best, int(jackson_preemptive(head[busy], duration[busy], tail[busy], *windows)))
    return best


def tardiness_bound(shop: JobShop) -> int:
    """Return the total weighted tardiness if each job had the shop to itself."""
    if shop.due_dates is None or shop.weights is None:
        return 0
    late = np.maximum(_completions(shop) - shop.due_dates, 0)
    return int(late @ shop.weights)


def heads_tails(shop: JobShop) -> tuple[IntArray, IntArray]:
    """Return head and tail of each operation, int64 [N] each.

    The head is its earliest start if its job had the shop to itself, windows included; the tail is the
    least time from its end to its job's end, windows ignored.
    """
    head, _ = _alone(arrays_of(shop))
    duration = shortest_durations(shop)
    total = np.r_[0, np.cumsum(duration)]
    last = np.repeat(shop.job_offsets[1:], np.diff(shop.job_offsets))
    return head, total[last] - total[1:]


def shortest_durations(shop: JobShop) -> IntArray:
    """Return the shortest duration of each operation over its options, int64 [N]."""
    return np.minimum.reduceat(shop.option_duration, shop.option_offsets[:-1])


def _completions(shop: JobShop) -> IntArray:
    """Earliest completion [n] of each job if it had the shop to itself."""
    _, end = _alone(arrays_of(shop))
    return np.asarray(end[shop.job_offsets[1:] - 1])


@njit(cache=True)
def _alone(shop: ShopArrays) -> tuple[IntArray, IntArray]:
    """Earliest start and end of each operation if its job had the shop to itself.

    Starting as early as possible on the option that ends first is optimal, because being ready earlier
    never makes an option end later, windows or not.
    """
    num_operations = len(shop.option_offsets) - 1
    start, end = np.empty(num_operations, np.int64), np.empty(num_operations, np.int64)
    for j in range(len(shop.job_offsets) - 1):
        ready = np.int64(0)
        for i in range(shop.job_offsets[j], shop.job_offsets[j + 1]):
            start[i] = end[i] = NEVER
            for o in range(shop.option_offsets[i], shop.option_offsets[i + 1]):
                begin = after_windows(shop, shop.option_machine[o], ready, shop.option_duration[o])
                start[i] = min(start[i], begin)
                end[i] = min(end[i], begin + shop.option_duration[o])
            ready = end[i]
    return start, end


def _by_machine(shop: JobShop) -> list[IntArray]:
    """Return the operations that have one option only, by machine."""
    fixed = np.flatnonzero(np.diff(shop.option_offsets) == 1)
    machine = shop.option_machine[shop.option_offsets[fixed]]
    order = np.argsort(machine, kind="stable")
    return np.split(fixed[order], np.searchsorted(machine[order], np.arange(1, shop.num_machines)))


def _groups(shop: JobShop) -> Iterator[tuple[IntArray, int]]:
    """Yield (operations confined to a set of machines, size of the set): single machines, then pools."""
    for ops in _by_machine(shop):
        yield ops, 1
    if not shop.is_flexible:
        return
    may_use = np.zeros((shop.num_operations, shop.num_machines), bool)
    of = np.repeat(np.arange(shop.num_operations), np.diff(shop.option_offsets))
    may_use[of, shop.option_machine] = True
    pools, count = np.unique(may_use, axis=0, return_counts=True)
    pools = pools[np.argsort(-count, kind="stable")][:MAX_POOLS]
    for pool in [np.ones(shop.num_machines, bool), *pools]:
        if pool.sum() > 1:
            yield np.flatnonzero(~(may_use & ~pool).any(axis=1)), int(pool.sum())
