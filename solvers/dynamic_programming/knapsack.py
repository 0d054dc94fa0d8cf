"""0/1 knapsacks to proven optimality: dynamic programming over an expanding core.

Source: Pisinger 1997 (Operations Research 45:758-767, "minknap"). Items are sorted by density; from the packing of all
items before the break item, one item at a time is put in after it or taken out before it. States that another
dominates, or whose linear relaxation is no better than what is held, are dropped. Deviation: bounds are floats with a
margin for their rounding, so that a few states more are kept; who did what is kept in a log, not in bits.
"""

from typing import Any

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.dynamic_programming.knapsack_kernels import expand
from counterpoint.solvers.rules.knapsack import by_density, greedy

MAX_LOG = 100_000_000  # decisions kept: 800 MB
MAX_STATES = 20_000_000  # 48 bytes each, while they are merged


def solve(instance: Knapsack, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Maximise the value packed; one iteration is one item added to the core.

    Returns
    -------
    Outcome
        Without proof if the budget ends first, or if the log of decisions outgrows memory (told in the message).
    """
    clock = budget.start()
    held = greedy(instance)
    value = int(instance.value[held].sum())
    report(Packing(held))
    order = by_density(instance)
    order = order[(instance.value[order] > 0) & (instance.weight[order] <= instance.capacity)]
    v, w = instance.value[order], instance.weight[order]
    filled = np.cumsum(w)
    brk = int(np.searchsorted(filled, instance.capacity, side="right"))
    if brk == len(order):  # all of them fit
        return Outcome(Packing(np.sort(order)), float(v.sum()), Termination.OPTIMAL, bound=float(v.sum()))
    states: Any = (
        np.array([v[:brk].sum()], np.int64),
        np.array([filled[brk - 1] if brk else 0], np.int64),
        np.array([-1], np.int64),
    )
    if states[0][0] > value:
        held, value = order[:brk], int(states[0][0])
        report(Packing(held))
    base = (int(states[0][0]), int(states[1][0]), int(brk))
    log: list[tuple[IntArray, int]] = []  # [states made in a step] the node each came from, and the item
    starts, size, bound = [0], 0, float(base[0] + (instance.capacity - base[1]) * int(v[brk]) // int(w[brk]))
    report(bound=bound)
    low, high, done = brk - 1, brk, 0  # next to be taken out, next to be put in
    stopped, message = None, ""
    while len(states[0]) and (low >= 0 or high < len(order)):
        stopped = clock.stop(iteration=done, objective=value, bound=max(bound, value), sense="max")
        if stopped is None and (size > MAX_LOG or len(states[0]) > MAX_STATES):
            stopped, message = Termination.COMPLETED, "the states of this instance do not fit into memory"
        if stopped is not None:
            break
        is_out = low >= 0 and (high >= len(order) or done % 2 == 1)
        item = low if is_out else high
        low, high = (low - 1, high) if is_out else (low, high + 1)
        *states, parents, best, top = expand(
            *states, v, w, instance.capacity, item, is_out, low, high, value, size, base
        )  # fmt: skip
        log.append((parents, item))
        size += len(parents)
        starts.append(size)
        if best >= 0:
            held = _packing(order, brk, log, starts, int(states[2][best]))
            value = int(states[0][best])
            report(Packing(held))
        if max(top, value) < bound:
            bound = float(max(top, value))
            report(bound=bound)
        done += 1
    if stopped is None:
        stopped, bound = Termination.OPTIMAL, float(value)
    return Outcome(
        Packing(held), float(value), stopped, bound=max(bound, float(value)), iterations=done, message=message
    )


def _packing(order: IntArray, brk: int, log: list[tuple[IntArray, int]], starts: list[int], node: int) -> IntArray:
    """Follow a state's decisions back to the packing that all began with."""
    packed = np.zeros(len(order), bool)
    packed[:brk] = True
    while node >= 0:
        step = int(np.searchsorted(starts, node, side="right")) - 1
        parents, item = log[step]
        packed[item] = not packed[item]
        node = int(parents[node - starts[step]])
    return np.sort(order[packed])
