"""The judge of production sequences: by hand, by a slow twin, and against planted defects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check, stock_of

# the example of CSPLib 058: items 0 and 1 for 1 and 2
CSPLIB = PigmentSequencing("csplib", [[0, 1, 0, 0, 1], [1, 0, 0, 0, 1]], 2, [[0, 5], [3, 0]])


def test_the_two_plans_of_csplib():
    stated = check(CSPLIB, ProductionSequence([1, 0, 1, -1, 0]))
    assert (stated.objective, stated.is_feasible) == (15, True)  # 3 + 5 + 3 and one unit for two periods at 2
    assert stated.metrics == {"stocking_cost": 4, "changeover_cost": 11, "changeovers": 3, "idle_periods": 1}
    best = check(CSPLIB, ProductionSequence([1, 0, -1, 0, 1]))
    assert (best.objective, best.is_feasible) == (10, True)


def test_idling_keeps_the_setup_and_the_first_unit_is_free():
    two = PigmentSequencing("two", [[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], 0, [[0, 5], [3, 0]])
    assert check(two, ProductionSequence([-1, 0, -1, -1, 0])).objective == 0
    other = PigmentSequencing("other", [[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]], 0, [[0, 5], [3, 0]])
    assert check(other, ProductionSequence([0, -1, -1, -1, 1])).objective == 5
    assert check(other, ProductionSequence([1, -1, -1, 0, -1])).objective == 3


def test_each_item_pays_its_own_stocking_cost():
    instance = PigmentSequencing("own", [[0, 0, 1], [0, 0, 1]], [2, 7], [[0, 0], [0, 0]])
    assert check(instance, ProductionSequence([0, -1, 1])).objective == 4
    assert check(instance, ProductionSequence([1, -1, 0])).objective == 14


def kinds(sequence):
    return [(v.kind, v.place, v.amount) for v in check(CSPLIB, ProductionSequence(sequence)).violations]


def test_planted_defects():
    assert kinds([1, 0, 1, -1]) == [("length", "4 periods, expected 5", 1)]
    assert kinds([1, 0, 1, -1, 0, 0]) == [("length", "6 periods, expected 5", 1)]
    assert kinds([1, 2, -2, -1, 0]) == [
        ("unknown-item", "period 1: item 2", 1),
        ("unknown-item", "period 2: item -2", 1),
    ]
    assert kinds([0, 1, -1, 0, 1]) == [("late", "item 1, period 0", 1)]
    assert kinds([1, 0, 0, 0, 1]) == [("surplus", "item 0", 1)]
    assert kinds([1, 0, -1, -1, 0]) == [("late", "item 1, period 4", 1)]
    assert kinds([-1, -1, -1, -1, -1]) == [
        ("late", "item 0, period 1", 1), ("late", "item 1, period 0", 1),
    ]  # fmt: skip


def test_what_cannot_be_placed_has_no_objective():
    assert check(CSPLIB, ProductionSequence([1])).objective is None
    assert check(CSPLIB, ProductionSequence([1, 0, 9, -1, 0])).objective is None
    assert check(CSPLIB, ProductionSequence([0, 1, -1, 0, 1])).objective is not None


def slow_twin(instance, item):
    """Serve every order with a unit of its own, one after the other; (cost, None) or (None, what is wrong)."""
    cost, last = 0, None
    for made in item:
        if made >= 0:
            cost += 0 if last is None else int(instance.changeover_cost[last, made])
            last = made
    for i in range(instance.num_items):
        made = [t for t, x in enumerate(item) if x == i]
        due = [t for t in range(instance.num_periods) if instance.orders[i, t]]
        if len(made) != len(due) or any(a > b for a, b in zip(made, due, strict=True)):
            return None
        cost += int(instance.stocking_cost[i]) * sum(b - a for a, b in zip(made, due, strict=True))
    return cost


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_the_judge_agrees_with_serving_orders_one_by_one(seed, data):
    rng = np.random.default_rng(seed)
    instance = uniform(items=int(rng.integers(1, 4)), periods=int(rng.integers(1, 8)), seed=seed, stocking_max=13,
                       changeover_min=0, utilisation=float(rng.uniform(0.2, 1)))  # fmt: skip
    # a permutation of the right units: feasible about as often as not
    units = [i for i in range(instance.num_items) for _ in instance.due_periods(i)]
    units += [-1] * (instance.num_periods - len(units))
    item = data.draw(st.permutations(units))
    if data.draw(st.booleans()):  # and sometimes the wrong units
        item[data.draw(st.integers(0, len(item) - 1))] = data.draw(st.integers(-1, instance.num_items - 1))
    verdict, expected = check(instance, ProductionSequence(item)), slow_twin(instance, item)
    assert verdict.is_feasible == (expected is not None)
    if expected is not None:
        assert verdict.objective == expected


def test_stock_by_hand():
    stock = stock_of(CSPLIB, ProductionSequence([1, 0, 1, -1, 0]))
    assert stock.tolist() == [[0, 0, 0, 0, 0], [0, 0, 1, 1, 0]]


@pytest.mark.parametrize("swap", [(0, 1), (1, 4), (3, 4)])
def test_single_corruptions_of_the_best_plan_cost_more_or_break_it(swap):
    item = [1, 0, -1, 0, 1]
    item[swap[0]], item[swap[1]] = item[swap[1]], item[swap[0]]
    verdict = check(CSPLIB, ProductionSequence(item))
    assert not verdict.is_feasible or verdict.objective > 10
