"""Episodes of interrupted job shops played to their end by priorities, compiled: thousands a second on one core.

At each decision every candidate has a score: a dispatching rule's or a small network's, plus the key of its operation,
plus noise. The greatest decides; where that is a job that is only coming, the machine waits.
"""

from typing import Any

import numpy as np
from numba import njit

from counterpoint.simulators.batched.interrupted_job_shop_candidates import (
    FEATURES,
    candidates,
    coming_step,
    describe,
)
from counterpoint.simulators.batched.interrupted_job_shop_kernels import (
    DUE,
    FAR,
    HELD,
    JOB_COLUMNS,
    MACHINE_COLUMNS,
    OCCUPANT,
    OUT,
    PLACE,
    SINCE,
    SOURCE,
    STATUS,
    WANT,
    advance,
    enter,
    work_left,
)
from counterpoint.simulators.splitmix import uniform

SPT, LPT, MWKR, LWKR, MOPNR, FIFO, FDD_MWKR, LRM, SRM, NONE, NETWORK = range(11)  # what gives the score
WAITING_COST = 0.3  # of waiting for a job, in a rule's score, whose range over the candidates is 1
PATIENCE = 2.0  # by how much a network's score of waiting is less: an untrained one rarely waits


@njit(cache=True)
def rule_score(rule: int, jobs: Any, j: int, duration: Any, length: Any, tail: Any) -> float:  # pragma: no cover
    """Priority of job j's coming operation by a dispatching rule, greatest first; in units of work, jobs or time."""
    step = coming_step(jobs, j)
    own, rest = float(duration[j, step]), float(tail[j, step])
    score = 0.0
    if rule == SPT:
        score = -own
    elif rule == LPT:
        score = own
    elif rule == MWKR:
        score = rest
    elif rule == LWKR:
        score = -rest
    elif rule == MOPNR:
        score = float(length[j] - step)
    elif rule == FIFO:
        score = -float(jobs[j, SINCE])
    elif rule == FDD_MWKR:
        score = -(float(tail[j, 0]) - rest + own) / rest if rest else -np.inf
    elif rule == LRM:
        score = rest - own
    elif rule == SRM:
        score = own - rest
    return score


@njit(cache=True, fastmath=True, error_model="numpy")
def network_scores(
    features: Any, eligible: int, count: int, w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, h1: Any, h2: Any, scores: Any
) -> None:  # pragma: no cover
    """Score candidates by a network of two hidden layers of rectifiers."""
    for c in range(count):
        h1[:] = b1
        for i in range(w1.shape[0]):
            x = features[c, i]
            if x != 0:
                for o in range(w1.shape[1]):
                    h1[o] += x * w1[i, o]
        h2[:] = b2
        for i in range(w2.shape[0]):
            x = h1[i]
            if x > 0:
                for o in range(w2.shape[1]):
                    h2[o] += x * w2[i, o]
        score = np.float32(0)
        for o in range(w2.shape[1]):
            score += max(h2[o], np.float32(0)) * w3[o]
        scores[c] = score - (PATIENCE if c >= eligible else 0.0)


@njit(cache=True)
def choose(
    jobs: Any, machines: Any, time: int, k: int, may_wait: bool, machine: Any, duration: Any, length: Any, tail: Any,
    mean: float, risk: Any, failure: Any, repair: Any, is_resumed: bool, rule: int, weights: Any, keys: Any,
    temperature: float, random: Any, found: Any, scratch: Any, features: Any, scores: Any, h1: Any, h2: Any,
) -> tuple[int, int, int]:  # pragma: no cover  # fmt: skip
    """Return the best candidate's number, how many may enter, and how many there are; `scores` [n] are written."""
    eligible, count = candidates(jobs, machines, k, machine, length, may_wait, found)
    if rule == NETWORK:
        describe(
            jobs, machines, time, k, found, eligible, count, machine, duration, length, tail, mean, risk, failure,
            repair, is_resumed, scratch[0], scratch[1], scratch[2], features,
        )  # fmt: skip
        network_scores(
            features, eligible, count, weights[0], weights[1], weights[2], weights[3], weights[4], h1, h2, scores
        )
    else:
        low, high = np.inf, -np.inf
        for c in range(eligible if found[count - 1] == len(jobs) else count):
            scores[c] = rule_score(rule, jobs, found[c], duration, length, tail)
            low, high = min(low, scores[c]), max(high, scores[c])
        scale = 1.0 / (high - low) if high > low > -np.inf else 1.0
        for c in range(count):
            j = found[c]
            if j == len(jobs):
                scores[c] = -np.inf
                continue
            scores[c] = (rule_score(rule, jobs, j, duration, length, tail) - high) * scale
            if c >= eligible:  # one that is coming pays for the time until then
                place = jobs[j, PLACE]
                left = work_left(machines[place], failure[place], repair[place], is_resumed)
                scores[c] -= WAITING_COST + left / mean
    best, most = 0, -np.inf
    for c in range(count):
        j = found[c]
        value = scores[c]
        if j < len(jobs):
            value += keys[j, coming_step(jobs, j)]
        if temperature > 0:
            value -= temperature * np.log(-np.log(uniform(random) + 1e-300))
        if value > most:
            best, most = c, value
    return best, eligible, count


@njit(cache=True)
def play(
    jobs: Any, machines: Any, time: int, machine: Any, duration: Any, length: Any, tail: Any, mean: float, risk: Any,
    failure: Any, repair: Any, is_always: bool, is_resumed: bool, waiting: bool, rule: int, weights: Any, keys: Any,
    temperature: float, random: Any, found: Any, scratch: Any, features: Any, scores: Any, h1: Any, h2: Any,
    start: Any, end: Any, reading: Any, limit: int,
) -> int:  # pragma: no cover  # fmt: skip
    """Play one shop to its end from where it is and return the makespan; `FAR` as soon as it cannot be below limit."""
    m = len(machines)
    while True:
        time, k, may_wait, stuck = advance(
            jobs, machines, time, machine, duration, length, failure, repair, is_always, is_resumed, waiting, start,
            end, reading,
        )  # fmt: skip
        if stuck or time >= limit:
            return FAR
        if k == m:
            return time
        best, eligible, _ = choose(
            jobs, machines, time, k, may_wait, machine, duration, length, tail, mean, risk, failure, repair, is_resumed,
            rule, weights, keys, temperature, random, found, scratch, features, scores, h1, h2,
        )  # fmt: skip
        if best >= eligible:
            machines[k, HELD] = 1
        else:
            enter(jobs, machines, found[best], time, duration, failure, repair, is_resumed, start, reading)


@njit(cache=True)
def begin(jobs: Any, machines: Any, machine: Any, length: Any) -> None:  # pragma: no cover
    """Put every job in the source."""
    n, m = len(jobs), len(machines)
    jobs[:] = 0
    machines[:] = 0
    for j in range(n):
        jobs[j, STATUS] = SOURCE if length[j] > 0 else OUT
        jobs[j, PLACE], jobs[j, WANT] = m, machine[j, 0] if length[j] > 0 else m
    machines[:, OCCUPANT], machines[:, DUE] = n, FAR


@njit(cache=True)
def play_all(
    machine: Any, duration: Any, length: Any, tail: Any, mean: Any, risk: Any, failure: Any, repair: Any,
    is_always: bool, is_resumed: bool, waiting: bool, rule: int, weights: Any, temperature: float, random: Any,
    times: int, makespan: Any, start: Any, kept_features: Any, kept_count: Any, kept_choice: Any, kept_row: Any,
    share: float,
) -> int:  # pragma: no cover  # fmt: skip
    """Play every shop `times` times from the beginning; row b * times + t is play t of shop b.

    `random` uint64 [B times] holds a splitmix64 state for each play. Decisions are kept with probability `share` until
    the arrays are full; returns how many. `makespan` [B times], `start` [B times or 0, n, K].
    """
    shops, n, most = machine.shape
    m = failure.shape[1]
    jobs, machines = np.empty((n, JOB_COLUMNS), np.int64), np.empty((m, MACHINE_COLUMNS), np.int64)
    found, scratch = np.empty(n + 1, np.int64), np.empty((3, m), np.int64)
    features, scores = np.zeros((n + 1, FEATURES), np.float32), np.empty(n + 1)
    h1, h2 = np.empty(len(weights[1]), np.float32), np.empty(len(weights[3]), np.float32)
    keys = np.zeros((n, most + 1))
    begun, ended = np.zeros((n, most), np.int64), np.zeros((n, most), np.int64)
    reading = np.zeros((n, most), np.int64)
    kept = 0
    for row in range(shops * times):
        b = row // times
        begin(jobs, machines, machine[b], length[b])
        word = random[row : row + 1]
        time = 0
        while True:
            time, k, may_wait, _ = advance(
                jobs, machines, time, machine[b], duration[b], length[b], failure[b], repair[b], is_always, is_resumed,
                waiting, begun, ended, reading,
            )  # fmt: skip
            if k == m:
                break
            best, eligible, count = choose(
                jobs, machines, time, k, may_wait, machine[b], duration[b], length[b], tail[b], mean[b], risk[b],
                failure[b], repair[b], is_resumed, rule, weights, keys, temperature, word, found, scratch, features,
                scores, h1, h2,
            )  # fmt: skip
            if count > 1 and kept < len(kept_count) and uniform(word) < share:
                kept_features[kept, :count] = features[:count]
                kept_count[kept], kept_choice[kept], kept_row[kept] = count, best, row
                kept += 1
            if best >= eligible:
                machines[k, HELD] = 1
            else:
                enter(jobs, machines, found[best], time, duration[b], failure[b], repair[b], is_resumed, begun, reading)
        makespan[row] = time
        if len(start):
            start[row] = begun
    return kept
