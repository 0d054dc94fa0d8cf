"""Compile the kernels of pigment sequencing, or load them from Numba's cache, before any clock starts."""

from functools import cache

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing

TINY = PigmentSequencing(  # not solved by its first bounds, so that every kernel runs
    "tiny", np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), np.array([1, 2]), np.array([[0, 5], [3, 0]])
)


@cache
def annealing() -> None:
    """The moves of the annealing."""
    from counterpoint.solvers.local_search.pigment_sequencing import Options, solve

    solve(TINY, Budget(iterations=1), 0, Options(), unheard)


@cache
def dynamic_programming() -> None:
    """The relaxation and the layers, and what comes before them."""
    from counterpoint.solvers.dynamic_programming.pigment_sequencing import Options, solve
    from counterpoint.solvers.dynamic_programming.pigment_sequencing_layers import packing_of
    from counterpoint.solvers.dynamic_programming.pigment_sequencing_pass import sweep
    from counterpoint.solvers.dynamic_programming.pigment_sequencing_prices import raise_bound
    from counterpoint.solvers.dynamic_programming.pigment_sequencing_relaxation import orders_of

    annealing()
    solve(TINY, Budget(), 0, Options(), unheard)
    orders = orders_of(TINY)
    for forget in (True, False):
        priced = raise_bound(orders, np.zeros(orders.size), forget, 100.0, lambda _: True)
        sweep(orders, packing_of(orders), priced, 10, 100, lambda: False)
