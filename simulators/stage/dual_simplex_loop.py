"""The dual simplex method on a `Basis`, compiled, without the interpreter's lock: one right-hand side after the other.

Sources: Koberstein 2005 (The dual simplex method, techniques for a fast and stable implementation, chapters 3 and 6):
dual steepest edge, the ratio test with bound flipping, Harris' tolerances. Cuts come in late: the one that is violated
most gets a slot, as long as one is violated, so that only those that matter are ever rows.

A right-hand side moves bounds, after which the last optimal basis still has reduced costs of the right signs. An
optimum is believed when rows, bounds and reduced costs, worked out anew from the inverse, prove it.
"""

import numpy as np
from numba import njit

from counterpoint.simulators.stage.dual_simplex_basis import (
    BASIC,
    DUAL,
    FREE,
    LOWER,
    UPPER,
    activity,
    combine,
    exchange,
    express,
    fill_slot,
    invert,
    place,
    settle,
)

SOLVED, HAND_OVER, NEEDS_INVERSE = 0, 1, 2
PIVOT = 1e-9  # the least entry to divide by
AGREE = 1e-6  # relative, of a pivot from its row and from its column
PRIMAL = 1e-9  # of bounds, in the search
PROOF = 1e-8  # of bounds, in what is returned
PROOF_DUAL = 1e-9  # of reduced costs there, relative to `Program.size`: times a large slack they are an error of costs
DRIFT = 1e-11  # of rows, relative to the largest number
SMALL = 1e-3  # tolerances grow with numbers above 1 / SMALL
MOST_PIVOTS = 100  # before the basis is inverted anew
MOST_DOUBTS = 3  # inversions before their time, of one problem


@njit(cache=True, nogil=True)
def leaving(basis):
    """Return the position of the basic variable that is furthest out by steepest edge; -1 if none is out."""
    best, at = 0.0, -1
    for p in range(len(basis.head)):
        j = basis.head[p]
        value = basis.x[j]
        out = max(basis.lower[j] - value, value - basis.upper[j])
        if out > PRIMAL * (1.0 + SMALL * abs(value)):
            merit = out * out / basis.norm[p]
            if merit > best:
                best, at = merit, p
    return at


@njit(cache=True, nogil=True)
def entering(program, basis, alpha, sign, slope, flips, candidates):
    """Return the entering variable, -1 if there is none, and how many of `flips` change their bound before it.

    Reduced costs fall to 0 one after the other as the dual step grows; a variable between two bounds is flipped and
    passed, as long as the leaving one is out by more than that makes up for.
    """
    left = flipped = 0
    for j in range(len(alpha)):
        at, a = basis.where[j], sign * alpha[j]
        if at == BASIC or basis.lower[j] == basis.upper[j]:
            continue
        if (at == LOWER and a < -PIVOT) or (at == UPPER and a > PIVOT) or (at == FREE and abs(a) > PIVOT):
            candidates[left] = j
            left += 1
    while left:
        most, chosen, largest = np.inf, -1, 0.0
        for k in range(left):
            j = candidates[k]
            most = min(most, (abs(basis.reduced[j]) + DUAL * program.size) / abs(alpha[j]))
        for k in range(left):
            j = candidates[k]
            a = abs(alpha[j])
            if a > largest and abs(basis.reduced[j]) <= most * a:
                chosen, largest = k, a
        j = candidates[chosen]
        slope -= largest * (basis.upper[j] - basis.lower[j])
        if not slope > PRIMAL:  # a flip that makes up for all of it but a rounding must not be the last
            return j, flipped
        flips[flipped] = j
        flipped += 1
        basis.where[j] = UPPER if basis.where[j] == LOWER else LOWER
        left -= 1
        candidates[chosen] = candidates[left]
    return -1, flipped


@njit(cache=True, nogil=True)
def bring_in(program, basis, cuts):
    """Put the cut that is violated most into a slot; 1: done, 0: none is violated, -1: no slot is to be had."""
    theta, intercept, slope = cuts
    n = len(basis.x) - len(basis.head)
    base = len(basis.head) - len(basis.slot_cut)
    worst, chosen = 0.0, -1
    for c in range(len(theta)):
        least = intercept[c]
        for s in range(len(program.out)):
            least += slope[c, s] * basis.x[program.out[s]]
        gap = (least - basis.x[program.theta[theta[c]]]) / (1.0 + abs(least))
        if gap > worst:
            worst, chosen = gap, c
    if worst <= PRIMAL:
        return 0
    slot, most = -1, 0.0
    for s in range(len(basis.slot_cut)):
        j = n + base + s
        if basis.slot_cut[s] < 0:
            slot = s
            break
        room = basis.x[j] - basis.lower[j]
        if basis.where[j] == BASIC and room > most + PRIMAL * (1.0 + abs(basis.x[j])):
            slot, most = s, room
    if slot < 0:
        return -1
    fill_slot(program, basis, slot, chosen, theta[chosen], intercept[chosen], slope[chosen])
    return 1


@njit(cache=True, nogil=True)
def iterate(program, basis, cuts, alpha, zeros, column, flips, candidates, pivots):
    """Pivot until nothing is out; return a status and the number of pivots since the last inversion."""
    m = len(basis.head)
    x, lower, upper, where, reduced = basis.x, basis.lower, basis.upper, basis.where, basis.reduced
    for _ in range(50 + 20 * m):
        p = leaving(basis)
        if p < 0:
            found = bring_in(program, basis, cuts)
            if found <= 0:
                return (SOLVED if found == 0 else HAND_OVER), pivots
            continue
        left = basis.head[p]
        sign = 1.0 if x[left] < lower[left] else -1.0
        bound = lower[left] if sign > 0 else upper[left]
        combine(program, basis, basis.inverse[p], 1.0, zeros, alpha)
        q, flipped = entering(program, basis, alpha, sign, abs(bound - x[left]), flips, candidates)
        if q < 0:
            return HAND_OVER, pivots  # infeasible, it seems
        for f in range(flipped):
            j = flips[f]
            step = upper[j] - lower[j] if where[j] == UPPER else lower[j] - upper[j]
            express(program, basis, j, column)
            x[j] += step
            for i in range(m):
                x[basis.head[i]] -= step * column[i]
        express(program, basis, q, column)
        if abs(column[p] - alpha[q]) > AGREE * abs(alpha[q]):
            return NEEDS_INVERSE, pivots
        dual_step = reduced[q] / alpha[q]
        if dual_step != 0.0:
            for j in range(len(x)):
                if where[j] != BASIC:
                    reduced[j] -= dual_step * alpha[j]
        reduced[q], reduced[left] = 0.0, -dual_step
        step = (x[left] - bound) / column[p]
        x[q] += step
        for i in range(m):
            x[basis.head[i]] -= step * column[i]
        x[left] = bound
        where[left], where[q] = (LOWER if sign > 0 else UPPER), BASIC
        exchange(basis, p, q, column)
        pivots += 1
        if pivots >= MOST_PIVOTS:
            return NEEDS_INVERSE, pivots
    return HAND_OVER, pivots


@njit(cache=True, nogil=True)
def is_proven(program, basis, work):
    """Work out prices and reduced costs anew; tell whether rows, bounds and signs prove the optimum."""
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    basis.price[:] = 0.0
    for p in range(m):
        cost = program.cost[basis.head[p]]
        if cost != 0.0:
            for i in range(m):
                basis.price[i] += cost * basis.inverse[p, i]
    combine(program, basis, basis.price, -1.0, program.cost, basis.reduced)
    activity(program, basis, False, work)
    largest = 1.0
    for j in range(n):
        largest = max(largest, abs(basis.x[j]))
    for i in range(m):
        if not abs(work[i] - basis.x[n + i]) <= DRIFT * largest:
            return False
    for j in range(n + m):
        room = PROOF * (1.0 + SMALL * abs(basis.x[j]))
        if basis.x[j] < basis.lower[j] - room or basis.x[j] > basis.upper[j] + room:
            return False
        if basis.where[j] == BASIC:
            basis.reduced[j] = 0.0
        elif basis.lower[j] < basis.upper[j]:
            wrong = -basis.reduced[j] if basis.where[j] != UPPER else 0.0
            wrong = max(wrong, basis.reduced[j] if basis.where[j] != LOWER else 0.0)
            if wrong > PROOF_DUAL * program.size:
                return False
    return True


@njit(cache=True, nogil=True)
def restart(program, basis):
    """Go back to the basis of all activities, without cuts."""
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    basis.inverse[:, :] = 0.0
    for i in range(m):
        basis.head[i], basis.inverse[i, i], basis.norm[i] = n + i, -1.0, 1.0
    basis.where[:n], basis.where[n:] = LOWER, BASIC
    basis.reduced[:] = program.cost
    basis.slot_cut[:] = -1
    basis.slot_row[:, :] = 0.0
    first = n + m - len(basis.slot_cut)
    basis.lower[first:], basis.upper[first:] = -np.inf, np.inf


@njit(cache=True, nogil=True)
def solve_rows(program, basis, cuts, moving, row_lower, row_upper, out_lower, out_upper, state_rows, x, dual,
               dual_target, status, pivots):  # fmt: skip
    """Solve for each row of bounds, of the activities `moving` and of the outgoing state (one row: the same for all).

    Fills x [N, n], the prices of `state_rows` [N, k], the reduced costs of the outgoing state [N, S] and the status
    [N]; returns the number of pivots since the last inversion.
    """
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    work, column, alpha, zeros = np.empty(m), np.empty(m), np.zeros(n + m), np.zeros(n + m)
    flips, candidates = np.empty(n + m, np.int64), np.empty(n + m, np.int64)
    for i in range(len(row_lower)):
        for k in range(len(moving)):
            basis.lower[n + moving[k]], basis.upper[n + moving[k]] = row_lower[i, k], row_upper[i, k]
        at = i if len(out_lower) > 1 else 0
        for s in range(len(program.out)):
            basis.lower[program.out[s]], basis.upper[program.out[s]] = out_lower[at, s], out_upper[at, s]
        status[i] = HAND_OVER
        doubts, rounds = 0, 0
        is_ready = settle(program, basis)
        while is_ready and doubts <= MOST_DOUBTS and rounds <= m:
            place(program, basis, work)
            told, pivots = iterate(program, basis, cuts, alpha, zeros, column, flips, candidates, pivots)
            if told == HAND_OVER:
                break
            if told == SOLVED and is_proven(program, basis, work):
                status[i] = SOLVED
                break
            doubts += pivots < MOST_PIVOTS
            rounds, pivots = rounds + 1, 0
            if not invert(program, basis, column):
                restart(program, basis)
            is_proven(program, basis, work)
            is_ready = settle(program, basis)
        if status[i] == SOLVED:
            x[i] = basis.x[:n]
            for k in range(len(state_rows)):
                dual[i, k] = basis.price[state_rows[k]]
            for s in range(len(program.out)):
                dual_target[i, s] = basis.reduced[program.out[s]]
        elif not is_ready:
            restart(program, basis)
    return pivots
