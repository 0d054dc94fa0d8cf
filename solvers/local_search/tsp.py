"""Iterated local search for the travelling salesman: chains of 3-opt moves on neighbour lists, kicked again and again.

The kernels' sources stand in `tsp_kernels`. From time to time a slightly longer tour is kept, as at a constant low
temperature (Martin, Otto and Felten 1991); the best one is remembered.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.splitmix import stream
from counterpoint.solvers.bounds.tsp import one_tree_bound
from counterpoint.solvers.dynamic_programming.tsp import shortest
from counterpoint.solvers.local_search.tsp_kernels import State, descend, kick, start
from counterpoint.solvers.local_search.tsp_space import (
    Space,
    nearest_neighbour,
    neighbours_of,
    opened,
    renumbered,
    space_of,
)

PROOF = 1e-7  # relative
TINY = 9  # places that dynamic programming solves before a kick could
BOUND_PLACES = 2000  # above this a bound takes too long
BOUND_SHARE = 0.1  # of the time
CHUNK_S = 0.02  # between two looks at the clock
LOOKS = 5000


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the iterated local search.

    Parameters
    ----------
    neighbours : int
        Nearest places that a move may join to a place, for its first edge.
    breadth : int
        The same for all further edges.
    depth : int
        Moves in a chain, at most; each changes up to three edges.
    heat : float
        Temperature, in mean lengths of a leg; 0: no longer tour is ever kept.
    bound : bool
        Spend a tenth of the time on a lower bound (symmetric instances of at most 2,000 places).

    Raises
    ------
    OptionError
        If one is out of range.
    """

    neighbours: int = 8
    breadth: int = 5
    depth: int = 3
    heat: float = 0.2
    bound: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.breadth <= self.neighbours <= 100:
            raise OptionError(f"expected 1 <= breadth <= neighbours <= 100, not {self.breadth} and {self.neighbours}")
        if not 1 <= self.depth <= 50:
            raise OptionError(f"depth must be in 1..50, not {self.depth}")
        if not 0 <= self.heat <= 100:
            raise OptionError(f"heat must be in 0..100, not {self.heat}")


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Improve the nearest neighbour's tour until the budget ends; up to 9 places: prove the optimum.

    One iteration is one kick. The same seed and number of iterations give the same tour; a time limit only cuts the
    same kicks elsewhere.
    """
    clock = budget.start()
    if instance.num_places <= TINY:
        order = shortest(instance)
        cost = float(length(instance, order))
        return Outcome(Tour(order), cost, Termination.OPTIMAL, bound=cost, iterations=0)
    return _Search(instance, clock, seed, options, report).run()


class _Search:
    """One run: a tour under search and what was reported of it."""

    def __init__(self, instance: Tsp, clock: Clock, seed: int, options: Options, report: Report) -> None:
        self.instance, self.clock, self.options, self.report = instance, clock, options, report
        self.random = np.array([stream(np.uint64(seed % 2**64), 0)], np.uint64)
        self.original = space_of(instance)
        near = neighbours_of(self.original, min(options.neighbours, instance.num_places - 1))
        self.order = nearest_neighbour(self.original, near)
        self.space: Space
        self.space, self.near = renumbered(self.original, near, self.order)
        self.state: State = start(np.arange(len(self.order)))
        self.bound: float | None = None
        self.breadth = min(options.breadth, self.near.shape[1])
        self.best = self.state.tour.copy()
        self.take(self.best)

    def take(self, tour: Any) -> None:
        """Report a tour."""
        self.solution = Tour(opened(self.instance, self.original, self.order[tour]))
        self.cost = float(length(self.instance, self.solution.order))
        self.report(self.solution)

    def stop(self, done: int = 0) -> Termination | None:
        """Return why to end now; a bound that meets the length but for rounding errors is a proof."""
        if self.bound is not None and self.cost - self.bound <= PROOF * self.cost:
            return Termination.OPTIMAL
        return self.clock.stop(iteration=done, objective=self.cost, bound=self.bound)

    def run(self) -> Outcome:
        depth, done = self.options.depth, 0
        stopped = self.stop(-1)  # the first descent is no iteration
        while stopped is None and self.state.ring[1] > 0:
            descend(self.space, self.near, self.state, depth, self.breadth, LOOKS)
            stopped = self.stop(-1)
        self.best[:] = self.state.tour
        self.take(self.best)
        if stopped is None and self.options.bound:
            self.raise_bound()
        heat = self.options.heat * self.cost / len(self.order)
        chunk, excess = 20, 0.0
        while (stopped := self.stop(done)) is None:
            budget = self.clock.budget
            kicks = chunk if budget.iterations is None else min(chunk, budget.iterations - done)
            before = self.clock.elapsed_s()
            excess, gained = kick(
                self.space, self.near, self.state, depth, self.breadth, kicks, self.random, heat, self.best, excess
            )
            done += kicks
            if gained > 0:
                self.take(self.best)
            spent = self.clock.elapsed_s() - before
            chunk = max(1, min(10 * chunk, int(chunk * CHUNK_S / max(spent, 1e-6))))
        return Outcome(self.solution, self.cost, stopped, bound=self.bound, iterations=done)

    def raise_bound(self) -> None:
        """Prove a bound, where it can be done in time."""
        if self.instance.num_places > BOUND_PLACES or "asymmetric" in self.instance.features:
            return
        until = self.clock.elapsed_s() + BOUND_SHARE * self.clock.remaining_s()
        found = one_tree_bound(self.instance, self.cost, stop=lambda: self.clock.elapsed_s() >= until)
        self.bound = found.bound
        self.report(bound=found.bound)
