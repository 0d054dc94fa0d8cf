"""Exact dynamic programming under a Lagrangian bound, in passes of more and more states; the best there is here.

A plan by a rule and a short annealing, prices for the orders that make a relaxation tight
(`pigment_sequencing_prices`), then passes over the exact states (`pigment_sequencing_pass`), which keep the most
promising of those that the bound does not rule out. A pass with room for all of them is a proof; one without gives a
plan, and a better bound than the relaxation. The scheme is that of successive sublimation (Ibaraki and Nakamura 1994,
EJOR 76:72-82; Tanaka, Fujikuma and Araki 2009, Journal of Scheduling 12:575-593), with a beam in place of ever larger
relaxations.
"""

import math
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.dynamic_programming.pigment_sequencing_layers import packing_of
from counterpoint.solvers.dynamic_programming.pigment_sequencing_pass import MAX_STATES, sweep
from counterpoint.solvers.dynamic_programming.pigment_sequencing_prices import Priced, fits, raise_bound, rounded_up
from counterpoint.solvers.dynamic_programming.pigment_sequencing_relaxation import orders_of
from counterpoint.solvers.local_search.pigment_sequencing import Options as Annealing
from counterpoint.solvers.local_search.pigment_sequencing import cool
from counterpoint.solvers.rules.pigment_sequencing import best_by_rules

MOVES_PER_CELL, MAX_MOVES = 100, 5_000_000  # of the annealing, per square of periods; half a second at most
FIRST_WIDTH = 300  # of the pass between the first prices and better ones
PRICING_SHARES = (0.1, 0.15, 0.4)  # of the time limit, at most: first prices, better ones, those with a memory
LENGTHS = (1.0, 0.3, 0.5)  # of the first step in each


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the dynamic programming.

    Parameters
    ----------
    width : int
        States kept in each layer of the first pass after pricing; twice as many in each pass after it, as far as
        memory is meant to go (four million successors of a layer).

    Raises
    ------
    OptionError
        If it is less than 1.
    """

    width: int = 200

    def __post_init__(self) -> None:
        if self.width < 1:
            raise OptionError(f"width must be at least 1, not {self.width}")


def solve(instance: PigmentSequencing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Search until proof, a limit, or the widest pass.

    One iteration is 50,000 moves of the annealing, one step of pricing, or one look of a pass at the clock: a layer, or
    20,000 states of a large one.
    Nothing is random; a time limit only cuts the same steps elsewhere.

    Examples
    --------
    >>> tiny = PigmentSequencing("tiny", [[0, 1, 0], [0, 0, 1]], 2, [[0, 5], [3, 0]])
    >>> solve(tiny, Budget(), 0, Options(), lambda *_, **__: None).objective
    5.0
    """
    run = _Run(instance, budget.start(), report)
    run.search(options.width)
    assert run.stopped is not None
    return Outcome(run.sequence, float(run.cost), run.stopped, bound=run.bound, iterations=run.iterations)


class _Run:
    """The best plan and bound so far, and what has been used of the budget."""

    def __init__(self, instance: PigmentSequencing, clock: Clock, report: Report) -> None:
        self.instance, self.clock, self.report = instance, clock, report
        self.orders = orders_of(instance)
        self.packing = packing_of(self.orders)
        self.sequence, self.cost = best_by_rules(instance)
        self.bound, self.iterations = 0.0, 0
        self.stopped: Termination | None = None
        report(self.sequence, bound=self.bound)

    def search(self, width: int) -> None:
        """Do everything, in order."""
        self._anneal()
        prices = np.full(self.orders.size, self.cost / self.orders.size)
        priced = self._price(prices, 0, forget=True)
        self._pass(priced, FIRST_WIDTH)
        priced = self._price(priced.prices, 1, forget=True)
        if fits(self.orders) and self.stopped is None:
            priced = self._price(priced.prices, 2, forget=False)
        widest = max(1, MAX_STATES // len(self.orders.stocking))
        while self.stopped is None:
            self._pass(priced, min(width, widest))
            if width >= widest and self.stopped is None:
                self.stopped = Termination.COMPLETED
            width *= 2

    def _anneal(self) -> None:
        if self.instance.num_periods == 1:
            return
        moves = min(MAX_MOVES, MOVES_PER_CELL * self.instance.num_periods**2)
        found, cost, _ = cool(
            self.instance, self.sequence, self.cost, (0, 0), moves, Annealing(), lambda *_: self._is_over()
        )
        if cost < self.cost:
            self.sequence, self.cost = found, cost
            self.report(found)

    def _price(self, prices: "np.ndarray[tuple[int], np.dtype[np.float64]]", stage: int, *, forget: bool) -> Priced:
        remaining = self.clock.remaining_s()
        until = self.clock.elapsed_s() + PRICING_SHARES[stage] * remaining if math.isfinite(remaining) else math.inf

        def stop(bound: float) -> bool:
            self._raise(rounded_up(bound))
            return self._is_over() or self.clock.elapsed_s() >= until

        return raise_bound(self.orders, prices, forget, float(self.cost), stop, LENGTHS[stage])

    def _pass(self, priced: Priced, width: int) -> None:
        if self.stopped is not None:
            return
        found = sweep(self.orders, self.packing, priced, width, self.cost, self._is_over)
        if found.sequence is not None:
            self.sequence, self.cost = found.sequence, found.cost
            self.report(self.sequence)
        self._raise(found.bound)
        self.stopped = self._why()

    def _raise(self, bound: float) -> None:
        bound = min(bound, float(self.cost))
        if bound > self.bound:
            self.bound = bound
            self.report(bound=bound)

    def _is_over(self) -> bool:
        self.iterations += 1
        self.stopped = self.stopped or self._why()
        return self.stopped is not None

    def _why(self) -> Termination | None:
        return self.clock.stop(iteration=self.iterations, objective=self.cost, bound=self.bound)
