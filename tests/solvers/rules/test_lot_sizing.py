"""Lot-sizing rules against plans worked out by hand, and against their definitions written period by period."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counterpoint as ct
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.solvers.dynamic_programming.lot_sizing import optimal_plan
from counterpoint.solvers.rules.lot_sizing import rule_plan
from counterpoint.solvers.rules.lot_sizing_kernels import RULES

# Silver, Pyke and Peterson 1998, Inventory Management and Production Planning, chapter 6
BOOK = LotSizing("book", [10, 62, 12, 130, 154, 129, 88, 52, 124, 160, 238, 41], setup_cost=54, holding_cost=0.4)


@pytest.mark.parametrize(
    ("rule", "cost", "lots"),
    [
        ("lot-for-lot", 648.0, [10, 62, 12, 130, 154, 129, 88, 52, 124, 160, 238, 41]),
        ("silver-meal", 501.2, [84, 0, 0, 130, 283, 0, 140, 0, 124, 160, 279, 0]),
        # 100 a period, 164.3 economic: two periods a lot
        ("poq", 553.6, [72, 0, 142, 0, 283, 0, 140, 0, 284, 0, 279, 0]),
        # from 0: 5.40, 1.09, 1.05 then 1.05+ a unit; and so on
        ("least-unit-cost", 558.8, [84, 0, 0, 284, 0, 217, 0, 176, 0, 160, 238, 41]),
        # from 0: holding 24.8, 34.4, then 190.4: 34.4 is nearest 54
        ("part-period", 600.0, [84, 0, 0, 284, 0, 217, 0, 176, 0, 398, 0, 41]),
    ],
)
def test_the_book_case(rule, cost, lots) -> None:
    plan = rule_plan(BOOK, rule)
    assert plan.lots[0].tolist() == lots
    assert check(BOOK, plan).objective == pytest.approx(cost)


def test_economic_order_quantity_by_hand() -> None:
    # mean demand 25, K 200, h 1: the quantity is 100; then what lacks, then what is still to come
    item = LotSizing("eoq", [30, 70, 120, 5, 0, 0, 0, 0, 0, 25], 200, 1)
    assert rule_plan(item, "eoq").lots[0].tolist() == [100, 0, 120, 30, 0, 0, 0, 0, 0, 0]
    free = LotSizing("free", [30, 70, 20], 200, 0)
    assert rule_plan(free, "eoq").lots[0].tolist() == [120, 0, 0]


def test_zero_demands_and_costs() -> None:
    for rule in RULES:
        assert not rule_plan(LotSizing("zero", [0, 0], 5, 1), rule).lots.any()
        assert rule_plan(LotSizing("one", [0, 7, 0], 5, 1), rule).lots[0].tolist() == [0, 7, 0]
    gap = LotSizing("gap", [1, 0, 0, 0, 6], 10, 1)
    assert rule_plan(gap, "silver-meal").lots[0].tolist() == [1, 0, 0, 0, 6]  # 10, 5, 3.3, 2.5, then 34/5
    assert rule_plan(gap, "lot-for-lot").lots[0].tolist() == [1, 0, 0, 0, 6]


def test_initial_stock_serves_the_first_demands() -> None:
    stocked = LotSizing("stocked", [10, 62, 12], 54, 0.4, initial_stock=20)
    assert rule_plan(stocked, "lot-for-lot").lots[0].tolist() == [0, 52, 12]


def twin(rule: str, demand, setup, holding) -> list[float]:
    """Silver-Meal, least unit cost and part-period from their definitions, every cost from scratch."""
    t, lots = 0, [0.0] * len(demand)
    while t < len(demand):
        if demand[t] == 0:
            t += 1
            continue

        def held(end: int, start: int = t) -> float:
            return sum(sum(holding[start:u]) * demand[u] for u in range(start, end))

        ends = range(t + 1, len(demand) + 1)
        if rule == "part-period":
            within = [e for e in ends if held(e) < setup[t]] or [t + 1]
            end = max(within)
            if end < len(demand) and held(end + 1) - setup[t] < setup[t] - held(end):
                end += 1
        else:
            size = (lambda e, t=t: e - t) if rule == "silver-meal" else (lambda e, t=t: sum(demand[t:e]))
            average = [(setup[t] + held(e)) / size(e) for e in ends]
            end = t + 1
            while end < len(demand) and average[end - t] <= average[end - t - 1] + 1e-12:
                end += 1
        lots[t] = sum(demand[t:end])
        t = end
    return lots


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["silver-meal", "least-unit-cost", "part-period"]))
def test_rules_follow_their_definitions(seed: int, rule: str) -> None:
    rng = np.random.default_rng(seed)
    t = int(rng.integers(1, 15))
    demand = rng.integers(0, 50, t) * (rng.random(t) < 0.8)
    setup, holding = rng.uniform(10, 200, (1, t)), rng.uniform(0.1, 3, (1, t))
    item = LotSizing("random", demand, setup, holding)
    expected = twin(rule, demand.astype(float), setup[0], holding[0])
    assert rule_plan(item, rule).lots[0].tolist() == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(RULES))
def test_every_plan_is_feasible_and_no_better_than_the_optimum(seed: int, rule: str) -> None:
    rng = np.random.default_rng(seed)
    n, t = (int(x) for x in rng.integers(1, 9, 2))
    instance = LotSizing(
        "random",
        rng.integers(0, 50, (n, t)) * (rng.random((n, t)) < 0.7),
        rng.uniform(0, 200, (n, t)),
        rng.uniform(0, 3, (n, t)),
        rng.uniform(0, 3, (n, t)),
        rng.uniform(0, 3, (n, t)) if rng.random() < 0.3 else None,
        rng.integers(0, 40, n),
    )
    verdict = check(instance, rule_plan(instance, rule))
    assert verdict.is_feasible
    assert verdict.objective >= optimal_plan(instance)[1] * (1 - 1e-9)


def test_capacity() -> None:
    roomy = LotSizing("roomy", [3, 4], 5, 1, setup_time=1, capacity=5)
    result = ct.solve(roomy, "lot-for-lot")
    assert (result.objective, result.solution_status) == (10, ct.SolutionStatus.FEASIBLE)
    tight = LotSizing("tight", [3, 4], 5, 1, setup_time=2, capacity=5)
    result = ct.solve(tight, "lot-for-lot")
    assert (result.solution, result.solution_status) == (None, ct.SolutionStatus.NONE)
    assert "capacity at period 1: by 1" in result.message
    with pytest.raises(ct.UnsupportedError, match="capacity"):
        ct.solve(roomy, "silver-meal")
    with pytest.raises(ct.UnsupportedError, match="capacity"):
        rule_plan(roomy, "eoq")
    with pytest.raises(ct.CounterpointError, match="no rule 'best'"):
        rule_plan(BOOK, "best")
