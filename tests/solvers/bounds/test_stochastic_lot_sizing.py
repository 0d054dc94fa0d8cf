"""Bounds of plants: never above what trying everything finds, equal to it for one item, and right for any prices."""

from dataclasses import replace

import numpy as np
import pytest
from tests.plants import random_plant
from tests.small_plants import choices, least_expected_cost, least_known_cost, period, small_plant

from counterpoint.datasets.generators.stochastic_lot_sizing import published
from counterpoint.opt.problems.stochastic_lot_sizing import Scenario, StochasticLotSizing, draw_scenarios
from counterpoint.solvers.bounds.stochastic_lot_sizing import expected_cost, in_scenario, perfect_information
from counterpoint.solvers.bounds.stochastic_lot_sizing_item import items_of
from counterpoint.solvers.bounds.stochastic_lot_sizing_prices import Ascent
from counterpoint.solvers.bounds.stochastic_lot_sizing_relaxation import Relaxation, Relaxed, solve_item

SEEDS = range(12)


def optimum(plant: StochasticLotSizing) -> float:
    return least_expected_cost(plant, plant.initial_inventory.tolist(), plant.initial_setup.tolist())


@pytest.mark.parametrize("seed", SEEDS)
def test_no_policy_beats_the_expected_bound_and_it_is_close(seed: int) -> None:
    plant = small_plant(seed)
    best = optimum(plant)
    bound = expected_cost(plant).bound
    assert 0.9 * best <= bound <= best + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_one_item_on_many_machines_is_solved_exactly(seed: int) -> None:
    """Nobody competes, so the bound at prices of zero is the optimum: the subsets, the losses and the cap are right."""
    plant = small_plant(seed, items=1, machines=3)
    relaxed = Relaxation.expected(plant).solve(np.zeros((plant.horizon, 3)))
    assert relaxed.bound == pytest.approx(optimum(plant), abs=1e-9)
    for scenario in draw_scenarios(plant, 3, seed):
        known = Relaxation.known(plant, scenario).solve(np.zeros((plant.horizon, 3)))
        assert known.bound == pytest.approx(least_known_cost(plant, scenario), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_who_knows_the_scenario_beats_its_bound(seed: int) -> None:
    plant = small_plant(seed, items=3, horizon=4)
    for scenario in draw_scenarios(plant, 3, seed):
        best = least_known_cost(plant, scenario)
        bound = perfect_information(plant, scenario, 10.0)
        assert bound <= best + 1e-9
        assert bound >= in_scenario(plant, scenario, steps=0).bound >= Relaxation.known(plant, scenario).solve(
            np.zeros((4, 2))
        ).bound  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_any_prices_give_a_bound_and_the_slope_bounds_every_other(seed: int) -> None:
    """Concave: value at q <= value at p + slope at p (q - p)."""
    plant = small_plant(seed)
    rng = np.random.default_rng(seed)
    best = optimum(plant)
    relaxation = Relaxation.expected(plant)
    prices = [rng.random((3, 2)) * rng.integers(0, 4) for _ in range(4)]
    solved = [relaxation.solve(p) for p in prices]
    for p, at in zip(prices, solved, strict=True):
        assert at.bound <= best + 1e-9
        for q, other in zip(prices, solved, strict=True):
            assert other.bound <= at.bound + float((at.slope * (q - p)).sum()) + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_setups_kept_in_mind_or_not(seed: int) -> None:
    """Forgetting the setups of some machines weakens the bound, also where setups destroy unwanted stock (seed 9)."""
    plant = small_plant(seed, machines=3)
    prices = np.random.default_rng(seed).random((3, 3))
    bounds = [Relaxation.expected(plant, bits).solve(prices).bound for bits in range(4)]
    assert np.diff(bounds).min() >= -1e-9
    assert [item.rows for item in items_of(plant, 1)] == [min(2 ** len(i.machines), 2) for i in items_of(plant)]


@pytest.mark.parametrize("machines", [10, 15, 40])
def test_as_many_setups_are_kept_in_mind_as_fit(machines: int) -> None:
    """With 40 machines 8: 25 items of 121 stocks and 2^8 sets are 774,400 values a period."""
    plant = published(items=25, machines=machines, seed=4)

    def values(bits: int | None) -> int:
        return sum(item.rows * (item.limit + item.chance.shape[1]) for item in items_of(plant, bits))

    able = int(np.count_nonzero(plant.production, axis=0).max())
    most = max(item.bits for item in items_of(plant))
    assert values(None) <= 1_000_000
    assert most == min(able, 12) or values(most + 1) > 1_000_000
    assert machines != 40 or (most, values(None)) == (8, 774_400)


def test_a_random_start_is_the_mean_over_all_starts() -> None:
    """At given prices, by hand: every stock below the limit and every setup a machine can have, evenly."""
    plant = replace(small_plant(3), is_random_start=True, production=[[2, 1], [3, 0]], max_inventory=[2, 3])
    prices = np.full((3, 2), 0.3)
    relaxation = Relaxation.expected(plant)
    values = []
    for first in (1, 2):
        for stock in np.ndindex(2, 3):
            start = Scenario(stock, [first, 1], np.zeros((3, 2), np.int64))
            states = [(i.set_of(start.setup), start.inventory[i.number]) for i in relaxation.items]
            solved = [solve_item(i, prices)[0][s] for i, s in zip(relaxation.items, states, strict=True)]
            values.append(sum(solved) - prices.sum())
    assert relaxation.solve(prices).bound == pytest.approx(np.mean(values), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_bounds_hold_on_plants_of_any_shape(seed: int) -> None:
    """Whatever is done at random costs at least the scenario's bound."""
    rng = np.random.default_rng(seed)
    plant = random_plant(rng, horizon=12, most=4)
    (scenario,) = draw_scenarios(plant, 1, seed)
    bound = in_scenario(plant, scenario, steps=15).bound
    able = choices(plant)
    for _ in range(20):
        stock, setup, total = scenario.inventory.tolist(), scenario.setup.tolist(), 0.0
        stay = rng.random()
        for demand in scenario.demand.tolist():
            if rng.random() > stay:
                setup_then = able[rng.integers(len(able))]
            else:
                setup_then = tuple(s if plant.can_choose[m, s] else 0 for m, s in enumerate(setup))
            stock, cost = period(plant, stock, setup, setup_then, demand)
            setup, total = setup_then, total + cost
        assert bound <= total + 1e-9


def test_a_demand_above_every_expected_one_is_met() -> None:
    """A scenario of somebody else's may hold demands that the plant's probabilities have no place for."""
    plant = small_plant(1, items=1, machines=1)
    scenario = Scenario([0], [0], [[0], [7], [9]])
    assert perfect_information(plant, scenario, 1.0) == pytest.approx(least_known_cost(plant, scenario))


def test_no_time_still_gives_a_bound() -> None:
    plant = small_plant(2)
    (scenario,) = draw_scenarios(plant, 1, 0)
    solved = Relaxation.known(plant, scenario).solve(np.zeros((3, 2))).bound
    assert perfect_information(plant, scenario, 0.0) == solved
    assert expected_cost(plant, time_limit_s=0.0).bound <= expected_cost(plant).bound


def test_the_ascent_finds_the_top_of_a_known_roof() -> None:
    """min over faces of a piecewise linear roof with its top, 5, at prices (1, 2; 3, 0.5)."""
    top = np.array([[1.0, 2.0], [3.0, 0.5]])

    def roof(prices: np.ndarray) -> Relaxed:
        assert (prices >= 0).all()
        return Relaxed(5.0 - float(np.abs(prices - top).sum()), -np.sign(prices - top))

    ascent = Ascent(roof, (2, 2))
    ascent.run(8.0, 200)
    assert ascent.bound == pytest.approx(5.0, abs=0.1)
    assert ascent.bound == roof(ascent.prices).bound


@pytest.mark.parametrize("machines", [31, 32, 33, 40, 64, 65, 70])
def test_more_machines_for_an_item_than_bits_in_a_word(machines: int) -> None:
    """All are needed in all periods: each serves the item once a period: at prices of zero slopes are 0."""
    ones = np.ones((machines, 1), np.int64)
    demand = np.eye(machines + 1)[None, machines]
    plant = StochasticLotSizing("many", ones, 5.0 * ones, 0 * ones, [0.1], [10.0], [200], demand, 3)
    relaxed = Relaxation.expected(plant, max_bits=2).solve(np.zeros((3, machines)))
    assert relaxed.bound == pytest.approx(2 * 5.0)  # the other machines' setups cost nothing in it
    assert (relaxed.slope[:, : min(machines, 64)] == 0).all()
