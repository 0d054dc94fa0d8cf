"""Compile the kernels of vehicle routing, or load them from Numba's cache, before any clock starts."""

from functools import cache

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import Places


@cache
def local_search() -> None:
    """Ruin and recreate."""
    from counterpoint.solvers.local_search.cvrp import Options, solve

    square = Places("euclidean", [[0, 0], [1, 0], [1, 1], [0, 1]])  # type: ignore[arg-type]
    solve(Cvrp("tiny", square, [0, 1, 1, 1], 2), Budget(iterations=1), 0, Options(), unheard)  # type: ignore[arg-type]
