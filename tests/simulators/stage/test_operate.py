"""The operator: targets it can reach are kept, others moved, cuts weighed, and what is infeasible is named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_systems import cascade, case3, first_steps, subsystems
from tests.random_hydro_systems import permuted, random_state, random_system

from counterpoint.datasets.hydrothermal.public import build
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal_run import Scenario, draw_scenarios
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.hydrothermal_network import network_excesses
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import LINEAR_NETWORKS, stage_models
from counterpoint.simulators.stage.operate import Operator, tie_breaks


def left(system, dispatch, storage, inflow):
    """Return the storage that a dispatch leaves."""
    parts, k = system.reservoirs, system.volume_per_flow
    q, s = dispatch.turbined, dispatch.spilled
    return storage + k * (inflow - q + parts.turbined_to.T @ q) - s + parts.spilled_to.T @ s


def test_without_cuts_it_uses_all_the_water_it_can_sell() -> None:
    """Fuel costs 100 and water nothing: 150 of 200 are turbined."""
    dispatch = Operator(first_steps()).dispatch(0, np.array([200.0]), np.array([0.0]))
    assert dispatch.turbined.tolist() == [150.0]
    assert dispatch.generation.tolist() == [150.0, 0.0]


@pytest.mark.parametrize(("value", "turbined"), [(99.0, 150.0), (101.0, 0.0)])
def test_cuts_are_what_water_is_worth(value: float, turbined: float) -> None:
    operator = Operator(first_steps())
    cuts = (np.array([1e5]), np.array([[-value]]), 0.0)
    assert operator.dispatch(0, np.array([200.0]), np.array([0.0]), cuts=cuts).turbined.tolist() == [turbined]
    # the same solver, other cuts, and none
    other = (np.array([1e5]), np.array([[-(200.0 - value)]]), 0.0)
    assert operator.dispatch(0, np.array([200.0]), np.array([0.0]), cuts=other).turbined.tolist() == [150.0 - turbined]
    assert operator.dispatch(0, np.array([200.0]), np.array([0.0])).turbined.tolist() == [150.0]


def test_the_bound_of_the_future_counts_where_no_cut_does() -> None:
    """At 15000 at least, whatever is stored, water above 150 is worth nothing; 120 of 200 turbined leave 80."""
    cuts = (np.array([20000.0]), np.array([[-200.0]]), 12000.0)
    dispatch = Operator(first_steps()).dispatch(0, np.array([200.0]), np.array([0.0]), cuts=cuts)
    assert dispatch.turbined == pytest.approx([150.0])  # 40 left would be enough
    higher = (cuts[0], cuts[1], 4000.0)
    assert Operator(first_steps()).dispatch(0, np.array([200.0]), np.array([0.0]), cuts=higher).turbined == (
        pytest.approx([120.0])
    )


def test_a_bound_that_changes_makes_a_new_solver() -> None:
    operator, cuts = Operator(first_steps()), (np.array([20000.0]), np.array([[-200.0]]))
    for lower, turbined in ((12000.0, 150.0), (4000.0, 120.0), (12000.0, 150.0)):
        dispatch = operator.dispatch(0, np.array([200.0]), np.array([0.0]), cuts=(*cuts, lower))
        assert dispatch.turbined == pytest.approx([turbined])


@given(st.integers(0, 10_000), st.sampled_from(LINEAR_NETWORKS))
@settings(max_examples=60, deadline=None)
def test_every_target_can_be_asked_for(seed: int, kind: str) -> None:
    """Out of bounds, out of reach, or just right: the stage is solved, and the dispatch obeys every limit."""
    system = random_system(seed, kind)
    rng = np.random.default_rng(seed)
    operator, top = Operator(system), system.reservoirs.max_volume
    for stage, (storage, inflow) in enumerate(zip(*random_state(system, 4, seed), strict=True)):
        target = rng.choice([-1e-9, 0.0, 0.5, 1.0, 1.0 + 1e-12, 3.0], len(top)) * top
        dispatch = operator.dispatch(stage, storage, inflow, target=target)
        after = left(system, dispatch, storage, inflow)
        assert (after >= -1e-9).all()
        assert (after <= top + 1e-9).all()
        for excess in network_excesses(system, stage, dispatch):
            assert (excess.amounts <= 1e-7).all(), excess.what
        again = operator.dispatch(stage, storage, inflow, target=after)
        np.testing.assert_allclose(left(system, again, storage, inflow), after, atol=1e-6)


def test_reservoirs_that_hold_nothing_or_next_to_nothing() -> None:
    system = cascade()
    for volume in (0.0, 1e-9, 0.04):
        parts = replace(system.reservoirs, max_volume=[40.0, volume], initial_volume=[20.0, 0.0])
        operator = Operator(replace(system, reservoirs=parts))
        for target in ([0.0, 0.0], [40.0, 40.0], [20.0, volume + 1e-16]):
            dispatch = operator.dispatch(0, np.array([20.0, volume]), np.array([10.0, 3.0]), target=np.array(target))
            after = left(system, dispatch, np.array([20.0, volume]), np.array([10.0, 3.0]))[1]
            assert -1e-12 <= after <= volume + 1e-12


def test_storages_a_rounding_off_their_bounds_are_moved_back() -> None:
    operator = Operator(case3())
    for storage in (-1e-13, 0.54 + 1e-13):
        assert operator.dispatch(0, np.array([storage]), np.array([0.0])).spilled.tolist() == [0.0]


def test_a_network_that_takes_no_power_lets_water_go_by_the_spillway() -> None:
    """Turbines feed the lower reservoir alone, and the upper plant's bus is cut off: its target is out of reach."""
    system = cascade()
    alone = replace(
        system,
        reservoirs=replace(system.reservoirs, spilled_to=np.zeros((2, 2), bool)),
        network=replace(system.network, rating=[0.0, 0.9, 0.0], reverse_rating=[0.0, 0.9, 0.0]),
    )
    dispatch = Operator(alone).dispatch(0, np.array([20.0, 0.0]), np.array([0.0, 0.0]), target=np.array([5.0, 9.0]))
    assert dispatch.turbined[0] == 0.0
    assert left(alone, dispatch, np.array([20.0, 0.0]), np.zeros(2)) == pytest.approx([5.0, 0.0])


def test_an_infeasible_stage_is_named() -> None:
    operator = Operator(cascade())
    with pytest.raises(InstanceError, match="stage 2 is infeasible: no operation balances water and power"):
        operator.dispatch(2, np.array([1.0, 1.0]), np.array([-30.0, 0.0]))
    system = subsystems()
    short = replace(system, network=replace(system.network, deficit_limit=system.network.deficit_limit / 100))
    with pytest.raises(InstanceError, match="stage 0 is infeasible"):
        Operator(short).dispatch(0, np.zeros(2), np.zeros(2))


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    system = cascade()
    storage, inflow = random_state(system, 20, 1)
    inflow = inflow.clip(1.0)
    at_once = Operator(system).solve(1, storage, inflow)
    one = Operator(system)
    for i in range(20):
        found = one.solve(1, storage[i : i + 1], inflow[i : i + 1])
        assert found.objective[0] == pytest.approx(at_once.objective[i], rel=1e-9)


def test_ac_is_operated_by_ipopt() -> None:
    pytest.importorskip("casadi")
    system = case3(kind="ac")
    dispatch = Operator(system).dispatch(0, np.array([0.18]), np.array([80.0]))
    for excess in network_excesses(system, 0, dispatch):
        assert (excess.amounts <= 1e-6).all(), excess.what
    kept = Operator(system).dispatch(0, np.array([0.18]), np.array([80.0]), target=np.array([0.3]))
    assert left(system, kept, np.array([0.18]), np.array([80.0])) == pytest.approx([0.3], abs=1e-6)


class Myopic:
    """Acts as if there were no tomorrow."""

    def __init__(self, system) -> None:
        self.operator = Operator(system)

    def start(self, episode: int) -> None:
        pass

    def act(self, observation):
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow)


@given(st.integers(0, 10_000), st.sampled_from(LINEAR_NETWORKS))
@settings(max_examples=25, deadline=None)
def test_runs_cost_the_same_in_whatever_order_things_are_listed(seed: int, kind: str) -> None:
    """Ties in a stage would decide how full the next one finds its reservoirs."""
    system = random_system(seed, kind, horizon=6)
    other, plant = permuted(system, seed)
    (scenario,) = draw_scenarios(system, 1, seed)
    moved = Scenario(scenario.opening, scenario.inflow[:, plant])
    cost = simulate(system, scenario, Myopic(system)).cost
    assert simulate(other, moved, Myopic(other)).cost == pytest.approx(cost, rel=1e-6)


@pytest.mark.parametrize("name", ["bolivia-dc", "brazil-120"])
def test_public_systems_too(name: str) -> None:
    system = replace(build(name), horizon=24, reported_stages=24)
    (scenario,) = draw_scenarios(system, 1, 0)
    costs = [simulate(system, scenario, Myopic(system)).cost]
    for seed in range(2):
        other, plant = permuted(system, seed)
        moved = Scenario(scenario.opening, scenario.inflow[:, plant])
        costs.append(simulate(other, moved, Myopic(other)).cost)
    assert costs[1:] == pytest.approx(costs[:1] * 2, rel=1e-6)


def test_what_is_reported_is_free_of_the_tie_breaks() -> None:
    system = cascade()
    operator, model = Operator(system), stage_models(system)[0]
    storage, inflow = random_state(system, 10, 2)
    found, plain = operator.solve(0, storage, inflow), HighsStage(model).solve_many(storage, inflow)
    np.testing.assert_allclose(found.objective, plain.objective, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.stage_cost, found.x @ model.cost, rtol=1e-12)
    worth = tie_breaks(system)
    assert (worth > 0).all()
    assert worth.max() < 1e-5  # of costs of 30 and 90


def test_water_is_kept_rather_than_spilled() -> None:
    """Nothing to gain today by 50 of 200; they are all kept, though spilling is free."""
    system = first_steps()
    assert Operator(system).dispatch(0, np.array([200.0]), np.array([0.0])).spilled.tolist() == [0.0]


def test_under_ac_too_the_order_does_not_matter() -> None:
    pytest.importorskip("casadi")
    system = replace(build("bolivia-ac"), horizon=8, reported_stages=8)
    (scenario,) = draw_scenarios(system, 1, 0)
    other, plant = permuted(system, 1)
    moved = Scenario(scenario.opening, scenario.inflow[:, plant])
    cost = simulate(system, scenario, Myopic(system)).cost
    assert simulate(other, moved, Myopic(other)).cost == pytest.approx(cost, rel=1e-6)
