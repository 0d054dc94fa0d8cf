"""What both job-shop models start from: a first schedule, and when each operation may start.

The windows of starts are what makes big-M rows and time-indexed models small. They keep at least one
optimal schedule, not all: nothing worse than the first schedule is let in.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from counterpoint.opt.budget import Clock
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.solvers.cp_sat.job_shop_start import earliest_fit, insert_jobs, insertion_orders, windows_by_machine

if TYPE_CHECKING:
    from counterpoint.solvers.rules.job_shop import Rule

NUM_ORDERS = 20  # job orders tried for the first schedule
RULES: "tuple[Rule, ...]" = ("mwkr", "fdd-mwkr", "lrm")  # the best on the public sets; not under blocking
START_SHARE = 0.1  # of the time limit


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Bounds on everything, from data and a first schedule.

    Parameters
    ----------
    start : Schedule
        Feasible.
    upper, lower : int
        Objective of `start`, and what no schedule can beat.
    earliest, latest : int64 array [N]
        Start of each operation: head, and latest start in a schedule no worse than `start`.
    """

    start: Schedule
    upper: int
    lower: int
    earliest: IntArray
    latest: IntArray


def frame_of(instance: JobShop, clock: Clock, seed: int, start: Schedule | None = None) -> Frame:
    """Build the frame around `start`, by default the best of rules and job insertions; O(N) but for these."""
    start = _first_schedule(instance, clock, seed) if start is None else start
    upper = objective_of(instance, start)
    shortest = np.minimum.reduceat(instance.option_duration, instance.option_offsets[:-1])
    earliest = _heads(instance)
    done = np.cumsum(shortest)
    job = instance.job_of
    last = instance.job_offsets[1:] - 1
    behind = done[last][job] - done  # work of the job behind each operation
    by = _latest_completion(instance, start, upper)
    latest = by[job] - behind - shortest
    completion = earliest[last] + shortest[last]
    lower = _objective_at(instance, completion)
    if instance.objective == "makespan" and not instance.is_flexible:
        load = np.bincount(instance.option_machine, instance.option_duration, instance.num_machines)
        lower = max(lower, int(load.max()))
    return Frame(start, upper, min(lower, upper), earliest, latest)


def objective_of(instance: JobShop, schedule: Schedule) -> int:
    """Return the objective of a complete schedule in the order of the instance."""
    return _objective_at(instance, schedule.end[instance.job_offsets[1:] - 1])


def last_operation(instance: JobShop) -> npt.NDArray[np.bool_]:
    """Return whether each operation is the last of its job, bool [N]."""
    last = np.zeros(instance.num_operations, bool)
    last[instance.job_offsets[1:] - 1] = True
    return last


def longest_paths(num_nodes: int, tail: IntArray, head: IntArray) -> IntArray:
    """Return the number of arcs on the longest path into each node of an acyclic graph, int64 [num_nodes]."""
    depth = np.zeros(num_nodes, np.int64)
    for _ in range(num_nodes):
        before = depth.copy()
        np.maximum.at(depth, head, before[tail] + 1)
        if np.array_equal(before, depth):
            break
    return depth


def earliest_starts(
    instance: JobShop, option: IntArray, before: IntArray, after: IntArray, latest: IntArray
) -> IntArray | None:
    """Return the earliest starts [N] that respect chosen options, windows and machine orders.

    Parameters
    ----------
    option : int64 array [N]
        Number of each operation's chosen option.
    before, after : int64 array [A]
        Pairs of operations on one machine; the first leaves before the second enters.
    latest : int64 array [N]
        Where to give up.

    Returns
    -------
    int64 array [N] or None
        None if some operation would start later than allowed (or never, in a cycle).
    """
    machine, duration = instance.option_machine[option], instance.option_duration[option]
    inner = np.flatnonzero(~last_operation(instance))
    leaves_later = np.zeros(instance.num_operations, bool)
    if instance.blocking != "none":
        leaves_later[inner] = True
    source = np.r_[inner, np.where(leaves_later[before], before + 1, before)]
    lag = np.r_[duration[inner], np.where(leaves_later[before], 0, duration[before])]
    target = np.r_[inner + 1, after]
    windows = [
        (machine == m, begin, end) for m, begin, end in sorted(instance.unavailable.tolist(), key=lambda w: w[1])
    ]
    start = np.zeros(instance.num_operations, np.int64)
    # a start moves over each window once, and between two such moves no path is longer than N: what still moves
    # after that is in a cycle, and may be 10^12 passes away from its latest start
    jumps = sum(int(here.sum()) for here, _, _ in windows)
    for _ in range((instance.num_operations + 1) * (jumps + 1) + 1):
        previous = start.copy()
        np.maximum.at(start, target, previous[source] + lag)
        for here, begin, end in windows:  # by their begin, so that one pass is enough
            start[here & (start < end) & (start + duration > begin)] = end
        if np.array_equal(start, previous):
            return start
        if (start > latest).any():
            return None
    return None


def _first_schedule(instance: JobShop, clock: Clock, seed: int) -> Schedule:
    """Best of some dispatching rules and job insertions within a tenth of the time, at least one insertion."""
    deadline_s = clock.elapsed_s() + START_SHARE * clock.remaining_s()
    found = []
    for order in insertion_orders(instance, seed, NUM_ORDERS):
        found.append(insert_jobs(instance, order))
        if clock.elapsed_s() >= deadline_s:
            break
    if instance.blocking == "none" and clock.elapsed_s() < deadline_s:
        from counterpoint.solvers.rules.job_shop import schedule  # half a second of import

        found += [schedule(instance, rule) for rule in RULES]
    return min(found, key=lambda s: objective_of(instance, s))


def _heads(instance: JobShop) -> IntArray:
    """Earliest start of each operation if its job were alone, windows included, int64 [N]."""
    windows = windows_by_machine(instance)
    heads = np.zeros(instance.num_operations, np.int64)
    for first, end in zip(instance.job_offsets[:-1].tolist(), instance.job_offsets[1:].tolist(), strict=True):
        ready = 0
        for i in range(first, end):
            fits = [(earliest_fit(ready, p, windows[m]), p) for m, p in instance.options_of(i)]
            heads[i] = min(start for start, _ in fits)
            ready = min(start + p for start, p in fits)
    return heads


def _latest_completion(instance: JobShop, start: Schedule, upper: int) -> IntArray:
    """When each job must be complete in a schedule no worse than `upper`, int64 [n].

    An earliest schedule is, after the last window, a chain of operations without gaps: no optimum needs
    more than the last window's end and all work in turn.
    """
    if instance.objective == "makespan":
        return np.full(instance.num_jobs, upper)
    longest = np.maximum.reduceat(instance.option_duration, instance.option_offsets[:-1]).sum()
    horizon = max(int(instance.unavailable[:, 2].max(initial=0)) + int(longest), start.makespan)
    assert instance.due_dates is not None
    assert instance.weights is not None
    weights = instance.weights
    slack = np.where(weights > 0, upper // np.maximum(weights, 1), horizon)
    return np.minimum(horizon, instance.due_dates + slack)


def _objective_at(instance: JobShop, completion: IntArray) -> int:
    if instance.objective == "makespan":
        return int(completion.max())
    assert instance.due_dates is not None
    assert instance.weights is not None
    return int(instance.weights @ np.maximum(completion - instance.due_dates, 0))
