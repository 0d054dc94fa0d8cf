"""A first schedule for any job shop: insert one job after another into the earliest gaps.

For each job in turn, the operations already placed stay where they are; the new job takes the earliest
feasible path through the gaps they leave, found by labels (operation, machine, gap) -> earliest start.
With blocking an operation must reach its next machine before its own gap closes, so a gap may be a dead
end; the path behind all that is placed always exists. Job insertion with blocking: Gröflin and Klinkert
(2007), Discrete Optimization 4:61-86; here with fixed starts of the jobs placed before.
"""

import bisect
import math
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop, Schedule

Gap = tuple[float, float]  # a machine is free in [begin, end)


@dataclass(slots=True)
class _Label:
    """The earliest start of one operation in one gap."""

    start: int
    option: int
    gap: Gap
    parent: "_Label | None"


def insert_jobs(instance: JobShop, order: list[int]) -> Schedule:
    """Insert the jobs in this order, each as early as it fits.

    Parameters
    ----------
    instance : JobShop
        Any variant.
    order : list of int
        A permutation of the jobs.

    Returns
    -------
    Schedule
        Feasible. O(N G) for G gaps on a machine without blocking, O(N G^2) at worst with it.
    """
    windows = windows_by_machine(instance)
    busy: list[list[tuple[int, int]]] = [[] for _ in range(instance.num_machines)]
    starts = np.zeros(instance.num_operations, np.int64)
    choice = np.zeros(instance.num_operations, np.int64)
    for job in order:
        first = int(instance.job_offsets[job])
        path = _earliest_path(instance, job, busy, windows)
        for k, label in enumerate(path):
            starts[first + k], choice[first + k] = label.start, label.option
            machine, duration = instance.options_of(first + k)[label.option]
            is_held = instance.blocking != "none" and k + 1 < len(path)
            end = path[k + 1].start if is_held else label.start + duration
            bisect.insort(busy[machine], (label.start, end))
    return Schedule.from_starts(instance, starts, choice)


def insertion_orders(instance: JobShop, seed: int, count: int) -> list[list[int]]:
    """Return job orders worth trying: most work first, earliest due date first (if any), then random ones."""
    fastest = np.minimum.reduceat(instance.option_duration, instance.option_offsets[:-1])
    work = np.bincount(instance.job_of, fastest)
    orders = [np.argsort(-work, kind="stable")]
    if instance.due_dates is not None:
        orders.append(np.argsort(instance.due_dates, kind="stable"))
    rng = np.random.default_rng(seed)
    orders += [rng.permutation(instance.num_jobs) for _ in range(count - len(orders))]
    return [order.tolist() for order in orders[:count]]


def windows_by_machine(instance: JobShop) -> list[list[tuple[int, int]]]:
    """Return each machine's unavailability windows, sorted."""
    windows: list[list[tuple[int, int]]] = [[] for _ in range(instance.num_machines)]
    for machine, begin, end in sorted(instance.unavailable.tolist()):
        windows[machine].append((begin, end))
    return windows


def earliest_fit(start: int, duration: int, windows: list[tuple[int, int]]) -> int:
    """Return the earliest time >= `start` at which the processing meets none of the sorted windows.

    >>> earliest_fit(3, 2, [(4, 6), (7, 9)])
    9
    """
    for begin, end in windows:
        if start < end and start + duration > begin:
            start = end
    return start


def _closes(gap: Gap) -> float:
    return gap[1]


def _gaps(busy: list[tuple[int, int]]) -> list[Gap]:
    edges = [0, *(edge for interval in busy for edge in interval), math.inf]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(begin, end) for begin, end in pairs if begin < end]


def _earliest_path(
    instance: JobShop, job: int, busy: list[list[tuple[int, int]]], windows: list[list[tuple[int, int]]]
) -> list[_Label]:
    """Earliest feasible path of one job through the gaps; one label per operation."""
    first, last = int(instance.job_offsets[job]), int(instance.job_offsets[job + 1])
    free = [_gaps(intervals) for intervals in busy]
    labels: list[_Label] = []
    for i in range(first, last):
        found: dict[tuple[int, Gap], _Label] = {}
        for option, (machine, duration) in enumerate(instance.options_of(i)):
            for label in labels or (None,):
                for step in _steps(instance, label, i, option, machine, duration, free[machine], windows[machine]):
                    key = (machine, step.gap)
                    if key not in found or step.start < found[key].start:
                        found[key] = step
        labels = list(found.values())
        if instance.blocking == "none":  # waiting costs nothing: the earliest end dominates
            labels = [min(labels, key=lambda label: label.start + instance.options_of(i)[label.option][1])]
    best: _Label | None = min(labels, key=lambda label: label.start + instance.options_of(last - 1)[label.option][1])
    path = []
    while best is not None:
        path.append(best)
        best = best.parent
    return path[::-1]


def _steps(
    instance: JobShop,
    label: _Label | None,
    i: int,
    option: int,
    machine: int,
    duration: int,
    gaps: list[Gap],
    windows: list[tuple[int, int]],
) -> list[_Label]:
    """Labels of operation i on one machine that follow `label`; the earliest only, if nothing blocks."""
    ready, leave_by = 0, math.inf
    stays: Gap | None = None
    if label is not None:
        before, took = instance.options_of(i - 1)[label.option]
        ready = label.start + took
        if instance.blocking != "none":
            leave_by = label.gap[1]
            stays = label.gap if before == machine else None
    steps = []
    for gap in [stays] if stays else gaps[bisect.bisect_right(gaps, float(ready), key=_closes) :]:
        if gap[0] > leave_by:
            break
        start = earliest_fit(max(ready, int(gap[0])), duration, windows)
        # entering and leaving at the very instants at which others leave and enter might close a swap
        is_swap = instance.blocking == "no-swap" and start == leave_by and start == gap[0] and stays is None
        if start <= leave_by and start + duration <= gap[1] and not is_swap:
            steps.append(_Label(start, option, gap, label))
            if instance.blocking == "none":
                break
    return steps
