"""Compiled propagation to the fixpoint, with the strength of the published environment and no more.

Source: Tassel, Gebser and Schekotihin 2023 and their environment's semantics: end-before-start raises only the
start.lb of the successor; no-overlap only pushes intervals that are not fixed off those that are; a decision is
start == t or start >= t. Every rule is monotone, so the fixpoint is one, whatever the order of work.

Why the last fixed interval of a resource is enough to look at: decisions are made at the least start.lb of all, so
fixed intervals never start after it, and no start.lb lies before it. With alternatives an interval starts at the
least start.lb of its options and ends at their least end; with end-at-start a fixed interval ends no earlier than
its successor's start.lb.
"""

from numba import njit

from counterpoint.simulators.cp.state import NEVER, UNFIXED, Problem


@njit(cache=True)
def earliest_start(p: Problem, i: int) -> int:
    """Return start.lb of interval i."""
    interval = p.intervals[i]
    if interval.start != UNFIXED:
        return interval.start
    least = NEVER
    for o in range(interval.first, interval.end):
        least = min(least, p.options[o].lower)
    return least


@njit(cache=True)
def earliest_end(p: Problem, i: int) -> int:
    """Return start.lb plus duration of interval i, of the option that ends first."""
    interval = p.intervals[i]
    if interval.start != UNFIXED:
        return interval.start + p.options[interval.option].duration
    least = NEVER
    for o in range(interval.first, interval.end):
        least = min(least, p.options[o].lower + p.options[o].duration)
    return least


@njit(cache=True)
def restart(p: Problem, lookahead: int) -> None:
    """Fix nothing; create the first `lookahead` intervals of each chain."""
    facts = p.facts[0]
    for i in range(facts.intervals):
        p.intervals[i].start = p.intervals[i].option = UNFIXED
    for o in range(facts.options):
        p.options[o].lower = -1  # below every time: the first propagation moves all
    for r in range(facts.resources):
        resource = p.resources[r]
        resource.busy = resource.free = resource.is_queued = 0
        resource.holder = UNFIXED
    facts.bound = 0
    for j in range(facts.chains):
        chain = p.chains[j]
        chain.following = chain.first
        chain.created = min(chain.end, chain.first + lookahead)
        raise_chain(p, chain.first, 0, 0)
    tell_time(p)


@njit(cache=True)
def is_pushed(p: Problem, o: int, lower: int) -> bool:
    """Return whether option o, if it started at `lower`, would overlap the last fixed interval of its resource."""
    resource = p.resources[p.options[o].resource]
    return lower < resource.free and lower + p.options[o].duration > resource.busy


@njit(cache=True)
def raise_chain(p: Problem, i: int, value: int, queued: int) -> int:
    """Constrain interval i to start at `value` or later and follow its chain; return the length of the queue.

    Resources whose holder's release moves are put into the queue for `settle`.
    """
    chain = p.chains[p.intervals[i].chain]
    before = NEVER  # of the first interval nothing is known, so its successor is looked at in any case
    while i < chain.created:
        for o in range(p.intervals[i].first, p.intervals[i].end):
            lower = max(p.options[o].lower, value)
            p.options[o].lower = p.resources[p.options[o].resource].free if is_pushed(p, o, lower) else lower
        if i == chain.following and i > chain.first and p.intervals[i - 1].is_held:
            r = p.options[p.intervals[i - 1].option].resource
            release = earliest_start(p, i)
            if p.resources[r].holder == i - 1 and release > p.resources[r].free:
                p.resources[r].free = release
                queued = enqueue(p, r, queued)
        value = earliest_end(p, i)
        p.facts[0].bound = max(p.facts[0].bound, value)
        i += 1
        if value == before:
            break
        before = earliest_end(p, i) if i < chain.created else NEVER
    return queued


@njit(cache=True)
def enqueue(p: Problem, r: int, queued: int) -> int:
    """Put resource r into the queue unless it is there; return the queue's length."""
    if p.resources[r].is_queued:
        return queued
    p.resources[r].is_queued = 1
    p.resources[queued].queue = r
    return queued + 1


@njit(cache=True)
def settle(p: Problem, queued: int) -> None:
    """Push unfixed intervals off the last fixed one of each queued resource until nothing moves; tell the time."""
    while queued > 0:
        queued -= 1
        r = p.resources[queued].queue
        p.resources[r].is_queued = 0
        for k in range(p.resources[r].first, p.resources[r].end):
            o = p.users[k]
            i = p.options[o].interval
            if p.intervals[i].start != UNFIXED or i >= p.chains[p.intervals[i].chain].created:
                continue
            if is_pushed(p, o, p.options[o].lower):
                queued = raise_chain(p, i, 0, queued)
    tell_time(p)


@njit(cache=True)
def fix(p: Problem, o: int, time: int, queued: int) -> int:
    """Make option o present and its start == `time`; one more interval of the chain comes into being.

    `settle` must follow. Returns the length of the queue.
    """
    i, r, duration = p.options[o].interval, p.options[o].resource, p.options[o].duration
    chain, resource = p.chains[p.intervals[i].chain], p.resources[r]
    if i > chain.first and p.intervals[i - 1].is_held:
        left = p.resources[p.options[p.intervals[i - 1].option].resource]
        if left.holder == i - 1:
            left.holder = UNFIXED
    p.intervals[i].start, p.intervals[i].option, p.options[o].lower = time, o, time
    chain.following = i + 1
    if duration > 0:
        resource.busy, resource.free = time, time + duration
        resource.holder = i if p.intervals[i].is_held else UNFIXED
        queued = enqueue(p, r, queued)
    p.facts[0].bound = max(p.facts[0].bound, time + duration)
    new = chain.created
    chain.created = min(chain.end, new + 1)
    if i + 1 < chain.end:
        queued = raise_chain(p, i + 1, time + duration, queued)
        if i + 1 < new < chain.end:
            queued = raise_chain(p, new, earliest_end(p, new - 1), queued)
    return queued


@njit(cache=True)
def tell_time(p: Problem) -> None:
    """Set the time: the least start.lb of all next intervals."""
    least = NEVER
    for j in range(p.facts[0].chains):
        if p.chains[j].following < p.chains[j].end:
            least = min(least, earliest_start(p, p.chains[j].following))
    p.facts[0].time = least
