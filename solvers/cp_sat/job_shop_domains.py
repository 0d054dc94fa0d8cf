"""What is known of start times before any search: heads, tails, a horizon, times windows rule out."""

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.cp_sat.job_shop_start import earliest_fit, windows_by_machine


def horizon(instance: JobShop) -> int:
    """Return a time by which some optimal schedule has ended, whatever the objective.

    A left-shifted schedule has no idle instant after the last window: from its end one can walk back
    over processing that follows without a gap, each operation at most once.
    """
    longest = np.maximum.reduceat(instance.option_duration, instance.option_offsets[:-1])
    return int(longest.sum()) + int(instance.unavailable[:, 2].max(initial=0))


def heads(instance: JobShop) -> list[int]:
    """Return the earliest start of each operation as if its job were alone, windows included [N]."""
    windows = windows_by_machine(instance)
    firsts = set(instance.job_offsets.tolist())
    starts: list[int] = []
    ready = 0
    for i in range(instance.num_operations):
        ready = 0 if i in firsts else ready
        fits = [(earliest_fit(ready, p, windows[m]), p) for m, p in instance.options_of(i)]
        starts.append(min(begin for begin, _ in fits))
        ready = min(begin + p for begin, p in fits)
    return starts


def tails(instance: JobShop) -> list[int]:
    """Return the least time from the start of each operation to the end of its job [N].

    >>> tails(JobShop.from_jobs("two jobs", [[(0, 3), (1, 2)], [(1, 4)]]))
    [5, 2, 4]
    """
    shortest = np.minimum.reduceat(instance.option_duration, instance.option_offsets[:-1])
    done = np.concatenate([[0], np.cumsum(shortest)])
    rest: list[int] = (done[instance.job_offsets[1:]][instance.job_of] - done[:-1]).tolist()
    return rest


def lower_bound(instance: JobShop) -> int:
    """Return what the objective is at least: each job alone, for the makespan also each machine's load."""
    last = instance.job_offsets[1:] - 1
    completion = np.array(heads(instance))[last] + np.array(tails(instance))[last]
    if instance.objective != "makespan":
        assert instance.due_dates is not None
        assert instance.weights is not None
        late = np.maximum(completion - instance.due_dates, 0)
        return sum(w * t for w, t in zip(instance.weights.tolist(), late.tolist(), strict=True))
    bound = int(completion.max())
    if not instance.is_flexible:
        load = np.bincount(instance.machine, instance.duration, minlength=instance.num_machines)
        bound = max(bound, int(load.max()))
    return bound


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
