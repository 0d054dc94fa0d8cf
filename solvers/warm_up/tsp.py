"""Compile the kernels of the travelling salesman, or load them from Numba's cache, before any clock starts."""

from functools import cache
from typing import Any

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp


def _ring(count: int, metric: Any = "euclidean") -> Places:
    """Return places that are not in the order of any good tour."""
    angle = np.arange(count) * 2.4
    return Places(metric, np.stack((np.cos(angle), np.sin(angle)), axis=1))


@cache
def held_karp() -> None:
    """The dynamic programme."""
    from counterpoint.solvers.dynamic_programming.tsp import shortest

    shortest(Tsp("tiny", _ring(4)))


@cache
def one_tree() -> None:
    """The trees of the bound."""
    from counterpoint.solvers.bounds.tsp import one_tree_bound, surplus_of

    tiny = Tsp("tiny", _ring(5))
    surplus_of(tiny, one_tree_bound(tiny, 10.0, steps=2).prices)


@cache
def local_search() -> None:
    """Moves and kicks, on symmetric and asymmetric distances, and all that is run around them."""
    from counterpoint.solvers.local_search.tsp import Options, solve

    held_karp()
    one_tree()
    places = _ring(12)
    one_way = Places("explicit", None, places.distances() + np.triu(np.ones((12, 12))))
    for tiny in (Tsp("ring", places), Tsp("one way", one_way, (0, 5))):
        solve(tiny, Budget(iterations=2), 0, Options(), unheard)
