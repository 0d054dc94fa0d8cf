"""Compiled lot-sizing rules: each walks the periods once and says how many of them a lot is for."""

import numpy as np
from numba import njit

from counterpoint.opt.problems.lot_sizing import FloatArray

RULES = ("lot-for-lot", "eoq", "poq", "silver-meal", "least-unit-cost", "part-period")
LOT_FOR_LOT, EOQ, POQ, SILVER_MEAL, LEAST_UNIT_COST, PART_PERIOD = range(len(RULES))


@njit(cache=True)
def rule_lots(rule: int, demand: FloatArray, setup: FloatArray, holding: FloatArray, lots: FloatArray) -> None:
    """Fill `lots` [T] of one item; O(T), part-period and the two of least average cost by looking ahead of each lot."""
    lots[:] = 0.0
    periods = len(demand)
    quantity = _economic_quantity(demand, setup, holding)
    if rule == EOQ:
        _fixed_quantity(demand, quantity, lots)
        return
    mean = demand.mean()
    interval = 1
    if rule == POQ and mean > 0:
        interval = int(max(1.0, min(float(periods), np.floor(quantity / mean + 0.5))))
    t = 0
    while t < periods:
        if demand[t] == 0:
            t += 1
            continue
        if rule == LOT_FOR_LOT:
            end = t + 1
        elif rule == POQ:
            end = min(periods, t + interval)
        elif rule == PART_PERIOD:
            end = _balanced(t, demand, setup, holding)
        else:
            end = _least_average(t, rule == SILVER_MEAL, demand, setup, holding)
        for u in range(t, end):
            lots[t] += demand[u]
        t = end


@njit(cache=True)
def _economic_quantity(demand: FloatArray, setup: FloatArray, holding: FloatArray) -> float:
    """Return sqrt(2 K d / h) of the averages; all of the demand if holding costs nothing."""
    total = demand.sum()
    if holding.mean() == 0:
        return float(total)
    return float(min(total, np.sqrt(2.0 * setup.mean() * demand.mean() / holding.mean())))


@njit(cache=True)
def _fixed_quantity(demand: FloatArray, quantity: float, lots: FloatArray) -> None:
    """Make `quantity`, or what the period lacks if that is more, whenever stock does not cover a period's demand."""
    remaining = demand.sum()
    stock = 0.0
    for t in range(len(demand)):
        if demand[t] > stock:
            lots[t] = min(max(quantity, demand[t] - stock), max(remaining, demand[t] - stock))
            stock += lots[t]
            remaining -= lots[t]
        stock -= demand[t]


@njit(cache=True)
def _least_average(t: int, is_per_period: bool, demand: FloatArray, setup: FloatArray, holding: FloatArray) -> int:
    """Return the period before which the average cost, per period or per unit, rises for the first time."""
    cost, carried, units = setup[t], 0.0, demand[t]
    least = cost / (1.0 if is_per_period else units)
    for u in range(t + 1, len(demand)):
        carried += holding[u - 1]
        cost += carried * demand[u]
        units += demand[u]
        average = cost / ((u + 1.0 - t) if is_per_period else units)
        if average > least:
            return u
        least = average
    return len(demand)


@njit(cache=True)
def _balanced(t: int, demand: FloatArray, setup: FloatArray, holding: FloatArray) -> int:
    """Return the end of the lot whose holding cost is nearest its setup cost; the shorter of two as near."""
    carried, held = 0.0, 0.0
    for u in range(t + 1, len(demand)):
        carried += holding[u - 1]
        more = held + carried * demand[u]
        if more > setup[t]:
            return u + 1 if more - setup[t] < setup[t] - held else u
        held = more
    return len(demand)
