"""What is known of start times before any search: a horizon, and the times that windows rule out."""

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop


def horizon(instance: JobShop) -> int:
    """Return a time by which some optimal schedule has ended, whatever the objective.

    A left-shifted schedule has no idle instant after the last window: from its end one can walk back
    over processing that follows without a gap, each operation at most once.
    """
    longest = np.maximum.reduceat(instance.option_duration, instance.option_offsets[:-1])
    return int(longest.sum()) + int(instance.unavailable[:, 2].max(initial=0))


def forbidden_starts(duration: int, windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the closed intervals of start times at which the processing would meet a window.

    An operation of duration zero may touch a window's ends, so a window of length 1 does not stop it.

    >>> forbidden_starts(3, [(10, 12)])
    [(8, 11)]
    """
    spans = ((begin - duration + 1, end - 1) for begin, end in windows)
    return [(first, last) for first, last in spans if first <= last]


def merged(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge sorted windows that overlap; those that only touch stay two, as time zero fits between them.

    >>> merged([(0, 4), (2, 6), (6, 7)])
    [(0, 6), (6, 7)]
    """
    result: list[tuple[int, int]] = []
    for begin, end in windows:
        if result and begin < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result
