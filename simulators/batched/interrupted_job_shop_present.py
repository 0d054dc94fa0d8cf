"""What the reference simulator shows of an interrupted job shop, as the tables the compiled simulator goes on from."""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.interrupted_job_shop import IntArray, InterruptedJobShop, Observation
from counterpoint.simulators.batched.interrupted_job_shop_kernels import (
    BEGUN,
    BLOCKED,
    BUSY,
    CLOCK,
    DOWN,
    DUE,
    FAR,
    JOB_COLUMNS,
    MACHINE_COLUMNS,
    OCCUPANT,
    PLACE,
    PROCESSING,
    SINCE,
    SOURCE,
    STATUS,
    STEP,
    WANT,
    WORK,
)

STATES = ("source", "processing", "blocked", "out")  # numbered as in the kernels


@dataclass(frozen=True, slots=True)
class Constants:
    """What of an instance does not change.

    Parameters
    ----------
    machine, duration : int64 array [n, K]
    length : int64 array [n]
    tail : int64 array [n, K + 1]
        Work of each job from operation k on.
    mean : float
        Mean duration, at least 1.
    risk : float array [2]
        Shutdown probability times the mean duration, and mean downtime per unit of up-time.
    """

    machine: IntArray
    duration: IntArray
    length: IntArray
    tail: IntArray
    mean: float
    risk: np.ndarray

    @classmethod
    def of(cls, instance: InterruptedJobShop) -> "Constants":
        """Compute from an instance, with the same rounding as `interrupted_job_shop_graph.Statics`."""
        shop = instance.shop
        length = np.diff(shop.job_offsets).astype(np.int64)
        n, most = shop.num_jobs, int(length.max())
        machine, duration = np.zeros((n, most), np.int64), np.zeros((n, most), np.int64)
        within = np.arange(shop.num_operations) - shop.job_offsets[shop.job_of]
        machine[shop.job_of, within], duration[shop.job_of, within] = shop.machine, shop.duration
        tail = np.zeros((n, most + 1), np.int64)
        tail[:, :most] = duration[:, ::-1].cumsum(1)[:, ::-1]
        mean = max(np.float32(duration.sum()) / np.float32(length.sum()), np.float32(1))
        q = instance.shutdown_probability
        risk = np.array([q * float(mean), q * instance.repair_mean]).astype(np.float32).astype(np.float64)
        return cls(machine, duration, length, tail, float(mean), risk)


def tables(constants: Constants, seen: Observation) -> tuple[IntArray, IntArray, IntArray]:
    """Return the present state: ``jobs`` [n, 5], ``machines`` [m, 10] as if nothing failed again, work left [m].

    A machine's own clock reads the shop's time, whatever it counts: only differences matter from here on.
    """
    n, m = len(seen.job_state), len(seen.occupant)
    jobs, machines = np.zeros((n, JOB_COLUMNS), np.int64), np.zeros((m, MACHINE_COLUMNS), np.int64)
    left = np.zeros(m, np.int64)
    for j, name in enumerate(seen.job_state):
        status, step = STATES.index(name), seen.operation[j]
        want = m
        if status in (SOURCE, BLOCKED):
            want = int(constants.machine[j, step + (status == BLOCKED)])
        place = m if seen.job_machine[j] < 0 else seen.job_machine[j]
        jobs[j, [STATUS, STEP, PLACE, WANT, SINCE]] = status, step, place, want, seen.since[j]
    machines[:, CLOCK], machines[:, DUE], machines[:, OCCUPANT] = seen.time, FAR, n
    machines[:, DOWN] = seen.is_down
    for k, j in enumerate(seen.occupant):
        if j < 0:
            continue
        machines[k, OCCUPANT] = j
        if jobs[j, STATUS] == PROCESSING:
            left[k], work = seen.remaining[j], int(constants.duration[j, seen.operation[j]])
            machines[k, [BUSY, WORK, DUE, BEGUN]] = 1, work, seen.time + left[k], seen.time - (work - left[k])
    return jobs, machines, left
