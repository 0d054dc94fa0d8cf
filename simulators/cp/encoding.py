"""A scheduling problem as interval variables and three constraints, which is all that the CP-guided agent knows of it.

Source: Tassel, Gebser and Schekotihin 2023 (ICAPS 33:614-622): a job shop is a set of interval variables under
end-before-start and no-overlap constraints; whoever states another problem in them needs no new code. Added here:

- alternatives: an interval is one of several optional intervals, each with its own resource and duration;
- end-at-start: an interval lasts until its successor starts, so that a job holds its machine while it waits.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """N interval variables in n chains, P optional intervals on m resources.

    The intervals of a chain follow one another (end-before-start); a decision fixes the start of a chain's next one.

    Parameters
    ----------
    chain_offsets : int64 array [n + 1]
        Intervals of chain j are ``chain_offsets[j] : chain_offsets[j + 1]``; at least one.
    option_offsets : int64 array [N + 1]
        Optional intervals of interval i (exactly one is present) are ``option_offsets[i] : option_offsets[i + 1]``.
    resource, duration : int64 array [P]
        No two intervals that are present on one resource overlap.
    is_held : bool array [N]
        The interval keeps its resource until its successor starts (end-at-start); not where a chain ends.

    Raises
    ------
    InstanceError
        If the arrays do not describe a problem.
    """

    chain_offsets: IntArray
    option_offsets: IntArray
    resource: IntArray
    duration: IntArray
    is_held: BoolArray

    def __post_init__(self) -> None:
        n, count = self.num_chains, self.num_intervals
        if n < 1 or self.chain_offsets[0] != 0 or self.chain_offsets[-1] != count:
            raise InstanceError(f"chain_offsets must run from 0 to {count}")
        if self.option_offsets[0] != 0 or self.option_offsets[-1] != len(self.resource):
            raise InstanceError(f"option_offsets must run from 0 to {len(self.resource)}")
        if (np.diff(self.chain_offsets) < 1).any() or (np.diff(self.option_offsets) < 1).any():
            raise InstanceError("every chain needs an interval, every interval an option")
        if self.duration.shape != self.resource.shape or min(self.duration.min(), self.resource.min()) < 0:
            raise InstanceError("resource and duration must be vectors of one length, without negative numbers")
        if self.is_held.shape != (count,) or self.is_held[self.chain_offsets[1:] - 1].any():
            raise InstanceError("is_held needs one truth value per interval, False where a chain ends")
        if self.is_held.any() and (self.width > 1 or self.duration.min() == 0):
            raise InstanceError("held resources are understood only without alternatives and with durations >= 1")

    @property
    def num_chains(self) -> int:
        """Number of chains n."""
        return len(self.chain_offsets) - 1

    @property
    def num_intervals(self) -> int:
        """Number of interval variables N."""
        return len(self.option_offsets) - 1

    @property
    def num_resources(self) -> int:
        """Number of resources m."""
        return int(self.resource.max()) + 1

    @property
    def width(self) -> int:
        """Most options of any interval: the rows that each chain takes in an observation."""
        return int(np.diff(self.option_offsets).max())
