"""The event log of one finished shop of a batch, in the form the reference simulator writes it."""

import numpy as np

from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario, Trajectory
from counterpoint.simulators.batched.interrupted_job_shop import State

KINDS = ("end", "fail", "repair", "start")


def trajectory(instance: InterruptedJobShop, scenario: Scenario, state: State, row: int) -> Trajectory:
    """Return what happened in shop `row` of a batch whose jobs are all out.

    Failures are read off the trace: the batched simulator has no such events.
    """
    shop = instance.shop
    job = shop.job_of
    within = np.arange(shop.num_operations) - shop.job_offsets[job]
    start, end, reading = (x[row].cpu().numpy()[job, within] for x in (state.start, state.end, state.reading))
    makespan = int(end.max())
    events: list[tuple[int | str, ...]] = []
    for i in range(shop.num_operations):
        place = (int(shop.machine[i]), int(job[i]), int(within[i]))
        events += [(int(start[i]), "start", *place), (int(end[i]), "end", *place)]
    for machine in range(shop.num_machines):
        failures, repairs = scenario.failure[machine], scenario.repair[machine]
        begins = failures
        if instance.fail_when == "busy":  # read the shop's time off the operation during which the clock got there
            own = np.flatnonzero(shop.machine == machine)
            if len(own) == 0:
                continue
            own = own[np.lexsort((end[own], start[own]))]
            at = np.searchsorted(reading[own], failures, side="left") - 1
            taken = reading[own][at] + (end - start)[own][at] >= failures
            failures, repairs, at = failures[taken], repairs[taken], at[taken]
            begins = start[own][at] + failures - reading[own][at]
        for begin, repair in zip(begins.tolist(), repairs.tolist(), strict=True):
            events += [
                (time, kind, machine, -1, -1)
                for time, kind in ((begin, "fail"), (begin + repair, "repair"))
                if time < makespan
            ]
    events.sort(key=lambda e: (e[0], KINDS.index(str(e[1])), *e[2:]))
    return Trajectory(float(makespan), tuple(events), start, end)
