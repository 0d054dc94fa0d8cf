"""Exact finishing of many small path tails at once: dynamic programming over sets of places, all paths side by side.

Held and Karp 1962 (Journal of the Society for Industrial and Applied Mathematics 10:196-210). All paths have equally
many places between their ends, so which set follows from which is the same for all: it is looked up, set size by set
size, and no path is looked at alone. Legs may be of unequal length to and fro.
"""

import itertools
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq_atsp import MatrixPaths
from counterpoint.simulators.batched.bq_tsp import Paths

P = TypeVar("P", Paths, MatrixPaths)
MOST = 9  # places between the ends; 20 kB of memory and 0.3 ms a path, twice and a half as much for each one more
ROWS = 1024  # paths at a time


def finished(paths: Paths) -> Tensor:
    """Return the places that are left to each path in the best order from its origin to its end, int64 [R, m]."""
    if paths.size == 0:
        return paths.left
    origin, end, between = (paths.at(place).double() for place in (paths.origin, paths.end, paths.left))
    away = [torch.linalg.vector_norm(between - point.unsqueeze(1), dim=2) for point in (origin, end)]
    among = torch.linalg.vector_norm(between.unsqueeze(2) - between.unsqueeze(1), dim=3)
    return paths.left.gather(1, shortest(away[0], among, away[1]))


def completed(paths: P, finished: Callable[[P], Tensor]) -> tuple[Tensor, P]:
    """Return the named steps that put what is left in the order of `finished`, int64 [R, m], and paths after them."""
    steps = 2 * finished(paths)
    for step in steps.unbind(1):
        paths = paths.step(2 * (2 * paths.left == step.unsqueeze(1)).long().argmax(1))
    return steps, paths


def shortest(first: Tensor, between: Tensor, last: Tensor) -> Tensor:
    """Return the places between the ends in the order in which the way through all of them is shortest.

    Parameters
    ----------
    first : float tensor [R, m]
        Lengths from the origin; m is at least 1 and at most `MOST`.
    between : float tensor [R, m, m]
        Lengths from each place to each.
    last : float tensor [R, m]
        Lengths to the end.

    Returns
    -------
    int64 tensor [R, m]
        Positions; of equally short ways always the same.
    """
    m = first.shape[1]
    if not 1 <= m <= MOST:
        raise ValueError(f"expected 1 to {MOST} places between the ends, not {m}")
    parts = zip(first.split(ROWS), between.flatten(1).split(ROWS), last.split(ROWS), strict=True)
    return torch.cat([_shortest(*part) for part in parts])


def _shortest(first: Tensor, legs: Tensor, last: Tensor) -> Tensor:
    """The same; legs [R, m * m]. State s * m + j: from the origin through the places of set s, of which j is last."""
    rows, m = first.shape
    cost = first.new_full((rows, m << m), torch.inf)
    came = torch.zeros(rows, m << m, dtype=torch.int64, device=first.device)
    cost[:, [(1 << j) * m + j for j in range(m)]] = first
    for states, before, leg in _sizes(m, first.device):
        cost[:, states], at = (cost[:, before] + legs[:, leg]).min(2)
        came[:, states] = before.expand(rows, -1, -1).gather(2, at.unsqueeze(2)).squeeze(2)
    whole = ((1 << m) - 1) * m
    state = whole + (cost[:, whole:] + last).argmin(1)
    order = [state % m]
    for _ in range(m - 1):
        state = came.gather(1, state.unsqueeze(1)).squeeze(1)
        order.append(state % m)
    return torch.stack(order[::-1], dim=1)


@cache
def _sizes(m: int, device: torch.device) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return, for sets of 2, 3, .. m places: states [C], those before each [C, size - 1], and the legs between."""
    sizes = []
    for size in range(2, m + 1):
        states, before, legs = [], [], []
        for places in itertools.combinations(range(m), size):
            chosen = sum(1 << j for j in places)
            for j in places:
                others = [i for i in places if i != j]
                states.append(chosen * m + j)
                before.append([(chosen ^ 1 << j) * m + i for i in others])
                legs.append([i * m + j for i in others])
        sizes.append(tuple(torch.tensor(numbers, device=device) for numbers in (states, before, legs)))
    return sizes  # type: ignore[return-value]
