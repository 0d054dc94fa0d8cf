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
what they compute.
"""

from counterpoint.solvers.local_search.job_shop_graph import Int32Array, Int64Array, jit
from counterpoint.solvers.local_search.job_shop_random import RandomState, draw


@jit
def critical_path(
    finish: Int64Array,
    duration: Int64Array,
    before: Int32Array,
    last: Int32Array,
    longest: int,
    random: RandomState,
    path: Int32Array,
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


@jit
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


@jit
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


@jit
def estimate_right(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    before: Int32Array,
    after: Int32Array,
    path: Int32Array,
    i: int,
    j: int,
    limit: int,
    head: Int64Array,
) -> int:
    """Estimate the longest path through path[i..j] (a block's part) with path[i] put behind path[j].

    Stops early with some value > `limit` once the estimate is sure to pass it. `head` is scratch. O(j - i).
    """
    u = path[i]
    previous = finish[before[u]]
    for k in range(i + 1, j + 1):
        w = path[k]
        start = max(previous, finish[w - 1])
        head[k] = start
        previous = start + duration[w]
    rest = max(tail[u + 1], tail[after[path[j]]]) + duration[u]
    longest = max(previous, finish[u - 1]) + rest
    for k in range(j, i, -1):
        if longest > limit:
            return int(longest)
        w = path[k]
        rest = max(rest, tail[w + 1]) + duration[w]
        longest = max(longest, head[k] + rest)
    return int(longest)


@jit
def estimate_left(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    before: Int32Array,
    after: Int32Array,
    path: Int32Array,
    i: int,
    j: int,
    limit: int,
    head: Int64Array,
) -> int:
    """Estimate the longest path through path[i..j] with path[j] put before path[i]; see `estimate_right`."""
    v = path[j]
    first = max(finish[v - 1], finish[before[path[i]]])
    previous = first + duration[v]
    for k in range(i, j):
        w = path[k]
        start = max(previous, finish[w - 1])
        head[k] = start
        previous = start + duration[w]
    rest = tail[after[v]]
    longest = finish[0]
    for k in range(j - 1, i - 1, -1):
        w = path[k]
        rest = max(rest, tail[w + 1]) + duration[w]
        longest = max(longest, head[k] + rest)
        if longest > limit:
            return int(longest)
    return int(max(longest, first + max(rest, tail[v + 1]) + duration[v]))
