"""The judge of a run of an interrupted job shop: pure NumPy, from the definitions in `interrupted_job_shop` alone.

It replays nothing: from the starts and the trace it computes when every operation must end and when every job may
move, and compares.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from counterpoint.opt.problems.interrupted_job_shop import IntArray, InterruptedJobShop, Scenario, Trajectory
from counterpoint.opt.problems.job_shop import Schedule
from counterpoint.opt.result import Check, Violation

Windows = list[tuple[int, int]]


def check(instance: InterruptedJobShop, scenario: Scenario, run: Trajectory) -> Check:
    """Recompute the makespan of a run and name every violation.

    Violation kinds: ``shape``, ``negative-start``, ``end`` (work done at another time than the trace makes it),
    ``precedence``, ``overlap`` (with blocking: a machine is held until the next operation starts), ``enter-down`` and
    ``leave-down`` (a move while the machine is down), ``cost``. Amounts are time units, 1 where there is none.
    """
    shop = instance.shop
    if run.start.shape != (shop.num_operations,) or run.end.shape != run.start.shape:
        return Check(None, (Violation("shape", "start and end", 1.0),))
    is_last = np.zeros(shop.num_operations, bool)
    is_last[shop.job_offsets[1:] - 1] = True
    leave = run.end.copy()
    leave[~is_last] = run.start[np.flatnonzero(~is_last) + 1]
    violations = [Violation("negative-start", _label(instance, int(i)), 1.0) for i in np.flatnonzero(run.start < 0)]
    early = np.flatnonzero(leave < run.end)
    violations += [Violation("precedence", _label(instance, int(i)), float(run.end[i] - leave[i])) for i in early]
    for machine in range(shop.num_machines):
        own = np.flatnonzero(shop.machine == machine)
        own = own[np.lexsort((leave[own], run.start[own]))]
        for a, b in pairwise(own.tolist()):
            if run.start[b] < leave[a]:
                place = f"machine {machine}: {_label(instance, a)}, {_label(instance, b)}"
                violations.append(Violation("overlap", place, float(leave[a] - run.start[b])))
        violations += _machine_violations(instance, scenario, run, machine, own.tolist(), leave, is_last)
    makespan = float(run.end.max())
    if run.cost != makespan:
        violations.append(Violation("cost", "makespan", abs(run.cost - makespan)))
    return Check(makespan, tuple(violations), {"makespan": makespan})


def schedule(instance: InterruptedJobShop, run: Trajectory) -> Schedule:
    """Return the run as a schedule of the shop; a valid one (blocking with swap) if nothing failed."""
    shop = instance.shop
    job = shop.job_of
    return Schedule(job, np.arange(shop.num_operations) - shop.job_offsets[job], shop.machine, run.start, run.end)


def down_windows(instance: InterruptedJobShop, scenario: Scenario, run: Trajectory, machine: int) -> Windows:
    """Return when a machine is down, [begin, end), up to the makespan.

    With ``fail_when="busy"`` computed from the operations the machine worked on, in their order.
    """
    up, repair = scenario.up[machine].tolist(), scenario.repair[machine].tolist()
    if instance.fail_when == "always":
        return _calendar(up, repair, float(run.end.max()))
    own = np.flatnonzero(instance.shop.machine == machine)
    own = own[np.lexsort((run.end[own], run.start[own]))]
    windows: Windows = []
    budget, period = (up[0] if up else None), 0
    for i in own.tolist():
        time, left = int(run.start[i]), int(instance.shop.duration[i])
        while left and budget is not None:
            worked = min(left, budget)
            time, left, budget = time + worked, left - worked, budget - worked
            if budget == 0:
                windows.append((time, time + repair[period]))
                period += 1
                budget = up[period] if period < len(up) else None
                if left:
                    time = windows[-1][1]
                    left = int(instance.shop.duration[i]) if instance.on_interrupt == "restart" else left
    return windows


def _machine_violations(
    instance: InterruptedJobShop,
    scenario: Scenario,
    run: Trajectory,
    machine: int,
    own: list[int],
    leave: IntArray,
    is_last: npt.NDArray[np.bool_],
) -> Iterator[Violation]:
    windows = down_windows(instance, scenario, run, machine)
    for i in own:
        start = int(run.start[i])
        if _is_down(windows, start):
            yield Violation("enter-down", f"machine {machine}: {_label(instance, i)}", 1.0)
            continue
        due = _due(windows, start, int(instance.shop.duration[i]), instance.on_interrupt == "restart")
        if due != run.end[i]:
            yield Violation("end", _label(instance, i), abs(float(due - run.end[i])))
        if not is_last[i] and _is_down(windows, int(leave[i])):
            yield Violation("leave-down", f"machine {machine}: {_label(instance, i)}", 1.0)


def _calendar(up: list[int], repair: list[int], until: float) -> Windows:
    windows: Windows = []
    time = 0
    for lasts, takes in zip(up, repair, strict=True):
        time += lasts
        if time >= until:
            break
        windows.append((time, time + takes))
        time += takes
    return windows


def _is_down(windows: Windows, time: int) -> bool:
    return any(begin <= time < end for begin, end in windows)


def _due(windows: Windows, start: int, duration: int, restarts: bool) -> int:
    """When work begun at `start` is done; a failure at that very instant comes after it."""
    time, left = start, duration
    for begin, end in windows:
        if begin < time or (begin == time and begin == start):
            continue
        if time + left <= begin:
            break
        left = duration if restarts else left - (begin - time)
        time = end
    return time + left


def _label(instance: InterruptedJobShop, i: int) -> str:
    job = int(np.searchsorted(instance.shop.job_offsets, i, side="right")) - 1
    return f"job {job} op {i - int(instance.shop.job_offsets[job])}"
