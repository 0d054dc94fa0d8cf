"""Completing a job-shop schedule whose beginning is fixed: CP-SAT within a deterministic effort, then compression.

What Tassel, Gebser and Schekotihin 2023 ask of IBM's CP Optimizer to guide their agent. One worker and a limit of
deterministic time, so that the same call gives the same schedule on any machine, busy or not.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from ortools.sat.python import cp_model

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.cp_sat.job_shop_model import build

BoolArray = npt.NDArray[np.bool_]


def complete(
    shop: JobShop, known: Schedule, is_fixed: BoolArray, earliest: IntArray, *, effort: float, seed: int = 0
) -> Schedule:
    """Keep the fixed operations of a schedule where they are, and make the rest as short as the effort allows.

    Parameters
    ----------
    shop : JobShop
        Makespan; classical, flexible, or blocking with swap.
    known : Schedule
        In instance order and feasible; the search starts from it and never returns a longer one.
    is_fixed : bool array [N]
        Operations that keep start and machine.
    earliest : int64 array [N]
        No other operation starts before this; `known` must respect it.
    effort : float
        CP-SAT's deterministic time, roughly seconds of one core; 0 only compresses.
    seed : int

    Returns
    -------
    Schedule
        Compressed: with its machines' orders and options as they are, every operation starts as early as it can.

    Raises
    ------
    UnsupportedError
        For tardiness, windows of unavailability, and blocking without swap.
    """
    if shop.objective != "makespan" or len(shop.unavailable) or shop.blocking == "no-swap":
        raise UnsupportedError("only makespans of shops without windows, with no blocking or with swap, are completed")
    if effort < 0:
        raise OptionError(f"effort must be >= 0, not {effort}")
    if np.any(known.start[~is_fixed] < earliest[~is_fixed]):
        raise ValueError("the known schedule starts an operation before its earliest time")
    found = known
    if effort > 0 and not is_fixed.all() and best_bound(shop) < known.makespan:
        found = _search(shop, known, is_fixed, earliest, effort, seed)
    return compress(shop, found, is_fixed, earliest)


def _search(
    shop: JobShop, known: Schedule, is_fixed: BoolArray, earliest: IntArray, effort: float, seed: int
) -> Schedule:
    """Return the best completion found, or `known`."""
    model = build(shop, known, known.makespan, best_bound(shop))
    for i in np.flatnonzero(is_fixed).tolist():
        model.cp.add(model.start[i] == int(known.start[i]))
        for position, machine, _, present in model.options(i):
            if present is not None:
                model.cp.add(present == int(position == model.known_option[i]))
                assert (machine == known.machine[i]) == (position == model.known_option[i])
    for i in np.flatnonzero(~is_fixed & (earliest > 0)).tolist():
        model.cp.add(model.start[i] >= int(earliest[i]))
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = (
        False  # its handler leaves SIGINT at its default: the next Ctrl-C would kill the process
    )
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    # not the stronger propagation of `job_shop`: deterministic time does not count it (2 units were 17 CPU-s)
    solver.parameters.linearization_level = 0
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(model.cp)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        if status != cp_model.UNKNOWN:
            raise ValueError(f"no such completion exists: CP-SAT says {solver.status_name(status)}")
        return known
    choice = None
    if shop.is_flexible:
        choice = [
            next(k for k, (_, _, _, x) in enumerate(model.options(i)) if x is None or solver.value(x))
            for i in range(shop.num_operations)
        ]
    return Schedule.from_starts(shop, [solver.value(start) for start in model.start], choice)


def compress(shop: JobShop, known: Schedule, is_fixed: BoolArray, earliest: IntArray) -> Schedule:
    """Start every operation that is not fixed as early as it can, machines' orders and options being kept.

    All constraints left are of the form s_v >= s_u + length, so one schedule is earliest for all operations at once: it
    has the least sum of starts, which the paper asks a second search for. O(N) sweeps of the constraints at worst; one
    without blocking.
    """
    order = np.lexsort((np.arange(len(known.job)), known.end, known.start)).tolist()
    duration = (known.end - known.start).tolist()
    ends_job = set((shop.job_offsets[1:] - 1).tolist())
    starts_job = set(shop.job_offsets[:-1].tolist())
    before: dict[int, int] = {}  # on the same machine
    for machine in np.unique(known.machine):
        before |= {v: u for u, v in pairwise(i for i in order if known.machine[i] == machine)}
    start = [int(s) if fixed else int(e) for s, e, fixed in zip(known.start, earliest, is_fixed, strict=True)]
    free = [i for i in order if not is_fixed[i]]
    is_moved = True
    while is_moved:
        is_moved = False
        for i in free:
            at = start[i] if i in starts_job else max(start[i], start[i - 1] + duration[i - 1])
            if i in before:
                u = before[i]
                at = max(at, start[u] + duration[u])
                if shop.blocking == "swap" and u not in ends_job and u + 1 != i:
                    at = max(at, start[u + 1])
            is_moved |= at > start[i]
            start[i] = at
    begin = np.array(start, dtype=np.int64)
    return Schedule(known.job, known.operation, known.machine, begin, begin + known.end - known.start)
