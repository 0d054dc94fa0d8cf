"""Local search for orienteering: visits out, others in, the walk straightened by 2-opt and Or-opt; annealed.

The moves are those of Chao, Golden and Wasil 1996 (European Journal of Operational Research 88:475-489: insertion,
exchange, 2-opt), driven by ruin and recreate (Schrimpf et al. 2000, Journal of Computational Physics 159:139-171).
Half of the steps begin with a random newcomer, put in wherever it fits: prize per detour alone never leads a walk to a
far cluster, none of whose places pays by itself. What one cooling comes to depends on the region that its walk settles
in, and little on its length beyond some thousand steps: a budget is spent on several, each from the greedy walk on.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.splitmix import stream
from counterpoint.solvers.local_search.cooling import Cooling
from counterpoint.solvers.local_search.orienteering_kernels import anneal
from counterpoint.solvers.rules.orienteering import greedy, opened

CHUNK = 10_000  # steps times places between two looks at the clock


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the local search.

    Parameters
    ----------
    steps : int
        Of a cooling, at least: a limit of time or iterations holds as many as there is room for, up to `coolings`.
        Without one, of the first; each after it has twice as many.
    coolings : int
        From the greedy walk on, at most, where there is a limit.
    heat, cold : float
        First and last temperature, in mean prizes.
    removed : int
        Visits taken out in a step, at most.

    Raises
    ------
    OptionError
        If one is out of range.
    """

    steps: int = 5_000
    coolings: int = 8
    heat: float = 2.0
    cold: float = 0.05
    removed: int = 20

    def __post_init__(self) -> None:
        if self.steps < 1 or self.coolings < 1 or self.removed < 1:
            raise OptionError("steps, coolings and removed must be at least 1")
        if not 0 < self.cold <= self.heat <= 1e6:
            raise OptionError(f"expected 0 < cold <= heat, not {self.cold} and {self.heat}")


def solve(instance: Orienteering, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Cool down from the greedy walk, again and again, until the budget ends or all prizes are collected.

    One iteration is one step: visits out, others in. The same seed and number of iterations give the same walk, if no
    limit of time says how fast to cool down.
    """
    clock = budget.start()
    walk = opened(instance)
    visits = greedy(walk)
    held, everything = float(walk.prize[visits].sum()), float(walk.prize.sum())
    report(walk.walk(visits))
    n = len(walk.place)
    order = np.zeros(n, np.int64)
    order[1 : len(visits) + 1], order[len(visits) + 1] = visits, n - 1
    first_order, best_order, count = order.copy(), order.copy(), len(visits) + 2
    best_count = count
    distance = walk.distance.astype(np.float64)
    mean = everything / max(1, int(np.count_nonzero(walk.prize)))
    tie = 0.01 * mean / (walk.limit or 1.0)
    hot, cold = options.heat * mean, options.cold * mean
    state = np.array([stream(np.uint64(seed % 2**64), 0)], np.uint64)
    chunk, done, times, turn = max(1, CHUNK // n), 0, 1, 0
    cooling = Cooling(clock, options.steps)
    while True:
        stopped = clock.stop(iteration=done, objective=held, sense="max")
        is_all = np.count_nonzero(walk.prize[best_order[:best_count]]) == np.count_nonzero(walk.prize)
        if is_all or stopped is not None:
            solution = walk.walk(best_order[1 : best_count - 1])
            final = stopped if stopped is not None and not is_all else Termination.OPTIMAL
            return Outcome(solution, held, final, bound=held if is_all else None, iterations=done)
        size = chunk if budget.iterations is None else min(chunk, budget.iterations - done)
        is_over = cooling.is_over(done)
        now, later = cooling.shares(done, size)
        if not cooling.is_endless and turn == 0:
            steps = round(done / now) if now else budget.iterations or 0  # that there is time for
            times = min(options.coolings, max(1, steps // options.steps))
        due = min(times - 1, int(now * times))
        if is_over or due > turn:
            order[:], count, turn = first_order, len(visits) + 2, due
        begin, end = (hot * (cold / hot) ** min(1.0, share * times - turn) for share in (now, later))
        count, best_count = anneal(
            order, count, best_order, best_count, distance, walk.prize, walk.limit, walk.is_symmetric, tie, size,
            begin, end, options.removed, state,
        )  # fmt: skip
        done += size
        found = float(walk.prize[best_order[:best_count]].sum())
        if found > held:
            held = found
            report(walk.walk(best_order[1 : best_count - 1]))
