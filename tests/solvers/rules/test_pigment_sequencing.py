"""The rules of pigment sequencing, by hand and on many instances."""

import numpy as np
import pytest

from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing
from counterpoint.opt.problems.pigment_sequencing_check import check
from counterpoint.solvers.rules.pigment_sequencing import best_by_rules, sequence_by

#              periods 0  1  2  3  4
CASE = PigmentSequencing("hand", [[0, 0, 1, 0, 1], [0, 0, 1, 1, 0]], 1, [[0, 9], [9, 0]])


def test_by_hand():
    # from the end: 0 is due in 4; then 1 in 3; of the two due in 2 the item of the lower number, and 1 before it
    assert sequence_by(CASE, "edd").item.tolist() == [-1, 1, 0, 1, 0]
    # no changeover if it can be helped: 1 in 3 for want of anything else, 1 again in 2, then 0
    assert sequence_by(CASE, "nearest").item.tolist() == [-1, 0, 1, 1, 0]
    sequence, cost = best_by_rules(CASE)
    assert sequence == sequence_by(CASE, "nearest")
    assert cost == 9 + 9 + 1  # two changeovers, one unit of item 0 for a period


@pytest.mark.parametrize("rule", ["edd", "nearest"])
def test_always_feasible_and_idle_only_if_nothing_may_be_made(rule):
    for seed in range(60):
        case = uniform(items=1 + seed % 6, periods=1 + seed % 25, seed=seed, utilisation=0.2 + 0.8 * (seed % 5) / 4)
        sequence = sequence_by(case, rule)
        assert check(case, sequence).is_feasible, case
        made_from, due_from = (np.cumsum(x[::-1])[::-1] for x in (sequence.item >= 0, case.orders.sum(axis=0)))
        for t in np.flatnonzero(sequence.item < 0):
            assert made_from[t] == due_from[t], (case, t)


def test_earliest_due_date_makes_orders_in_the_order_of_their_due_dates():
    case = uniform(items=5, periods=40, seed=1)
    made = sequence_by(case, "edd").item
    served = dict.fromkeys(range(5), 0)
    due = []
    for item in made[made >= 0].tolist():
        due.append(case.due_periods(item)[served[item]])
        served[item] += 1
    assert due == sorted(due)
