"""Describing partial schedules as compiled loops, for CPU: what torch does in some forty passes, in one.

All arrays are views of tensors; the features are those of `job_shop_graph.NodeFeatures`, number for number.
"""

from typing import Any

import numpy as np
from numba import njit

NEVER = np.int64(2**62)


@njit(cache=True)
def describe(
    length: Any,
    machine: Any,
    duration: Any,
    count: Any,
    work: Any,
    share: Any,
    least: Any,
    rest: Any,
    step: Any,
    begin: Any,
    free: Any,
    end: Any,
    option: Any,
    operation_out: Any,
    job_out: Any,
    machine_out: Any,
) -> None:  # pragma: no cover
    """Write the features that change; O(B n K O).

    Parameters
    ----------
    length : int64 [B, n]; machine, duration, count : int64 [B, n, K, O], of which `count` [B, n, K] options are real.
    work, share : float32 [B, n, K, O]
        What each option adds to its machine's work and operations to come.
    least : int64 [B, n, K]; rest : float32 [B, n, K + 1]
    step, begin, free, end, option : of the partial schedules, [B, n], [B, n, O], [B, m], [B, n, K] and [B, n, K].
    operation_out, job_out, machine_out : float32 [B, n, K, 5], [B, n, 3] and [B, m, 3]
    """  # fmt: skip
    batch, jobs, _, options = machine.shape
    for b in range(batch):
        now = NEVER
        for j in range(jobs):
            for o in range(options):
                now = min(now, begin[b, j, o])
        if now >= NEVER:
            now = free[b].max()
        for m in range(len(free[b])):
            machine_out[b, m, 0] = free[b, m] - now
            machine_out[b, m, 1] = 0
            machine_out[b, m, 2] = 0
        for j in range(jobs):
            done, real = step[b, j], length[b, j]
            for k in range(done):
                operation_out[b, j, k, 0] = 1
                operation_out[b, j, k, 1] = 0
                operation_out[b, j, k, 2] = (
                    end[b, j, k] - duration[b, j, k, option[b, j, k] if options > 1 else 0] - now
                )
            first = NEVER
            for o in range(options):
                first = min(first, begin[b, j, o])
            # earliest start = longest way: after the operation before, and when the first of its machines is free
            at = first
            for k in range(done, real):
                others = count[b, j, k] if options > 1 else 1  # classical shops have no option but the first
                m = machine[b, j, k, 0]
                if k > done:
                    soonest = free[b, m]
                    for o in range(1, others):
                        soonest = min(soonest, free[b, machine[b, j, k, o]])
                    at = max(at, soonest)
                operation_out[b, j, k, 0] = 0
                operation_out[b, j, k, 1] = k == done
                operation_out[b, j, k, 2] = at - now
                at += least[b, j, k]
                machine_out[b, m, 1] += work[b, j, k, 0]
                machine_out[b, m, 2] += share[b, j, k, 0]
                for o in range(1, others):
                    machine_out[b, machine[b, j, k, o], 1] += work[b, j, k, o]
                    machine_out[b, machine[b, j, k, o], 2] += share[b, j, k, o]
            job_out[b, j, 0] = first - now if done < real else 0
            job_out[b, j, 1] = rest[b, j, done]
            job_out[b, j, 2] = real - done
