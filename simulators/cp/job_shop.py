"""Job shops in the encoding: classical, flexible, and blocking with swap."""

import numpy as np

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.simulators.cp.encoding import Encoding, IntArray


def encode(shop: JobShop) -> Encoding:
    """State a job shop as chains of intervals; chains are jobs, resources machines, alternatives options.

    Blocking with swap is end-at-start: on half-open intervals jobs may exchange machines at one instant.

    Raises
    ------
    UnsupportedError
        For blocking without swap, blocking with options or with durations of zero, and machine windows.

    Examples
    --------
    >>> encode(JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4)]])).num_intervals
    3
    """
    if shop.blocking == "no-swap":
        raise UnsupportedError("the CP encoding knows no order of moves; use blocking='swap'")
    if shop.blocking == "swap" and (shop.is_flexible or shop.option_duration.min() == 0):
        raise UnsupportedError("the CP encoding takes blocking only without options and with durations >= 1")
    if len(shop.unavailable):
        raise UnsupportedError("the CP encoding knows no windows of unavailability")
    is_held = np.full(shop.num_operations, shop.blocking == "swap")
    is_held[shop.job_offsets[1:] - 1] = False
    return Encoding(shop.job_offsets, shop.option_offsets, shop.option_machine, shop.option_duration, is_held)


def decode(shop: JobShop, start: IntArray, option: IntArray) -> Schedule:
    """Return the schedule of start times [N] and options present [N] (of all P)."""
    return Schedule.from_starts(shop, start, option - shop.option_offsets[:-1])
