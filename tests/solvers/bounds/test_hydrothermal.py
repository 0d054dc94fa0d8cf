"""Perfect information is never dearer than any operation, and is what the optimum costs where nothing is random."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_systems import cascade, case3, first_steps, subsystems
from tests.random_hydro_systems import permuted, random_system

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Scenario, draw_scenarios
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.stage.operate import Operator
from counterpoint.solvers.bounds import hydrothermal as bounds
from counterpoint.solvers.bounds.hydrothermal import perfect_information, relaxed_stages
from counterpoint.solvers.mip.hydrothermal import box_bound, chain, extensive_form

KINDS = ("single-bus", "transport", "dc")


class Wanderer:
    """A policy of random targets: any of them must cost at least the bound."""

    def __init__(self, system: Hydrothermal, seed: int) -> None:
        self.operator, self.rng = Operator(system), np.random.default_rng(seed)
        self.top = system.reservoirs.max_volume

    def start(self, episode: int) -> None:
        pass

    def act(self, observation: Any) -> Any:
        target = self.rng.random(len(self.top)) * self.top
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow, target=target)


class Myopic(Wanderer):
    def act(self, observation: Any) -> Any:
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow)


@given(st.integers(0, 10_000), st.sampled_from(KINDS))
@settings(max_examples=25, deadline=None)
def test_no_operation_beats_it(seed: int, kind: str) -> None:
    system = replace(random_system(seed, kind), reported_stages=3)
    (scenario,) = draw_scenarios(system, 1, seed)
    bound = perfect_information(system, scenario, 10.0)
    for policy in (Wanderer(system, seed), Myopic(system, seed)):
        cost = simulate(system, scenario, policy).cost
        assert bound <= cost + 1e-6 * max(1.0, abs(cost))


def test_it_is_attained_in_one_stage() -> None:
    """Where there is no tomorrow, myopic operation is optimal."""
    for system in (cascade(horizon=1), subsystems(horizon=1), case3(horizon=1)):
        (scenario,) = draw_scenarios(system, 1, 0)
        cost = simulate(system, scenario, Myopic(system, 0)).cost
        assert perfect_information(system, scenario, 10.0) == pytest.approx(cost, rel=1e-9)


def test_first_steps_by_hand() -> None:
    """200 stored and 0 + 50 + 0 to come for 450 demanded: 200 at 100."""
    scenario = Scenario(np.array([0, 1, 0]), np.array([[0.0], [50.0], [0.0]]))
    assert perfect_information(first_steps(), scenario, 10.0) == pytest.approx(20_000.0)
    two = replace(first_steps(), reported_stages=2)  # 300 demanded, the third stage is not paid for
    assert perfect_information(two, scenario, 10.0) == pytest.approx(5_000.0)


def test_what_comes_after_the_reported_stages_does_not_count() -> None:
    system = cascade(horizon=6, reported_stages=3)
    (scenario,) = draw_scenarios(system, 1, 3)
    other = Scenario(scenario.opening, np.concatenate([scenario.inflow[:3], 0 * scenario.inflow[3:]]))
    assert perfect_information(system, scenario, 10.0) == perfect_information(system, other, 10.0)


@given(st.integers(0, 10_000), st.sampled_from(KINDS))
@settings(max_examples=10, deadline=None)
def test_the_order_of_things_does_not_matter(seed: int, kind: str) -> None:
    system = random_system(seed, kind)
    other, plant = permuted(system, seed)
    (scenario,) = draw_scenarios(system, 1, seed)
    moved = Scenario(scenario.opening, scenario.inflow[:, plant])
    value = perfect_information(system, scenario, 10.0)
    assert perfect_information(other, moved, 10.0) == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_without_time_it_is_weak_and_still_a_bound() -> None:
    system = case3()
    (scenario,) = draw_scenarios(system, 1, 1)
    full = perfect_information(system, scenario, 10.0)
    assert perfect_information(system, scenario, 0.0) <= full
    model = extensive_form(relaxed_stages(subsystems()), chain(np.zeros((4, 2))), 0.9906)
    assert box_bound(model) == pytest.approx(2.0 * 20.0 * (1 + 0.9906 + 0.9906**2 + 0.9906**3))  # a must-run plant


def test_what_is_wrong_is_named() -> None:
    system = case3()
    with pytest.raises(InstanceError, match="a scenario of 2 stages, expected 12"):
        perfect_information(system, Scenario(np.zeros(2), np.zeros((2, 1))), 1.0)
    with pytest.raises(InstanceError, match="no operation"):
        perfect_information(system, Scenario(np.full(12, -1), np.full((12, 1), -1e4)), 1.0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("has_cones", [False, True])
def test_under_ac_no_operation_beats_either_relaxation(
    seed: int, has_cones: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where shunts consume at voltages other than 1; the network flow is at most what lossless transport costs."""
    pytest.importorskip("casadi")
    if has_cones:
        pytest.importorskip("clarabel")
    else:
        monkeypatch.setattr(bounds, "find_spec", lambda name: None)
    system = replace(cascade(kind="ac", horizon=2), network=_shunted(seed))
    for scenario in draw_scenarios(system, 2, seed):
        bound = perfect_information(system, scenario, 10.0)
        for policy in (Wanderer(system, seed), Myopic(system, seed)):
            cost = simulate(system, scenario, policy).cost
            assert bound <= cost + 1e-6 * abs(cost)
        if has_cones:
            continue
        lossless = replace(
            system, network_kind="transport", network=replace(system.network, shunt_conductance=np.zeros(3))
        )
        assert bound <= perfect_information(lossless, scenario, 10.0) + 1e-3 * abs(bound) + 2.0


def test_cones_make_it_tighter(monkeypatch: pytest.MonkeyPatch) -> None:
    """case3 loses power in its lines, which the flows of a network do not."""
    pytest.importorskip("clarabel")
    system = case3(kind="ac", horizon=6)
    (scenario,) = draw_scenarios(system, 1, 2)
    tight = perfect_information(system, scenario, 20.0)
    monkeypatch.setattr(bounds, "find_spec", lambda name: None)
    assert perfect_information(system, scenario, 20.0) < 0.99 * tight


def _shunted(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return replace(cascade().network, shunt_conductance=rng.uniform(-0.02, 0.02, 3))


def test_branches_that_generate_are_allowed_for() -> None:
    """A negative resistance: the line may give what it likes up to twice its rating."""
    system = cascade(kind="ac")
    active = replace(system, network=replace(system.network, resistance=[0.02, -0.01, 0.03]))
    rows = relaxed_stages(system)[0], relaxed_stages(active)[0]
    difference = rows[0].row_lower - rows[1].row_lower
    at = rows[0].rows["power"]
    assert difference[at].tolist() == pytest.approx([0.0, 0.0, 1.8])
    assert np.isinf(rows[1].row_upper[at]).all()
