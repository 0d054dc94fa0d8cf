"""Compile the kernels of orienteering, or load them from Numba's cache, before any clock starts."""

from functools import cache

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import Places


def _tiny() -> Orienteering:
    """Return an instance of which not all can be collected."""
    square = Places("euclidean", [[0, 0], [1, 0], [1, 1], [0, 1]])  # type: ignore[arg-type]
    return Orienteering("tiny", square, [0, 1, 1, 1], 3.0)  # type: ignore[arg-type]


@cache
def greedy() -> None:
    """Insertion."""
    from counterpoint.solvers.rules.orienteering import solve

    solve(_tiny(), Budget(), 0, None, unheard)


@cache
def local_search() -> None:
    """Visits out, others in."""
    from counterpoint.solvers.local_search.orienteering import Options, solve

    solve(_tiny(), Budget(iterations=1), 0, Options(), unheard)


@cache
def dynamic_programming() -> None:
    """Shortest ways through subsets."""
    from counterpoint.solvers.dynamic_programming.orienteering import solve

    solve(_tiny(), Budget(), 0, None, unheard)
