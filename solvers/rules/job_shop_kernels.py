"""Compiled schedule generation: four schemes over one priority, for job shops without blocking.

Sources: Giffler and Thompson 1960 (Operations Research 8:487-503) for the active scheme; Kolisch 1996
(EJOR 90:320-333) for serial and parallel schemes in general. The priority of operation i of job j is

    static[i] + weights.ready * (time the job is ready) + weights.duration * (duration of the option it would
    take) + weights.noise * U,    U uniform on [0, 1), drawn afresh at each decision;

the smallest wins, ties go to the smallest job index. An operation with several options always takes the one
on which it would complete earliest (ties: earliest start, then the first listed).

Numbers stay int64 for times; priorities are float64.
"""

import numpy as np
from numba import njit

from counterpoint.opt.problems.job_shop import IntArray
from counterpoint.simulators.splitmix import WordArray, uniform
from counterpoint.solvers.rules.job_shop_arrays import FloatArray, ShopArrays, Weights, Workspace

NONDELAY, ACTIVE, APPEND, INSERT = range(4)
SCHEMES = ("nondelay", "active", "append", "insert")
NEVER = np.int64(2**62)


@njit(cache=True)
def dispatch(
    shop: ShopArrays,
    static: FloatArray,
    weights: Weights,
    scheme: int,
    random: WordArray,
    work: Workspace,
    start: IntArray,
    option: IntArray,
) -> None:
    """Build one schedule: fill `start` and `option` (global option index), both [N].

    `random` [1] is the state of a splitmix64 generator, advanced only if ``weights.noise`` is not 0.
    Complexity O(N n) for nondelay and active, O(N (n + blocks of a machine)) for append and insert.
    """
    num_jobs = len(shop.job_offsets) - 1
    for j in range(num_jobs):
        work.next_op[j] = shop.job_offsets[j]
        work.ready[j] = 0
    work.free[:] = 0
    if scheme == INSERT:
        _open_blocks(shop, work)
    is_plain = len(shop.option_machine) == len(shop.option_offsets) - 1 and len(shop.window_start) == 0
    if is_plain and scheme in (NONDELAY, ACTIVE):
        _dispatch_plain(shop, static, weights, scheme == ACTIVE, random, work, start, option)
        return
    for _ in range(len(shop.option_offsets) - 1):
        if scheme in (NONDELAY, ACTIVE):
            j = _select_by_time(shop, static, weights, scheme == ACTIVE, random, work)
        else:
            j = _select_by_priority(shop, static, weights, scheme, random, work)
        i, o, s = work.next_op[j], work.option[j], work.begin[j]
        e = s + shop.option_duration[o]
        start[i], option[i] = s, o
        work.next_op[j] = i + 1
        work.ready[j] = e
        work.free[shop.option_machine[o]] = e
        if scheme == INSERT:
            _insert_block(shop, work, shop.option_machine[o], s, e)


@njit(cache=True)
def _dispatch_plain(
    shop: ShopArrays,
    static: FloatArray,
    weights: Weights,
    is_active: bool,
    random: WordArray,
    work: Workspace,
    start: IntArray,
    option: IntArray,
) -> None:
    """Nondelay and active schemes without options and windows: the same decisions, three times as fast."""
    next_op, ready, free, begin = work.next_op, work.ready, work.free, work.begin
    machine, duration = work.machine, work.duration
    num_jobs = len(next_op)
    for j in range(num_jobs):
        machine[j] = shop.option_machine[next_op[j]]
        duration[j] = shop.option_duration[next_op[j]]
    for _ in range(len(start)):
        limit, target = NEVER, 0
        for j in range(num_jobs):
            s = max(ready[j], free[machine[j]])
            begin[j] = s
            if is_active:
                s += duration[j]
            if s < limit:
                limit, target = s, machine[j]
        best, best_key = -1, np.inf
        for j in range(num_jobs):
            if (begin[j] >= limit or machine[j] != target) if is_active else begin[j] != limit:
                continue
            key = _priority(weights, static[next_op[j]], ready[j], duration[j], random)
            if best < 0 or key < best_key:
                best, best_key = j, key
        if best < 0:  # see _select_by_time
            for j in range(num_jobs):
                if machine[j] == target and begin[j] + duration[j] == limit:
                    key = _priority(weights, static[next_op[j]], ready[j], duration[j], random)
                    if best < 0 or key < best_key:
                        best, best_key = j, key
        i = next_op[best]
        start[i], option[i] = begin[best], i
        ready[best] = free[machine[best]] = begin[best] + duration[best]
        next_op[best] = i + 1
        if i + 1 < shop.job_offsets[best + 1]:
            machine[best], duration[best] = shop.option_machine[i + 1], shop.option_duration[i + 1]
        else:
            ready[best] = NEVER  # the job is done: never the first again


@njit(cache=True)
def _select_by_time(
    shop: ShopArrays, static: FloatArray, weights: Weights, is_active: bool, random: WordArray, work: Workspace
) -> int:
    """Choose among the operations that may start first (nondelay) or the conflict set (active)."""
    num_jobs = len(shop.job_offsets) - 1
    limit, target = NEVER, -1
    for j in range(num_jobs):
        if work.next_op[j] == shop.job_offsets[j + 1]:
            continue
        _place(shop, work, j, False)
        value = work.begin[j]
        if is_active:
            value += shop.option_duration[work.option[j]]
        if value < limit:
            limit, target = value, shop.option_machine[work.option[j]]
    best, best_key = -1, np.inf
    for j in range(num_jobs):
        if work.next_op[j] == shop.job_offsets[j + 1]:
            continue
        if is_active:
            if work.begin[j] >= limit or shop.option_machine[work.option[j]] != target:
                continue
        elif work.begin[j] != limit:
            continue
        key = _priority(weights, static[work.next_op[j]], work.ready[j], shop.option_duration[work.option[j]], random)
        if best < 0 or key < best_key:
            best, best_key = j, key
    if best >= 0:
        return best
    # Active only: the earliest completion is of an operation of duration zero, and no other operation of its
    # machine could start before it; such operations cannot be in each other's way.
    for j in range(num_jobs):
        if work.next_op[j] == shop.job_offsets[j + 1] or shop.option_machine[work.option[j]] != target:
            continue
        if work.begin[j] + shop.option_duration[work.option[j]] != limit:
            continue
        key = _priority(weights, static[work.next_op[j]], work.ready[j], shop.option_duration[work.option[j]], random)
        if best < 0 or key < best_key:
            best, best_key = j, key
    return best


@njit(cache=True)
def _select_by_priority(
    shop: ShopArrays, static: FloatArray, weights: Weights, scheme: int, random: WordArray, work: Workspace
) -> int:
    """Choose among the next operations of all jobs, then place the chosen one."""
    num_jobs = len(shop.job_offsets) - 1
    best, best_key = -1, np.inf
    for j in range(num_jobs):
        i = work.next_op[j]
        if i == shop.job_offsets[j + 1]:
            continue
        if shop.option_offsets[i + 1] - shop.option_offsets[i] == 1:
            work.option[j] = shop.option_offsets[i]
        elif weights.duration != 0.0:  # the duration depends on where it would go
            _place(shop, work, j, scheme == INSERT)
        key = _priority(weights, static[work.next_op[j]], work.ready[j], shop.option_duration[work.option[j]], random)
        if best < 0 or key < best_key:
            best, best_key = j, key
    _place(shop, work, best, scheme == INSERT)
    return best


@njit(cache=True, inline="always")
def _priority(weights: Weights, static: float, ready: int, duration: int, random: WordArray) -> float:
    key = static + weights.ready * ready + weights.duration * duration
    if weights.noise != 0.0:
        key += weights.noise * uniform(random)
    return key


@njit(cache=True, inline="always")
def _place(shop: ShopArrays, work: Workspace, j: int, in_gaps: bool) -> None:
    """Set option and start of job j's next operation: earliest completion, then earliest start."""
    i = work.next_op[j]
    best_end, best_start, best_option = NEVER, NEVER, -1
    for o in range(shop.option_offsets[i], shop.option_offsets[i + 1]):
        m, p = shop.option_machine[o], shop.option_duration[o]
        if in_gaps:
            s = _earliest_gap(shop, work, m, work.ready[j], p)
        else:
            s = after_windows(shop, m, max(work.ready[j], work.free[m]), p)
        if s + p < best_end or (s + p == best_end and s < best_start):
            best_end, best_start, best_option = s + p, s, o
    work.option[j] = best_option
    work.begin[j] = best_start


@njit(cache=True, inline="always")
def after_windows(shop: ShopArrays, machine: int, time: int, duration: int) -> int:
    """Return the earliest start >= time at which `duration` fits between the machine's windows."""
    low, high = shop.window_offsets[machine], shop.window_offsets[machine + 1]
    if low == high:
        return time
    low = _first_ending_after(shop.window_end, low, high, time)
    while low < high and time + duration > shop.window_start[low]:
        time = max(time, shop.window_end[low])
        low += 1
    return time


@njit(cache=True, inline="always")
def _earliest_gap(shop: ShopArrays, work: Workspace, machine: int, time: int, duration: int) -> int:
    """Return the earliest start >= time at which `duration` fits between the machine's blocks."""
    high = shop.block_offsets[machine] + work.block_count[machine]
    low = _first_ending_after(work.block_end, shop.block_offsets[machine], high, time)
    while low < high and time + duration > work.block_start[low]:
        time = max(time, work.block_end[low])
        low += 1
    return time


@njit(cache=True, inline="always")
def _first_ending_after(ends: IntArray, low: int, high: int, time: int) -> int:
    """Return the first index in low..high whose end is past `time`; ends are sorted there."""
    while low < high:
        middle = (low + high) // 2
        if ends[middle] > time:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True)
def _open_blocks(shop: ShopArrays, work: Workspace) -> None:
    """Start the insert scheme: the only blocks are the windows."""
    for m in range(len(shop.window_offsets) - 1):
        count = 0
        for w in range(shop.window_offsets[m], shop.window_offsets[m + 1]):
            work.block_start[shop.block_offsets[m] + count] = shop.window_start[w]
            work.block_end[shop.block_offsets[m] + count] = shop.window_end[w]
            count += 1
        work.block_count[m] = count


@njit(cache=True)
def _insert_block(shop: ShopArrays, work: Workspace, machine: int, start: int, end: int) -> None:
    """Put [start, end) behind all blocks that end by `start`; both columns stay sorted."""
    low = shop.block_offsets[machine]
    high = low + work.block_count[machine]
    place = _first_ending_after(work.block_end, low, high, start)
    for b in range(high, place, -1):
        work.block_start[b] = work.block_start[b - 1]
        work.block_end[b] = work.block_end[b - 1]
    work.block_start[place], work.block_end[place] = start, end
    work.block_count[machine] += 1
