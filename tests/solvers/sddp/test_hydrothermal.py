"""Water values: as the extensive form has them, acted on under the network that counts."""

from importlib.util import find_spec

import numpy as np
import pytest
from tests.hydro_systems import FIRST_STEPS_OPTIMUM, cascade, case3, first_steps, subsystems
from tests.random_hydro_systems import permuted, random_system

from counterpoint.opt.errors import CheckpointError, MissingPackageError, OptionError
from counterpoint.opt.problems.hydrothermal_run import Observation, draw_scenarios
from counterpoint.opt.registry import method
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.solvers.mip.hydrothermal import noise_of, scenario_tree, tree_model
from counterpoint.solvers.sddp.cuts_json import write_cuts
from counterpoint.solvers.sddp.hydrothermal import Options, WaterValues, expected_bound, graph_of, sddp, train_values
from counterpoint.solvers.sddp.policy import Options as Training
from counterpoint.solvers.sddp.simulate import simulate_noises
from counterpoint.solvers.sddp.stopping import iterations
from counterpoint.solvers.sddp.train import train


def optimum(instance):
    """The extensive form over all outcomes."""
    tree = scenario_tree(instance, instance.horizon)
    found = HighsStage(tree_model(instance, tree)).solve_many(
        instance.reservoirs.initial_volume[None], noise_of(tree)[None]
    )
    return found.objective[0]


SYSTEMS = [
    first_steps, cascade, lambda: cascade(kind="transport"), lambda: cascade(kind="single-bus"), subsystems,
    lambda: case3(horizon=5), *(lambda s=s: random_system(s, horizon=3) for s in range(3)),
]  # fmt: skip


@pytest.mark.parametrize("make", SYSTEMS)
def test_as_the_extensive_form(make):
    instance = make()
    policy = train_values(instance, options=Options(iterations=150))
    assert policy.progress[-1].bound == pytest.approx(optimum(instance), rel=1e-6)


def test_first_steps_by_hand():
    assert train_values(first_steps(), options=Options(iterations=20)).progress[-1].bound == pytest.approx(
        FIRST_STEPS_OPTIMUM
    )


@pytest.mark.parametrize("make", [first_steps, cascade, subsystems])
def test_the_policy_costs_what_the_simulation_says(make):
    instance = make()
    policy = sddp(instance, 0, Options(iterations=40))
    scenarios = draw_scenarios(instance, 30, 5)
    cost = np.array([simulate(instance, scenario, policy).cost for scenario in scenarios])
    inner = simulate_noises(policy.trained, np.array([scenario.inflow for scenario in scenarios])).cost
    # both decide by the same cuts, and may take other optima where there are several
    assert cost.mean() == pytest.approx(inner.mean(), rel=1e-2)
    assert cost.mean() >= policy.bound - 3 * cost.std() / np.sqrt(30)


def test_it_beats_the_myopic_rule():
    from counterpoint.solvers.rules.hydrothermal import myopic

    instance = cascade(horizon=6)
    good, short_sighted = sddp(instance, 0, Options(iterations=40)), myopic(instance, 0, None)
    scenarios = draw_scenarios(instance, 40, 5)
    saved = [simulate(instance, s, short_sighted).cost - simulate(instance, s, good).cost for s in scenarios]
    assert np.mean(saved) > 3 * np.std(saved) / np.sqrt(40)


def test_order_of_plants_and_buses_does_not_count():
    instance = random_system(1, horizon=3)
    other = permuted(instance, 4)[0]
    one, two = (train_values(i, options=Options(iterations=60)).progress[-1].bound for i in (instance, other))
    assert one == pytest.approx(two, rel=1e-6)


def test_cuts_from_a_file_need_no_training(tmp_path):
    instance = cascade()
    policy = sddp(instance, 0, Options(iterations=30))
    write_cuts(policy.trained, tmp_path / "cuts.json")
    loaded = sddp(instance, 0, Options(cuts=str(tmp_path / "cuts.json")))
    assert loaded.bound == pytest.approx(policy.bound, rel=1e-9)
    assert loaded.trained.num_solved < 10
    scenario = draw_scenarios(instance, 1, 3)[0]
    assert simulate(instance, scenario, loaded).cost == pytest.approx(
        simulate(instance, scenario, policy).cost, rel=1e-6
    )
    # cuts of one network are cuts for a system of another
    transport = sddp(cascade(kind="transport"), 0, Options(iterations=0, cuts=str(tmp_path / "cuts.json")))
    assert np.isfinite(transport.bound)
    with pytest.raises(CheckpointError, match="states"):
        sddp(first_steps(), 0, Options(iterations=0, cuts=str(tmp_path / "cuts.json")))


def test_networks_of_the_cuts_are_in_their_order():
    """The fewer limits a network has the cheaper it is."""
    bounds = [
        train_values(cascade(), options=Options(iterations=50, network_kind=kind)).progress[-1].bound
        for kind in ("single-bus", "transport", "dc", "")
    ]
    assert bounds[0] <= bounds[1] * (1 + 1e-9)
    assert bounds[1] <= bounds[2] * (1 + 1e-9)
    assert bounds[2] == bounds[3]


@pytest.mark.skipif(find_spec("clarabel") is None or find_spec("casadi") is None, reason="needs counterpoint[power]")
def test_under_ac_by_cuts_of_the_cones():
    instance = case3(kind="ac", horizon=3)
    policy = sddp(instance, 0, Options(iterations=15))
    exact = train_values(instance, options=Options(iterations=15, network_kind="soc-cones")).progress[-1].bound
    assert policy.bound == pytest.approx(exact, rel=1e-3)  # tangents of the cones are nearly the cones
    assert policy.bound <= exact * (1 + 1e-4)
    cost = [simulate(instance, scenario, policy).cost for scenario in draw_scenarios(instance, 27, 0)]
    assert policy.bound <= np.mean(cost) + 3 * np.std(cost) / np.sqrt(27)
    assert expected_bound(instance, 5.0) == pytest.approx(policy.bound, rel=1e-4)


def test_risk_costs_more_in_the_bound():
    bounds = [
        train_values(cascade(), options=Options(iterations=50, risk_lambda=lam, risk_beta=0.3)).progress[-1].bound
        for lam in (1.0, 0.5, 0.0)
    ]
    assert bounds[0] < bounds[1] < bounds[2]


def test_many_cuts():
    single, multi = (
        train_values(cascade(), options=Options(iterations=50, is_multi_cut=many)).progress[-1].bound
        for many in (False, True)
    )
    assert single == pytest.approx(multi, rel=1e-7)


def test_the_last_stage_has_no_future():
    policy = sddp(cascade(), 0, Options(iterations=3))
    assert [cuts is None for cuts in policy.cuts] == [False, False, False, True]
    dispatch = policy.act(Observation(3, np.array([20.0, 2.0]), cascade().openings(3)[0][0]))
    assert dispatch.turbined.shape == (2,)


def test_cuts_are_in_money_of_their_stage():
    from dataclasses import replace

    instance = replace(cascade(), discount=0.5)
    policy = sddp(instance, 0, Options(iterations=30))
    assert policy.bound == pytest.approx(optimum(instance), rel=1e-6)
    for stage in range(3):
        intercept, slope, lower = policy.trained.cuts(stage)
        np.testing.assert_allclose(policy.cuts[stage][0], 0.5 * intercept)
        np.testing.assert_allclose(policy.cuts[stage][1], 0.5 * slope)
        assert policy.cuts[stage][2] == 0.5 * lower


def test_the_bound_on_reported_stages():
    instance = cascade(horizon=6, reported_stages=3)
    bound = expected_bound(instance, 5.0)
    assert bound == pytest.approx(optimum(cascade(horizon=3)), rel=1e-6)
    policy = sddp(instance, 0, Options(iterations=30))
    costs = [simulate(instance, s, policy).cost for s in draw_scenarios(instance, 40, 1)]
    assert bound <= np.mean(costs) + 3 * np.std(costs) / np.sqrt(40)


def test_registered():
    entry = method("hydrothermal", "sddp")
    assert entry.kind == "sequential"
    built = entry.load()(first_steps(), 0, Options(iterations=2))
    assert isinstance(built, WaterValues)
    assert "WaterValues of 'first-steps'" in repr(built)


def test_what_is_not_installed_is_said(monkeypatch):
    from counterpoint.solvers.sddp import hydrothermal as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    for kind in ("", "soc", "soc-cones"):
        with pytest.raises(MissingPackageError, match="clarabel"):
            graph_of(case3(kind="ac", horizon=2), kind)


def test_options_that_cannot_be():
    for given in ({"iterations": 0}, {"time_limit_s": 0.0}, {"risk_lambda": 2.0}, {"lanes": 0},
                  {"is_multi_cut": True, "risk_lambda": 0.5}):  # fmt: skip
        with pytest.raises(OptionError):
            Options(**given)


def test_a_subsampled_brazil_is_its_extensive_form():
    from dataclasses import replace

    from counterpoint.datasets.hydrothermal.public import build

    instance = build("brazil-3")
    rows = instance.inflows.rows[:, ::9]
    some = replace(instance.inflows, rows=rows, probability=np.full(rows.shape[:2], 1 / rows.shape[1]))
    instance = replace(instance, inflows=some)
    policy = train_values(instance, options=Options(iterations=150))
    assert policy.progress[-1].bound == pytest.approx(optimum(instance), rel=1e-6)


def test_brazil_three_months():
    """The published optimum of the extensive form is 782309.1877977113."""
    from counterpoint.datasets.hydrothermal.public import build

    policy = train_values(build("brazil-3"), options=Options(iterations=150))
    assert (policy.trace["bound"] <= 782309.19 + 1e-3).all()
    assert 782280.0 <= policy.progress[-1].bound <= 782309.2


@pytest.mark.slow
def test_bolivia_dc():
    from counterpoint.datasets.hydrothermal.public import build

    instance = build("bolivia-dc")
    policy = sddp(instance, 0, Options(iterations=60, time_limit_s=500.0))
    assert 379_500 <= policy.bound <= 380_700
    inflow = np.array([scenario.inflow for scenario in draw_scenarios(instance, 100, 20260706)])
    found = simulate_noises(policy.trained, inflow)
    cost = sum(np.bincount(v.path, v.stage_cost, 100) for v in found.visits if v.step < instance.reported_stages)
    assert cost.mean() == pytest.approx(304_890, rel=3e-3)


@pytest.mark.slow
def test_brazil_sixty_months():
    from counterpoint.datasets.hydrothermal.public import build
    from counterpoint.solvers.sddp.simulate import simulate as paths

    policy = train_values(build("brazil-60"), options=Options(iterations=100, time_limit_s=500.0))
    assert policy.trace["bound"].is_monotonic_increasing
    found = paths(policy, 200)
    assert 71_000 <= policy.progress[-1].bound <= found.mean + 3 * found.standard_error


@pytest.mark.slow
def test_bolivia_does_not_depend_on_workers():
    from counterpoint.datasets.hydrothermal.public import build

    graph, _ = graph_of(build("bolivia-dc"))
    traces = [train(graph, iterations(3), 0, Training(lanes=2, workers=w)).trace["bound"].tolist() for w in (1, 2)]
    assert traces[0] == traces[1]
