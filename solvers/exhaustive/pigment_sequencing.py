"""Exact dynamic programming over all states of small pigment-sequencing instances: a twin for tests.

Forward in time, period by period, a state is how many units of each item have been made and which was made last;
the stock at the end of a period follows from it and is charged there. It shares no code or idea (no bound, no
backward placing, no numbering of orders) with any other solver.
"""

import math

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.pigment_sequencing import IDLE, PigmentSequencing, ProductionSequence
from counterpoint.opt.result import Outcome, Termination

MAX_STATES = 400_000  # counts and item made last, of one period

State = tuple[tuple[int, ...], int]


def solve(instance: PigmentSequencing, budget: Budget, seed: int, options: None, report: Report) -> Outcome:
    """Enumerate every state.

    Parameters
    ----------
    instance : PigmentSequencing
        With at most `MAX_STATES` combinations of counts and last item.
    budget : Budget
        `iterations` counts periods. Before the last period nothing is held, so at a limit there is no solution.
    seed, options
        Not used: the search has no chance and no options.
    report : Report

    Returns
    -------
    Outcome
        The optimum, or nothing at a limit.

    Raises
    ------
    UnsupportedError
        If the instance is too large to be enumerated.
    """
    totals = instance.orders.sum(axis=1).tolist()
    states = math.prod(total + 1 for total in totals) * instance.num_items
    if states > MAX_STATES:
        raise UnsupportedError(f"exhaustive enumerates at most {MAX_STATES} states, not {states}; use dp-lagrangian")
    clock = budget.start()
    needed = [0] * instance.num_items
    layer: dict[State, int] = {((0,) * instance.num_items, IDLE): 0}
    trail: list[dict[State, tuple[State, int]]] = []
    for t in range(instance.num_periods):
        stopped = clock.stop(iteration=t)
        if stopped is not None:
            return Outcome(None, None, stopped, iterations=t)
        needed = [a + b for a, b in zip(needed, instance.orders[:, t].tolist(), strict=True)]
        layer, choices = _period(instance, layer, needed, totals)
        trail.append(choices)
    end = min(layer, key=layer.__getitem__)  # every unit is made and none is late: only complete states are left
    value, item = float(layer[end]), []
    for choices in reversed(trail):
        end, made = choices[end]
        item.append(made)
    sequence = ProductionSequence(np.array(item[::-1]))
    report(sequence, bound=value)
    return Outcome(sequence, value, Termination.OPTIMAL, bound=value, iterations=instance.num_periods)


def _period(
    instance: PigmentSequencing, layer: dict[State, int], needed: list[int], totals: list[int]
) -> tuple[dict[State, int], dict[State, tuple[State, int]]]:
    """Return the states after one more period, with their least costs, and where each came from."""
    stocking, changeover = instance.stocking_cost.tolist(), instance.changeover_cost.tolist()
    after: dict[State, int] = {}
    choices: dict[State, tuple[State, int]] = {}
    for (counts, last), cost in layer.items():
        for made in range(IDLE, instance.num_items):
            if made == IDLE:
                new, now, paid = counts, last, cost
            elif counts[made] < totals[made]:
                new = (*counts[:made], counts[made] + 1, *counts[made + 1 :])
                now, paid = made, cost + (0 if last == IDLE else changeover[last][made])
            else:
                continue
            stock = [a - b for a, b in zip(new, needed, strict=True)]
            if min(stock) < 0:
                continue
            paid += sum(h * s for h, s in zip(stocking, stock, strict=True))
            if paid < after.get((new, now), math.inf):
                after[new, now] = paid
                choices[new, now] = ((counts, last), made)
    return after, choices
