"""Compiled local search on closed symmetric tours: chains of sequential 3-opt moves, and iterated kicks.

A move removes (t1, t2), (t3, t4) and (t5, t6) and adds (t2, t3), (t4, t5) and (t6, t1); 2-opt and Or-opt are among
them. Where no move gains, the best start of one is made and the search goes on from t1 and t6 (Lin and Kernighan 1973,
Operations Research 21:498-516, with 3-opt as the basic step: Helsgaun 2000, EJOR 126:106-130). A kick puts three short
adjacent stretches into the opposite order, a double bridge that no sequential move takes back (Martin, Otto and Felten
1991, Complex Systems 5:299-326; localised: Applegate, Cook and Rohe 2003, INFORMS Journal on Computing 15:82-92).
Deviation: tours are arrays of which the shorter side is reversed, not doubly-linked lists of two levels.
"""

from typing import Any, NamedTuple

import numpy as np

from counterpoint.opt.problems.places import IntArray
from counterpoint.simulators.splitmix import uniform
from counterpoint.solvers.local_search.tsp_space import DOUBLED, jit, leg

JOURNAL = 1 << 16  # reversals that can be taken back
SPAN = 50  # places that a kick moves, at most


class State(NamedTuple):
    """A tour under search; arrays that kernels change.

    Parameters
    ----------
    tour, position : int64 array [N]
    queue : int64 array [N]
        Places to look at, a ring.
    is_queued : bool array [N]
    ring : int64 array [2]
        First in the queue, and how many.
    journal : int64 array [JOURNAL, 2]
        Reversals of positions, to take them back.
    count : int64 array [1]
        How many.
    """

    tour: Any
    position: Any
    queue: Any
    is_queued: Any
    ring: Any
    journal: Any
    count: Any


def start(tour: Any) -> State:
    """Return the state of a tour int [N] with every place queued in its order."""
    n = len(tour)
    position = np.empty(n, np.int64)
    position[tour] = np.arange(n)
    return State(
        tour.astype(np.int64),
        position,
        tour.astype(np.int64),
        np.ones(n, np.bool_),
        np.array([0, n]),
        np.empty((JOURNAL, 2), np.int64),
        np.zeros(1, np.int64),
    )


@jit
def _reverse_positions(tour: IntArray, position: IntArray, i: int, j: int) -> None:
    """Reverse positions i..j, which may run over the end."""
    n = len(tour)
    inner = j - i + 1 if j >= i else j - i + 1 + n
    for _ in range(inner // 2):
        a, b = tour[i], tour[j]
        tour[i], tour[j] = b, a
        position[b], position[a] = i, j
        i = i + 1 if i + 1 < n else 0
        j = j - 1 if j > 0 else n - 1


@jit
def _reverse(state: Any, first: int, last: int, way: int) -> int:
    """Reverse the stretch first..last as read in direction `way`, or all the rest; return the new direction."""
    n = len(state.tour)
    i, j = state.position[first], state.position[last]
    if way < 0:
        i, j = j, i
    inner = j - i + 1 if j >= i else j - i + 1 + n
    if 2 * inner > n:
        i, j = (j + 1 if j + 1 < n else 0), (i - 1 if i > 0 else n - 1)
        way = -way
    _reverse_positions(state.tour, state.position, i, j)
    k = state.count[0]
    state.journal[k, 0], state.journal[k, 1] = i, j
    state.count[0] = k + 1
    return way


@jit
def _take_back(state: Any, until: int) -> None:
    for k in range(state.count[0] - 1, until - 1, -1):
        _reverse_positions(state.tour, state.position, state.journal[k, 0], state.journal[k, 1])
    state.count[0] = until


@jit
def _beside(state: Any, place: int, way: int) -> int:
    n = len(state.tour)
    k = state.position[place] + way
    if k == n:
        k = 0
    elif k < 0:
        k = n - 1
    return int(state.tour[k])


@jit
def _push(state: Any, place: int) -> None:
    if not state.is_queued[place]:
        n = len(state.queue)
        k = state.ring[0] + state.ring[1]
        state.queue[k if k < n else k - n] = place
        state.ring[1] += 1
        state.is_queued[place] = True


@jit
def _pop(state: Any) -> int:
    place = state.queue[state.ring[0]]
    state.ring[0] = state.ring[0] + 1 if state.ring[0] + 1 < len(state.queue) else 0
    state.ring[1] -= 1
    state.is_queued[place] = False
    return int(place)


@jit
def _is_added(added: IntArray, count: int, a: int, b: int) -> bool:
    for k in range(count):  # noqa: SIM110  (Numba compiles no generators)
        if (added[k, 0] == a and added[k, 1] == b) or (added[k, 0] == b and added[k, 1] == a):
            return True
    return False


@jit
def _swap_stretches(state: Any, t2: int, t5: int, t6: int, t3: int, way: int) -> int:
    """Turn .. t2..t5 t6..t3 .. into .. t6..t3 t2..t5 ..; return the new direction."""
    way = _reverse(state, t2, t3, way)
    way = _reverse(state, t3, t6, way)
    return int(_reverse(state, t5, t2, way))


@jit
def improve_at(space: Any, near: IntArray, state: Any, t1: int, depth: int, breadth: int, added: IntArray) -> float:
    """Look for a chain of moves that begins at t1 and gains; return the gain, 0 if there is none (tour unchanged)."""
    n = len(state.tour)
    width = near.shape[1]
    tolerance = space.tolerance
    for first_way in (1, -1):
        way = first_way
        before = state.count[0]
        t2 = _beside(state, t1, way)
        total = leg(space, t1, t2)
        num_added = 0
        for level in range(depth):
            if state.count[0] > JOURNAL - 8:
                break
            best, b3, b4, b5, b6, kind = -np.inf, -1, -1, -1, -1, 0
            closed = tolerance
            p2 = state.position[t2]
            after2 = _beside(state, t2, way)
            for k in range(width if level == 0 else breadth):
                t3 = near[t2, k]
                g1 = total - leg(space, t2, t3)
                if g1 <= tolerance:
                    break
                if t3 in (t1, after2):
                    continue
                off3 = (state.position[t3] - p2) * way
                if off3 < 0:
                    off3 += n
                for side in (0, 1):
                    t4 = _beside(state, t3, -way if side == 0 else way)
                    if level > 0 and _is_added(added, num_added, t3, t4):
                        continue
                    g2 = g1 + leg(space, t3, t4)
                    if side == 0:
                        gain = g2 - leg(space, t4, t1)
                        if gain > closed:
                            closed, b3, b4, b5, b6, kind = gain, t3, t4, -1, -1, 1
                    for m in range(breadth):
                        t5 = near[t4, m]
                        g3 = g2 - leg(space, t4, t5)
                        if g3 <= tolerance:
                            break
                        if t5 == t3 or (t5 == t1 and side == 0):
                            continue
                        off5 = (state.position[t5] - p2) * way
                        if off5 < 0:
                            off5 += n
                        if side == 0:
                            is_inner = off5 < off3
                            t6 = _beside(state, t5, way if is_inner else -way)
                            if t6 == t4:
                                continue
                            if level > 0 and _is_added(added, num_added, t5, t6):
                                continue
                            g4 = g3 + leg(space, t5, t6)
                            gain = g4 - leg(space, t6, t1)
                            if gain > closed:
                                closed, b3, b4, b5, b6, kind = gain, t3, t4, t5, t6, 2
                            elif closed <= tolerance and g4 > best and t6 != t1:
                                best, b3, b4, b5, b6, kind = g4, t3, t4, t5, t6, 2
                        elif off5 <= off3:
                            for turn in (0, 1):
                                if t5 == (t3 if turn == 0 else t2):
                                    continue
                                t6 = _beside(state, t5, way if turn == 0 else -way)
                                if level > 0 and _is_added(added, num_added, t5, t6):
                                    continue
                                g4 = g3 + leg(space, t5, t6)
                                gain = g4 - leg(space, t6, t1)
                                if gain > closed:
                                    closed, b3, b4, b5, b6, kind = gain, t3, t4, t5, t6, 3 + turn
                                elif closed <= tolerance and g4 > best and t6 != t1:
                                    best, b3, b4, b5, b6, kind = g4, t3, t4, t5, t6, 3 + turn
                if closed > tolerance:
                    break
            if kind == 0 or (closed <= tolerance and level == depth - 1):
                break
            if kind <= 2:
                way = _reverse(state, t2, b4, way)
                if kind == 2:
                    way = _reverse(state, b4, b6, way)
            elif kind == 3:
                way = _swap_stretches(state, t2, b5, b6, b3, way)
            else:
                way = _reverse(state, t2, b6, way)
                way = _reverse(state, b5, b3, way)
            added[num_added, 0], added[num_added, 1] = t2, b3
            num_added += 1
            if b5 >= 0:
                added[num_added, 0], added[num_added, 1] = b4, b5
                num_added += 1
            if closed > tolerance:
                _push(state, t1)
                for k in range(num_added):
                    _push(state, added[k, 0])
                    _push(state, added[k, 1])
                _push(state, b4 if b6 < 0 else b6)
                return float(closed)
            total, t2 = best, b6
        _take_back(state, before)
    return 0.0


@jit
def descend(space: Any, near: IntArray, state: Any, depth: int, breadth: int, looks: int) -> float:
    """Improve until the queue is empty or after `looks` looks at places; return what was gained."""
    added = np.empty((2 * depth + 2, 2), np.int64)
    gained = 0.0
    for _ in range(looks):
        if state.ring[1] == 0:
            break
        state.count[0] = 0
        gained += improve_at(space, near, state, _pop(state), depth, breadth, added)
    state.count[0] = 0
    return gained


@jit
def kick(
    space: Any,
    near: IntArray,
    state: Any,
    depth: int,
    breadth: int,
    kicks: int,
    random: Any,
    heat: float,
    best: IntArray,
    excess: float,
) -> tuple[float, float]:
    """Kick and repair `kicks` times from a local optimum of at least 8 places.

    Parameters
    ----------
    heat : float
        A tour longer by x is kept with probability exp(-x / heat); 0: never.
    best : int64 array [N]
        The best tour, changed.
    excess : float
        By how much the tour of `state` is longer.

    Returns
    -------
    excess, gained : float
        Now; and by how much the best tour has become shorter.
    """
    n = len(state.tour)
    is_doubled = space.kind == DOUBLED
    span = min(2 * SPAN if is_doubled else SPAN, n - 2)
    added = np.empty((2 * depth + 2, 2), np.int64)
    gained = 0.0
    for _ in range(kicks):
        state.count[0] = 0
        p = int(uniform(random) * n)
        if is_doubled and state.tour[p] // 2 == state.tour[(p + 1) % n] // 2:
            p = (p + 1) % n  # cut no link
        unit = 2 if is_doubled else 1
        c = 3 + int(uniform(random) * (span // unit - 2))
        b = 2 + int(uniform(random) * (c - 2))
        a = unit * (1 + int(uniform(random) * (b - 1)))
        b, c = unit * b, unit * c
        at = state.tour
        a1, b1, b2 = at[p], at[(p + 1) % n], at[(p + a) % n]
        c1, c2 = at[(p + a + 1) % n], at[(p + b) % n]
        d1, d2, e1 = at[(p + b + 1) % n], at[(p + c) % n], at[(p + c + 1) % n]
        gain = leg(space, a1, b1) + leg(space, b2, c1) + leg(space, c2, d1) + leg(space, d2, e1)
        gain -= leg(space, a1, d1) + leg(space, d2, c1) + leg(space, c2, b1) + leg(space, b2, e1)
        way = _reverse(state, b1, d2, 1)
        way = _reverse(state, d2, d1, way)
        way = _reverse(state, c2, c1, way)
        _reverse(state, b2, b1, way)
        for place in (a1, b1, b2, c1, c2, d1, d2, e1):
            _push(state, place)
        while state.ring[1] > 0:
            gain += improve_at(space, near, state, _pop(state), depth, breadth, added)
        if gain < 0.0 and (heat <= 0.0 or gain <= heat * np.log(1.0 - uniform(random))):
            _take_back(state, 0)
            continue
        excess -= gain
        if excess < -space.tolerance:
            best[:] = state.tour
            gained -= excess
            excess = 0.0
    state.count[0] = 0
    return excess, gained
