"""The judge of job-shop schedules: pure NumPy, written from the definitions in `job_shop` alone.

Complexity O(K log K) for K records. It knows no solver and trusts nothing but the records.
"""

from collections.abc import Iterator

import numpy as np

from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.opt.result import Check, Violation


def check(instance: JobShop, solution: Schedule) -> Check:
    """Recompute the objective of a schedule and name every violation.

    Violation kinds: ``unknown-operation``, ``missing-operation``, ``split-operation`` (two or more
    records of one operation), ``wrong-machine``, ``duration``, ``negative-start``, ``precedence``,
    ``overlap``, ``unavailable``, ``swap``. Amounts are time units (1 where there is no amount).

    The objective is None unless every operation has exactly one record.
    """
    violations = [*_record_violations(instance, solution)]
    if violations:
        return Check(None, tuple(violations))
    op = instance.job_offsets[solution.job] + solution.operation
    machine, start, end = (np.empty(instance.num_operations, np.int64) for _ in range(3))
    machine[op], start[op], end[op] = solution.machine, solution.start, solution.end
    violations += _duration_violations(instance, machine, start, end)
    violations += _precedence_violations(instance, start, end)
    release = _release(instance, start, end)
    violations += _overlap_violations(instance, machine, start, release)
    violations += _window_violations(instance, machine, start, end)
    if instance.blocking == "no-swap":
        violations += _swap_violations(instance, machine, start, release)
    metrics = _metrics(instance, end)
    key = "makespan" if instance.objective == "makespan" else "total_weighted_tardiness"
    return Check(metrics[key], tuple(violations), metrics)


def _metrics(instance: JobShop, end: IntArray) -> dict[str, float]:
    completion = end[instance.job_offsets[1:] - 1]
    # with missing precedence the last operation need not end last: the makespan is over all
    metrics = {"makespan": float(end.max()), "total_flow_time": float(completion.sum())}
    if instance.due_dates is not None:
        late = np.maximum(completion - instance.due_dates, 0)
        weights = np.ones_like(late) if instance.weights is None else instance.weights
        # Python's integers: a schedule from a file may state times at which int64 products overflow
        weighted = (w * t for w, t in zip(weights.tolist(), late.tolist(), strict=True))
        metrics["total_weighted_tardiness"] = float(sum(weighted))
        metrics["late_jobs"] = float((late > 0).sum())
    return metrics


def _label(instance: JobShop, op: int) -> str:
    job = int(np.searchsorted(instance.job_offsets, op, side="right")) - 1
    return f"job {job} op {op - int(instance.job_offsets[job])}"


def _record_violations(instance: JobShop, s: Schedule) -> Iterator[Violation]:
    """Unknown, missing and doubled operations."""
    known = (s.job >= 0) & (s.job < instance.num_jobs) & (s.operation >= 0)
    length = np.diff(instance.job_offsets)
    known &= s.operation < length[np.where(known, s.job, 0)]
    for i in np.flatnonzero(~known):
        yield Violation("unknown-operation", f"job {s.job[i]} op {s.operation[i]}", 1.0)
    op = instance.job_offsets[s.job[known]] + s.operation[known]
    count = np.bincount(op, minlength=instance.num_operations)
    for i in np.flatnonzero(count == 0):
        yield Violation("missing-operation", _label(instance, int(i)), 1.0)
    for i in np.flatnonzero(count > 1):
        yield Violation("split-operation", _label(instance, int(i)), float(count[i] - 1))


def _duration_violations(instance: JobShop, machine: IntArray, start: IntArray, end: IntArray) -> Iterator[Violation]:
    """Machine not among the options, duration other than the option's, start before 0."""
    of = np.repeat(np.arange(instance.num_operations), np.diff(instance.option_offsets))
    hit = instance.option_machine == machine[of]
    duration = np.full(instance.num_operations, -1, np.int64)
    duration[of[hit]] = instance.option_duration[hit]
    for i in np.flatnonzero(duration < 0):
        yield Violation("wrong-machine", f"{_label(instance, int(i))} on machine {machine[i]}", 1.0)
    off = np.where(duration >= 0, np.abs(end - start - duration), 0)
    for i in np.flatnonzero(off):
        yield Violation("duration", _label(instance, int(i)), float(off[i]))
    for i in np.flatnonzero(start < 0):
        yield Violation("negative-start", _label(instance, int(i)), float(-start[i]))


def _precedence_violations(instance: JobShop, start: IntArray, end: IntArray) -> Iterator[Violation]:
    same = np.ones(instance.num_operations - 1, bool)
    same[instance.job_offsets[1:-1] - 1] = False
    late = np.where(same, end[:-1] - start[1:], 0)
    for i in np.flatnonzero(late > 0):
        yield Violation("precedence", f"{_label(instance, int(i))} -> op after it", float(late[i]))


def _release(instance: JobShop, start: IntArray, end: IntArray) -> IntArray:
    """When each operation leaves its machine: its end, or under blocking its successor's start."""
    if instance.blocking == "none":
        return end
    release = end.copy()
    last = np.zeros(instance.num_operations, bool)
    last[instance.job_offsets[1:] - 1] = True
    inner = np.flatnonzero(~last)
    release[inner] = np.maximum(end[inner], start[inner + 1])
    return release


def _overlap_violations(
    instance: JobShop, machine: IntArray, start: IntArray, release: IntArray
) -> Iterator[Violation]:
    """Two occupations of one machine of which neither ends before the other starts.

    Sorted by (machine, start, release), an occupation overlaps an earlier one of its machine exactly
    if it starts before the latest release so far.
    """
    order = np.lexsort((release, start, machine))
    m, s, r = machine[order], start[order], release[order]
    begins = np.flatnonzero(np.r_[True, m[1:] != m[:-1]])
    for a, b in zip(begins, [*begins[1:], len(m)], strict=True):
        latest = np.maximum.accumulate(r[a:b])[:-1]
        for k in np.flatnonzero(s[a + 1 : b] < latest):
            holder = a + int(np.argmax(r[a : a + k + 1]))
            yield Violation(
                "overlap",
                f"machine {m[a]}: {_label(instance, int(order[holder]))}, {_label(instance, int(order[a + 1 + k]))}",
                float(latest[k] - s[a + 1 + k]),
            )


def _window_violations(instance: JobShop, machine: IntArray, start: IntArray, end: IntArray) -> Iterator[Violation]:
    for m, begin, stop in instance.unavailable.tolist():
        hit = (machine == m) & (start < stop) & (end > begin)
        for i in np.flatnonzero(hit):
            amount = min(int(end[i]), stop) - max(int(start[i]), begin)
            yield Violation(
                "unavailable",
                f"machine {m} [{begin}, {stop}): {_label(instance, int(i))}",
                float(max(amount, 1)),
            )


def _swap_violations(instance: JobShop, machine: IntArray, start: IntArray, release: IntArray) -> Iterator[Violation]:
    """Cycles of jobs that exchange machines at one instant.

    A job whose operation i starts at t enters machine[i]; if another job leaves that machine at t, it
    must move first. With positive durations each machine is left at most once per instant, so these
    "waits for" links form a graph of out-degree one: follow it and look for a cycle.
    """
    moves: dict[int, dict[int, int]] = {}  # instant -> machine left -> machine entered
    job = instance.job_of
    for i in range(1, instance.num_operations):
        if job[i] == job[i - 1] and machine[i] != machine[i - 1]:
            moves.setdefault(int(start[i]), {})[int(machine[i - 1])] = int(machine[i])
    for instant, enters in moves.items():
        done: set[int] = set()
        for origin in enters:
            path: list[int] = []
            at = origin
            while at in enters and at not in done:
                done.add(at)
                path.append(at)
                at = enters[at]
            if at in path:
                cycle = path[path.index(at) :]
                yield Violation("swap", f"time {instant}: machines {cycle}", 1.0)
