"""What a small network sees of the jobs that may enter a machine: flat features, compiled.

Beside jobs that may enter now, jobs that are coming are candidates: those that request the machine but cannot move yet,
and those whose next operation is on it; to choose one of them is to wait. So is the last candidate, n, which stands for
no job in particular. Features tell who holds the machine that a
candidate wants next, and what the chain of jobs before it ends in: blocking is what makes these shops hard. Works are
in units of the shop's mean duration. Features are ours.
"""

from typing import Any

from numba import njit

from counterpoint.simulators.batched.interrupted_job_shop_kernels import (
    BLOCKED,
    BUSY,
    DOWN,
    OCCUPANT,
    OUT,
    PLACE,
    PROCESSING,
    SINCE,
    SOURCE,
    STATUS,
    STEP,
    WANT,
    can_enter,
    work_left,
)

FEATURES = 41


@njit(cache=True)
def coming_step(jobs: Any, j: int) -> int:  # pragma: no cover
    """Index of the first operation of job j that has not started."""
    return jobs[j, STEP] + (jobs[j, STATUS] != SOURCE)


@njit(cache=True)
def candidates(
    jobs: Any, machines: Any, k: int, machine: Any, length: Any, waiting: bool, found: Any
) -> tuple[int, int]:  # pragma: no cover
    """Write the candidates for machine k, those that may enter first; return how many of these, and of all.

    `found` is of [n + 1]. Unless `waiting` there are only those that may enter.
    """
    n, count = len(jobs), 0
    for j in range(n):
        if can_enter(jobs, machines, j, k):
            found[count] = j
            count += 1
    eligible = count
    if waiting:
        for j in range(n):
            status, step = jobs[j, STATUS], coming_step(jobs, j)
            is_coming = status == PROCESSING and step < length[j] and machine[j, step] == k
            if is_coming or (status == BLOCKED and jobs[j, WANT] == k and not can_enter(jobs, machines, j, k)):
                found[count] = j
                count += 1
        found[count] = n
        count += 1
    return eligible, count


@njit(cache=True)
def chain(
    jobs: Any, machines: Any, left: Any, first: int, goal: int, freed: int, machine: Any, length: Any
) -> tuple[int, int, bool]:  # pragma: no cover
    """Follow who holds machine `first`, whom that job waits for, and so on.

    Returns
    -------
    the most work left on the way, how many jobs, and whether the chain comes back to `goal`; it ends at a free
    machine, at `freed` (which is about to be), or with a job that leaves
    """
    n, m = len(jobs), len(machines)
    at, longest, count = first, 0, 0
    while count < m:
        if at == goal:
            return longest, count, True
        j = machines[at, OCCUPANT]
        if j == n or at == freed:
            break
        longest = max(longest, left[at])
        count += 1
        step = coming_step(jobs, j)
        if step == length[j]:
            break
        at = machine[j, step]
    return longest, count, False


@njit(cache=True)
def describe(
    jobs: Any, machines: Any, time: int, k: int, found: Any, eligible: int, count: int, machine: Any, duration: Any,
    length: Any, tail: Any, mean: float, risk: Any, failure: Any, repair: Any, is_resumed: bool, left: Any, load: Any,
    asked: Any, features: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Write the features of the candidates for machine k; `left`, `load`, `asked` are scratch of [m]."""
    n, m, most = len(jobs), len(machines), machine.shape[1]
    per = 1.0 / mean
    is_free = is_blocked = is_down = 0
    for i in range(m):
        left[i] = work_left(machines[i], failure[i], repair[i], is_resumed)
        load[i], asked[i] = left[i], 0
        is_free += machines[i, OCCUPANT] == n
        is_blocked += machines[i, OCCUPANT] < n and not machines[i, BUSY]
        is_down += machines[i, DOWN]
    inside = outside = gone = longest = 0
    for j in range(n):
        status = jobs[j, STATUS]
        if status == OUT:
            gone += 1
            continue
        inside += status != SOURCE
        outside += status == SOURCE
        step = coming_step(jobs, j)
        longest = max(longest, tail[j, step])
        for s in range(step, length[j]):
            load[machine[j, s]] += duration[j, s]
        if jobs[j, WANT] < m:
            asked[jobs[j, WANT]] += 1
    heaviest = 1
    for i in range(m):
        heaviest = max(heaviest, load[i])
    shortest, tallest, soonest = 2**40, 0, 2**40
    for c in range(count):
        j = found[c]
        if j == n:
            continue
        step = coming_step(jobs, j)
        if c < eligible:
            shortest = min(shortest, duration[j, step])
            tallest = max(tallest, tail[j, step])
        else:
            soonest = min(soonest, left[jobs[j, PLACE]])
    for c in range(count):
        j, f = found[c], features[c]
        f[:] = 0
        f[28] = load[k] / heaviest
        f[29] = eligible / n
        f[30] = inside / m
        f[31] = outside / n
        f[34] = (count - eligible) / 4
        f[35] = min(soonest * per, 10.0) / 2 if soonest < 2**40 else 5.0
        f[36] = is_blocked / m
        f[37] = is_down / m
        f[38] = risk[0]
        f[39] = risk[1]
        if j == n:
            f[40] = 1.0
            continue
        step, place = coming_step(jobs, j), jobs[j, PLACE]
        work, rest = duration[j, step], tail[j, step]
        f[0] = c < eligible
        f[1] = left[place] * per if c >= eligible else 0.0
        f[2] = work * per
        f[3] = rest * per / most
        f[4] = rest / max(longest, 1)
        f[5] = (length[j] - step) / most
        f[6] = min((time - jobs[j, SINCE]) * per, 10.0) / 4
        f[7] = jobs[j, STATUS] == SOURCE
        if jobs[j, STATUS] != SOURCE:
            f[8] = jobs[j, STATUS] == BLOCKED
            f[9] = asked[place] / 4
            f[10] = load[place] / heaviest
            f[11] = asked[place] > 0
            f[12] = machines[place, DOWN]
        blocked_for = 0.0
        if step + 1 < length[j]:
            after = machine[j, step + 1]
            wait, jobs_before, is_cycle = chain(jobs, machines, left, after, k, place, machine, length)
            f[13] = 1.0
            f[14] = machines[after, OCCUPANT] == n
            f[15] = min(wait * per, 10.0) / 2
            f[16] = jobs_before / m
            f[17] = is_cycle
            blocked_for = max(0.0, (wait - work) * per)
            f[18] = min(blocked_for, 10.0) / 2
            f[19] = asked[after] / 4
            f[20] = load[after] / heaviest
            f[21] = machines[after, DOWN]
            f[22] = duration[j, step + 1] * per
            f[23] = left[after] * per
            if step + 2 < length[j]:
                then = machine[j, step + 2]
                f[24] = 1.0
                f[25] = machines[then, OCCUPANT] == n
                f[26] = load[then] / heaviest
                f[27] = asked[then] / 4
        f[32] = (rest - tallest) * per / most
        f[33] = (work - shortest) * per
