"""Compiled decisions: which are legal, and what they do.

With width w (most options of an interval), decision j * w + a starts option a of chain j's next interval now; the last
one, of number `rows` = n * w, is No-Op: nothing starts before the second-smallest start.lb of all next intervals. A
classical job shop has width 1, and its decisions are those published: jobs, then No-Op.

No decision leads into a dead end. With held resources a start is legal if whoever holds the resource can leave it at
the same instant, and so on, until a free resource or the first one is reached; all of them then move at once (the
bound start <= t travels along end-at-start). Only those who wait for a cycle from outside must let it turn first.
"""

from numba import njit

from counterpoint.simulators.cp.encoding import IntArray
from counterpoint.simulators.cp.propagation import earliest_start, fix, raise_chain, settle
from counterpoint.simulators.cp.state import NEVER, UNFIXED, Problem


@njit(cache=True)
def is_legal(p: Problem, width: int, action: int, rows: int) -> bool:
    """Return whether a decision may be made now."""
    if p.facts[0].time == NEVER or action < 0 or action > rows:
        return False
    if action == rows:
        return second_start(p) != NEVER
    o = option_of(p, width, action)
    return o != UNFIXED and p.options[o].lower == p.facts[0].time and can_enter(p, o)


@njit(cache=True)
def option_of(p: Problem, width: int, action: int) -> int:
    """Return the option that a decision other than No-Op starts; UNFIXED if there is none."""
    j = action // width
    if j >= p.facts[0].chains or p.chains[j].following == p.chains[j].end:
        return UNFIXED
    interval = p.intervals[p.chains[j].following]
    o = interval.first + action % width
    return o if o < interval.end else UNFIXED


@njit(cache=True)
def can_enter(p: Problem, o: int) -> bool:
    """Return whether the holders on the way of option o, if any, end at a free resource or at o's own chain."""
    chain = p.intervals[p.options[o].interval].chain
    r = p.options[o].resource
    for _ in range(p.facts[0].resources + 1):
        i = p.resources[r].holder
        if i == UNFIXED or p.intervals[i].chain == chain:
            return True
        r = p.options[p.intervals[i + 1].first].resource
    return False


@njit(cache=True)
def second_start(p: Problem) -> int:
    """Return the second-smallest distinct start.lb of all next intervals' options; NEVER if there is one only."""
    second = NEVER
    for j in range(p.facts[0].chains):
        if p.chains[j].following == p.chains[j].end:
            continue
        interval = p.intervals[p.chains[j].following]
        for o in range(interval.first, interval.end):
            if p.options[o].lower > p.facts[0].time:
                second = min(second, p.options[o].lower)
    return second


@njit(cache=True)
def decide(p: Problem, width: int, action: int, rows: int) -> None:
    """Make a legal decision and propagate."""
    now, queued = p.facts[0].time, 0
    if action == rows:
        second = second_start(p)
        for j in range(p.facts[0].chains):
            i = p.chains[j].following
            if i < p.chains[j].end and earliest_start(p, i) < second:
                queued = raise_chain(p, i, second, queued)
    else:
        o = option_of(p, width, action)
        chain = p.intervals[p.options[o].interval].chain
        while True:
            mover = p.resources[p.options[o].resource].holder
            queued = fix(p, o, now, queued)
            if mover == UNFIXED or p.intervals[mover].chain == chain:
                break
            o = p.intervals[mover + 1].first
    settle(p, queued)


@njit(cache=True)
def decide_ranked(p: Problem, width: int, actions: IntArray, rows: int, taken: IntArray) -> int:
    """Make the ranked decisions [k] in order while they are legal and time has not moved; return how many.

    Those made are written to `taken` [k].
    """
    now, count = p.facts[0].time, 0
    for action in actions:
        if p.facts[0].time != now or not is_legal(p, width, action, rows):
            break
        decide(p, width, action, rows)
        taken[count] = action
        count += 1
    return count


@njit(cache=True)
def rank_towards(p: Problem, width: int, start: IntArray, option: IntArray, rows: int, ranked: IntArray) -> None:
    """Rank the decisions that lead to a given schedule: write to `ranked` [k] those due now, or No-Op; then -1.

    `start` and `option` [N] are the schedule's. If it is semi-active, every interval starting as early as the order of
    its resource allows, No-Op never passes the next start it needs.
    """
    count = 0
    ranked[:] = -1
    for j in range(p.facts[0].chains):
        i = p.chains[j].following
        if i < p.chains[j].end and start[i] == p.facts[0].time:
            ranked[count] = j * width + option[i] - p.intervals[i].first
            count += 1
    if count == 0 and p.facts[0].time != NEVER:
        ranked[0] = rows
