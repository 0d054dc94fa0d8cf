"""The time-indexed model written in Pyomo; notation and sources in `job_shop_time_indexed`.

Deviation from the arrays: under blocking every operation but a job's last has columns r of its own.
"""

import bisect
import itertools
from typing import Any

import numpy as np
import pyomo.environ as pyo

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.solvers.mip.job_shop_frame import Frame


def write(instance: JobShop, frame: Frame) -> pyo.ConcreteModel:
    """Write the model; O(options x horizon) Python objects."""
    n, job = instance.num_operations, instance.job_of.tolist()
    earliest, latest = frame.earliest.tolist(), frame.latest.tolist()
    p = {(i, m): duration for i in range(n) for m, duration in instance.options_of(i)}
    machines = {i: [m for m, _ in instance.options_of(i)] for i in range(n)}
    last = [int(end) - 1 for end in instance.job_offsets[1:]]
    held = [i for i in range(n) if i not in last] if instance.blocking != "none" else []
    starts = _starts(instance, frame)
    spans = {i: range(earliest[i], latest[i] + 1) for i in range(n)}
    horizon = max(latest[i] + p[i, m] for i, m in p)

    model = pyo.ConcreteModel(name=instance.name)
    model.z = pyo.Var(
        [(i, m, t) for (i, m), times in starts.items() for t in times], domain=pyo.Binary, doc="i has started on m by t"
    )
    model.r = pyo.Var(
        [(i, m, t) for i in held for m in machines[i] for t in spans[i + 1]], bounds=(0, 1), doc="i has left m by t"
    )
    for (i, m), times in starts.items():
        if len(machines[i]) == 1:
            model.z[i, m, times[-1]].fix(1)

    def z(i: int, m: int, t: int) -> Any:
        """Whether i has started on m by t: the column of the last start up to t."""
        place = bisect.bisect_right(starts[i, m], t)
        return model.z[i, m, starts[i, m][place - 1]] if place else 0

    def r(i: int, m: int, t: int) -> Any:
        """Whether i has left m by t."""
        if i not in held:
            return z(i, m, t - p[i, m])
        if t < earliest[i + 1]:
            return 0
        return model.r[i, m, min(t, latest[i + 1])]

    @model.Constraint([i for i in range(n) if len(machines[i]) > 1])
    def one_option(model: pyo.ConcreteModel, i: int) -> object:
        return sum(z(i, m, latest[i]) for m in machines[i]) == 1

    @model.Constraint([(i, m, a, b) for (i, m), times in starts.items() for a, b in itertools.pairwise(times)])
    def stays_started(model: pyo.ConcreteModel, i: int, m: int, a: int, b: int) -> object:
        return model.z[i, m, a] <= model.z[i, m, b]

    @model.Constraint([(i, t) for i in range(n) if i not in last for t in spans[i + 1]])
    def precedence(model: pyo.ConcreteModel, i: int, t: int) -> object:
        started = sum(z(i + 1, m, t) for m in machines[i + 1])
        return _row(started - sum(z(i, m, t - p[i, m]) for m in machines[i]), upper=0)

    @model.Constraint(model.r.index_set())
    def leaves_after_processing(model: pyo.ConcreteModel, i: int, m: int, t: int) -> object:
        return model.r[i, m, t] <= z(i, m, t - p[i, m])

    @model.Constraint(model.r.index_set())
    def stays_left(model: pyo.ConcreteModel, i: int, m: int, t: int) -> object:
        return _row(model.r[i, m, t] - r(i, m, t - 1), lower=0)

    @model.Constraint([(i, t) for i in held for t in spans[i + 1]])
    def leaves_for_the_next(model: pyo.ConcreteModel, i: int, t: int) -> object:
        return sum(model.r[i, m, t] for m in machines[i]) == sum(z(i + 1, m, t) for m in machines[i + 1])

    on = {m: [i for i in range(n) if m in machines[i]] for m in range(instance.num_machines)}

    @model.Constraint(range(instance.num_machines), range(horizon))
    def capacity(model: pyo.ConcreteModel, m: int, t: int) -> object:
        return _row(sum(z(i, m, t) - r(i, m, t) for i in on[m]), upper=1)

    inside = [
        (a, b, m, t)
        for (a, m), duration in p.items()
        if duration == 0
        for b in on[m]
        if job[a] != job[b]
        for t in spans[a]
    ]

    @model.Constraint(inside)
    def not_inside(model: pyo.ConcreteModel, a: int, b: int, m: int, t: int) -> object:
        return _row(z(a, m, t) - z(a, m, t - 1) + z(b, m, t - 1) - r(b, m, t), upper=1)

    if instance.blocking == "no-swap":
        top = instance.num_machines - 1
        model.v = pyo.Var(range(top + 1), range(horizon + 1), bounds=(0, top), doc="rank of machine m at t")
        moves = [
            (i, m, k, t) for i in held for m in machines[i] for k in machines[i + 1] if m != k for t in spans[i + 1]
        ]

        @model.Constraint(moves)
        def no_swap(model: pyo.ConcreteModel, i: int, m: int, k: int, t: int) -> object:
            enters, leaves = z(i + 1, k, t) - z(i + 1, k, t - 1), r(i, m, t) - r(i, m, t - 1)
            return model.v[m, t] >= model.v[k, t] + 1 - (top + 1) * (2 - enters - leaves)

    if instance.objective == "makespan":
        model.d = pyo.Var(range(frame.lower, frame.upper), domain=pyo.Binary, doc="all is done by t")

        @model.Constraint(range(instance.num_jobs), range(frame.lower, frame.upper + 1))
        def done(model: pyo.ConcreteModel, j: int, t: int) -> object:
            complete = sum(z(last[j], m, t - p[last[j], m]) for m in machines[last[j]])
            return _row(complete - (model.d[t] if t < frame.upper else 1), lower=0)

        model.objective = pyo.Objective(expr=frame.upper - sum(model.d.values()))
        return model
    assert instance.due_dates is not None
    assert instance.weights is not None
    due, weight = instance.due_dates.tolist(), instance.weights.tolist()
    model.objective = pyo.Objective(
        expr=sum(
            weight[job[i]] * max(0, t + p[i, m] - due[job[i]]) * (z(i, m, t) - z(i, m, t - 1))
            for i in last
            for m in machines[i]
            for t in starts[i, m]
        )
    )
    return model


def set_values(model: pyo.ConcreteModel, instance: JobShop, schedule: Schedule) -> None:
    """Give the steps the values of a schedule; ranks follow from them."""
    start, machine = schedule.start.tolist(), schedule.machine.tolist()
    for i, m, t in model.z:
        model.z[i, m, t].set_value(int(machine[i] == m and start[i] <= t))
    for i, m, t in model.r:
        model.r[i, m, t].set_value(int(machine[i] == m and start[i + 1] <= t))
    if instance.objective == "makespan":
        for t in model.d:
            model.d[t].set_value(int(schedule.makespan <= t))


def schedule_of(model: pyo.ConcreteModel, instance: JobShop, frame: Frame) -> Schedule | None:
    """Return the schedule that the steps hold; None if an operation has none."""
    found: dict[int, tuple[int, int]] = {}  # operation -> machine, start
    for (i, m, t), variable in model.z.items():  # starts of an option in order of time
        if variable.value is not None and variable.value > 0.5 and i not in found:
            found[i] = (m, t)
    if len(found) < instance.num_operations:
        return None
    choice = [[m for m, _ in instance.options_of(i)].index(found[i][0]) for i in range(instance.num_operations)]
    return Schedule.from_starts(instance, [found[i][1] for i in range(instance.num_operations)], np.array(choice))


def _starts(instance: JobShop, frame: Frame) -> dict[tuple[int, int], list[int]]:
    """Possible starts of each operation on each machine that meet no window."""
    windows: dict[int, list[tuple[int, int]]] = {}
    for machine, begin, stop in instance.unavailable.tolist():
        windows.setdefault(machine, []).append((begin, stop))
    return {
        (i, m): [
            t
            for t in range(int(frame.earliest[i]), int(frame.latest[i]) + 1)
            if all(t >= stop or t + duration <= begin for begin, stop in windows.get(m, ()))
        ]
        for i in range(instance.num_operations)
        for m, duration in instance.options_of(i)
    }


def _row(body: Any, *, lower: float | None = None, upper: float | None = None) -> Any:
    """Return lower <= body <= upper as Pyomo wants it; what is left of constants alone is no row."""
    if isinstance(body, int | float):
        holds = (lower is None or body >= lower) and (upper is None or body <= upper)
        return pyo.Constraint.Skip if holds else pyo.Constraint.Infeasible
    return pyo.inequality(lower, body, upper)
