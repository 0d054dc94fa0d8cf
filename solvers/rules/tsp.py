"""Rules for the travelling salesman: nearest neighbour, nearest and farthest insertion, and a random order.

Source: Rosenkrantz, Stearns and Lewis 1977 (SIAM Journal on Computing 6:563-581). Of asymmetric distances an insertion
counts each leg as it is travelled, and a place is as near to a tour as the shorter way there or back.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination

Rule = Literal["nearest-neighbour", "nearest-insertion", "farthest-insertion", "random"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the rules.

    Parameters
    ----------
    rule : {"nearest-neighbour", "nearest-insertion", "farthest-insertion", "random"}
        Go to the nearest place not visited yet; or insert the place nearest to, or farthest from, the tour where it
        costs least; or any order.
    """

    rule: Rule = "farthest-insertion"


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build one tour by a rule; O(N^2), of memory O(N)."""
    order = order_by(instance, options.rule, seed)
    return Outcome(Tour(order), float(length(instance, order)), Termination.COMPLETED)


def order_by(instance: Tsp, rule: Rule, seed: int = 0) -> IntArray:
    """Return the tour of a rule, int64 [N]; a closed one begins at place 0. Ties go to the lower number.

    Examples
    --------
    >>> from counterpoint.opt.problems.places import Places
    >>> line = Places("euclidean", [[0, 0], [5, 0], [1, 0], [3, 0]])
    >>> order_by(Tsp("line", line), "nearest-neighbour").tolist()
    [0, 2, 3, 1]
    """
    if rule == "random":
        return _random(instance, seed)
    if rule == "nearest-neighbour":
        return _nearest_neighbour(instance)
    return _insertion(instance, is_farthest=rule == "farthest-insertion")


def _random(instance: Tsp, seed: int) -> IntArray:
    first, last = instance.ends or (0, None)
    between = np.setdiff1d(np.arange(instance.num_places), [first] if last is None else [first, last])
    np.random.default_rng(seed).shuffle(between)
    return np.concatenate(([first], between, [] if last is None else [last])).astype(np.int64)


def _nearest_neighbour(instance: Tsp) -> IntArray:
    here, last = instance.ends or (0, None)
    rest = np.setdiff1d(np.arange(instance.num_places), [here] if last is None else [here, last])
    order = [here]
    while len(rest):
        k = int(np.argmin(instance.places.lengths(here, rest)))
        here = int(rest[k])
        rest = np.delete(rest, k)
        order.append(here)
    return np.array(order + ([] if last is None else [last]), np.int64)


def _insertion(instance: Tsp, *, is_farthest: bool) -> IntArray:
    n, lengths = instance.num_places, instance.places.lengths
    first, last = instance.ends or (0, 0)
    tour = np.array([first, last])  # a closed tour has its first place at both ends until it is done
    everywhere = np.arange(n)

    def nearness(place: int) -> Any:
        there = lengths(place, everywhere)
        return there if instance.places.matrix is None else np.minimum(there, lengths(everywhere, place))

    away = np.minimum(nearness(first), nearness(last)).astype(np.float64)
    never = -np.inf if is_farthest else np.inf
    away[tour] = never
    choose = np.argmax if is_farthest else np.argmin
    for _ in range(n - len(np.unique(tour))):
        place = int(choose(away))
        detour = lengths(tour[:-1], place) + lengths(place, tour[1:]) - _legs(instance, tour)
        tour = np.insert(tour, int(np.argmin(detour)) + 1, place)
        waiting = away != never
        away[waiting] = np.minimum(away[waiting], nearness(place)[waiting])
        away[place] = never
    return tour if instance.ends is not None else tour[:-1]


def _legs(instance: Tsp, tour: IntArray) -> Any:
    """Return the lengths of a tour's legs; staying at the only place is none."""
    legs = instance.places.lengths(tour[:-1], tour[1:])
    return legs if len(tour) > 2 else legs * (tour[0] != tour[1])
