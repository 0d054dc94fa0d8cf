"""Rules for pigment sequencing: go back from the last period, make in each what the rule likes best, if anything.

A unit is made as late as its due date and the units after it allow, so the machine idles only where no order may
still be made; as the orders due within any first periods are no more than these, every such plan is feasible.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.pigment_sequencing import IDLE, PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check
from counterpoint.opt.result import Outcome, Termination

Rule = Literal["edd", "nearest"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the rules.

    Parameters
    ----------
    rule : {"edd", "nearest"}
        Earliest due date first (going back: the order with the latest); or the cheapest changeover to what follows,
        of equal ones the item whose next order is due latest.
    """

    rule: Rule = "edd"


def solve(instance: PigmentSequencing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build one sequence by a rule; O(n T)."""
    sequence = sequence_by(instance, options.rule)
    return Outcome(sequence, check(instance, sequence).objective, Termination.COMPLETED)


def sequence_by(instance: PigmentSequencing, rule: Rule) -> ProductionSequence:
    """Return the sequence of a rule; ties go to the item of the lower number."""
    waiting = np.zeros(instance.num_items, np.int64)  # orders that may be made in the period, or earlier
    latest: list[list[int]] = [[] for _ in waiting]  # their due periods, descending
    item = np.full(instance.num_periods, IDLE)
    follower = IDLE
    for t in range(instance.num_periods - 1, -1, -1):
        for i in np.flatnonzero(instance.orders[:, t]).tolist():
            waiting[i] += 1
            latest[i].append(t)
        open_items = np.flatnonzero(waiting)
        if not len(open_items):
            continue
        due = np.array([latest[i][0] for i in open_items])
        step = np.zeros(len(due), np.int64)
        if rule == "nearest" and follower != IDLE:
            step = instance.changeover_cost[open_items, follower]
        follower = int(open_items[np.lexsort((-due, step))[0]])
        waiting[follower] -= 1
        latest[follower].pop(0)
        item[t] = follower
    return ProductionSequence(item)


def best_by_rules(instance: PigmentSequencing) -> tuple[ProductionSequence, int]:
    """Return the cheaper of the two rules' sequences, and its cost."""
    found = [sequence_by(instance, rule) for rule in ("edd", "nearest")]
    costs = [check(instance, sequence).objective for sequence in found]
    values = [round(cost) for cost in costs if cost is not None]
    best = int(np.argmin(values))
    return found[best], values[best]
