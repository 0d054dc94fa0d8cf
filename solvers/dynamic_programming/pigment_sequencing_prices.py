"""Prices of orders that make the relaxation of `pigment_sequencing_relaxation` tight, by subgradient steps."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.pigment_sequencing import IntArray
from counterpoint.solvers.dynamic_programming.pigment_sequencing_relaxation import (
    FloatArray,
    Orders,
    cheapest_path,
    cost_to_go,
)

MAX_CELLS = 40_000_000  # of a table, 320 MB
PATIENCE = 20  # steps without a better bound, after which steps get shorter
SHRINK = 0.7
SHORTEST = 0.005  # shorter steps gain nothing
GAIN = 1e-4  # relative, what counts as a better bound


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """Prices and what they prove.

    Parameters
    ----------
    prices : float array [N]
    bound : float
        Lower bound on the cost of every plan.
    table : float array [T + 1, N, E]
        Cost to go under these prices, see `cost_to_go`.
    forget : bool
        Whether the table knows no memory (E = 1).
    """

    prices: FloatArray
    bound: float
    table: FloatArray
    forget: bool


def fits(orders: Orders) -> bool:
    """Tell whether a table with memory is small enough to be kept."""
    return (orders.num_periods + 1) * orders.size * len(orders.item) <= MAX_CELLS


def slack_of(value: float) -> float:
    """How far rounding may have moved sums of the size of `value`, generously."""
    return max(1e-6, 1e-11 * abs(value))


def rounded_up(bound: float) -> float:
    """Return the whole number that a bound on whole numbers proves; infinity stays."""
    return float(math.ceil(bound - slack_of(bound))) if math.isfinite(bound) else bound


def evaluate(orders: Orders, prices: FloatArray, table: FloatArray, forget: bool, visits: IntArray) -> float:
    """Fill the table and count the visits of the cheapest plan; return the bound."""
    data = (orders.item, orders.due, orders.rank, orders.first, orders.stocking, orders.changeover, prices, table)
    cost_to_go(*data, forget)
    return float(cheapest_path(*data, forget, visits) + prices.sum())


def raise_bound(
    orders: Orders,
    prices: FloatArray,
    forget: bool,
    upper: float,
    stop: Callable[[float], bool],
    length: float = 1.0,
) -> Priced:
    """Improve prices until the bound stalls, meets `upper` or `stop` (asked with the best bound) says so.

    Steps of Polyak's length (1969): `length` times the distance to `upper` over the squared norm of the subgradient,
    which is 1 less the number of times the cheapest plan makes each order. O(T N E) each, E the number of memories.
    """
    table = np.empty((orders.num_periods + 1, orders.size, 1 if forget else len(orders.item)))
    visits = np.zeros(orders.size, np.int64)
    best, best_prices, stalled = -np.inf, prices, 0
    while True:
        bound = evaluate(orders, prices, table, forget, visits)
        stalled += 1
        if bound > best:
            stalled = 0 if bound > best + GAIN * abs(best) else stalled
            best, best_prices = bound, prices
        slope = 1.0 - visits
        if not slope.any() or rounded_up(best) >= upper or stop(best):
            break
        if stalled >= PATIENCE:
            length, stalled, prices = length * SHRINK, 0, best_prices
            if length < SHORTEST:
                break
            continue
        prices = prices + length * (upper - bound) / float(slope @ slope) * slope
    return Priced(best_prices, evaluate(orders, best_prices, table, forget, visits), table, forget)
