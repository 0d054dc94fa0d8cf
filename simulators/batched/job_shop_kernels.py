"""A step of B job shops as compiled loops, for CPU: what torch does in some eighty operations, in four passes.

Classical and flexible shops alike, O = 1 option or more; the arrays are views of tensors, times int64. Decisions,
bounds and features are those of `job_shop`, `job_shop_flexible`, `job_shop_bound` and `job_shop_candidates`, number
for number.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

NEVER = np.int64(2**62)
NONDELAY, ACTIVE, APPEND = range(3)
SCHEMES = ("nondelay", "active", "append")


class State(NamedTuple):
    """Partial schedules of B shops and what bounds them.

    Parameters
    ----------
    length : int64 [B, n]
    rest : int64 [B, n, K + 1]; to_come : int64 [B, m]; machines : int64 [B]
        Of the `MakespanBound`; how many machines each shop uses.
    step : int64 [B, n]; ready, machine, duration, begin : int64 [B, n, O]; free : int64 [B, m]
        Of the partial schedules.
    """

    length: Any
    rest: Any
    to_come: Any
    machines: Any
    step: Any
    ready: Any
    free: Any
    machine: Any
    duration: Any
    begin: Any


@njit(cache=True)
def advance(
    s: State,
    is_flexible: bool,
    shop_machine: Any,
    shop_duration: Any,
    count: Any,
    end: Any,
    option: Any,
    mask: Any,
    action: Any,
) -> bool:  # pragma: no cover
    """Schedule one operation in every shop: of `action` [B], or of the first that `mask` [B, n O] holds; O(B n O).

    False, and nothing is done, if an action is out of range.

    Parameters
    ----------
    shop_machine, shop_duration : int64 [B, n, K, O]; count : int64 [B, n, K]
        The shops; `count`, the options, is read where O > 1.
    end, option : int64 [B, n, K]
        The log; `option` is written where the shops are flexible.
    """  # fmt: skip
    batch, jobs, options = s.begin.shape
    for b in range(batch):
        if not 0 <= action[b] < jobs * options:
            return False
    for b in range(batch):
        chosen = action[b]
        if not mask[b, chosen]:
            chosen = 0
            while chosen < jobs * options - 1 and not mask[b, chosen]:
                chosen += 1
        j, o = chosen // options, chosen % options
        k, at, ends = s.step[b, j], s.machine[b, j, o], s.begin[b, j, o] + s.duration[b, j, o]
        if s.begin[b, j, o] >= NEVER:  # a shop that is done
            continue
        if options > 1:
            s.to_come[b, 0] -= s.rest[b, j, k] - s.rest[b, j, k + 1]
        else:
            s.to_come[b, at] -= s.duration[b, j, o]
        if is_flexible:
            option[b, j, k] = o
        end[b, j, k], s.free[b, at], s.step[b, j] = ends, ends, k + 1
        k += 1
        if k < s.length[b, j]:
            for i in range(options):
                s.machine[b, j, i], s.duration[b, j, i] = shop_machine[b, j, k, i], shop_duration[b, j, k, i]
                s.ready[b, j, i] = ends if options == 1 or i < count[b, j, k] else NEVER
        else:
            for i in range(options):
                s.ready[b, j, i] = NEVER
                if is_flexible:  # classical ones keep their last
                    s.machine[b, j, i], s.duration[b, j, i] = 0, 0
        for i in range(jobs):
            for o in range(options):
                s.begin[b, i, o] = max(s.ready[b, i, o], s.free[b, s.machine[b, i, o]])
    return True


@njit(cache=True)
def value(s: State, bound: Any, now: Any, makespan: Any) -> None:  # pragma: no cover
    """Write the bound, the earliest start of anything (the makespan, if all is done) and the makespan, each [B]."""
    batch, jobs, options = s.begin.shape
    has_options = options > 1
    for b in range(batch):
        latest, total, most, first = np.int64(0), np.int64(0), np.int64(0), NEVER
        for m in range(s.free.shape[1]):
            latest = max(latest, s.free[b, m])
            total += s.free[b, m]
            if not has_options:
                most = max(most, s.free[b, m] + s.to_come[b, m])
        if has_options:
            most = (total + s.to_come[b, 0] + s.machines[b] - 1) // s.machines[b]
        most = max(most, latest)
        for j in range(jobs):
            k, complete = s.step[b, j], NEVER
            for o in range(options):
                first = min(first, s.begin[b, j, o])
                complete = min(complete, s.begin[b, j, o] + (s.duration[b, j, o] if has_options else 0))
            if complete < NEVER:
                most = max(most, complete + s.rest[b, j, k + has_options])
        bound[b], now[b], makespan[b] = most, (latest if first >= NEVER else first), latest


@njit(cache=True)
def candidates(scheme: int, begin: Any, machine: Any, duration: Any, ready: Any, mask: Any) -> None:  # pragma: no cover
    """Write what may be chosen, `mask` bool [B, A]; the other arrays are [B, A]."""
    batch, actions = mask.shape
    for b in range(batch):
        if scheme == APPEND:
            for a in range(actions):
                mask[b, a] = ready[b, a] != NEVER
            continue
        first = 0
        if scheme == NONDELAY:
            for a in range(1, actions):
                if begin[b, a] < begin[b, first]:
                    first = a
            earliest = begin[b, first]
            for a in range(actions):
                mask[b, a] = begin[b, a] == earliest and earliest < NEVER
            continue
        for a in range(1, actions):
            if begin[b, a] + duration[b, a] < begin[b, first] + duration[b, first]:
                first = a
        limit, target, has_conflict = begin[b, first] + duration[b, first], machine[b, first], False
        for a in range(actions):
            mask[b, a] = machine[b, a] == target and begin[b, a] < limit and limit < NEVER
            has_conflict |= mask[b, a]
        if not has_conflict and limit < NEVER:  # an operation of duration zero completes when it starts
            for a in range(actions):
                mask[b, a] = machine[b, a] == target and begin[b, a] + duration[b, a] == limit


@njit(cache=True, error_model="numpy")
def features(s: State, now: Any, bound: Any, unit: Any, out: Any) -> None:  # pragma: no cover
    """Write `job_shop_candidates.FEATURES`, `out` float32 [B, n, O, 9]; `now`, `bound`, `unit` are int64 [B]."""
    batch, jobs, options = s.begin.shape
    for b in range(batch):
        scale = np.float32(max(unit[b], 1))
        longest = np.int64(1)
        for j in range(jobs):
            longest = max(longest, s.length[b, j])
        by_length = scale / np.float32(longest)
        for j in range(jobs):
            k = s.step[b, j]
            for o in range(options):
                start, takes, at = s.begin[b, j, o], s.duration[b, j, o], s.machine[b, j, o]
                if start >= NEVER:
                    for i in range(9):
                        out[b, j, o, i] = 0
                    continue
                after = s.rest[b, j, k + 1]
                work = s.to_come[b, 0] // s.machines[b] if options > 1 else s.to_come[b, at]
                out[b, j, o, 0] = np.float32(start - now[b]) / scale
                out[b, j, o, 1] = np.float32(takes) / scale
                out[b, j, o, 2] = np.float32(after) / scale
                out[b, j, o, 3] = np.float32(s.length[b, j] - k - 1) / scale * by_length
                out[b, j, o, 4] = np.float32(bound[b] - start - takes - after) / scale
                out[b, j, o, 5] = np.float32(s.ready[b, j, o] - now[b]) / scale
                out[b, j, o, 6] = np.float32(s.free[b, at] - now[b]) / scale
                out[b, j, o, 7] = np.float32(work) / scale
                out[b, j, o, 8] = np.float32(bound[b] - s.free[b, at] - work) / scale
