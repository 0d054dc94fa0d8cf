"""Random shops of every variant and feasible schedules for them, built without any code of the package's solvers."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Result, SolutionStatus, Termination, TracePoint


def random_shop(rng, *, jobs=3, machines=3, operations=3, name="random", longest=4, **fixed):
    """A shop of random variant; `fixed` pins blocking, objective, is_flexible or has_windows."""
    blocking = fixed.get("blocking", rng.choice(["none", "swap", "no-swap"]))
    shortest = 1 if blocking == "no-swap" else 0
    flexible = fixed.get("is_flexible", rng.random() < 0.4)

    def operation():
        count = int(rng.integers(1, machines + 1)) if flexible else 1
        chosen = rng.choice(machines, size=count, replace=False)
        return [(int(m), int(rng.integers(shortest, longest + 1))) for m in chosen]

    rows = [[operation() for _ in range(rng.integers(1, operations + 1))] for _ in range(jobs)]
    windows = []
    if fixed.get("has_windows", rng.random() < 0.4):
        for _ in range(rng.integers(1, 3)):
            start = int(rng.integers(0, 8))
            windows.append((int(rng.integers(machines)), start, start + int(rng.integers(1, 4))))
    objective = fixed.get("objective", rng.choice(["makespan", "total-weighted-tardiness"]))
    return JobShop.from_jobs(
        name,
        rows,
        num_machines=machines,
        blocking=str(blocking),
        objective=str(objective),
        due_dates=rng.integers(0, 12, jobs) if objective != "makespan" or rng.random() < 0.3 else None,
        weights=rng.integers(0, 4, jobs) if objective != "makespan" and rng.random() < 0.5 else None,
        unavailable=np.array(windows, np.int64).reshape(-1, 3),
    )


def random_schedule(shop, rng):
    """A feasible schedule: jobs in random order, each put as early as it fits after a random moment.

    Occupations of different jobs keep a unit of time apart under "no-swap", so no two jobs ever exchange machines.
    """
    apart = 1 if shop.blocking == "no-swap" else 0
    taken = []  # (machine, start, leave) of earlier jobs
    start = np.zeros(shop.num_operations, np.int64)
    choice = np.zeros(shop.num_operations, np.int64)

    def is_free(machine, begin, leave, end):
        for m, a, b in taken:
            if m == machine and begin < b + apart and a < leave + apart:
                return False
        return all(m != machine or end <= a or b <= begin for m, a, b in shop.unavailable.tolist())

    def place(ops, picks, earliest, limit):
        """Starts of the operations, each as soon as possible; None if none fits before the limit."""
        machine, duration = shop.options_of(ops[0])[picks[0]]
        for begin in range(earliest, limit):
            end = begin + duration
            if len(ops) == 1 or shop.blocking == "none":
                if is_free(machine, begin, end, end):
                    rest = place(ops[1:], picks[1:], end, limit) if len(ops) > 1 else []
                    if rest is not None:
                        return [begin, *rest]
                continue
            rest = place(ops[1:], picks[1:], end, limit) if is_free(machine, begin, end, end) else None
            if rest is not None and is_free(machine, begin, rest[0], end):
                return [begin, *rest]
        return None

    for job in rng.permutation(shop.num_jobs):
        ops = list(range(shop.job_offsets[job], shop.job_offsets[job + 1]))
        picks = [int(rng.integers(len(shop.options_of(i)))) for i in ops]
        latest = max([b for _, _, b in taken] + [int(e) for e in shop.unavailable[:, 2]], default=0)
        starts = place(ops, picks, int(rng.integers(0, 6)), latest + 8)
        if starts is None:  # after everything else
            starts, at = [], latest + 2
            for i, pick in zip(ops, picks, strict=True):
                starts.append(at)
                at += shop.options_of(i)[pick][1]
        for k, i in enumerate(ops):
            start[i], choice[i] = starts[k], picks[k]
            machine, duration = shop.options_of(i)[picks[k]]
            blocks = shop.blocking != "none" and k + 1 < len(ops)
            leave = max(starts[k] + duration, starts[k + 1]) if blocks else starts[k] + duration
            taken.append((machine, starts[k], leave))
    return Schedule.from_starts(shop, start, choice)


def fake_result(instance="a", method="alpha", objective=100.0, *, seed=0, **changes):
    """A Result as `solve` would build it, without a run: fields by hand."""
    shop = instance if isinstance(instance, JobShop) else JobShop.from_jobs(instance, [[(0, 1)]])
    content = shop.content_hash if isinstance(instance, JobShop) else f"hash-of-{instance}"
    held = objective is not None
    result = Result(
        problem="job-shop",
        instance_name=shop.name,
        instance_hash=content,
        method=method,
        method_version=1,
        options={},
        seed=seed,
        time_limit_s=10.0,
        threads=1,
        termination=Termination.TIME,
        solution_status=SolutionStatus.FEASIBLE if held else SolutionStatus.NONE,
        objective=objective,
        claimed_objective=objective,
        bound=None,
        solution=None,
        trace=(TracePoint(1.0, objective, None),) if held else (),
        wall_s=10.0,
        cpu_s=9.0,
        instance=shop if isinstance(instance, JobShop) else None,
    )
    return dataclasses.replace(result, **changes)


@pytest.fixture(scope="session")
def make():
    """The builders above, as one object."""
    return SimpleNamespace(shop=random_shop, schedule=random_schedule, result=fake_result)
