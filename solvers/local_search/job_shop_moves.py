"""Critical paths, and what a move on a critical block is worth and whether it is allowed.

A move takes an operation within a block of the critical path (operations that follow each other on one
machine without slack) to directly behind (right) or directly before (left) another of the block.

Estimates: Balas and Vazacopoulos (1998, "Guided local search with shifting bottleneck for job shop
scheduling", Management Science 44:262-275, section 3): heads and tails of the moved segment are recomputed,
all others taken as they are. For adjacent operations this is Taillard's (1994) estimate, the exact longest
path through either, hence a lower bound on the new makespan; for longer moves it is neither bound.

Feasibility: a move of u behind v closes a cycle exactly if a path leads from u's job successor to v. Such a
path has length >= duration[succ] + tail[v], ends no earlier than the successor does, and descends in the
topological order; the move is accepted if any of the three is contradicted. Deviation: Balas and
Vazacopoulos ask for tail[v] >= tail[succ], which is stronger than the first test and fails with
durations of zero.

The functions take bare arrays: handing a named tuple from one compiled function to another costs more than
what they compute. They are called for every candidate of every move.
"""

from counterpoint.solvers.local_search.job_shop_compiling import bare_jit
from counterpoint.solvers.local_search.job_shop_graph import Int32Array, Int64Array, Slots
from counterpoint.solvers.local_search.job_shop_random import RandomState, draw


@bare_jit
def critical_path(
    finish: Int64Array,
    duration: Int64Array,
    before: Slots,
    last: Slots,
    longest: int,
    random: RandomState,
    path: Slots,
) -> int:
    """Write one critical path, picked at random where it branches, to `path`; return its first index.

    The path fills `path[first:]`, in order of time; it starts at an operation with head 0.
    """
    v, ties = 0, 0
    for w in last:
        if finish[w] == longest:
            ties += 1
            if ties == 1 or draw(random, ties) == 0:
                v = w
    first = len(path)
    while True:
        first -= 1
        path[first] = v
        head = finish[v] - duration[v]
        if head == 0:
            return first
        by_job, by_machine = finish[v - 1] == head, finish[before[v]] == head
        if by_job and by_machine:
            v = v - 1 if draw(random, 2) == 0 else before[v]
        else:
            v = v - 1 if by_job else before[v]


@bare_jit
def may_move_right(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    machine: Int32Array,
    position: Int32Array,
    u: int,
    v: int,
) -> bool:
    """True if putting u behind v, which follows it on the machine, is sure to close no cycle."""
    follower = u + 1
    if machine[follower] < 0:
        return True
    if follower == v:
        return False
    return bool(
        tail[v] + duration[follower] > tail[follower]
        or finish[follower] > finish[v] - duration[v]
        or position[follower] > position[v]
    )


@bare_jit
def may_move_left(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    machine: Int32Array,
    position: Int32Array,
    u: int,
    v: int,
) -> bool:
    """True if putting v before u, which precedes it on the machine, is sure to close no cycle."""
    leader = v - 1
    if machine[leader] < 0:
        return True
    if leader == u:
        return False
    return bool(
        finish[u] > finish[leader] - duration[leader]
        or tail[leader] > tail[u] - duration[u]
        or position[leader] < position[u]
    )


@bare_jit
def estimate_right(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    before: Slots,
    after: Slots,
    path: Slots,
    i: int,
    j: int,
    limit: int,
    head: Int64Array,
) -> int:
    """Estimate the longest path through path[i..j] (a block's part) with path[i] put behind path[j].

    Stops with some value > `limit` as soon as the estimate is sure to pass it, most times after a few
    additions. `head` is scratch. O(j - i).
    """
    u, v = path[i], path[j]
    rest = max(tail[u + 1], tail[after[v]]) + duration[u]
    # the others keep at least their work between the first's head and the last's or u's tail
    previous = max(finish[before[u]], finish[path[i + 1] - 1])
    longest = previous + finish[v] - finish[u] + max(rest, tail[v + 1])
    if longest > limit:
        return int(longest)
    for k in range(i + 1, j + 1):
        w = path[k]
        start = max(previous, finish[w - 1])
        head[k] = start
        previous = start + duration[w]
    longest = max(previous, finish[u - 1]) + rest
    for k in range(j, i, -1):
        if longest > limit:
            return int(longest)
        w = path[k]
        rest = max(rest, tail[w + 1]) + duration[w]
        longest = max(longest, head[k] + rest)
    return int(longest)


@bare_jit
def estimate_left(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    before: Slots,
    after: Slots,
    path: Slots,
    i: int,
    j: int,
    limit: int,
    head: Int64Array,
) -> int:
    """Estimate the longest path through path[i..j] with path[j] put before path[i]; see `estimate_right`."""
    u, v = path[i], path[j]
    first = max(finish[v - 1], finish[before[u]])
    previous = first + duration[v]
    rest = tail[after[v]]
    work = finish[v] - duration[v] - finish[u] + duration[u]
    longest = previous + max(work + max(rest, tail[path[j - 1] + 1]), tail[v + 1])
    if longest > limit:
        return int(longest)
    for k in range(i, j):
        w = path[k]
        start = max(previous, finish[w - 1])
        head[k] = start
        previous = start + duration[w]
    for k in range(j - 1, i - 1, -1):
        w = path[k]
        rest = max(rest, tail[w + 1]) + duration[w]
        longest = max(longest, head[k] + rest)
        if longest > limit:
            return int(longest)
    return int(max(longest, first + max(rest, tail[v + 1]) + duration[v]))
