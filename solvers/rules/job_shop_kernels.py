"""Compiled schedule generation: four schemes over one priority, for job shops without blocking.

Sources: Giffler and Thompson 1960 (Operations Research 8:487-503) for the active scheme; Kolisch 1996
(EJOR 90:320-333) for serial and parallel schemes in general. The priority of operation i of job j is

    static[i] + weights.ready * (time the job is ready) + weights.duration * (duration of the option it would
    take) + weights.noise * U,    U uniform on [0, 1), drawn afresh at each decision;

the smallest wins, ties go to the smallest job index. An operation with several options always takes the one
on which it would complete earliest (ties: earliest start, then the first listed).

Numbers stay int64 for times; priorities are float64.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from counterpoint.opt.problems.job_shop import IntArray, JobShop

FloatArray = npt.NDArray[np.float64]
WordArray = npt.NDArray[np.uint64]

NONDELAY, ACTIVE, APPEND, INSERT = range(4)
SCHEMES = ("nondelay", "active", "append", "insert")
NEVER = np.int64(2**62)


class ShopArrays(NamedTuple):
    """What the kernels read of an instance; windows sorted by machine, overlapping ones merged.

    ``block_offsets`` [m + 1] gives each machine room for its windows and every operation that may run on it.
    """

    job_offsets: IntArray
    option_offsets: IntArray
    option_machine: IntArray
    option_duration: IntArray
    window_offsets: IntArray
    window_start: IntArray
    window_end: IntArray
    block_offsets: IntArray


class Weights(NamedTuple):
    """How the priority mixes what is only known on the way (see the module's first lines)."""

    ready: float
    duration: float
    noise: float


class Workspace(NamedTuple):
    """Scratch memory of one dispatcher, reused from sample to sample."""

    next_op: IntArray  # [n] next operation of each job
    ready: IntArray  # [n] when it may start
    free: IntArray  # [m] end of the last operation on each machine
    option: IntArray  # [n] the option its next operation would take
    begin: IntArray  # [n] and when it would start there
    block_count: IntArray  # [m] blocks in use (insert scheme)
    block_start: IntArray  # sorted blocks of each machine from block_offsets on
    block_end: IntArray


def arrays_of(instance: JobShop) -> ShopArrays:
    """Return the kernels' view of an instance; O(P + U log U)."""
    windows = merged_windows(instance)
    window_offsets = np.searchsorted(windows[:, 0], np.arange(instance.num_machines + 1)).astype(np.int64)
    room = np.bincount(instance.option_machine, minlength=instance.num_machines) + np.diff(window_offsets)
    return ShopArrays(
        instance.job_offsets,
        instance.option_offsets,
        instance.option_machine,
        instance.option_duration,
        window_offsets,
        np.ascontiguousarray(windows[:, 1]),
        np.ascontiguousarray(windows[:, 2]),
        np.r_[0, np.cumsum(room)].astype(np.int64),
    )


def merged_windows(instance: JobShop) -> IntArray:
    """Return the windows [U', 3] sorted by machine and start, overlapping ones merged.

    Windows that only touch stay apart: an operation of duration zero may run at the instant between them.
    """
    merged: list[list[int]] = []
    for machine, start, end in sorted(instance.unavailable.tolist()):
        if merged and merged[-1][0] == machine and start < merged[-1][2]:
            merged[-1][2] = max(merged[-1][2], end)
        else:
            merged.append([machine, start, end])
    return np.array(merged, np.int64).reshape(-1, 3)


def workspace(arrays: ShopArrays) -> Workspace:
    """Return scratch memory for one dispatcher."""
    n, m = len(arrays.job_offsets) - 1, len(arrays.window_offsets) - 1
    sizes = (n, n, m, n, n, m, int(arrays.block_offsets[-1]), int(arrays.block_offsets[-1]))
    return Workspace(*(np.zeros(size, np.int64) for size in sizes))


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


@njit(cache=True, inline="always")
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


@njit(cache=True, inline="always")
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


@njit(cache=True)
def uniform(state: WordArray) -> float:
    """Draw from [0, 1) and advance `state` [1]: splitmix64 (Steele, Lea and Flood 2014, OOPSLA, fig. 17)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    return np.float64(mix(state[0]) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def mix(word: Any) -> Any:
    """Return a 64-bit word scrambled by splitmix64's finaliser."""
    z = np.uint64(word)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def stream(seed: Any, index: int) -> Any:
    """Return the first state of stream number `index` of a seed (word): streams start far apart."""
    return mix(mix(np.uint64(seed)) + np.uint64(index + 1) * np.uint64(0xD1B54A32D192ED03))
