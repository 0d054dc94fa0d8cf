"""Exact values of plants: by hand, the reference's figures, plain recursion, simulation of the optimal policy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.plants import random_plant
from tests.small_plants import least_expected_cost, small_plant

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.simulators.stochastic_lot_sizing import simulate
from counterpoint.solvers.bounds.stochastic_lot_sizing import expected_cost
from counterpoint.solvers.dynamic_programming.stochastic_lot_sizing import Model, average, backward, discounted
from counterpoint.solvers.dynamic_programming.stochastic_lot_sizing_policy import Options, policy

# section 2.2 of the project's reference: two items on one machine; average cost, and values at a discount of 0.9 from
# (idle, 0, 0) and from (set up for item 1, 5, 5)
PLANTS: list[tuple[dict[str, Any], float, float, float]] = [
    ({"holding_cost": [0.1, 0.1], "lost_sales_cost": [2, 2], "max_inventory": [5, 5], "demand": [0.5, 0.5]},
     0.642807, 8.409095, 6.523336),
    ({"holding_cost": [1, 1], "lost_sales_cost": [10, 20], "max_inventory": [10, 10], "demand": [0.341, 0.58, 0.079]},
     3.751692, 44.060690, 47.232973),
    ({"holding_cost": [1, 1], "lost_sales_cost": [10, 10], "max_inventory": [10, 10], "demand": [0.341, 0.58, 0.079]},
     3.557986, 42.090542, 45.957096),
]  # fmt: skip


def two_items(facts: dict[str, Any], horizon: int = 100) -> StochasticLotSizing:
    rest = {key: value for key, value in facts.items() if key != "demand"}
    return StochasticLotSizing(
        "two", [[3, 3]], [[1, 1]], [[1, 1]], demand_probability=[facts["demand"]] * 2, horizon=horizon, **rest
    )


@pytest.mark.parametrize(("facts", "per_period", "from_idle", "from_setup"), PLANTS)
def test_the_values_of_the_reference(
    facts: dict[str, Any], per_period: float, from_idle: float, from_setup: float
) -> None:
    model = Model(two_items(facts))
    assert average(model).average == pytest.approx(per_period, abs=1e-5)
    value = discounted(model, 0.9).value
    assert value[0, 0, 0] == pytest.approx(from_idle, abs=1e-5)
    assert value[model.number(np.array([1])), 5, 5] == pytest.approx(from_setup, abs=1e-5)


def test_one_period_by_hand() -> None:
    """Making 3 (2 after the setup of 1) against a demand of 0 or 2, lost at 4, held at 1; nothing in stock.

    Idle: half the time 2 lost, 4. Setting up: 1 + half the time 2 held, 2. Already set up: 3 held or 1 held, 2.
    """
    plant = StochasticLotSizing("one", [[3]], [[1]], [[1]], [1], [4], [5], [[0.5, 0, 0.5]], 1)
    (last,) = backward(Model(plant))
    assert last.value[:, 0].tolist() == [2.0, 2.0]
    assert last.best[:, 0].tolist() == [1, 1]
    assert last.value[:, 4].tolist() == [3.0, 3.0]  # idle: 4 or 2 held
    assert last.best[:, 4].tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(8))
def test_backward_induction_is_plain_recursion(seed: int) -> None:
    plant = small_plant(seed)
    model = Model(plant)
    *_, first = backward(model)
    known = least_expected_cost(plant, plant.initial_inventory.tolist(), plant.initial_setup.tolist())
    assert model.at_start(first.value) == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize("criterion", ["total", "average"])
@pytest.mark.parametrize("number", [0, 1])
def test_the_simulated_optimal_policy_costs_its_value(number: int, criterion: Any) -> None:
    plant = replace(two_items(PLANTS[number][0], horizon=60), is_random_start=True)
    optimal = policy(plant, 0, Options(criterion=criterion))
    costs = np.array([simulate(plant, scenario, optimal).cost for scenario in draw_scenarios(plant, 150, 7)])
    *_, first = backward(optimal.model)
    value = optimal.model.at_start(first.value)
    error = costs.std(ddof=1) / np.sqrt(len(costs))
    assert costs.mean() >= value - 3 * error
    if criterion == "total":
        assert costs.mean() <= value + 3 * error


def test_every_stationary_policy_pays_at_least_the_average() -> None:
    """At the optimal average g and relative values v: T v - v = g everywhere."""
    model = Model(two_items(PLANTS[1][0]))
    solved = average(model)
    again, best = model.decide(model.after_production(solved.value))
    np.testing.assert_allclose(again - solved.value, solved.average, atol=1e-7)
    assert (best == solved.best).all()


@pytest.mark.parametrize("seed", range(12))
def test_the_lagrangian_bound_is_below_the_optimum(seed: int) -> None:
    plant = random_plant(np.random.default_rng(seed), horizon=8, most=3)
    plant = replace(plant, max_inventory=np.minimum(plant.max_inventory, 6), initial_inventory=None)
    model = Model(plant)
    *_, first = backward(model)
    best = model.at_start(first.value)
    bound = expected_cost(plant).bound
    assert 0.85 * best <= bound <= best + 1e-7


def test_a_discount_of_almost_one_gives_the_average() -> None:
    model = Model(two_items(PLANTS[0][0]))
    value = discounted(model, 0.999, tolerance=1e-6).value
    assert 0.001 * value[0, 0, 0] == pytest.approx(average(model).average, rel=0.02)


def test_plants_too_large_and_wrong_options_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="states"):
        Model(replace(two_items(PLANTS[0][0]), max_inventory=[2000, 2000]))
    with pytest.raises(UnsupportedError, match="average"):
        policy(replace(two_items(PLANTS[0][0]), horizon=100_000, max_inventory=[30, 30]), 0, Options())
    with pytest.raises(OptionError, match="discount"):
        Options(discount=1.0)
    with pytest.raises(OptionError, match="criterion"):
        Options(criterion="best")  # type: ignore[arg-type]
