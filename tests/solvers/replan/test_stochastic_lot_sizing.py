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
from counterpoint.solvers.replan.scenario_tree import ROOT, forward_selection, path, sampled_tree
from counterpoint.solvers.replan.stochastic_lot_sizing import RollingOptions, TreeOptions, rolling_mip, tree_mip


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
    tree = tree_mip(plant, 0, TreeOptions(branching=(2, 1), tail=1, samples=3, time_limit_s=20, gap=0))
    assert simulate(plant, scenario, tree).cost == pytest.approx(best, abs=1e-6)
    built = tree_model(plant, path(scenario.demand), scenario.inventory, scenario.setup)
    assert solve_model(built.model).objective == pytest.approx(best, abs=1e-6)


def test_a_tree_plans_for_what_may_come() -> None:
    """Demand 0 or 10, lost sales dear: for the mean of 5 a stock of 5 is enough, a tree makes more."""
    plant = StochasticLotSizing(
        "gamble", [[5]], [[0]], [[0]], [1.0], [9.0], [20], [[0.5, *[0] * 9, 0.5]], 2, initial_inventory=[5]
    )
    scenario = draw_scenarios(plant, 1, 0)[0]
    rolling = rolling_mip(plant, 0, RollingOptions(periods=1, gap=0))
    tree = tree_mip(plant, 0, TreeOptions(branching=(2,), tail=0, samples=200, gap=0))
    assert simulate(plant, scenario, rolling).choice[0].tolist() == [0]
    assert simulate(plant, scenario, tree).choice[0].tolist() == [1]


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


@pytest.mark.parametrize("wrong", [{"branching": ()}, {"branching": (0,)}, {"tail": -1}, {"samples": 0}])
def test_wrong_tree_options_are_refused(wrong: dict) -> None:
    with pytest.raises(OptionError):
        TreeOptions(**wrong)
