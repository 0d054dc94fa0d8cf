"""Compile the kernels of the knapsack problem, or load them from Numba's cache, before any clock starts."""

from functools import cache

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.knapsack import Knapsack


@cache
def dynamic_programming() -> None:
    """One step more of the core."""
    from counterpoint.solvers.dynamic_programming.knapsack import solve

    solve(Knapsack("tiny", [10, 7, 7], [6, 5, 5], 10), Budget(), 0, None, unheard)  # type: ignore[arg-type]
