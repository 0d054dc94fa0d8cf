"""What happened in one shop of a batch, as the reference simulator logs it."""

from counterpoint.simulators.batched.job_shop import Partial, Shops
from counterpoint.simulators.batched.job_shop_flexible import FlexiblePartial, FlexibleShops

Event = tuple[int, str, int, int, int]  # time, "start" or "end", job, operation, machine


def events_of(shops: Shops | FlexibleShops, partial: Partial | FlexiblePartial, row: int) -> tuple[Event, ...]:
    """Return the log of shop `row`: sorted by time, job and operation, an operation's start before its end.

    Raises
    ------
    ValueError
        If the ends were not kept.
    """
    if partial.end is None:
        raise ValueError("no ends were kept: build with empty(shops, keeps_ends=True)")
    machine, duration, end = shops.machine[row], shops.duration[row], partial.end[row].tolist()
    if isinstance(partial, FlexiblePartial):
        option = partial.option[row].unsqueeze(2)
        machine, duration = (x.gather(2, option).squeeze(2) for x in (machine, duration))
    machine, duration = machine.tolist(), duration.tolist()
    found = []
    for job, steps in enumerate(partial.step[row].tolist()):
        for k in range(steps):
            found.append((end[job][k] - duration[job][k], "start", job, k, machine[job][k]))
            found.append((end[job][k], "end", job, k, machine[job][k]))
    return tuple(sorted(found, key=lambda e: (e[0], e[2], e[3], e[1] == "end")))
