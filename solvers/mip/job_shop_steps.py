"""Columns of the time-indexed model: one step per option and possible start, found by (option, time)."""

import numpy as np

from counterpoint.opt.problems.job_shop import IntArray, JobShop
from counterpoint.solvers.mip.model import Columns, FloatArray


def ranges(low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Flatten the integer ranges low[k]..high[k], both ends included; empty where high < low.

    Returns
    -------
    index, value : int64 array
        Which range, and the integer.

    Examples
    --------
    >>> index, value = ranges(np.array([3, 8, 5]), np.array([4, 7, 5]))
    >>> index.tolist(), value.tolist()
    ([0, 0, 2], [3, 4, 5])
    """
    count = np.maximum(np.asarray(high) - low + 1, 0)
    index = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return index, np.arange(len(index)) - begin[index] + np.asarray(low)[index]


class Steps:
    """z[o, t] = 1 if option o has started by t, for all t: a column, the constant 0 or the constant 1.

    Starts that meet a window of the machine have no column of their own. The only option of an operation has
    started by its latest start, so its last step is the constant 1.

    Attributes
    ----------
    zero, one : int
        Columns fixed to 0 and 1.
    columns, option, time : int64 array [C]
        The columns of z, and the option and start each stands for.
    earliest : int64 array [P]
        Earliest start of each option.
    """

    def __init__(self, instance: JobShop, earliest: IntArray, latest: IntArray, columns: Columns) -> None:
        count = np.diff(instance.option_offsets)
        op = np.repeat(np.arange(len(count)), count)
        self.earliest, self.latest = earliest[op], latest[op]
        self.zero, self.one = columns.add(2, [0, 1], [0, 1]).tolist()
        self.base = np.cumsum(self.latest - self.earliest + 1) - (self.latest - self.earliest + 1)
        option, time = ranges(self.earliest, self.latest)
        allowed = np.ones(len(time), bool)
        for machine, begin, end in instance.unavailable.tolist():
            on = instance.option_machine[option] == machine
            allowed &= ~(on & (time < end) & (time + instance.option_duration[option] > begin))
        total = np.cumsum(allowed)
        rank = total - (total[self.base] - allowed[self.base])[option]  # how many of the option's starts, up to here
        starts = np.bincount(option[allowed], minlength=len(op))
        is_last_start = (count[op] == 1)[option] & (rank == starts[option])
        own = allowed & ~is_last_start
        self.option, self.time = option[own], time[own]
        self.columns = columns.add(len(self.option), 0, 1, integer=True)
        first = np.searchsorted(self.option, np.arange(len(op)))
        in_range = np.minimum(first[option] + rank - 1, len(self.columns) - 1)
        own_column = self.columns[in_range] if len(self.columns) else np.full(len(option), self.zero)
        self.table = np.where(rank == 0, self.zero, np.where(is_last_start, self.one, own_column))
        self._time, self._option_end = time, self.base + (self.latest - self.earliest)

    def at(self, option: IntArray, time: IntArray) -> IntArray:
        """Return the columns of z[option, time], both [k]; any time."""
        place = self.base[option] + np.clip(
            time - self.earliest[option], 0, self.latest[option] - self.earliest[option]
        )
        columns: IntArray = np.where(time < self.earliest[option], self.zero, self.table[place])
        return columns

    def final(self, option: int) -> int:
        """Return the column that says whether `option` ever starts."""
        return int(self.table[self._option_end[option]])

    def finals(self, option: IntArray) -> IntArray:
        """Return `final` of each option, [k]."""
        columns: IntArray = self.table[self._option_end[option]]
        return columns

    def first_time(self, option: int, values: FloatArray) -> int:
        """Return when `option` starts: its first step at 1 (it must have one)."""
        begin, end = self.base[option], self._option_end[option] + 1
        return int(self._time[begin + int(np.argmax(values[self.table[begin:end]] > 0.5))])
