"""Replanning: optimal where the tree is all there is, foresight where nothing is random, sane in between."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hydro_systems import FIRST_STEPS_OPTIMUM, SYSTEMS, cascade, case3, first_steps, subsystems
from tests.solvers.mip.test_hydrothermal_tree import by_tree

import counterpoint as ct
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Inflows
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios, scenario_of
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.solvers.replan import hydrothermal as replan
from counterpoint.solvers.replan.inflow_tree import inflow_tree, reduced


def expected_cost(system: Hydrothermal, policy) -> float:
    """Over all scenarios, by their probabilities."""
    stages = [system.openings(t) for t in range(system.horizon)]
    total = 0.0
    for openings in itertools.product(*(range(len(rows)) for rows, _ in stages)):
        chance = np.prod([p[i] for (_, p), i in zip(stages, openings, strict=True)])
        total += chance * simulate(system, scenario_of(system, np.array(openings)), policy).cost
    return total


@pytest.mark.parametrize("make", [first_steps, cascade, subsystems, lambda: case3(horizon=3)])
def test_the_tree_of_everything_is_optimal(make) -> None:
    """Planning again is the same as having planned: the mean over all scenarios is the whole tree's optimum."""
    system = replace(make(), horizon=3, reported_stages=3)
    policy = ct.policy("tree-lp", system, options={"branching": (9, 9, 9)})
    rows, chance = system.openings(0)
    optimum = float(chance @ [by_tree(system, 3, row) for row in rows])
    assert expected_cost(system, policy) == pytest.approx(optimum, rel=1e-6)
    if system.name == "first-steps":
        assert optimum == pytest.approx(FIRST_STEPS_OPTIMUM)
    for worse in ("rolling-lp", "keep-level", "myopic"):
        assert expected_cost(system, ct.policy(worse, system)) >= optimum * (1 - 1e-9)


@pytest.mark.parametrize("make", SYSTEMS)
@pytest.mark.parametrize("name", ["rolling-lp", "tree-lp"])
def test_without_chance_replanning_is_foresight(make, name: str) -> None:
    system = make()
    certain = Inflows(system.inflows.rows[:, :1], np.ones((len(system.inflows.rows), 1)))
    system = replace(system, inflows=certain)
    (scenario,) = draw_scenarios(system, 1, 0)
    optimum = by_tree(system, system.horizon, scenario.inflow[0])
    assert simulate(system, scenario, ct.policy(name, system)).cost == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("name", ["rolling-lp", "tree-lp"])
def test_a_scenario_costs_the_same_whatever_was_run_before(name: str) -> None:
    """Plans have several optima here; which one is taken must not depend on where a solver stood."""
    system = case3()
    scenarios = draw_scenarios(system, 6, 1)
    used = ct.policy(name, system)
    many = ct.evaluate({"it": used}, system, scenarios=scenarios, progress=False).costs("it")
    again = ct.evaluate({"it": used}, system, scenarios=scenarios[::-1], progress=False).costs("it")
    assert again[::-1] == pytest.approx(many, rel=1e-9)


def test_of_equal_plans_it_takes_the_one_that_keeps_water() -> None:
    """Nothing is gained or lost by spilling what mean inflows will refill, until less comes than the mean."""
    system = first_steps()
    wet = replace(system, inflows=Inflows(np.array([[[100.0]], [[150.0]], [[150.0]]]), np.ones((3, 1))))
    found = simulate(wet, draw_scenarios(wet, 1, 0)[0], ct.policy("rolling-lp", wet))
    assert found.storage.ravel() == pytest.approx([150.0, 150.0, 150.0])
    assert found.cost == pytest.approx(0.0)


def test_a_short_view_is_myopic() -> None:
    system = case3()
    scenario = draw_scenarios(system, 1, 3)[0]
    short = simulate(system, scenario, ct.policy("rolling-lp", system, options={"stages": 1}))
    now = simulate(system, scenario, ct.policy("myopic", system))
    assert short.stage_cost[0].sum() == pytest.approx(now.stage_cost[0].sum())
    longer = simulate(system, scenario, ct.policy("rolling-lp", system, options={"stages": 6}))
    assert longer.cost < min(short.cost, now.cost)


def test_hand_computed_plan_for_mean_inflows() -> None:
    """Water waits for the deficit.

    Demand 100 then 300, thermal power of at most 150 at 100, deficits at 1000: of 200 stored with nothing coming, 150
    are needed in the second stage, so that 50 are left for the first: 50 bought at 100, then 150 at 100.
    """
    system = first_steps(horizon=2)
    system = replace(
        system,
        network=replace(
            system.network,
            demand=[[100.0], [300.0]],
            reactive_demand=[[0.0], [0.0]],
            deficit_limit=np.full((2, 1, 1), np.inf),
        ),
        inflows=Inflows(np.zeros((1, 1, 1)), np.ones((1, 1))),
    )
    found = simulate(system, draw_scenarios(system, 1, 0)[0], ct.policy("rolling-lp", system))
    assert found.storage.ravel() == pytest.approx([150.0, 0.0], abs=1e-6)
    assert found.stage_cost.sum(1) == pytest.approx([5_000.0, 15_000.0])
    now = simulate(system, draw_scenarios(system, 1, 0)[0], ct.policy("myopic", system))
    assert now.stage_cost.sum(1) == pytest.approx([0.0, 15_000.0 + 50 * 1000.0])


def test_under_ac_plans_by_dc_and_operates_by_ac() -> None:
    """Losses cost a little, whether planned for or not; what is raised is the demand of the plan alone."""
    dc, ac = cascade(), cascade(kind="ac")
    costs = []
    for scenario in draw_scenarios(dc, 4, 2):
        lossless = simulate(dc, scenario, ct.policy("rolling-lp", dc)).cost
        told, untold = (
            simulate(ac, scenario, ct.policy("rolling-lp", ac, options={"losses": losses})).cost
            for losses in (0.02, 0.0)
        )
        costs.append((lossless, told, untold))
    mean = np.mean(costs, axis=0)
    assert (mean[0] < mean[1:]).all()
    assert (mean[1:] < 1.05 * mean[0]).all()
    raised, kind = replan.planned(ac, 0.1)
    assert kind == "dc"
    assert raised.network.demand == pytest.approx(1.1 * ac.network.demand)
    assert replan.planned(dc, 0.1) == (dc, "dc")


def test_the_tree_ends_with_the_horizon() -> None:
    system = cascade(horizon=5)
    tree = inflow_tree(system, 2, 24, (2, 2, 2))
    assert tree.parent.tolist() == [-1, 0, 0, 1, 1, 2, 2]
    assert tree.depth.tolist() == [0, 1, 1, 2, 2, 2, 2]
    # stage 3 draws with 1/4, 3/4 and stage 4 evenly; discounted at 0.99 a stage
    assert tree.weight == pytest.approx([1, *0.99 * np.array([0.75, 0.25]), *0.9801 * np.array([3, 3, 1, 1]) / 8])
    last = inflow_tree(system, 4, 24, (2,))
    assert len(last.parent) == 1
    path = inflow_tree(system, 0, 4, ())
    assert path.noise[1:] == pytest.approx(np.array([[13.0, 6.0], [20.0, 3.0], [13.0, 6.0]]))


def test_reduced_by_hand() -> None:
    """Of 0, 1, 10, 11 and 12, evenly likely, two are kept: the means of what is near, with its probability."""
    rows, share = reduced(np.array([[0.0], [1.0], [10.0], [11.0], [12.0]]), np.full(5, 0.2), 2, np.ones(1))
    order = rows.ravel().argsort()
    assert rows.ravel()[order] == pytest.approx([0.5, 11.0])
    assert share[order] == pytest.approx([0.4, 0.6])


@given(st.integers(0, 10**6))
def test_reduced_keeps_probability_and_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, h = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    rows, chance = rng.random((n, h)).round(1), rng.dirichlet(np.ones(n))
    count = int(rng.integers(1, n + 1))
    kept, share = reduced(rows, chance, count, rng.random(h))
    assert 1 <= len(kept) <= count
    assert share.sum() == pytest.approx(1.0)
    assert share @ kept == pytest.approx(chance @ rows)
    if count == n:  # nothing is lost but rows that are there twice
        merged = {tuple(row): chance[(rows == row).all(1)].sum() for row in np.unique(rows, axis=0)}
        if len(merged) == len(kept):
            assert {tuple(row.round(9)): pytest.approx(p) for row, p in zip(kept, share, strict=True)} == merged


def test_options_are_checked() -> None:
    for bad in ({"stages": 0}, {"losses": -0.1}, {"losses": 1.0}):
        with pytest.raises(OptionError, match=next(iter(bad))):
            replan.RollingOptions(**bad)
        with pytest.raises(OptionError, match=next(iter(bad))):
            replan.TreeOptions(**bad)
    for branching in ((), (0,), (100, 100, 100)):
        with pytest.raises(OptionError, match="branching"):
            replan.TreeOptions(branching=branching)
