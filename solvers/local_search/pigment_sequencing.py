"""Simulated annealing on production sequences: swaps and insertions, each feasible, heated again and again.

After Ceschia, Di Gaspero and Schaerf (2017, Computers and Industrial Engineering 114:235-243), who anneal this problem
with the same two kinds of moves. Deviation: late units are not tolerated at a penalty, so every sequence on the way is
a plan.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import stock_of
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.splitmix import stream
from counterpoint.solvers.local_search.pigment_sequencing_kernels import anneal
from counterpoint.solvers.rules.pigment_sequencing import best_by_rules

CHUNK = 50_000  # moves between two looks at the clock
COLD = 0.01  # of the hottest temperature, at the end of a cooling

Stop = Callable[[int, int], bool]  # moves done and best cost -> whether to end


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the annealing.

    Parameters
    ----------
    moves : int
        Of the first cooling; each after it has half as many again.
    heat : float
        First temperature, in mean changeover costs.
    reach : int
        Longest stretch of periods that a move changes.

    Raises
    ------
    OptionError
        If one is out of range.
    """

    moves: int = 1_000_000
    heat: float = 0.4
    reach: int = 40

    def __post_init__(self) -> None:
        if self.moves < 1 or self.reach < 1:
            raise OptionError(f"moves and reach must be at least 1, not {self.moves} and {self.reach}")
        if not 0 < self.heat <= 1e6:
            raise OptionError(f"heat must be above 0 and at most a million, not {self.heat}")


def solve(instance: PigmentSequencing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Cool down from the better of two rules' plans, and again from the best, until the budget ends.

    One iteration is one move tried. The same seed and number of iterations give the same result; a time limit only
    cuts the same moves elsewhere.
    """
    clock = budget.start()
    best, cost = best_by_rules(instance)
    report(best)
    stopped: Termination | None = None
    done, cooling, moves = 0, 0, options.moves

    def stop(tried: int, value: int) -> bool:
        nonlocal stopped
        stopped = clock.stop(iteration=done + tried, objective=value)
        return stopped is not None

    while not stop(0, cost) and instance.num_periods > 1:
        if budget.iterations is not None:
            moves = min(moves, budget.iterations - done)
        found, value, tried = cool(instance, best, cost, (seed, cooling), moves, options, stop)
        if value < cost:
            best, cost = found, value
            report(best)
        done, cooling, moves = done + tried, cooling + 1, moves * 3 // 2
    return Outcome(best, float(cost), stopped or Termination.COMPLETED, iterations=done)


def cool(
    instance: PigmentSequencing,
    start: ProductionSequence,
    cost: int,
    seed: tuple[int, int],
    moves: int,
    options: Options,
    stop: Stop,
) -> tuple[ProductionSequence, int, int]:
    """Cool down once; return the best sequence, its cost, and the number of moves tried.

    Parameters
    ----------
    instance : PigmentSequencing
        Of at least two periods.
    start : ProductionSequence
        Feasible, of this `cost`.
    seed : (int, int)
        Seed and number of the cooling.
    moves : int
    options : Options
    stop : callable
        Asked with the moves tried and the best cost, after every chunk of moves.
    """
    item, stock = start.item.copy(), stock_of(instance, start)
    state = np.array([stream(np.uint64(seed[0] % 2**64), seed[1])], np.uint64)
    best, best_cost, tried = item.copy(), cost, 0
    stocking, changeover = np.array(instance.stocking_cost), np.array(instance.changeover_cost)
    reach = min(options.reach, instance.num_periods - 1)
    mean = float(changeover.sum()) / max(1, instance.num_items * (instance.num_items - 1))
    hot = max(options.heat * mean, 1e-3)
    while tried < moves:
        size = min(CHUNK, moves - tried)
        begin, end = hot * COLD ** (tried / moves), hot * COLD ** ((tried + size) / moves)
        cost, best_cost = anneal(
            item, stock, stocking, changeover, cost, best, best_cost, begin, end, size, reach, state
        )  # fmt: skip
        tried += size
        if stop(tried, best_cost):
            break
    return ProductionSequence(best), best_cost, tried
