"""Tabu search with path relinking for classical job shops (makespan), on one core.

`job_shop_graph` keeps heads and tails up to date, `job_shop_moves` says which moves on critical blocks are
possible and what they promise, `job_shop_search` is the tabu search, `job_shop_population` breeds its results.
Jobs may differ in length and visit machines repeatedly or never; durations may be zero.
"""

from dataclasses import dataclass
from typing import Literal

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import InstanceError, OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.result import Outcome
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.local_search.job_shop_graph import order_of
from counterpoint.solvers.local_search.job_shop_population import evolve
from counterpoint.solvers.local_search.job_shop_random import seeded
from counterpoint.solvers.local_search.job_shop_run import Run
from counterpoint.solvers.local_search.job_shop_starts import best_rule_schedule

Neighbourhood = Literal["N5", "N6", "N7"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the tabu search.

    Parameters
    ----------
    neighbourhood : {"N7", "N6", "N5"}
        Which moves on critical blocks are tried; see `job_shop_search`.
    population : int
        Selections kept for relinking at first, at least 2; half as many again each time they become alike.
    patience : int
        Moves without improvement after which a tabu search ends.

    Raises
    ------
    OptionError
        If a number is too small.
    """

    neighbourhood: Neighbourhood = "N7"
    population: int = 10
    patience: int = 12_500

    def __post_init__(self) -> None:
        if self.population < 2:
            raise OptionError(f"population must be at least 2, not {self.population}")
        if self.patience < 1:
            raise OptionError(f"patience must be at least 1, not {self.patience}")


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Search from the best of four dispatching rules until the budget ends or a lower bound is met.

    One iteration is one move. The same seed and number of iterations give the same result on any machine;
    a time limit only cuts the same sequence of moves elsewhere.
    """
    clock = budget.start()
    bound = best_bound(instance)
    report(bound=bound)
    return improve(instance, best_rule_schedule(instance), clock, seed, report, options=options, bound=bound)


def improve(
    instance: JobShop,
    start: Schedule,
    clock: Clock,
    seed: int,
    report: Report,
    *,
    options: Options | None = None,
    bound: int | None = None,
) -> Outcome:
    """Improve a feasible schedule on a running clock; for other methods that share their budget.

    Parameters
    ----------
    instance : JobShop
        Classical: not flexible, no blocking, no windows, makespan.
    start : Schedule
        Feasible; only its machine orders are used.
    clock : Clock
        Its target, gap, iterations and time limit end the search; one iteration is one move.
    seed : int
    report : Report
        Called with each better schedule, the first included, between chunks of moves of about 10 ms.
    options : Options, optional
    bound : int, optional
        A proven lower bound; default: `best_bound`.

    Raises
    ------
    UnsupportedError
        If the shop is not classical.
    InstanceError
        If the start is not feasible.
    """
    if instance.features:
        raise UnsupportedError(f"tabu search handles classical job shops only, not {', '.join(instance.features)}")
    verdict = check(instance, start)
    if not verdict.is_feasible:
        raise InstanceError(f"tabu search needs a feasible schedule to start from; this one is {verdict}")
    options = options or Options()
    bound = best_bound(instance) if bound is None else bound
    run = Run(instance, clock, bound, seeded(seed), report, int(options.neighbourhood[1:]))
    evolve(run, order_of(instance, start), options.population, options.patience)
    assert run.best is not None
    assert run.stopped is not None
    return Outcome(run.best, float(run.best.makespan), run.stopped, bound=float(bound), iterations=run.iterations)
