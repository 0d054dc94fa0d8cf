"""A small population of good selections, bred by path relinking (Peng, Lue and Cheng 2015, TS/PR).

Each member is the end of a tabu search. Two members give a selection on the way between them, from which
tabu search starts again; the child takes the place of a member too close to it, or else of the worst, if it
is better. When the members have become alike, or many children in a row have bettered none of them, all but
the best are replaced by fresh ones, half as many again.
Deviation: TS/PR keeps 30 members throughout. A small population that grows does well whether the budget is
seconds or hours, which nobody knows at the start.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.solvers.local_search.job_shop_graph import Slots
from counterpoint.solvers.local_search.job_shop_random import draw
from counterpoint.solvers.local_search.job_shop_relinking import blend, by_start, distance
from counterpoint.solvers.local_search.job_shop_run import Run
from counterpoint.solvers.local_search.job_shop_starts import random_order

NOISE = 100  # percent, of the randomised dispatcher
STALE = 5  # children per member in a row that better nobody, after which the population is given up
CLOSE = 0.02  # members nearer than this share of the mean distance of fresh members count as alike


@dataclass(frozen=True, slots=True)
class Member:
    """The end of one tabu search: its makespan and its operations sorted by start."""

    makespan: int
    order: Slots


def evolve(run: Run, start: Slots, size: int, patience: int) -> None:
    """Search until the run's budget ends it; `size` is that of the first population."""
    best = _descend(run, start, patience)
    while run.goes_on():
        members = [best]
        while run.goes_on() and len(members) < size:
            members.append(_descend(run, random_order(run.graph, NOISE, run.random), patience))
        _breed(run, members, patience)
        best = min(members, key=lambda one: one.makespan)
        size += (size + 1) // 2


def _breed(run: Run, members: list[Member], patience: int) -> None:
    """Relink random pairs until the members are alike or stale; changes `members` in place."""
    fresh = np.mean([distance(run.graph, members[0].order, one.order) for one in members[1:]] or [0])
    failures = 0
    while run.goes_on() and failures < STALE * len(members):
        a = draw(run.random, len(members))
        b = (a + 1 + draw(run.random, len(members) - 1)) % len(members)
        apart = distance(run.graph, members[a].order, members[b].order)
        if apart <= CLOSE * fresh:
            if len(members) <= 2:
                return
            del members[a if members[a].makespan > members[b].makespan else b]
            continue
        weight = 0.3 + 0.4 * draw(run.random, 1 << 20) / (1 << 20)
        child = _descend(run, blend(members[a].order, members[b].order, weight), patience)
        failures = 0 if _insert(run, members, child, CLOSE * fresh) else failures + 1


def _insert(run: Run, members: list[Member], child: Member, close: float) -> bool:
    """Let the child replace a member if it may; True if the child is the better of the two."""
    apart = [distance(run.graph, child.order, one.order) for one in members]
    nearest = int(np.argmin(apart))
    if apart[nearest] <= close:
        rival, is_allowed = nearest, child.makespan < members[nearest].makespan
    else:
        rival = max(range(len(members)), key=lambda i: members[i].makespan)
        is_allowed = child.makespan <= members[rival].makespan
    is_better = child.makespan < members[rival].makespan
    if is_allowed:
        members[rival] = child
    return is_better


def _descend(run: Run, order: Slots, patience: int) -> Member:
    makespan, best = run.descend(order, patience)
    return Member(makespan, by_start(run.graph, best))
