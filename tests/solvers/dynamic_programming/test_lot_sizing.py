"""Wagner-Whitin in O(T log T) = in O(T^2) = a MIP written here = every set of setups, on random single items."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counterpoint as ct
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.solvers.dynamic_programming.lot_sizing import optimal_plan


def random_item(rng: np.random.Generator, longest: int) -> LotSizing:
    """Zero demands, costs that vary freely (speculation pays), zero costs; every second time with backlogging."""
    t = int(rng.integers(1, longest + 1))
    some = lambda high: rng.integers(0, high, (1, t)) * (rng.random((1, t)) < 0.8)  # noqa: E731
    return LotSizing(
        "random",
        demand=rng.integers(0, 20, t) * (rng.random(t) < rng.uniform(0.3, 1)),
        setup_cost=some(60),
        holding_cost=some(4),
        unit_cost=some(8),
        backlog_cost=some(6) if rng.random() < 0.5 else None,
        initial_stock=rng.integers(0, 30) * (rng.random() < 0.4),
    )


def mip_cost(item: LotSizing) -> float:
    """The textbook model, with initial stock as it stands: lots, setups, stock and backlog."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    t = item.num_periods
    flow = np.eye(t) - np.eye(t, k=-1)
    zero, eye = np.zeros((t, t)), np.eye(t)
    start = np.zeros(t)
    start[0] = item.initial_stock[0]
    most = item.demand.sum()
    balance = LinearConstraint(np.hstack([-eye, zero, flow, -flow]), start - item.demand[0], start - item.demand[0])
    forcing = LinearConstraint(np.hstack([eye, -most * eye, zero, zero]), -np.inf, 0)
    last = np.zeros(t) if item.backlog_cost is None else np.full(t, most)
    last[-1] = 0
    upper = np.concatenate([np.full(t, most), np.ones(t), np.full(t, np.inf), last])
    late = np.zeros(t) if item.backlog_cost is None else item.backlog_cost[0]
    found = milp(
        np.concatenate([item.unit_cost[0], item.setup_cost[0], item.holding_cost[0], late]),
        integrality=np.repeat([0, 1, 0, 0], t),
        bounds=Bounds(0, upper),
        constraints=[balance, forcing],
        options={"mip_rel_gap": 0},
    )
    assert found.success, found.message
    return float(found.fun)


def enumerated_cost(item: LotSizing) -> float:
    """Every set of setups; each demand that initial stock does not serve comes from the cheapest of them."""
    t, best = item.num_periods, np.inf
    late = item.backlog_cost
    for setups in product((0, 1), repeat=t):
        lots, left, possible = np.zeros(t), item.initial_stock[0], True
        for due in range(t):
            served = min(left, item.demand[0, due])
            left -= served
            need = item.demand[0, due] - served
            ways = [
                (item.unit_cost[0, i] + (item.holding_cost[0, i:due] if i <= due else late[0, due:i]).sum(), i)
                for i in range(t)
                if setups[i] and (i <= due or late is not None)
            ]
            if need > 0 and ways:
                lots[min(ways)[1]] += need
            elif need > 0:
                possible = False
        if possible:
            verdict = check(item, ProductionPlan(lots, setups))
            assert verdict.is_feasible
            best = min(best, verdict.objective)
    return best


def agree(item: LotSizing, *others: float) -> None:
    costs = []
    for algorithm in ("envelope", "quadratic"):
        plan, cost = optimal_plan(item, algorithm)
        verdict = check(item, plan)
        assert verdict.is_feasible, (item, verdict)
        costs += [cost, verdict.objective]
    assert np.ptp([*costs, *others]) <= 1e-6 * max(1, costs[0]), (item, costs, others)


def test_a_hundred_random_items() -> None:
    rng = np.random.default_rng(1958)
    for _ in range(100):
        item = random_item(rng, 12)
        agree(item, mip_cost(item))


@pytest.mark.slow
def test_a_thousand_random_items() -> None:
    rng = np.random.default_rng(1992)
    for _ in range(1_000):
        item = random_item(rng, 25)
        agree(item, mip_cost(item))


def test_every_set_of_setups() -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        item = random_item(rng, 6)
        agree(item, enumerated_cost(item))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([1e-6, 1, 1e5]))
def test_the_two_recursions_on_longer_items_of_any_scale(seed: int, is_late: bool, scale: float) -> None:
    rng = np.random.default_rng(seed)
    t = int(rng.integers(1, 300))
    agree(
        LotSizing(
            "long",
            demand=rng.random(t) * (rng.random(t) < 0.7) * scale,
            setup_cost=rng.random((1, t)) * 10 * scale,
            holding_cost=rng.random((1, t)),
            unit_cost=rng.random((1, t)) * 5,
            backlog_cost=rng.random((1, t)) * 3 if is_late else None,
        )
    )


def test_a_textbook_case() -> None:
    # Silver, Pyke and Peterson 1998, Inventory Management and Production Planning, section 6.4: cost 501.20
    demand = [10, 62, 12, 130, 154, 129, 88, 52, 124, 160, 238, 41]
    plan, cost = optimal_plan(LotSizing("spp", demand, setup_cost=54, holding_cost=0.4))
    assert cost == pytest.approx(501.2)
    assert plan.lots[0].tolist() == [84, 0, 0, 130, 283, 0, 140, 0, 124, 160, 279, 0]


def test_backlogging_by_hand() -> None:
    # one lot in period 1 serves all: 4 late once, 6 held once
    plan, cost = optimal_plan(LotSizing("late", [4, 5, 6], 100, 1, unit_cost=[9, 1, 9], backlog_cost=2))
    assert (plan.lots[0].tolist(), cost) == ([0, 15, 0], 100 + 15 + 8 + 6)


@pytest.mark.parametrize("algorithm", ["envelope", "quadratic"])
def test_nothing_to_make(algorithm) -> None:
    for item in (LotSizing("zero", [0, 0, 0], 5, 1), LotSizing("stocked", [1, 2, 0], 5, 1, initial_stock=4)):
        plan, cost = optimal_plan(item, algorithm)
        assert not plan.lots.any()
        assert not plan.setups.any()
        assert cost == (0 if item.name == "zero" else 3 + 1 + 1)  # what is left over is held to the end


def test_several_items_are_solved_one_by_one() -> None:
    rng = np.random.default_rng(5)
    items = [random_item(rng, 1) for _ in range(3)]
    demand, setup = rng.integers(0, 20, (3, 8)), rng.integers(0, 60, (3, 8))
    both = LotSizing("three", demand, setup, [1, 2, 3], initial_stock=[0, 15, 3])
    alone = [
        optimal_plan(LotSizing("one", demand[i], setup[i : i + 1], i + 1, initial_stock=both.initial_stock[i]))
        for i in range(len(items))
    ]
    plan, cost = optimal_plan(both)
    assert cost == pytest.approx(sum(c for _, c in alone))
    assert np.array_equal(plan.lots, np.concatenate([p.lots for p, _ in alone]))


def test_the_result_is_a_proof_and_capacity_is_refused() -> None:
    item = LotSizing("item", [3, 0, 4], 5, 1, backlog_cost=1)
    for spec in ("wagner-whitin", "wagner-whitin:algorithm=quadratic"):
        result = ct.solve(item, spec)
        assert result.solution_status is ct.SolutionStatus.OPTIMAL
        assert result.termination is ct.Termination.OPTIMAL
        assert result.objective == result.bound == result.claimed_objective == enumerated_cost(item)
    capped = LotSizing("capped", [3, 0, 4], 5, 1, capacity=5)
    with pytest.raises(ct.UnsupportedError, match=r"wagner-whitin does not handle capacity; these do: .*lot-for-lot"):
        ct.solve(capped, "wagner-whitin")
    with pytest.raises(ct.UnsupportedError, match="no capacity"):
        optimal_plan(capped)


def test_a_hundred_thousand_periods_with_small_rounding() -> None:
    rng = np.random.default_rng(6)
    t = 100_000
    item = LotSizing(
        "long", rng.integers(0, 100, t), rng.uniform(50, 900, (1, t)), rng.uniform(0.5, 1.5, (1, t)), backlog_cost=2
    )
    plan, cost = optimal_plan(item)
    verdict = check(item, plan)
    assert verdict.is_feasible
    assert cost == pytest.approx(verdict.objective, rel=1e-8)


@pytest.mark.parametrize("is_late", [False, True])
def test_stock_forbidden_by_a_huge_cost_does_not_drown_the_other_costs(is_late: bool) -> None:
    # lots of 1,000 to 30,000 cost 100 each and a unit in stock 1: every period makes its own demand
    forbidden = np.where(np.arange(30) == 0, 1e12, 1.0)
    late = forbidden if is_late else None
    case = LotSizing("forbidden", np.arange(1, 31) * 1000.0, 100, forbidden, backlog_cost=late)
    result = ct.solve(case, "wagner-whitin")
    assert (str(result.termination), result.objective, result.bound) == ("optimal", 3000.0, 3000.0)
