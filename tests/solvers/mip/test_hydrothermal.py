"""Extensive forms against optima worked out by hand, nested dynamic programmes and Pyomo."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_systems import FIRST_STEPS_OPTIMUM, cascade, case3, first_steps, subsystems
from tests.random_hydro_systems import random_system

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.result import Termination
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import LINEAR_NETWORKS, stage_models
from counterpoint.solvers.mip.hydrothermal import (
    Tree,
    box_bound,
    chain,
    extensive_form,
    noise_of,
    scenario_tree,
    tree_model,
)
from counterpoint.solvers.mip.warm_program import WarmProgram


def optimum(system: Hydrothermal, tree: Tree) -> float:
    solved = WarmProgram(tree_model(system, tree)).solve(system.reservoirs.initial_volume, noise_of(tree))
    assert solved.termination is Termination.OPTIMAL
    return solved.objective


def test_first_steps_by_hand() -> None:
    assert optimum(first_steps(), scenario_tree(first_steps(), 3)) == pytest.approx(FIRST_STEPS_OPTIMUM, rel=1e-12)


def test_fuel_that_grows_dearer_gives_the_published_value() -> None:
    """SDDP.jl's first steps (reference, section 4.1): fuel at 50, 100, 150 in the three stages; 8333.3333."""
    models = []
    for fuel in (50.0, 100.0, 150.0):
        models.extend(stage_models(first_steps(cost=fuel)))
    tree = scenario_tree(first_steps(), 3)
    solved = WarmProgram(extensive_form(tuple(models), tree, 1.0)).solve(np.array([200.0]), noise_of(tree))
    assert solved.objective == pytest.approx(8333.0 + 1 / 3, rel=1e-10)


@pytest.mark.parametrize(("inflow", "value"), [("middle", 11000.0), ("none", 39010.1448), ("much", 6016.6831)])
def test_case3_with_known_inflows_gives_the_published_values(inflow: str, value: float) -> None:
    """HydroPowerModels.jl's deterministic, no-water and over-water cases (reference, section 4.1)."""
    system = case3()
    rows = {"middle": system.inflows.rows[:, 1], "none": np.zeros((12, 1)), "much": np.full((12, 1), 200.0)}[inflow]
    model = tree_model(system, chain(rows))
    solved = WarmProgram(model).solve(system.reservoirs.initial_volume, rows.ravel())
    assert solved.objective == pytest.approx(value, rel=1e-6)
    if inflow == "much":
        assert solved.values[model.columns["spilled"][0]] == pytest.approx([0.09], abs=5e-4)


def nested(system: Hydrothermal, stage: int, storage: np.ndarray, grid: np.ndarray) -> float:
    """Return the cost to go of one reservoir by trying a grid of storages at the end of every stage but the last."""
    if stage == system.horizon:
        return 0.0
    models = stage_models(system)
    solver, total = HighsStage(models[stage % len(models)]), 0.0
    for row, chance in zip(*system.openings(stage), strict=True):
        many = np.repeat(storage[None], len(grid), 0)
        found = solver.solve_many(many, np.repeat(row[None], len(grid), 0), grid[:, None])
        costs = [
            cost + system.discount * nested(system, stage + 1, after, grid)
            for cost, after, status in zip(found.objective, grid[:, None], found.status, strict=True)
            if status == 0
        ]
        total += chance * min(costs)
    return total


def test_a_tree_equals_dynamic_programming_on_a_grid() -> None:
    """With storages in steps of 50 everything of first steps happens on the grid."""
    system = replace(first_steps(horizon=2), discount=0.9)
    tree = scenario_tree(system, 2)
    grid = np.arange(0.0, 201.0, 50.0)
    assert optimum(system, tree) == pytest.approx(nested(system, 0, np.array([200.0]), grid), rel=1e-9)


def test_trees_know_what_is_certain() -> None:
    system = subsystems()
    tree = scenario_tree(system, 3)
    assert tree.num_nodes == 1 + 3 + 9  # the first stage's inflow is known
    assert tree.probability[:1].tolist() == [1.0]
    np.testing.assert_allclose([tree.probability[tree.stage == t].sum() for t in range(3)], 1.0)
    assert (tree.parent < np.arange(13)).all()
    later = scenario_tree(system, 2, start=2, first_inflow=np.array([1.0, 2.0]))
    assert later.stage.tolist() == [2, 3, 3, 3]
    assert later.inflow[0].tolist() == [1.0, 2.0]
    np.testing.assert_array_equal(later.inflow[1:], system.openings(3)[0])
    with pytest.raises(UnsupportedError, match="more than 200000 nodes"):
        scenario_tree(first_steps(horizon=12), 12)


@given(st.integers(0, 10_000), st.sampled_from(LINEAR_NETWORKS))
@settings(max_examples=15, deadline=None)
def test_foresight_costs_no_more_and_myopia_no_less(seed: int, kind: str) -> None:
    system = random_system(seed, kind, horizon=2)
    tree = scenario_tree(system, 2)
    whole, n = optimum(system, tree), tree.num_nodes
    known = sum(
        tree.probability[leaf] * optimum(system, chain(tree.inflow[[tree.parent[leaf], leaf]]))
        for leaf in np.flatnonzero(tree.stage == 1)
    )
    storage, myopic = np.empty((n, system.num_reservoirs)), 0.0
    models = stage_models(system)
    for node in range(n):
        before = system.reservoirs.initial_volume if tree.parent[node] < 0 else storage[tree.parent[node]]
        found = HighsStage(models[tree.stage[node] % len(models)]).solve_many(before[None], tree.inflow[node][None])
        storage[node] = np.clip(found.state_out[0], 0.0, system.reservoirs.max_volume)
        myopic += tree.probability[node] * system.discount ** tree.stage[node] * found.stage_cost[0]
    slack = 1e-6 * max(1.0, abs(whole))
    assert known - slack <= whole <= myopic + slack


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_state_and_the_noise_enter_as_in_a_stage(seed: int) -> None:
    """A tree of one node is the stage; duals too."""
    system = random_system(seed)
    tree = scenario_tree(system, 1, first_inflow=system.inflows.rows[0, 0])
    ours, stage = HighsStage(tree_model(system, tree)), HighsStage(stage_models(system)[0])
    state = system.reservoirs.initial_volume[None]
    a, b = ours.solve_many(state, tree.inflow), stage.solve_many(state, tree.inflow)
    np.testing.assert_allclose(a.objective, b.objective, rtol=1e-10)
    np.testing.assert_allclose(a.dual_state, b.dual_state, rtol=1e-8, atol=1e-8)


def test_maps_have_a_row_for_every_node() -> None:
    system = cascade()
    tree = scenario_tree(system, 2)
    model, stage = tree_model(system, tree), stage_models(system)[0]
    assert model.columns["turbined"].shape == (tree.num_nodes, 2)
    assert sorted(np.concatenate([c.ravel() for c in model.columns.values()])) == list(range(model.num_cols))
    np.testing.assert_array_equal(model.cost[model.columns["thermal"][0]], 0.5 * stage.cost[stage.columns["thermal"]])


def test_a_program_that_runs_out_of_time_says_so_and_recovers() -> None:
    system = case3(horizon=7)
    tree = scenario_tree(system, 7)
    program = WarmProgram(tree_model(system, tree))
    late = program.solve(system.reservoirs.initial_volume, noise_of(tree), 0.0)
    assert late.termination is Termination.TIME
    assert np.isnan(late.objective)
    in_time = program.solve(system.reservoirs.initial_volume, noise_of(tree))
    assert in_time.termination is Termination.OPTIMAL
    assert box_bound(program.model) <= in_time.objective
    impossible = program.solve(system.reservoirs.initial_volume, noise_of(tree) - 1e6)
    assert impossible.termination is Termination.INFEASIBLE


def test_warm_and_cold_agree() -> None:
    system = cascade(horizon=8)
    rng = np.random.default_rng(0)
    tree = chain(np.zeros((8, 2)))
    warm = WarmProgram(tree_model(system, tree))
    for _ in range(10):
        state, noise = rng.random(2) * system.reservoirs.max_volume, rng.uniform(0, 30, 16)
        cold = WarmProgram(tree_model(system, tree)).solve(state, noise)
        assert warm.solve(state, noise).objective == pytest.approx(cold.objective, rel=1e-10)
