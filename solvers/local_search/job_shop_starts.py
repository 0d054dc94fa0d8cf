"""Selections to start from: the best of a few dispatching rules, and randomised non-delay schedules."""

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.solvers.local_search.job_shop_compiling import jit
from counterpoint.solvers.local_search.job_shop_graph import Graph, Slots
from counterpoint.solvers.local_search.job_shop_random import RandomState, draw
from counterpoint.solvers.rules.job_shop import Rule, schedule

GOOD_RULES: tuple[Rule, ...] = ("fdd-mwkr", "lrm", "mwkr", "mopnr")


def best_rule_schedule(instance: JobShop) -> Schedule:
    """Return the best non-delay schedule of four rules that lead on the public instances."""
    built = [schedule(instance, rule) for rule in GOOD_RULES]
    return min(built, key=lambda one: one.makespan)


def random_order(graph: Graph, noise: int, random: RandomState) -> Slots:
    """Return the order in which a randomised non-delay dispatcher starts the operations, uint32 [N].

    Priority: the work the job has left behind the operation, times a factor drawn from 1 to 1 + noise/100.
    """
    order = np.empty_like(graph.order)
    dispatch(graph, noise, random, order)
    return order


@jit
def dispatch(graph: Graph, noise: int, random: RandomState, order: Slots) -> None:
    """Fill `order`; O(N n)."""
    duration, machine, last = graph.duration, graph.machine, graph.last
    num_jobs = len(last)
    following = np.empty(num_jobs, np.int64)  # next slot of each job
    work = np.zeros(num_jobs, np.int64)  # from the next slot on
    job_ready = np.zeros(num_jobs, np.int64)
    machine_ready = np.zeros(machine.max() + 1, np.int64)
    for j in range(num_jobs):
        following[j] = 1 if j == 0 else last[j - 1] + 2
        for v in range(following[j], last[j] + 1):
            work[j] += duration[v]
    for k in range(len(order)):
        chosen, earliest, priority = -1, np.int64(0), np.int64(0)
        for j in range(num_jobs):
            v = following[j]
            if v > last[j]:
                continue
            start = max(job_ready[j], machine_ready[machine[v]])
            if chosen >= 0 and start > earliest:
                continue
            urgency = (work[j] - duration[v]) * (100 + draw(random, noise + 1))
            if chosen < 0 or start < earliest or urgency > priority:
                chosen, earliest, priority = j, start, urgency
        v = following[chosen]
        order[k] = v
        following[chosen] += 1
        work[chosen] -= duration[v]
        job_ready[chosen] = earliest + duration[v]
        machine_ready[machine[v]] = job_ready[chosen]
