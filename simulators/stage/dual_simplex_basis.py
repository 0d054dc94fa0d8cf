"""A basis of a program with few rows and its dense inverse, compiled; see `dual_simplex_loop`.

Rows are equations ``A x - r = 0`` with the row's activity r a variable of its own, number n + row, between the row's
bounds: a right-hand side moves bounds only. The last rows are slots for cuts: each holds a cut or nothing, and one of
which r is basic can be filled anew without touching the other rows of the inverse.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

LOWER, UPPER, BASIC, FREE = 0, 1, 2, 3  # where a variable is
DUAL = 1e-10  # of reduced costs, relative to `Program.size`
SINGULAR = 1e-11  # pivots of an inversion


class Program(NamedTuple):
    """What does not change; n columns, b rows that are no slots, columns in compressed form.

    Parameters
    ----------
    starts, index : int64 arrays
    value : float64 array
    cost : float64 array [n + m]
    in_cuts : int64 array
        Columns that cuts are about: states and future costs.
    is_in_cuts : bool array [n]
    out, theta : int64 arrays [S], [K]
        Columns of the outgoing state and of the future costs.
    size : float
        Of the largest cost, or what counts as such: tolerances of reduced costs are relative to it.
    """

    starts: Any
    index: Any
    value: Any
    cost: Any
    in_cuts: Any
    is_in_cuts: Any
    out: Any
    theta: Any
    size: float


class Basis(NamedTuple):
    """Where the method stands; m rows, slots among them.

    Parameters
    ----------
    x, reduced, lower, upper : float64 array [n + m]
    where : int64 array [n + m]
    head : int64 array [m]
        The basic variable of each position.
    inverse : float64 array [m, m]
    norm : float64 array [m]
        Squares of the lengths of the inverse's rows: the weights of steepest edge, exactly.
    price : float64 array [m]
    slot_row : float64 array [slots, n]
    slot_cut : int64 array [slots]
        Number of the cut; -1: none.
    """

    x: Any
    reduced: Any
    lower: Any
    upper: Any
    where: Any
    head: Any
    inverse: Any
    norm: Any
    price: Any
    slot_row: Any
    slot_cut: Any


@njit(cache=True, nogil=True)
def combine(program, basis, row, sign, start, out):
    """Fill ``start + sign * row @ column`` for every variable that is not basic."""
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    base = m - len(basis.slot_cut)
    for j in range(n):
        if basis.where[j] != BASIC:
            total = 0.0
            for k in range(program.starts[j], program.starts[j + 1]):
                total += row[program.index[k]] * program.value[k]
            out[j] = start[j] + sign * total
    for s in range(m - base):
        weight = sign * row[base + s]
        if weight != 0.0 and basis.slot_cut[s] >= 0:
            for j in program.in_cuts:
                if basis.where[j] != BASIC:
                    out[j] += weight * basis.slot_row[s, j]
    for i in range(m):
        if basis.where[n + i] != BASIC:
            out[n + i] = start[n + i] - sign * row[i]


@njit(cache=True, nogil=True)
def express(program, basis, j, out):
    """Fill the column of variable j in terms of the basis."""
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    base = m - len(basis.slot_cut)
    if j >= n:
        for p in range(m):
            out[p] = -basis.inverse[p, j - n]
        return
    for p in range(m):
        total = 0.0
        for k in range(program.starts[j], program.starts[j + 1]):
            total += basis.inverse[p, program.index[k]] * program.value[k]
        out[p] = total
    if program.is_in_cuts[j]:
        for s in range(m - base):
            weight = basis.slot_row[s, j]
            if weight != 0.0:
                for p in range(m):
                    out[p] += basis.inverse[p, base + s] * weight


@njit(cache=True, nogil=True)
def activity(program, basis, only_nonbasic, out):
    """Fill ``A x``, or the part of the variables that are not basic."""
    n = len(basis.x) - len(basis.head)
    base = len(basis.head) - len(basis.slot_cut)
    out[:] = 0.0
    for j in range(n):
        if basis.x[j] != 0.0 and not (only_nonbasic and basis.where[j] == BASIC):
            for k in range(program.starts[j], program.starts[j + 1]):
                out[program.index[k]] += program.value[k] * basis.x[j]
    for s in range(len(basis.slot_cut)):
        if basis.slot_cut[s] >= 0:
            for j in program.in_cuts:
                if not (only_nonbasic and basis.where[j] == BASIC):
                    out[base + s] += basis.slot_row[s, j] * basis.x[j]


@njit(cache=True, nogil=True)
def place(program, basis, work):
    """Put variables that are not basic on their bounds and work out the basic ones."""
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    for j in range(n + m):
        at = basis.where[j]
        if at != BASIC:
            basis.x[j] = basis.lower[j] if at == LOWER else (basis.upper[j] if at == UPPER else 0.0)
    activity(program, basis, True, work)
    for i in range(m):
        if basis.where[n + i] != BASIC:
            work[i] -= basis.x[n + i]
    for p in range(m):
        basis.x[basis.head[p]] = -np.dot(basis.inverse[p], work)


@njit(cache=True, nogil=True)
def settle(program, basis):
    """Move variables that are not basic to the bound that reduced costs ask for; False if there is none."""
    for j in range(len(basis.x)):
        at, reduced = basis.where[j], basis.reduced[j]
        has_lower, has_upper = basis.lower[j] > -np.inf, basis.upper[j] < np.inf
        if at == BASIC:
            continue
        if basis.lower[j] == basis.upper[j]:
            at = LOWER
        elif reduced > DUAL * program.size:
            if not has_lower:
                return False
            at = LOWER
        elif reduced < -DUAL * program.size:
            if not has_upper:
                return False
            at = UPPER
        elif has_lower and not (at == UPPER and has_upper):
            at = LOWER
        else:
            at = UPPER if has_upper else FREE
        basis.where[j] = at
    return True


@njit(cache=True, nogil=True)
def exchange(basis, p, q, column):
    """Let variable q, `column` in terms of the basis, take position p."""
    m, row = len(basis.head), basis.inverse[p]
    total, scale = 0.0, 1.0 / column[p]
    for k in range(m):
        row[k] *= scale
        total += row[k] * row[k]
    basis.norm[p] = total
    for i in range(m):
        factor = column[i]
        if i != p and factor != 0.0:
            other, total = basis.inverse[i], 0.0
            for k in range(m):
                other[k] -= factor * row[k]
                total += other[k] * other[k]
            basis.norm[i] = total
    basis.head[p] = q


@njit(cache=True, nogil=True)
def invert(program, basis, column):
    """Invert the basis anew; False if it is singular.

    Basic columns take the places of activities that are not basic, one after the other, the largest entry as pivot.
    Sparse columns cost little.
    """
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    basis.inverse[:, :] = 0.0
    for i in range(m):
        basis.head[i], basis.inverse[i, i], basis.norm[i] = n + i, -1.0, 1.0
    for j in range(n):
        if basis.where[j] != BASIC:
            continue
        express(program, basis, j, column)
        largest, at = SINGULAR, -1
        for p in range(m):
            if abs(column[p]) > largest and basis.where[basis.head[p]] != BASIC:
                largest, at = abs(column[p]), p
        if at < 0:
            return False
        exchange(basis, at, j, column)
    return True


@njit(cache=True, nogil=True)
def fill_slot(program, basis, slot, cut, theta, intercept, slope):
    """Put a cut into a slot whose activity is basic; cut -1 empties it."""
    m, n = len(basis.head), len(basis.x) - len(basis.head)
    row = m - len(basis.slot_cut) + slot
    p = 0
    while basis.head[p] != n + row:
        p += 1
    basis.slot_cut[slot] = cut
    basis.slot_row[slot, :] = 0.0
    mine, total = basis.inverse[p], 0.0
    mine[:] = 0.0
    basis.lower[n + row], basis.upper[n + row] = -np.inf, np.inf
    if cut >= 0:
        basis.lower[n + row] = intercept
        basis.slot_row[slot, program.theta[theta]] = 1.0
        for s in range(len(program.out)):
            basis.slot_row[slot, program.out[s]] = -slope[s]
        for i in range(m):
            j = basis.head[i]
            if j < n and basis.slot_row[slot, j] != 0.0:
                mine += basis.slot_row[slot, j] * basis.inverse[i]
        for j in program.in_cuts:
            total += basis.slot_row[slot, j] * basis.x[j]
    mine[row] = -1.0
    basis.norm[p] = np.dot(mine, mine)
    basis.x[n + row] = total
