"""The moves of interrupted blocking job shops as compiled loops, for CPU: one shop at a time, its state in two tables.

The same rules as the torch code in `interrupted_job_shop`, which says what they are. A shop's state is ``jobs`` int64
[n, 5] and ``machines`` int64 [m, 10], whose columns are named below; n stands for no job, m for no machine. A machine's
trace is ``failure`` and ``repair`` int64 [m, L]: its clock at each failure, and the repairs; the last failure never
comes.
"""

from typing import Any

import numpy as np
from numba import njit

STATUS, STEP, PLACE, WANT, SINCE = range(5)  # columns of jobs
OCCUPANT, CLOCK, DUE, BEGUN, WORK, BUSY, DOWN, HELD, UNTIL, FAILURES = range(10)  # columns of machines
JOB_COLUMNS, MACHINE_COLUMNS = 5, 10
SOURCE, PROCESSING, BLOCKED, OUT = 0, 1, 2, 3
FAR = 2**40


@njit(cache=True)
def due_at(
    clock: int, period: int, left: int, work: int, failure: Any, repair: Any, is_resumed: bool
) -> int:  # pragma: no cover
    """Clock reading at which `left` of `work` is done on a machine that is up at `clock`, after `period` failures."""
    at = clock
    while at + left > failure[period]:
        left = left - (failure[period] - at) if is_resumed else work
        at = failure[period] + repair[period]
        period += 1
    return at + left


@njit(cache=True)
def work_left(machine: Any, failure: Any, repair: Any, is_resumed: bool) -> int:  # pragma: no cover
    """Work left of the operation on a machine (its row of the table)."""
    if not machine[BUSY]:
        return 0
    if not is_resumed:
        if machine[DOWN]:
            return machine[WORK]
        return machine[WORK] - (machine[CLOCK] - max(machine[BEGUN], machine[UNTIL]))
    at, period, left = max(machine[CLOCK], machine[UNTIL]), machine[FAILURES], 0
    while failure[period] < machine[DUE]:
        left += failure[period] - at
        at = failure[period] + repair[period]
        period += 1
    return left + max(0, machine[DUE] - at)


@njit(cache=True)
def enter(
    jobs: Any, machines: Any, j: int, time: int, duration: Any, failure: Any, repair: Any, is_resumed: bool,
    start: Any, reading: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Move job j to the machine it requests and start its operation."""
    n, m = len(jobs), len(machines)
    if jobs[j, STATUS] == BLOCKED:
        left = jobs[j, PLACE]
        if machines[left, OCCUPANT] == j:  # in a cycle the next job may be there already
            machines[left, OCCUPANT] = n
        jobs[j, STEP] += 1
    k, step = jobs[j, WANT], jobs[j, STEP]
    clock, work = machines[k, CLOCK], duration[j, step]
    jobs[j, STATUS], jobs[j, PLACE], jobs[j, WANT], jobs[j, SINCE] = PROCESSING, k, m, time
    machines[k, OCCUPANT], machines[k, BEGUN], machines[k, WORK], machines[k, BUSY] = j, clock, work, 1
    machines[k, DUE] = due_at(clock, machines[k, FAILURES], work, work, failure[k], repair[k], is_resumed)
    start[j, step], reading[j, step] = time, clock


@njit(cache=True)
def pass_time(
    jobs: Any, machines: Any, time: int, machine: Any, length: Any, failure: Any, repair: Any, is_always: bool, end: Any
) -> int:  # pragma: no cover
    """Go to the next instant at which somebody may move and return it; -1 if there is none: a deadlock."""
    n, m = len(jobs), len(machines)
    step = FAR
    for k in range(m):
        if machines[k, BUSY]:
            step = min(step, machines[k, DUE] - machines[k, CLOCK])
        elif machines[k, DOWN]:
            is_awaited = machines[k, OCCUPANT] < n
            for j in range(n):
                is_awaited |= jobs[j, WANT] == k
            if is_awaited:
                step = min(step, machines[k, UNTIL] - machines[k, CLOCK])
    if step >= FAR:
        return -1
    time += step
    for k in range(m):
        if is_always or machines[k, BUSY]:
            machines[k, CLOCK] += step
        elif machines[k, DOWN]:  # an idle machine's own clock runs until it is repaired
            machines[k, CLOCK] = min(machines[k, CLOCK] + step, machines[k, UNTIL])
        if machines[k, BUSY] and machines[k, CLOCK] == machines[k, DUE]:
            j = machines[k, OCCUPANT]
            end[j, jobs[j, STEP]] = time
            jobs[j, SINCE] = time
            machines[k, BUSY], machines[k, DUE] = 0, FAR
            if jobs[j, STEP] + 1 == length[j]:
                jobs[j, STATUS], jobs[j, PLACE], machines[k, OCCUPANT] = OUT, m, n
            else:
                jobs[j, STATUS], jobs[j, WANT] = BLOCKED, machine[j, jobs[j, STEP] + 1]
        while failure[k, machines[k, FAILURES]] <= machines[k, CLOCK]:
            machines[k, UNTIL] = failure[k, machines[k, FAILURES]] + repair[k, machines[k, FAILURES]]
            machines[k, FAILURES] += 1
        machines[k, DOWN] = machines[k, CLOCK] < machines[k, UNTIL]
        machines[k, HELD] = 0
    return time


@njit(cache=True)
def leads_to(jobs: Any, machines: Any, k: int) -> int:  # pragma: no cover
    """Machine requested by the job that could swap off machine k; m if there is none."""
    j = machines[k, OCCUPANT]
    if j == len(jobs) or jobs[j, STATUS] != BLOCKED or machines[k, DOWN]:
        return len(machines)
    return jobs[j, WANT]


@njit(cache=True)
def swap(
    jobs: Any, machines: Any, time: int, duration: Any, failure: Any, repair: Any, is_resumed: bool,
    start: Any, reading: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Let every cycle of requests exchange machines."""
    m = len(machines)
    for k in range(m):
        at = k
        for _ in range(m):
            at = leads_to(jobs, machines, at)
            if at in (k, m):
                break
        if at != k:
            continue
        j = machines[k, OCCUPANT]
        while True:
            to = jobs[j, WANT]
            following = machines[to, OCCUPANT]
            enter(jobs, machines, j, time, duration, failure, repair, is_resumed, start, reading)
            if to == k:
                break
            j = following


@njit(cache=True)
def can_enter(jobs: Any, machines: Any, j: int, k: int) -> bool:  # pragma: no cover
    """Whether job j requests machine k and can move."""
    if jobs[j, WANT] != k:
        return False
    return jobs[j, STATUS] == SOURCE or (jobs[j, STATUS] == BLOCKED and not machines[jobs[j, PLACE], DOWN])


@njit(cache=True)
def look(jobs: Any, machines: Any) -> tuple[int, int, int, bool]:  # pragma: no cover
    """Return the machine to decide on (m: none), how many jobs may enter it, one of them, and whether it may wait."""
    n, m = len(jobs), len(machines)
    first, last, count, one = m, -1, 0, n
    for j in range(n):
        k = jobs[j, WANT]
        if k == m or machines[k, OCCUPANT] < n or machines[k, DOWN] or machines[k, HELD]:
            continue
        if not can_enter(jobs, machines, j, k):
            continue
        last = max(last, k)
        if k < first:
            first, count, one = k, 1, j
        elif k == first:
            count += 1
    may_wait = last > first
    for k in range(m):
        may_wait |= machines[k, BUSY] != 0
    return first, count, one, may_wait


@njit(cache=True)
def is_over(jobs: Any) -> bool:  # pragma: no cover
    """Whether all jobs are out."""
    is_all = True
    for j in range(len(jobs)):
        is_all &= jobs[j, STATUS] == OUT
    return is_all


@njit(cache=True)
def advance(
    jobs: Any, machines: Any, time: int, machine: Any, duration: Any, length: Any, failure: Any, repair: Any,
    is_always: bool, is_resumed: bool, waiting: bool, start: Any, end: Any, reading: Any,
) -> tuple[int, int, bool, bool]:  # pragma: no cover  # fmt: skip
    """Go on until a decision is due or all jobs are out.

    Returns
    -------
    time, machine to decide on (m: all jobs are out), whether it may wait, whether there is a deadlock
    """
    m = len(machines)
    while True:
        k, count, one, may_wait = look(jobs, machines)
        may_wait &= waiting
        if k < m:
            if count > 1 or may_wait:
                return time, k, may_wait, False
            enter(jobs, machines, one, time, duration, failure, repair, is_resumed, start, reading)
            continue
        if is_over(jobs):
            return time, m, False, False
        later = pass_time(jobs, machines, time, machine, length, failure, repair, is_always, end)
        if later < 0:
            return time, m, False, True
        time = later
        swap(jobs, machines, time, duration, failure, repair, is_resumed, start, reading)


@njit(cache=True)
def pack(
    b: int, status: Any, step: Any, place: Any, want: Any, since: Any, occupant: Any, clock: Any, due: Any, begun: Any,
    work: Any, is_busy: Any, is_down: Any, is_held: Any, until: Any, failure: Any, jobs: Any, machines: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Write shop b of a batch's tensors to the tables."""
    for j in range(len(jobs)):
        jobs[j, STATUS], jobs[j, STEP], jobs[j, PLACE] = status[b, j], step[b, j], place[b, j]
        jobs[j, WANT], jobs[j, SINCE] = want[b, j], since[b, j]
    for k in range(len(machines)):
        machines[k, OCCUPANT], machines[k, CLOCK], machines[k, DUE] = occupant[b, k], clock[b, k], due[b, k]
        machines[k, BEGUN], machines[k, WORK], machines[k, BUSY] = begun[b, k], work[b, k], is_busy[b, k]
        machines[k, DOWN], machines[k, HELD], machines[k, UNTIL] = is_down[b, k], is_held[b, k], until[b, k]
        low, high = 0, failure.shape[2]
        while low < high:  # failures up to now
            middle = (low + high) // 2
            if failure[b, k, middle] <= clock[b, k]:
                low = middle + 1
            else:
                high = middle
        machines[k, FAILURES] = low


@njit(cache=True)
def unpack(
    b: int, status: Any, step: Any, place: Any, want: Any, since: Any, occupant: Any, clock: Any, due: Any, begun: Any,
    work: Any, is_busy: Any, is_down: Any, is_held: Any, until: Any, jobs: Any, machines: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Write the tables back to shop b of a batch's tensors."""
    for j in range(len(jobs)):
        status[b, j], step[b, j], place[b, j] = jobs[j, STATUS], jobs[j, STEP], jobs[j, PLACE]
        want[b, j], since[b, j] = jobs[j, WANT], jobs[j, SINCE]
    for k in range(len(machines)):
        occupant[b, k], clock[b, k], due[b, k] = machines[k, OCCUPANT], machines[k, CLOCK], machines[k, DUE]
        begun[b, k], work[b, k], is_busy[b, k] = machines[k, BEGUN], machines[k, WORK], machines[k, BUSY] != 0
        is_down[b, k], is_held[b, k] = machines[k, DOWN] != 0, machines[k, HELD] != 0
        until[b, k] = machines[k, UNTIL]


@njit(cache=True)
def to_decisions(
    time: Any, status: Any, step: Any, place: Any, want: Any, since: Any, occupant: Any, clock: Any, due: Any,
    begun: Any, work: Any, is_busy: Any, is_down: Any, is_held: Any, until: Any, start: Any, end: Any, reading: Any,
    is_stuck: Any, machine: Any, duration: Any, length: Any, failure: Any, repair: Any, is_always: bool,
    is_resumed: bool, waiting: bool, is_due: Any, chosen: Any, eligible: Any, may_wait: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Advance every shop of a batch; the last four arrays, of a `Decision`, are written."""
    n, m = status.shape[1], occupant.shape[1]
    jobs, machines = np.empty((n, JOB_COLUMNS), np.int64), np.empty((m, MACHINE_COLUMNS), np.int64)
    for b in range(len(time)):
        pack(
            b, status, step, place, want, since, occupant, clock, due, begun, work, is_busy, is_down, is_held, until,
            failure, jobs, machines,
        )  # fmt: skip
        time[b], k, may_wait[b], stuck = advance(
            jobs, machines, time[b], machine[b], duration[b], length[b], failure[b], repair[b], is_always, is_resumed,
            waiting, start[b], end[b], reading[b],
        )  # fmt: skip
        is_stuck[b] |= stuck
        is_due[b], chosen[b] = k < m, k
        for j in range(n):
            eligible[b, j] = k < m and can_enter(jobs, machines, j, k)
        unpack(
            b, status, step, place, want, since, occupant, clock, due, begun, work, is_busy, is_down, is_held, until,
            jobs, machines,
        )  # fmt: skip


@njit(cache=True)
def act(
    time: Any, status: Any, step: Any, place: Any, want: Any, since: Any, occupant: Any, clock: Any, due: Any,
    begun: Any, work: Any, is_busy: Any, is_down: Any, is_held: Any, until: Any, start: Any, end: Any, reading: Any,
    is_stuck: Any, machine: Any, duration: Any, length: Any, failure: Any, repair: Any, is_always: bool,
    is_resumed: bool, is_due: Any, chosen: Any, eligible: Any, action: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Apply decisions [B]: an eligible job enters, n lets the machine wait."""
    n, m = status.shape[1], occupant.shape[1]
    jobs, machines = np.empty((n, JOB_COLUMNS), np.int64), np.empty((m, MACHINE_COLUMNS), np.int64)
    for b in range(len(time)):
        j = action[b]
        if not is_due[b] or j < 0 or j > n or (j < n and not eligible[b, j]):
            continue
        if j == n:
            is_held[b, chosen[b]] = True
            continue
        pack(
            b, status, step, place, want, since, occupant, clock, due, begun, work, is_busy, is_down, is_held, until,
            failure, jobs, machines,
        )  # fmt: skip
        enter(jobs, machines, j, time[b], duration[b], failure[b], repair[b], is_resumed, start[b], reading[b])
        unpack(
            b, status, step, place, want, since, occupant, clock, due, begun, work, is_busy, is_down, is_held, until,
            jobs, machines,
        )  # fmt: skip
