"""The judge of production sequences: pure NumPy, written from the definitions in `pigment_sequencing` alone.

Complexity O(n T). It knows no solver and trusts nothing but the sequence.
"""

from collections.abc import Iterator

import numpy as np

from counterpoint.opt.problems.pigment_sequencing import IDLE, IntArray, PigmentSequencing, ProductionSequence
from counterpoint.opt.result import Check, Violation


def check(instance: PigmentSequencing, solution: ProductionSequence) -> Check:
    """Recompute the objective of a sequence and name every violation.

    Violation kinds: ``length`` (periods too many or too few), ``unknown-item``, ``late`` (stock below zero: amount in
    units, at the first period of each shortage) and ``surplus`` (units made beyond an item's orders).

    The objective is None if there is a violation of the first two kinds; shortages are not charged. Metrics:
    ``stocking_cost``, ``changeover_cost``, ``changeovers`` and ``idle_periods``.

    Examples
    --------
    >>> tiny = PigmentSequencing("tiny", [[0, 1, 0], [0, 0, 1]], 2, [[0, 5], [3, 0]])
    >>> check(tiny, ProductionSequence([0, -1, 1])).objective  # one period in stock, one changeover
    7.0
    """
    item = solution.item
    if len(item) != instance.num_periods:
        off = len(item) - instance.num_periods
        return Check(None, (Violation("length", f"{len(item)} periods, expected {instance.num_periods}", abs(off)),))
    unknown = np.flatnonzero((item < IDLE) | (item >= instance.num_items))
    if len(unknown):
        return Check(None, tuple(Violation("unknown-item", f"period {t}: item {item[t]}", 1.0) for t in unknown))
    stock = stock_of(instance, solution)
    made = item[item != IDLE]
    steps = instance.changeover_cost[made[:-1], made[1:]]
    held = (np.maximum(stock, 0).sum(axis=1) * instance.stocking_cost).sum()
    metrics = {
        "stocking_cost": float(held),
        "changeover_cost": float(steps.sum()),
        "changeovers": float((made[:-1] != made[1:]).sum()),
        "idle_periods": float((item == IDLE).sum()),
    }
    return Check(metrics["stocking_cost"] + metrics["changeover_cost"], tuple(_violations(stock)), metrics)


def stock_of(instance: PigmentSequencing, solution: ProductionSequence) -> IntArray:
    """Return the stock of each item at the end of each period, int64 [n, T]; negative: units late.

    The sequence must have the instance's length and items.
    """
    made = solution.item == np.arange(instance.num_items)[:, None]
    stock: IntArray = np.cumsum(made - instance.orders, axis=1)
    return stock


def _violations(stock: IntArray) -> Iterator[Violation]:
    before = np.concatenate([np.zeros((len(stock), 1), np.int64), stock[:, :-1]], axis=1)
    for i, t in np.argwhere((stock < 0) & (before >= 0)).tolist():
        yield Violation("late", f"item {i}, period {t}", float(-stock[i, t]))
    for i in np.flatnonzero(stock[:, -1] > 0).tolist():
        yield Violation("surplus", f"item {i}", float(stock[i, -1]))
