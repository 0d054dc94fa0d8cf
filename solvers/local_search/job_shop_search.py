"""Tabu search from one selection: the compiled loop, resumable in chunks.

Each move is the best by estimate over the neighbourhood of one critical path (picked at random where there
are several). What becomes tabu are the pairs of operations a move turned round: none of them may be turned
back for L to 1.4 L (1.5 L if n > 2 m) moves, L = 10 + n/m, drawn anew for each move (tenures of Zhang, Li,
Guan and Rao 2007, Computers & OR 34:3229-3242, and of Peng, Lue and Cheng 2015, Computers & OR 53:154-164).
A tabu move whose estimate beats the best makespan is let pass. If all moves are tabu, any of them is made.

Neighbourhoods: N5 swaps the first and the last two operations of a block (Nowicki and Smutnicki 1996);
N6 moves any operation to the block's front or rear (Balas and Vazacopoulos 1998); N7 adds the moves of the
first and the last operation into the block (Zhang et al. 2007).

Deviation: Zhang et al. forbid the return of whole segments (operations and their ranks). Measured here that
runs into cycles for minutes; single pairs, as in Taillard (1994), do not.
"""

from typing import NamedTuple

import numpy as np

from counterpoint.solvers.local_search.job_shop_compiling import bare_jit
from counterpoint.solvers.local_search.job_shop_graph import (
    Graph,
    Int32Array,
    Int64Array,
    Slots,
    makespan,
    relink_left,
    relink_right,
    update,
)
from counterpoint.solvers.local_search.job_shop_moves import (
    critical_path,
    estimate_left,
    estimate_right,
    may_move_left,
    may_move_right,
)
from counterpoint.solvers.local_search.job_shop_random import RandomState, draw

RUNNING, EXHAUSTED, REACHED = 0, 1, 2  # what `search` returns
N5, N6, N7 = 5, 6, 7

FAR = 1 << 60
LARGEST_TABLE = 1 << 23

# places in `Trail.state`
STEP, IMPROVED_AT, BEST, TENURE, SPREAD = 0, 1, 2, 3, 4


class Trail(NamedTuple):
    """Everything a tabu search carries from move to move besides the graph; owned by one run.

    A pair (a, b) of operations of one machine has the expiry date ``expiry[row[a] + column[b] & mask]``:
    until that step a may not be put before b again. Machines with so many operations that the pairs
    outgrow LARGEST_TABLE share dates, which makes a few moves tabu that need not be.
    """

    state: Int64Array  # step, step of the last improvement, best makespan, tenure, its spread
    best: Slots  # [N] the best selection's order
    expiry: Int64Array  # [power of two], one date for each pair of operations of a machine
    row: Int64Array  # [P]
    column: Int64Array  # [P]
    path: Slots  # [N] scratch: the critical path
    head: Int64Array  # [N] scratch: heads in a moved segment
    random: RandomState


def build_trail(graph: Graph, random: RandomState) -> Trail:
    """Allocate the memory of a search; `begin` must be called before `search`."""
    num_machines, num_jobs, num_operations = int(graph.machine.max()) + 1, len(graph.last), len(graph.order)
    tenure = 10 + num_jobs / num_machines
    spread = tenure * (0.4 if num_jobs <= 2 * num_machines else 0.5)
    row, column = np.zeros(len(graph.machine), np.int64), np.zeros(len(graph.machine), np.int64)
    base = 0
    for m in range(num_machines):
        slots = np.flatnonzero(graph.machine == m)
        column[slots] = np.arange(len(slots))
        row[slots] = base + len(slots) * column[slots]
        base += len(slots) ** 2
    return Trail(
        state=np.array([0, 0, 0, round(tenure), round(spread)], np.int64),
        best=np.zeros(num_operations, np.uint32),
        expiry=np.zeros(min(LARGEST_TABLE, 1 << max(base - 1, 1).bit_length()), np.int64),
        row=row,
        column=column,
        path=np.zeros(num_operations, np.uint32),
        head=np.zeros(num_operations, np.int64),
        random=random,
    )


@bare_jit
def begin(graph: Graph, trail: Trail) -> int:
    """Start afresh, with nothing tabu, from the graph's present selection; return its makespan."""
    trail.state[STEP] += trail.state[TENURE] + trail.state[SPREAD] + 1  # lets all expire
    trail.state[IMPROVED_AT] = trail.state[STEP]
    trail.state[BEST] = makespan(graph.finish, graph.last)
    for k in range(len(graph.order)):
        trail.best[k] = graph.order[k]
    return int(trail.state[BEST])


@bare_jit
def search(graph: Graph, trail: Trail, steps: int, patience: int, target: int, neighbourhood: int) -> int:
    """Make up to `steps` moves; stop early after `patience` moves without improvement, or at `target`.

    Cutting a search into chunks of any size leaves its moves unchanged.

    Returns
    -------
    int
        REACHED if the best makespan is at most `target`, EXHAUSTED if patience ended or no move is
        left, RUNNING if only the steps are used up.
    """
    duration, machine, last, after, before, finish, tail, order, position, is_moved, moved = graph
    state, best, expiry, row, column, path, head, random = trail
    longest = makespan(finish, last)
    mask = len(expiry) - 1
    for _ in range(steps):
        if state[BEST] <= target:
            return REACHED
        if state[STEP] - state[IMPROVED_AT] >= patience:
            return EXHAUSTED
        first = critical_path(finish, duration, before, last, longest, random, path)
        i, j, is_right = choose(
            finish, tail, duration, machine, before, after, position,
            expiry, row, column, path, head, random, state[STEP], state[BEST], first, neighbourhood,
        )  # fmt: skip
        if i < 0:
            return EXHAUSTED
        state[STEP] += 1
        u, v = path[i], path[j]
        until = state[STEP] + state[TENURE] + draw(random, state[SPREAD] + 1)
        if is_right:
            for k in range(i + 1, j + 1):
                expiry[(row[u] + column[path[k]]) & mask] = until
            relink_right(before, after, u, v)
        else:
            for k in range(i, j):
                expiry[(row[path[k]] + column[v]) & mask] = until
            relink_left(before, after, u, v)
        update(finish, tail, duration, before, after, order, position, is_moved, moved, u, v)
        longest = makespan(finish, last)
        if longest < state[BEST]:
            state[BEST] = longest
            state[IMPROVED_AT] = state[STEP]
            for k in range(len(order)):
                best[k] = order[k]
    return REACHED if state[BEST] <= target else RUNNING


@bare_jit
def choose(
    finish: Int64Array,
    tail: Int64Array,
    duration: Int64Array,
    machine: Int32Array,
    before: Slots,
    after: Slots,
    position: Int32Array,
    expiry: Int64Array,
    row: Int64Array,
    column: Int64Array,
    path: Slots,
    head: Int64Array,
    random: RandomState,
    step: int,
    best: int,
    first: int,
    neighbourhood: int,
) -> tuple[int, int, bool]:
    """Pick the move with the least estimate that is not tabu; ties at random.

    Returns indices i < j into the path and whether path[i] goes behind path[j] (else path[j] before
    path[i]); i = -1 if there is no move.
    """
    end = len(path)
    least, ties, num_tabu = FAR, 0, 0
    chosen_i, chosen_j, chosen_right = -1, -1, False
    low = first
    while low < end:
        high = low
        while high + 1 < end and before[path[high + 1]] == path[high]:
            high += 1
        size = high - low + 1
        # pairs (low, j) for all j, then (i, high) for all i > low
        for pair in range(2 * size - 3 if size > 1 else 0):
            i = low if pair < size - 1 else low + pair - size + 2
            j = low + pair + 1 if pair < size - 1 else high
            is_adjacent = j == i + 1
            # what changes only the front of the first block or the rear of the last cannot help
            if (low == first and j < high) or (high == end - 1 and i > low):
                continue
            if neighbourhood == N5 and not is_adjacent:
                continue
            u, v = path[i], path[j]
            for side in range(1 if is_adjacent else 2):
                is_right = side == 0
                if neighbourhood < N7 and not is_adjacent and (j < high if is_right else i > low):
                    continue
                if is_right:
                    if not may_move_right(finish, tail, duration, machine, position, u, v):
                        continue
                    value = estimate_right(finish, tail, duration, before, after, path, i, j, least, head)
                else:
                    if not may_move_left(finish, tail, duration, machine, position, u, v):
                        continue
                    value = estimate_left(finish, tail, duration, before, after, path, i, j, least, head)
                if value > least:
                    continue
                if value >= best and is_tabu(expiry, row, column, path, i, j, is_right, step):
                    if least == FAR:
                        num_tabu += 1
                        if draw(random, num_tabu) == 0:
                            chosen_i, chosen_j, chosen_right = i, j, is_right
                    continue
                ties = ties + 1 if value == least else 1
                if ties == 1 or draw(random, ties) == 0:
                    least = value
                    chosen_i, chosen_j, chosen_right = i, j, is_right
        low = high + 1
    return chosen_i, chosen_j, chosen_right


@bare_jit
def is_tabu(
    expiry: Int64Array,
    row: Int64Array,
    column: Int64Array,
    path: Slots,
    i: int,
    j: int,
    is_right: bool,
    step: int,
) -> bool:
    """True if the move turns round a pair whose expiry date lies ahead."""
    mask = len(expiry) - 1
    if is_right:
        for k in range(i + 1, j + 1):
            if expiry[(row[path[k]] + column[path[i]]) & mask] > step:
                return True
    else:
        for k in range(i, j):
            if expiry[(row[path[j]] + column[path[k]]) & mask] > step:
                return True
    return False
