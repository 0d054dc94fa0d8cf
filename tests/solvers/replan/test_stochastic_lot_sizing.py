"""Replanning MIPs of the plant: optimal where demand is certain and the plan covers all that is left."""

from itertools import product

import numpy as np
import pytest
from tests.plants import random_plant, scalar_reference

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.simulators.stochastic_lot_sizing import simulate
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.stochastic_lot_sizing import tree_model
from counterpoint.solvers.replan.scenario_tree import (
    ROOT,
    Tree,
    forward_selection,
    path,
    sampled_paths,
    sampled_tree,
)
from counterpoint.solvers.replan.stochastic_lot_sizing import RollingOptions, TreeOptions, rolling_mip, tree_mip
from counterpoint.solvers.replan.stochastic_lot_sizing_exchange import exchange


def certain_plant(seed: int, horizon: int) -> StochasticLotSizing:
    """A plant of up to two items and machines whose demand is always the same."""
    rng = np.random.default_rng(seed)
    while True:
        plant = random_plant(rng, horizon=horizon, most=2)
        if plant.production.any():
            break
    demand = np.eye(6)[rng.integers(1, 6, plant.num_items)]
    object.__setattr__(plant, "demand_probability", demand)
    object.__setattr__(plant, "is_random_start", False)
    return plant


def best_of_all(plant: StochasticLotSizing) -> float:
    scenario = draw_scenarios(plant, 1, 0)[0]
    able = [np.flatnonzero(row).tolist() for row in plant.can_choose]
    single = list(product(*able))
    return min(
        scalar_reference(plant, scenario, np.array(choices))[1] for choices in product(single, repeat=plant.horizon)
    )


@pytest.mark.parametrize("seed", range(12))
def test_equal_to_enumeration_where_demand_is_certain(seed: int) -> None:
    plant = certain_plant(seed, 3)
    scenario = draw_scenarios(plant, 1, 0)[0]
    best = best_of_all(plant)
    rolling = rolling_mip(plant, 0, RollingOptions(periods=3, time_limit_s=20, gap=0))
    assert simulate(plant, scenario, rolling).cost == pytest.approx(best, abs=1e-6)
    for options in ({"branching": (2, 1), "tail": 1, "samples": 3}, {"paths": 2, "periods": 3}):
        tree = tree_mip(plant, 0, TreeOptions(**options, time_limit_s=20, gap=0))
        assert simulate(plant, scenario, tree).cost == pytest.approx(best, abs=1e-6), options
    built = tree_model(plant, path(scenario.demand), scenario.inventory, scenario.setup)
    assert solve_model(built.model).objective == pytest.approx(best, abs=1e-6)


def test_a_tree_plans_for_what_may_come() -> None:
    """Demand 0 or 10, lost sales dear: for the mean of 5 a stock of 5 is enough, a tree makes more."""
    plant = StochasticLotSizing(
        "gamble", [[5]], [[0]], [[0]], [1.0], [9.0], [20], [[0.5, *[0] * 9, 0.5]], 2, initial_inventory=[5]
    )
    scenario = draw_scenarios(plant, 1, 0)[0]
    rolling = rolling_mip(plant, 0, RollingOptions(periods=1, gap=0))
    assert simulate(plant, scenario, rolling).choice[0].tolist() == [0]
    for options in ({"branching": (2,), "tail": 0, "samples": 200}, {"paths": 20, "periods": 1}):
        tree = tree_mip(plant, 0, TreeOptions(**options, gap=0))
        assert simulate(plant, scenario, tree).choice[0].tolist() == [1], options


def random_tree(plant: StochasticLotSizing, rng: np.random.Generator, kind: int) -> Tree:
    if kind == 0:
        return path(np.tile(plant.mean_demand, (4, 1)))
    if kind == 1:
        return sampled_paths(plant.demand_probability, 5, 4, rng)
    return sampled_tree(plant.demand_probability, (3, 2), 1, 9, rng)


def open_loop_cost(plant: StochasticLotSizing, tree: Tree, inventory, setup, plan) -> float:
    """The rules of the plant, node by node, in plain arithmetic."""
    cost, state = 0.0, {}
    for t, choice in enumerate(plan):
        before = setup if t == 0 else plan[t - 1]
        cost += sum(plant.setup_cost[m, c - 1] for m, c in enumerate(choice) if c and c != before[m])
    for node, parent in enumerate(tree.parent):
        t = tree.stage[node]
        before = setup if t == 0 else plan[t - 1]
        stock = np.array(inventory if parent == ROOT else state[parent], float)
        for m, c in enumerate(plan[t]):
            if c:
                stock[c - 1] += plant.production[m, c - 1] - (plant.setup_loss[m, c - 1] if c != before[m] else 0)
        stock -= tree.demand[node]
        cost += tree.probability[node] * (plant.lost_sales_cost @ np.maximum(-stock, 0))
        state[node] = np.clip(stock, 0, plant.max_inventory)
        cost += tree.probability[node] * (plant.holding_cost @ state[node])
    return cost


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_by_exchange_is_worth_what_it_says_and_starts_the_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plant = random_plant(rng, horizon=4, most=3)
    tree = random_tree(plant, rng, seed % 3)
    inventory = rng.integers(0, plant.max_inventory + 1)
    able = [np.flatnonzero(row) for row in plant.can_choose]
    setup = np.array([rng.choice(row) for row in able])
    first = np.array([[rng.choice(row) for row in able] for _ in range(int(tree.stage.max()) + 1)])
    plan, cost = exchange(plant, tree, inventory, setup, first)
    assert cost == pytest.approx(open_loop_cost(plant, tree, inventory, setup, plan), abs=1e-9)
    assert cost <= open_loop_cost(plant, tree, inventory, setup, first) + 1e-9
    for m, t in product(range(plant.num_machines), range(len(plan))):  # nothing single is better
        for choice in able[m]:
            other = plan.copy()
            other[t, m] = choice
            assert open_loop_cost(plant, tree, inventory, setup, other) >= cost - 1e-6
    bounds = []
    for is_common in (True, False):
        built = tree_model(plant, tree, inventory, setup, is_common=is_common)
        values = built.values_of(plant, tree, inventory, setup, plan)
        assert built.model.violation(values) < 1e-9
        assert built.model.cost @ values == pytest.approx(cost, abs=1e-9)
        assert np.array_equal(built.plan(values, plant.num_machines), plan)
        bounds.append(solve_model(built.model, gap=0.0).objective)
    assert bounds[1] - 1e-6 <= bounds[0] <= cost + 1e-6  # deciding at every node is worth something


def test_with_no_time_the_plan_by_exchange_is_carried_out() -> None:
    plant = random_plant(np.random.default_rng(5), horizon=6, most=3)
    scenario = draw_scenarios(plant, 1, 0)[0]
    hasty = tree_mip(plant, 0, TreeOptions(paths=8, time_limit_s=1e-9))
    done = simulate(plant, scenario, hasty)
    hasty.start(0)
    tree = sampled_paths(plant.demand_probability, 8, 6, np.random.default_rng([0, 0, 2]))
    keeping = np.where(plant.can_choose[np.arange(plant.num_machines), scenario.setup], scenario.setup, 0)
    plan, _ = exchange(plant, tree, scenario.inventory, scenario.setup, np.tile(keeping, (6, 1)))
    assert done.choice[0].tolist() == plan[0].tolist()


def test_paths_spread_as_the_demand_does() -> None:
    """Of ten paths each draws from another tenth: a demand of probability .3 comes three times, in every period."""
    probability = np.array([[0.3, 0.2, 0.5], [0.0, 1.0, 0.0]])
    tree = sampled_paths(probability, 10, 4, np.random.default_rng(0))
    assert tree.stage.tolist() == [t for t in range(4) for _ in range(10)]
    assert tree.parent[:12].tolist() == [ROOT] * 10 + [0, 1]
    demand = tree.demand.reshape(4, 10, 2)
    assert ((demand[:, :, 0] == 0).sum(1) == 3).all()
    assert ((demand[:, :, 0] == 2).sum(1) == 5).all()
    assert (demand[:, :, 1] == 1).all()
    assert len({tuple(row) for row in demand[:, :, 0]}) > 1


def test_trees_are_trees() -> None:
    probability = np.array([[0.5, 0.0, 0.5], [0.1, 0.8, 0.1]])
    tree = sampled_tree(probability, (4, 2, 2), 2, 50, np.random.default_rng(0))
    assert len(tree.parent) == 4 + 8 + 16 + 16 + 16
    assert (tree.parent < np.arange(len(tree.parent))).all()
    depth = np.zeros(len(tree.parent), int)
    for n, p in enumerate(tree.parent):
        depth[n] = 0 if p == ROOT else depth[p] + 1
    for d in range(5):
        assert tree.probability[depth == d].sum() == pytest.approx(1)
    assert (tree.demand[depth >= 3] == 1.0).all()
    again = sampled_tree(probability, (4, 2, 2), 2, 50, np.random.default_rng(0))
    assert np.array_equal(tree.demand, again.demand)


def test_forward_selection_is_greedy_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(12, 3))
    kept, share = forward_selection(points, 3)
    distance = ((points[:, None] - points) ** 2).sum(2)
    chosen: list[int] = []
    for _ in range(3):
        left = {u: distance[:, [*chosen, u]].min(1).sum() for u in range(12) if u not in chosen}
        chosen.append(min(left, key=left.__getitem__))
    assert kept == pytest.approx(points[chosen])
    assert share.sum() == pytest.approx(1)
    assert forward_selection(points, 99)[1] == pytest.approx(np.full(12, 1 / 12))


@pytest.mark.parametrize("wrong", [{"periods": 0}, {"time_limit_s": 0.0}, {"gap": -1.0}])
def test_wrong_options_are_refused(wrong: dict) -> None:
    with pytest.raises(OptionError):
        RollingOptions(**wrong)


@pytest.mark.parametrize("wrong", [{"paths": 0}, {"periods": 0}, {"branching": (0,)}, {"tail": -1}, {"samples": 0}])
def test_wrong_tree_options_are_refused(wrong: dict) -> None:
    with pytest.raises(OptionError):
        TreeOptions(**wrong)
