"""Planning by simulation for interrupted job shops, compiled: roll-outs over sampled futures, and search over plans.

`roll_out` is the roll-out algorithm (Bertsekas, Tsitsiklis and Wu 1997, Journal of Heuristics 3:245-262): each action
is judged by the mean makespan when a base policy goes on after it, over futures drawn from what is known now; all
actions meet the same futures. Actions that are clearly worse than the best drop out early.

`search` is simulated annealing where the future is known (q = 0). A plan is a key for every operation that has not
started, added to the base policy's score of the operation whenever it is a candidate; a step draws one to three keys
anew.
"""

from typing import Any

import numpy as np
from numba import njit

from counterpoint.simulators.batched.interrupted_job_shop_candidates import FEATURES, coming_step
from counterpoint.simulators.batched.interrupted_job_shop_kernels import (
    BEGUN,
    BUSY,
    CLOCK,
    DOWN,
    DUE,
    FAILURES,
    FAR,
    HELD,
    JOB_COLUMNS,
    MACHINE_COLUMNS,
    OUT,
    STATUS,
    UNTIL,
    WORK,
    due_at,
    enter,
)
from counterpoint.simulators.batched.interrupted_job_shop_play import play
from counterpoint.simulators.splitmix import uniform

GEOMETRIC, UNIFORM, FIXED = 0, 1, 2  # distributions of repair times
LOOK_EVERY = 8  # futures between two looks at who drops out
CLEARLY = 2.0  # standard errors


@njit(cache=True)
def geometric(probability: float, random: Any) -> int:  # pragma: no cover
    """Draw the number of trials up to the first success; `FAR` if there never is one."""
    if probability >= 1:
        return 1
    if probability <= 0:
        return FAR
    drawn = np.ceil(np.log(uniform(random) + 1e-300) / np.log1p(-probability))
    return int(min(max(drawn, 1.0), 2.0**30))


@njit(cache=True)
def draw_repair(kind: int, mean: int, elapsed: int, random: Any) -> int:  # pragma: no cover
    """Draw what is left of a repair that has lasted `elapsed`."""
    if kind == GEOMETRIC:
        return geometric(1 / mean, random)
    if kind == UNIFORM:
        room = max(2 * mean - 1 - elapsed, 1)
        return 1 + min(int(uniform(random) * room), room - 1)
    return max(mean - elapsed, 1)


@njit(cache=True)
def draw_future(
    table: Any, left: Any, elapsed: Any, probability: float, kind: int, repair_mean: int, is_resumed: bool, random: Any,
    failure: Any, repair: Any, machines: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Draw what may happen from now on, given what is known now.

    Up-times are geometric, so one that is running is as long again as a new one; a repair that is running goes on for
    what its distribution says. `table` [m, 10] is the present state, of which `left` [m] says the work left and
    `elapsed` [m] for how long a machine has been down; traces [m, L] and the state `machines` [m, 10] are written.
    """
    m, periods = failure.shape
    for k in range(m):
        row = machines[k]
        row[:] = table[k]
        at, i = row[CLOCK], 0
        if row[DOWN]:
            failure[k, 0], repair[k, 0] = at, draw_repair(kind, repair_mean, elapsed[k], random)
            at += repair[k, 0]
            i = 1
        row[FAILURES], row[UNTIL] = i, at if row[DOWN] else 0
        first = at
        while i < periods:
            at += geometric(probability, random)
            failure[k, i], repair[k, i] = at, draw_repair(kind, repair_mean, 0, random)
            at += repair[k, i]
            i += 1
        failure[k, periods - 1] = max(at, FAR)
        if row[BUSY]:
            row[BEGUN] = row[CLOCK] - (row[WORK] - left[k])
            row[DUE] = due_at(first, row[FAILURES], left[k], row[WORK], failure[k], repair[k], is_resumed)


@njit(cache=True)
def roll_out(
    jobs: Any, table: Any, left: Any, elapsed: Any, time: int, k: int, actions: Any, machine: Any, duration: Any,
    length: Any, tail: Any, mean: float, risk: Any, probability: float, kind: int, repair_mean: int, periods: int,
    futures: int, is_always: bool, is_resumed: bool, waiting: bool, rule: int, weights: Any, random: Any,
) -> tuple[int, int]:  # pragma: no cover  # fmt: skip
    """Return the action for machine k (a job, or n to wait) of the least mean makespan, and the simulations done.

    Of equals the first of `actions` is taken.
    """
    n, most = machine.shape
    m = len(table)
    failure, repair = np.empty((m, periods), np.int64), np.empty((m, periods), np.int64)
    drawn = np.empty((m, MACHINE_COLUMNS), np.int64)
    here, there = np.empty((n, JOB_COLUMNS), np.int64), np.empty((m, MACHINE_COLUMNS), np.int64)
    found, scratch = np.empty(n + 1, np.int64), np.empty((3, m), np.int64)
    features, scores, keys = np.zeros((n + 1, FEATURES), np.float32), np.empty(n + 1), np.zeros((n, most + 1))
    h1, h2 = np.empty(len(weights[1]), np.float32), np.empty(len(weights[3]), np.float32)
    begun, ended, reading = np.empty((n, most), np.int64), np.empty((n, most), np.int64), np.empty((n, most), np.int64)
    cost, is_in = np.zeros((len(actions), futures)), np.ones(len(actions), np.bool_)
    best, simulations = 0, 0
    for f in range(futures):
        draw_future(
            table, left, elapsed, probability, kind, repair_mean, is_resumed, random, failure, repair, drawn
        )  # fmt: skip
        for a in range(len(actions)):
            if not is_in[a]:
                continue
            here[:] = jobs
            there[:] = drawn
            if actions[a] == n:
                there[k, HELD] = 1
            else:
                enter(here, there, actions[a], time, duration, failure, repair, is_resumed, begun, reading)
            cost[a, f] = play(
                here, there, time, machine, duration, length, tail, mean, risk, failure, repair, is_always, is_resumed,
                waiting, rule, weights, keys, 0.0, random, found, scratch, features, scores, h1, h2, begun, ended,
                reading, FAR,
            )  # fmt: skip
            simulations += 1
        seen = f + 1
        if seen == futures or seen % LOOK_EVERY == 0:
            least = np.inf
            for a in range(len(actions)):
                if is_in[a] and cost[a, :seen].mean() < least:
                    best, least = a, cost[a, :seen].mean()
            alive = 0
            for a in range(len(actions)):
                if a != best and is_in[a]:
                    excess = cost[a, :seen] - cost[best, :seen]
                    is_in[a] = excess.mean() <= CLEARLY * excess.std() / np.sqrt(seen)
                    alive += is_in[a]
            if alive == 0:
                break
    return actions[best], simulations


@njit(cache=True)
def search(
    jobs: Any, table: Any, time: int, machine: Any, duration: Any, length: Any, tail: Any, mean: float, risk: Any,
    failure: Any, repair: Any, waiting: bool, rule: int, weights: Any, keys: Any, spread: float, heat: float,
    steps: int, random: Any,
) -> int:  # pragma: no cover  # fmt: skip
    """Improve `keys` float64 [n, K + 1] in place by `steps` simulations where no machine fails; return the makespan.

    New keys have a Gumbel distribution of scale `spread`. A plan that is worse than the present one is accepted if its
    excess is below an exponential variable whose mean falls from `heat` times the makespan to 0.
    """
    n, most = machine.shape
    m = len(table)
    here, there = np.empty((n, JOB_COLUMNS), np.int64), np.empty((m, MACHINE_COLUMNS), np.int64)
    found, scratch = np.empty(n + 1, np.int64), np.empty((3, m), np.int64)
    features, scores = np.zeros((n + 1, FEATURES), np.float32), np.empty(n + 1)
    h1, h2 = np.empty(len(weights[1]), np.float32), np.empty(len(weights[3]), np.float32)
    begun, ended, reading = np.empty((n, most), np.int64), np.empty((n, most), np.int64), np.empty((n, most), np.int64)
    open_, count = np.empty((n * most, 2), np.int64), 0  # operations that have not started
    for j in range(n):
        if jobs[j, STATUS] != OUT:
            for s in range(coming_step(jobs, j), length[j]):
                open_[count, 0], open_[count, 1] = j, s
                count += 1
    present, trial = keys.copy(), keys.copy()
    worth = best = FAR
    for attempt in range(steps):
        limit = FAR
        if attempt > 0:
            trial[:] = present
            for _ in range(1 + int(3 * uniform(random))):
                o = int(uniform(random) * count)
                trial[open_[o, 0], open_[o, 1]] = -spread * np.log(-np.log(uniform(random) + 1e-300) + 1e-300)
            excess = -heat * (1 - attempt / steps) * worth * np.log(uniform(random) + 1e-300)
            limit = int(worth + excess) + 1
        here[:] = jobs
        there[:] = table
        makespan = play(
            here, there, time, machine, duration, length, tail, mean, risk, failure, repair, True, True, waiting, rule,
            weights, trial, 0.0, random, found, scratch, features, scores, h1, h2, begun, ended, reading, limit,
        )  # fmt: skip
        if makespan < limit:
            worth = makespan
            present[:] = trial
            if makespan < best:
                best = makespan
                keys[:] = trial
    return best
