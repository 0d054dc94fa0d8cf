"""A job shop as the plain arrays that compiled kernels read, and their scratch memory."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from counterpoint.opt.problems.job_shop import IntArray, JobShop

FloatArray = npt.NDArray[np.float64]


class ShopArrays(NamedTuple):
    """What the kernels read of an instance; windows sorted by machine, overlapping ones merged.

    ``block_offsets`` [m + 1] gives each machine room for its windows and every operation that may run on it.
    """

    job_offsets: IntArray
    option_offsets: IntArray
    option_machine: IntArray
    option_duration: IntArray
    window_offsets: IntArray
    window_start: IntArray
    window_end: IntArray
    block_offsets: IntArray


class Weights(NamedTuple):
    """How the priority mixes what is only known on the way (see the module's first lines)."""

    ready: float
    duration: float
    noise: float


class Workspace(NamedTuple):
    """Scratch memory of one dispatcher, reused from sample to sample."""

    next_op: IntArray  # [n] next operation of each job
    ready: IntArray  # [n] when it may start
    free: IntArray  # [m] end of the last operation on each machine
    option: IntArray  # [n] the option its next operation would take
    begin: IntArray  # [n] and when it would start there
    machine: IntArray  # [n] machine and duration of the next operation (shops without options and windows)
    duration: IntArray  # [n]
    block_count: IntArray  # [m] blocks in use (insert scheme)
    block_start: IntArray  # sorted blocks of each machine from block_offsets on
    block_end: IntArray


def arrays_of(instance: JobShop) -> ShopArrays:
    """Return the kernels' view of an instance; O(P + U log U)."""
    windows = merged_windows(instance)
    window_offsets = np.searchsorted(windows[:, 0], np.arange(instance.num_machines + 1)).astype(np.int64)
    room = np.bincount(instance.option_machine, minlength=instance.num_machines) + np.diff(window_offsets)
    return ShopArrays(
        instance.job_offsets,
        instance.option_offsets,
        instance.option_machine,
        instance.option_duration,
        window_offsets,
        np.ascontiguousarray(windows[:, 1]),
        np.ascontiguousarray(windows[:, 2]),
        np.r_[0, np.cumsum(room)].astype(np.int64),
    )


def merged_windows(instance: JobShop) -> IntArray:
    """Return the windows [U', 3] sorted by machine and start, overlapping ones merged.

    Windows that only touch stay apart: an operation of duration zero may run at the instant between them.
    """
    merged: list[list[int]] = []
    for machine, start, end in sorted(instance.unavailable.tolist()):
        if merged and merged[-1][0] == machine and start < merged[-1][2]:
            merged[-1][2] = max(merged[-1][2], end)
        else:
            merged.append([machine, start, end])
    return np.array(merged, np.int64).reshape(-1, 3)


def workspace(arrays: ShopArrays) -> Workspace:
    """Return scratch memory for one dispatcher."""
    n, m = len(arrays.job_offsets) - 1, len(arrays.window_offsets) - 1
    sizes = (n, n, m, n, n, n, n, m, int(arrays.block_offsets[-1]), int(arrays.block_offsets[-1]))
    return Workspace(*(np.zeros(size, np.int64) for size in sizes))
