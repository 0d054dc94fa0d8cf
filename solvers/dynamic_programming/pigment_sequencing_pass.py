"""One pass over all layers with at most so many states in each: a plan if it finds a better one, and a bound."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.pigment_sequencing import IDLE, ProductionSequence
from counterpoint.solvers.dynamic_programming.pigment_sequencing_layers import (
    PARENTS,
    Layer,
    Packing,
    empty_layer,
    expand,
    root,
)
from counterpoint.solvers.dynamic_programming.pigment_sequencing_prices import Priced, rounded_up, slack_of
from counterpoint.solvers.dynamic_programming.pigment_sequencing_relaxation import Orders

MAX_STATES = 4_000_000  # successors of one layer


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """What a pass came to.

    Parameters
    ----------
    sequence : ProductionSequence or None
        The best plan, if one costs less than was known.
    cost : int
        Its cost; else what was known.
    bound : float
        Least bound of the states that were left out for want of room; the cost if none was: then it is optimal.
    is_whole : bool
        False if the pass was stopped.
    """

    sequence: ProductionSequence | None
    cost: int
    bound: float
    is_whole: bool = True


def sweep(orders: Orders, packing: Packing, priced: Priced, width: int, upper: int, stop: Callable[[], bool]) -> Pass:
    """Search for a plan that costs less than `upper`; `stop` is asked once per layer or some thousands of states."""
    layer, trail = root(orders, packing), []
    left_out = math.inf
    for remaining in range(orders.size - 1, -1, -1):
        following = _successors(orders, packing, priced, layer, remaining, upper, stop)
        if following is None:
            return Pass(None, upper, -math.inf, is_whole=False)
        if following.size > width:
            ranked = np.argpartition(following.bound, width)
            left_out = min(left_out, float(following.bound[ranked[width]]))
            following = following.take(np.sort(ranked[:width]))
        if following.size == 0:
            return Pass(None, upper, min(float(upper), rounded_up(left_out)))
        trail.append((following.order, following.time, following.parent))
        layer = following
    best = int(np.argmin(layer.cost))
    cost = int(layer.cost[best])
    item = np.full(orders.num_periods, IDLE)
    for order, time, parent in reversed(trail):
        item[time[best]] = orders.item[order[best]]
        best = int(parent[best])
    return Pass(ProductionSequence(item), cost, min(float(cost), rounded_up(left_out)))


def _successors(
    orders: Orders,
    packing: Packing,
    priced: Priced,
    layer: Layer,
    remaining: int,
    upper: int,
    stop: Callable[[], bool],
) -> Layer | None:
    """Return the next layer, None if stopped on the way."""
    n = len(orders.stocking)
    room = layer.size * n
    new = empty_layer(room, packing.num_words)
    slots = np.full(1 << max(10, room.bit_length()), -1)
    follows = np.empty(room, np.int64)
    count = 0
    for begin in range(0, layer.size, PARENTS):
        if stop():
            return None
        count = expand(
            begin, min(layer.size, begin + PARENTS), remaining, float(upper), slack_of(upper),
            orders.item, orders.due, orders.first, orders.stocking, orders.changeover,
            priced.prices, float(priced.prices.sum()), priced.table,
            packing.word, packing.shift, packing.mask,
            layer.key, layer.order, layer.time, layer.cost, layer.reduced,
            new.key, new.order, new.time, new.cost, new.reduced, new.bound, new.parent,
            slots, follows, count,
        )  # fmt: skip
    return new.take(np.flatnonzero(new.bound[:count] < math.inf))
