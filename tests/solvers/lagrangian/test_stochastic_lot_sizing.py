"""The policy by item values: its assignment against all others, its costs against exact values and the simulator."""

from dataclasses import replace

import numpy as np
import pytest
from tests.plants import random_plant
from tests.small_plants import choices, small_plant

from counterpoint.datasets.registry import benchmark
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, StochasticLotSizing, draw_scenarios
from counterpoint.simulators.stochastic_lot_sizing import simulate
from counterpoint.solvers.bounds.stochastic_lot_sizing import expected_cost
from counterpoint.solvers.bounds.stochastic_lot_sizing_relaxation import Relaxation
from counterpoint.solvers.dynamic_programming.stochastic_lot_sizing import Model, backward
from counterpoint.solvers.lagrangian import stochastic_lot_sizing as lagrangian
from counterpoint.solvers.lagrangian.stochastic_lot_sizing import Lagrangian, Options, policy, with_margin
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_kernels import assign, decide
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_rollout import _play
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs


def cost_of(plant: StochasticLotSizing, posts: tuple[IntArray, ...], period: int, stock, setup, choice) -> float:
    """Setups now and all items' values after production, from the definitions."""
    total = 0.0
    for item, post in zip(Relaxation.expected(plant).items, posts, strict=True):
        row, made = 0, int(stock[item.number])
        for bit, m in enumerate(item.machines.tolist()):
            if choice[m] == item.number + 1:
                is_new = setup[m] != choice[m]
                total += plant.setup_cost[m, item.number] * is_new
                made += int(plant.production[m, item.number] - plant.setup_loss[m, item.number] * is_new)
                row |= 1 << bit
        total += float(post[period, row, min(made + item.below, post.shape[2] - 1)])
    return total


@pytest.mark.parametrize("seed", range(6))
def test_the_assignment_is_the_best_of_all_and_local_search_is_close(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plant = small_plant(seed, items=3, machines=4, horizon=4)
    prices = rng.random((4, 4))
    made = Lagrangian(plant, replace(expected_cost(plant, steps=0), prices=prices))
    posts = Relaxation.expected(plant).posts(prices)
    every, found = choices(plant), []
    for _ in range(20):
        period = int(rng.integers(4))
        stock, setup = rng.integers(0, plant.max_inventory + 1), rng.integers(0, 4, 4)
        best = min(cost_of(plant, posts, period, stock, setup, c) for c in every)
        exact, searched = np.zeros((2, 1, 4), np.int64)
        for is_exact, choice in ((True, exact), (False, searched)):
            decide(made.tables, period, stock[None], setup[None], is_exact, choice)
            assert plant.can_choose[np.arange(4), choice[0]].all()
        assert cost_of(plant, posts, period, stock, setup, exact[0]) == pytest.approx(best, abs=1e-4)
        found.append(cost_of(plant, posts, period, stock, setup, searched[0]) - best)
    assert min(found) >= -1e-4
    assert np.mean(np.array(found) < 1e-4) >= 0.7


@pytest.mark.parametrize("seed", range(6))
def test_local_search_moves_and_exchanges_as_far_as_it_can(seed: int) -> None:
    """No machine to another item, and no exchange of two, is better than what it ends with."""
    rng = np.random.default_rng(seed)
    plant = small_plant(seed, items=4, machines=5, horizon=2)
    prices = rng.random((2, 5))
    made = Lagrangian(plant, replace(expected_cost(plant, steps=0), prices=prices))
    posts = Relaxation.expected(plant).posts(prices)
    stock, setup = rng.integers(0, plant.max_inventory + 1), rng.integers(0, 5, 5)
    choice = np.zeros((1, 5), np.int64)
    decide(made.tables, 0, stock[None], setup[None], False, choice)
    reached = cost_of(plant, posts, 0, stock, setup, choice[0])
    for m in range(5):
        for other in [*np.flatnonzero(plant.can_choose[m]), *(-1 - k for k in range(5))]:
            near = choice[0].copy()
            if other < 0:
                near[[m, -1 - other]] = near[[-1 - other, m]]
            else:
                near[m] = other
            if plant.can_choose[np.arange(5), near].all():
                assert cost_of(plant, posts, 0, stock, setup, near) >= reached - 1e-4


@pytest.mark.parametrize("seed", range(6))
def test_one_item_is_served_optimally(seed: int) -> None:
    plant = small_plant(seed, items=1, machines=2, horizon=4)
    made = policy(plant, 0, Options(steps=0, scenarios=0))
    model = Model(plant)
    for period, solved in zip((3, 2, 1, 0), backward(model), strict=True):
        post = Relaxation.expected(plant).posts(np.zeros((4, 2)))
        for number, setup in enumerate(model.setups):
            for stock in range(int(plant.max_inventory[0]) + 1):
                choice = made.act_all(period, np.array([[stock]]), setup[None])[0]
                value = cost_of(plant, post, period, [stock], setup, choice)
                assert value == pytest.approx(solved.value[number, stock], abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_many_scenarios_at_once_cost_what_the_simulator_says(seed: int) -> None:
    plant = random_plant(np.random.default_rng(seed), horizon=15, most=4)
    made = policy(plant, 0, Options(steps=5, scenarios=0))
    scenarios = draw_scenarios(plant, 4, seed)
    one_by_one = [simulate(plant, scenario, made).cost for scenario in scenarios]
    np.testing.assert_allclose(total_costs(plant, scenarios, made.act_all), one_by_one, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_near_the_optimum_and_not_below_its_bound(seed: int) -> None:
    plant = replace(small_plant(seed, items=3, horizon=12), is_random_start=True)
    model = Model(plant)
    *_, first = backward(model)
    best = model.at_start(first.value)
    made = policy(plant, 0, Options(steps=40, scenarios=50))
    costs = total_costs(plant, draw_scenarios(plant, 400, 3), made.act_all)
    error = costs.std(ddof=1) / np.sqrt(len(costs))
    assert made.bound <= best + 1e-6
    assert best - 3 * error <= costs.mean() <= 1.1 * best + 3 * error


def test_a_long_horizon_uses_the_middle_of_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = small_plant(3, horizon=20)
    monkeypatch.setattr(lagrangian, "MOST_PERIODS", 6)
    made = policy(plant, 0, Options(steps=10, scenarios=8))
    assert [made.table(t) for t in (0, 1, 2, 3, 10, 16, 17, 18, 19)] == [0, 1, 2, 3, 3, 3, 3, 4, 5]
    model = Model(plant)
    *_, first = backward(model)
    best = model.at_start(first.value)
    costs = total_costs(plant, draw_scenarios(plant, 400, 3), made.act_all)
    assert costs.mean() <= 1.1 * best + 3 * costs.std() / 20


@pytest.mark.parametrize("seed", range(6))
def test_the_best_assignment_that_gives_a_machine_something_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plant = small_plant(seed, items=2, machines=3)
    prices = rng.random((3, 3))
    made = Lagrangian(plant, replace(expected_cost(plant, steps=0), prices=prices))
    posts = Relaxation.expected(plant).posts(prices)
    stock, setup = rng.integers(0, plant.max_inventory + 1), rng.integers(0, 3, 3)
    for machine in range(3):
        for banned in range(3):
            costs = [cost_of(plant, posts, 0, stock, setup, c) for c in choices(plant) if c[machine] != banned]
            choice = np.zeros(3, np.int64)
            cost = assign(made.tables, 0, stock, setup, machine, banned, choice)
            if not costs:
                assert cost == np.inf
                continue
            assert cost == pytest.approx(min(costs), abs=1e-4)
            assert cost == pytest.approx(cost_of(plant, posts, 0, stock, setup, choice), abs=1e-4)
            assert choice[machine] != banned


@pytest.mark.parametrize("seed", range(4))
def test_a_play_to_the_end_costs_what_the_policy_costs(seed: int) -> None:
    plant = random_plant(np.random.default_rng(seed), horizon=8, most=3)
    made = policy(plant, 0, Options(steps=3, scenarios=0))
    (scenario,) = draw_scenarios(plant, 1, seed)
    stock, setup = scenario.inventory.copy(), scenario.setup.copy()
    first = made.act_all(0, stock[None], setup[None])[0]
    played = _play(made.tables, made.plant, np.r_[np.arange(8), -1], stock, setup, scenario.demand, first)
    assert played == pytest.approx(simulate(plant, scenario, made).cost)


def test_playing_on_improves_the_policy() -> None:
    """On a published plant whose two machines are in demand: by pairs, beyond chance; one by one as all at once."""
    plant = benchmark("plant-4x2")
    plain, playing = (policy(plant, 0, Options(steps=20, scenarios=0, rollouts=n, lookahead=10)) for n in (0, 16))
    scenarios = draw_scenarios(plant, 60, 3)
    costs = total_costs(plant, scenarios, playing.act_all)
    gain = total_costs(plant, scenarios, plain.act_all) - costs
    assert gain.mean() > 3 * gain.std() / 60**0.5
    assert costs.mean() >= plain.bound
    np.testing.assert_allclose(costs[:3], [simulate(plant, s, playing).cost for s in scenarios[:3]], atol=1e-9)


def test_the_margin_is_chosen_on_scenarios_of_its_own() -> None:
    plant = small_plant(1, horizon=6)
    one, two = (policy(plant, 5, Options(steps=10, scenarios=8, tries=3)) for _ in range(2))
    np.testing.assert_array_equal(one.tables.post, two.tables.post)
    priced = expected_cost(plant, steps=10)
    more = with_margin(priced, np.array([0.0, 0.5]))
    np.testing.assert_array_equal(more.prices[:, 0], priced.prices[:, 0])
    np.testing.assert_allclose(more.prices[:, 1], priced.prices[:, 1] + 0.5 * priced.prices.mean())
    assert more.bound == priced.bound
    assert with_margin(priced, np.full(2, -9.0)).prices.min() == 0.0


@pytest.mark.parametrize("wrong", [{"scenarios": -1}, {"steps": -1}, {"tries": -1}, {"rollouts": -1}, {"lookahead": 0}])
def test_wrong_options_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Options(**wrong)


def test_rollouts_are_refused_where_sets_of_machines_are_too_many() -> None:
    with pytest.raises(UnsupportedError, match="12 machines"):
        policy(small_plant(0, machines=13), 0, Options(rollouts=4))
