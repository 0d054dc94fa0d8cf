"""Manne's disjunctive model written in Pyomo; notation and sources in `job_shop_disjunctive`."""

import itertools

import numpy as np
import pyomo.environ as pyo

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.solvers.mip.job_shop_frame import Frame, earliest_starts


def write(instance: JobShop, frame: Frame) -> pyo.ConcreteModel:
    """Write the model; O(pairs) Python objects."""
    n = instance.num_operations
    job = instance.job_of.tolist()
    earliest, latest = frame.earliest.tolist(), frame.latest.tolist()
    p = {(i, m): duration for i in range(n) for m, duration in instance.options_of(i)}
    machines = {i: [m for m, _ in instance.options_of(i)] for i in range(n)}
    last = [int(end) - 1 for end in instance.job_offsets[1:]]
    held = set(range(n)) - set(last) if instance.blocking != "none" else set()  # keep their machine until the next
    pairs = [
        (a, b) for a, b in itertools.combinations(range(n), 2) if job[a] != job[b] and {*machines[a]} & {*machines[b]}
    ]
    meetings = [(a, b, m) for a, b in pairs for m in machines[a] if m in machines[b]]

    model = pyo.ConcreteModel(name=instance.name)
    model.S = pyo.Var(range(n), bounds=lambda _, i: (earliest[i], latest[i]), doc="start")
    model.x = pyo.Var(p.keys(), domain=pyo.Binary, doc="operation i runs on machine m")
    model.y = pyo.Var(pairs, domain=pyo.Binary, doc="a leaves before b enters")
    for i in range(n):
        if len(machines[i]) == 1:
            model.x[i, machines[i][0]].fix(1)

    def end(i: int):  # type: ignore[no-untyped-def]  # a Pyomo expression
        return model.S[i] + sum(p[i, m] * model.x[i, m] for m in machines[i])

    @model.Constraint([i for i in range(n) if len(machines[i]) > 1])
    def one_machine(model: pyo.ConcreteModel, i: int) -> object:
        return sum(model.x[i, m] for m in machines[i]) == 1

    @model.Constraint([i for i in range(n) if i not in last])
    def precedence(model: pyo.ConcreteModel, i: int) -> object:
        return model.S[i + 1] >= end(i)

    @model.Constraint(meetings, [True, False])
    def order(model: pyo.ConcreteModel, a: int, b: int, m: int, is_first: bool) -> object:
        both = 2 - model.x[a, m] - model.x[b, m]  # 0 if they meet on m
        undecided = both + (1 - model.y[a, b] if is_first else model.y[a, b])
        a, b = (a, b) if is_first else (b, a)  # a leaves, b enters
        if a in held:
            return model.S[b] >= model.S[a + 1] - max(0, latest[a + 1] - earliest[b]) * undecided
        return model.S[b] >= model.S[a] + p[a, m] - max(0, latest[a] + p[a, m] - earliest[b]) * undecided

    windows = [
        (i, m, begin, stop) for i in range(n) for m, begin, stop in instance.unavailable.tolist() if m in machines[i]
    ]
    windows = list(dict.fromkeys(windows))  # a window stated twice is one
    model.z = pyo.Var(windows, domain=pyo.Binary, doc="operation i runs after the window of m")

    @model.Constraint(windows)
    def before_window(model: pyo.ConcreteModel, i: int, m: int, begin: int, stop: int) -> object:
        big = max(0, latest[i] + p[i, m] - begin)
        return model.S[i] + p[i, m] <= begin + big * (1 + model.z[i, m, begin, stop] - model.x[i, m])

    @model.Constraint(windows)
    def after_window(model: pyo.ConcreteModel, i: int, m: int, begin: int, stop: int) -> object:
        big = max(0, stop - earliest[i])
        return model.S[i] >= stop - big * (2 - model.z[i, m, begin, stop] - model.x[i, m])

    if instance.blocking == "no-swap":
        movers = [i for i in range(n) if i > 0 and job[i - 1] == job[i]]
        model.u = pyo.Var(movers, bounds=(0, max(len(movers) - 1, 0)), doc="rank of the move to operation i")
        waits = [(a, b, m, True) for a, b, m in meetings] + [(b, a, m, False) for a, b, m in meetings]

        @model.Constraint([(a, b, m, first) for a, b, m, first in waits if a not in last and b in movers])
        def rank(model: pyo.ConcreteModel, a: int, b: int, m: int, is_first: bool) -> object:
            undecided = 2 - model.x[a, m] - model.x[b, m] + (1 - model.y[a, b] if is_first else model.y[b, a])
            return model.u[b] >= model.u[a + 1] + 1 - len(movers) * undecided

    jobs = range(instance.num_jobs)
    if instance.objective == "makespan":
        model.C = pyo.Var(domain=pyo.Integers, bounds=(frame.lower, frame.upper), doc="makespan")
        model.complete = pyo.Constraint(jobs, rule=lambda model, j: end(last[j]) <= model.C)
        model.objective = pyo.Objective(expr=model.C)
    else:
        assert instance.due_dates is not None
        assert instance.weights is not None
        due, weight = instance.due_dates.tolist(), instance.weights.tolist()
        model.T = pyo.Var(jobs, domain=pyo.NonNegativeIntegers, doc="tardiness")
        model.complete = pyo.Constraint(jobs, rule=lambda model, j: model.T[j] >= end(last[j]) - due[j])
        model.objective = pyo.Objective(expr=sum(weight[j] * model.T[j] for j in jobs))
    return model


def set_values(model: pyo.ConcreteModel, instance: JobShop, schedule: Schedule) -> None:
    """Give starts, machines and orders the values of a schedule; ranks and objective follow from them."""
    start, machine, finish = schedule.start.tolist(), schedule.machine.tolist(), schedule.end.tolist()
    last = {int(end) - 1 for end in instance.job_offsets[1:]}
    leave = [finish[i] if instance.blocking == "none" or i in last else start[i + 1] for i in range(len(start))]
    for i in model.S:
        model.S[i].set_value(start[i])
    for i, m in model.x:
        model.x[i, m].set_value(int(machine[i] == m))
    for a, b in model.y:
        comes_first = leave[a] <= start[b] and (leave[b] > start[a] or start[a] <= start[b])
        model.y[a, b].set_value(int(comes_first))
    for i, m, begin, stop in model.z:
        model.z[i, m, begin, stop].set_value(int(start[i] >= stop))


def schedule_of(model: pyo.ConcreteModel, instance: JobShop, frame: Frame) -> Schedule | None:
    """Return the earliest schedule of the machines and orders the variables hold; None if there is none."""
    offsets = instance.option_offsets
    choice = np.zeros(instance.num_operations, np.int64)
    for i in range(instance.num_operations):
        held = [pyo.value(model.x[i, m]) for m, _ in instance.options_of(i)]
        choice[i] = int(np.argmax(held))
    machine = instance.option_machine[offsets[:-1] + choice]
    arcs = [
        (a, b) if variable.value > 0.5 else (b, a) for (a, b), variable in model.y.items() if machine[a] == machine[b]
    ]
    before, after = np.array(arcs, np.int64).reshape(-1, 2).T
    start = earliest_starts(instance, offsets[:-1] + choice, before, after, frame.latest)
    return None if start is None else Schedule.from_starts(instance, start, choice)
