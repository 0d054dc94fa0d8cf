"""Compile the job-shop kernels, or load them from Numba's cache, before any clock starts.

A new installation compiles for some ten seconds; that is not solving time, and must not eat a budget of five.
Each function runs its kernels on shops of a few operations; `Method.load` calls it, once per process.
"""

from functools import cache
from typing import get_args

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.job_shop import JobShop

TINY = JobShop.from_jobs(  # no rule meets its bound, so that the searches do not end before they begin
    "tiny",
    [[(2, 8), (0, 5), (1, 5)], [(2, 8), (1, 6), (0, 6)], [(2, 5), (0, 5), (1, 8)], [(1, 3), (2, 7), (0, 6)]],
)
VARIANT = JobShop.from_jobs(
    "tiny variant", [[[(0, 3), (1, 2)], (1, 4)], [(1, 1)]], unavailable=[[0, 1, 2]], due_dates=[5, 3]
)


@cache
def rules() -> None:
    """Dispatching rules and bounds, which other methods start from."""
    from counterpoint.solvers.bounds.job_shop import best_bound
    from counterpoint.solvers.rules.job_shop import Scheme, schedule

    for shop in (TINY, VARIANT):
        best_bound(shop)
        for scheme in get_args(Scheme):
            schedule(shop, "spt", scheme)


@cache
def randomised() -> None:
    """The randomised rule."""
    from counterpoint.solvers.rules.job_shop_randomised import Options, solve

    rules()
    for shop in (TINY, VARIANT):
        solve(shop, Budget(iterations=1), 0, Options(), unheard)


@cache
def bottleneck() -> None:
    """Shifting bottleneck."""
    from counterpoint.solvers.local_search.job_shop_bottleneck import solve

    rules()
    solve(TINY, Budget(), 0, None, unheard)


@cache
def tabu() -> None:
    """Tabu search, its random starts and its relinking."""
    from counterpoint.solvers.local_search.job_shop import Options, improve
    from counterpoint.solvers.local_search.job_shop_starts import best_rule_schedule

    rules()
    clock = Budget(iterations=500).start()
    # bound 0 is never met, so that short searches follow on each other until two members are relinked
    improve(TINY, best_rule_schedule(TINY), clock, 0, unheard, options=Options(population=2, patience=10), bound=0)
