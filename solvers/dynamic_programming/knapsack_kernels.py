"""Compiled step of the knapsack's dynamic programme: one item more in the core."""

from typing import Any

import numba
import numpy as np

from counterpoint.opt.problems.places import IntArray

jit = numba.njit(cache=True, nogil=True)


@jit
def limit_of(value: int, room: int, v: IntArray, w: IntArray, low: int, high: int) -> float:
    """Return what a state can still be worth at most: room filled, or made, at the best density left."""
    if room < 0:
        if low < 0:
            return -np.inf
        if w[low] == 0:
            return -np.inf  # only items without weight are left: they make no room
        change = room * (v[low] / w[low])
    elif high < len(v):
        change = room * (v[high] / w[high])
    else:
        change = 0.0
    return float(value + change + 1e-6 + 1e-14 * (abs(value) + abs(change)))


@jit
def expand(
    values: IntArray,
    weights: IntArray,
    nodes: IntArray,
    v: IntArray,
    w: IntArray,
    capacity: int,
    item: int,
    is_out: bool,
    low: int,
    high: int,
    held: int,
    first_node: int,
    base: Any,
) -> Any:
    """Take `item` out of every state's packing, or put it in, or leave it; drop what is dominated or hopeless.

    Parameters
    ----------
    values, weights, nodes : int64 array [S]
        The states, weight and value strictly increasing; node: their place in the log of decisions.
    v, w : int64 array [n]
        Items by density.
    capacity, item : int
    is_out : bool
    low, high : int
        Items that come next to be taken out or put in.
    held : int
        The best value known: only more than this is of interest.
    first_node : int
        Number of the first decision made here.
    base : (int, int, int)
        Value, weight and break item of the packing that all began with.

    Returns
    -------
    values, weights, nodes : int64 array [S']
    parents : int64 array [D]
        The node that each decision made here came from.
    best : int
        The state that is better than `held` and fits, the best of them, or -1.
    top : float
        No state is worth more in the end, nor any packing that was dropped unless `held` is at least as good.
    """
    add_v, add_w = (-v[item], -w[item]) if is_out else (v[item], w[item])
    size = len(values)
    changed = limit_of(base[0] + add_v, capacity - base[1] - add_w, v, w, base[2] - 1, base[2]) >= held + 1
    room_for = 2 * size if changed else size
    new_v, new_w, new_n = np.empty(room_for, np.int64), np.empty(room_for, np.int64), np.empty(room_for, np.int64)
    parents = np.empty(size if changed else 0, np.int64)
    count, made, best, best_value, top = 0, 0, -1, held, float(held)
    i, j = 0, 0 if changed else size
    while i < size or j < size:
        stays = j >= size or (i < size and weights[i] <= weights[j] + add_w)
        if stays:
            value, weight, node = values[i], weights[i], nodes[i]
            i += 1
        else:
            value, weight, node = values[j] + add_v, weights[j] + add_w, nodes[j]
            j += 1
        if count and value <= new_v[count - 1]:
            continue
        limit = limit_of(value, capacity - weight, v, w, low, high)
        if weight <= capacity and value > best_value:
            best_value = value
        elif limit < best_value + 1:
            continue
        if not stays:
            parents[made] = node
            node = first_node + made
            made += 1
        if count and weight == new_w[count - 1]:
            count -= 1
        new_v[count], new_w[count], new_n[count] = value, weight, node
        if weight <= capacity and value == best_value and value > held:
            best = count
        top = max(top, np.floor(limit))
        count += 1
    return new_v[:count].copy(), new_w[:count].copy(), new_n[:count].copy(), parents[:made].copy(), best, top
