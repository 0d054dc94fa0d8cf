"""The environment: rewards are what operation costs, draws follow the data, and Gymnasium has nothing to object to."""

import copy

import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from tests.hydro_systems import SYSTEMS, cascade, case3, first_steps, subsystems

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Scenario
from counterpoint.simulators.adapters.gymnasium_env import SingleEnvironment
from counterpoint.simulators.adapters.gymnasium_vector import VectorEnvironment
from counterpoint.simulators.batched.hydrothermal import roll_out
from counterpoint.simulators.batched.hydrothermal_environment import (
    HydrothermalEnvironment,
    dearest_stage,
    observe,
)
from counterpoint.simulators.stage.cascade import cascade_of


def shares_of(system: Hydrothermal, action: np.ndarray):
    """The targets of a roll-out that plays actions [T, N, H]."""
    return lambda stage, storage, inflow: cascade_of(system).shares(storage, inflow, action[stage].clip(0, 1))


@pytest.mark.parametrize("make", [*SYSTEMS, lambda: cascade(kind="ac")])
def test_rewards_and_storages_are_those_of_the_roll_out(make) -> None:
    """An episode of each copy, played again on the inflows that it drew."""
    system, rng = make(), np.random.default_rng(0)
    environment = HydrothermalEnvironment(system, 3, scale=7.0)
    environment.reset(5)
    action = rng.uniform(-0.2, 1.2, (system.horizon, 3, system.num_reservoirs))
    reward, inflow, storage = [], [], []
    for t in range(system.horizon):
        assert environment.stage.tolist() == [t] * 3
        inflow.append(environment.inflow.numpy().copy())
        step = environment.step(torch.tensor(action[t]))
        reward.append(step.reward[:, 0].numpy())
        storage.append(step.final_observation["storage"].numpy())
        assert step.terminated.tolist() == [t == system.horizon - 1] * 3
        assert not step.truncated.any()
        assert (step.elapsed == 1).all()
    scenarios = [Scenario(np.full(system.horizon, -1), np.array(inflow)[:, n]) for n in range(3)]
    found = roll_out(system, scenarios, targets=shares_of(system, action), stages=system.horizon)
    paid = -7.0 * np.array(reward).T
    assert paid == pytest.approx(found.stage_cost, rel=1e-5, abs=1e-4)
    most = np.where(system.reservoirs.max_volume > 0, system.reservoirs.max_volume, 1.0)
    assert np.array(storage).transpose(1, 0, 2) == pytest.approx(found.storage / most, abs=1e-5)
    assert environment.stage.tolist() == [0] * 3
    assert environment.storage.numpy() == pytest.approx(np.tile(system.reservoirs.initial_volume, (3, 1)))


@pytest.mark.parametrize("make", SYSTEMS)
def test_gymnasium_has_nothing_to_object_to(make) -> None:
    environment = HydrothermalEnvironment(make(), 1)
    check_env(SingleEnvironment(environment), skip_render_check=True)


def test_the_vector_adapter_restarts_in_the_same_step() -> None:
    vector = VectorEnvironment(HydrothermalEnvironment(first_steps(), 4))
    seen, _ = vector.reset(seed=3)
    assert vector.observation_space.contains({key: x.astype(np.float32) for key, x in seen.items()})
    for t in range(7):
        seen, reward, terminated, truncated, info = vector.step(np.full((4, 1), 0.5, np.float32))
        assert terminated.tolist() == [t % 3 == 2] * 4
        assert not truncated.any()
        assert (reward <= 0).all()
        if terminated.any():
            assert seen["storage"].ravel().tolist() == [1.0] * 4
            assert all(0 <= last["storage"][0] < 1 for last in info["final_obs"])


def test_by_hand() -> None:
    """Full at 200 with inflow w: at share 0 150 are turbined and the rest that does not fit is; at share 1 only w."""
    environment = HydrothermalEnvironment(first_steps(), 2, scale=1.0)
    environment.inflow.copy_(torch.tensor([[50.0], [50.0]], dtype=torch.float64))
    step = environment.step(torch.tensor([[0.0], [1.0]]))
    assert step.reward.ravel().tolist() == pytest.approx([0.0, -10_000.0])
    assert environment.storage.ravel().tolist() == pytest.approx([100.0, 200.0])
    assert HydrothermalEnvironment(first_steps()).scale == 150 * 100
    assert dearest_stage(cascade()) == pytest.approx(1.4 * 90)


def test_what_is_observed() -> None:
    system = subsystems()
    rows = system.inflows.rows.reshape(-1, 2)
    seen = observe(system, torch.tensor([[50.0, 15.0]]), torch.tensor(rows[:1]), torch.tensor([1]))
    assert seen["storage"].tolist() == [[0.5, 0.25]]
    assert seen["inflow"].numpy() == pytest.approx((rows[:1] - rows.mean(0)) / rows.std(0), rel=1e-6)
    assert seen["time"][0].tolist() == pytest.approx([0.0, -1.0, 0.25], abs=1e-6)
    empty = observe(
        case3(), torch.zeros(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64), torch.tensor([0])
    )
    assert empty["storage"].tolist() == [[0.0]]
    assert empty["time"][0].tolist() == pytest.approx([0.0, 1.0, 0.0])


def test_inflows_follow_their_probabilities() -> None:
    """20,000 copies: every frequency within five standard errors; the first stage's inflow is known."""
    system = cascade()
    environment = HydrothermalEnvironment(system, 20_000)
    environment.reset(1)
    for stage in range(2):
        rows, chance = system.openings(stage)
        drawn = environment._drawn(torch.full((20_000,), stage)).numpy()
        found = np.array([(drawn == row).all(1).mean() for row in rows])
        assert found.sum() == pytest.approx(1.0)
        assert (abs(found - chance) <= 5 * np.sqrt(chance * (1 - chance) / 20_000)).all()
    known = HydrothermalEnvironment(subsystems(), 3)
    assert known.inflow.numpy() == pytest.approx(np.tile([25.0, 10.0], (3, 1)))


def test_staggered_copies_start_at_different_stages() -> None:
    environment = HydrothermalEnvironment(case3(), 64, is_staggered=True)
    assert len(set(environment.stage.tolist())) > 6
    assert environment.storage.std() > 0.1
    ended = torch.zeros(64, dtype=torch.int64)
    for _ in range(12):
        ended += environment.step(torch.rand(64, 1)).terminated
    assert ended.tolist() == [1] * 64


def test_a_step_depends_on_state_and_action_alone() -> None:
    """A copy gone back to a state goes on bit for bit, whatever its solvers did meanwhile; so does a deep copy."""
    environment = HydrothermalEnvironment(cascade(), 16, is_staggered=True)
    environment.reset(4)
    actions = torch.rand(12, 16, 2)
    for action in actions[:3]:
        environment.step(action)
    held, twin = environment.state_dict(), copy.deepcopy(environment)
    expected = [environment.step(action) for action in actions]
    other = HydrothermalEnvironment(cascade(), 16)
    other.step(torch.rand(16, 2))
    other.load_state_dict(held)
    for again in (other, twin):
        for step, action in zip(expected, actions, strict=True):
            found = again.step(action)
            assert torch.equal(found.reward, step.reward)
            assert all(torch.equal(found.observation[key], x) for key, x in step.observation.items())


def test_seeds_decide() -> None:
    environment = HydrothermalEnvironment(case3(), 32)
    first = environment.reset(1)["inflow"].clone()
    assert torch.equal(environment.reset(1)["inflow"], first)
    assert not torch.equal(environment.reset(2)["inflow"], first)


def test_targets_that_the_network_does_not_take_fall_back() -> None:
    """Downstream water comes by turbines alone, whose power has nowhere to go: the stage is operated nevertheless."""
    system = cascade()
    object.__setattr__(system.reservoirs, "spilled_to", np.zeros((2, 2), bool))
    object.__setattr__(system.network, "demand", np.full_like(system.network.demand, 0.02))
    object.__setattr__(system.generators, "min_power", np.zeros(4))
    environment = HydrothermalEnvironment(system, 2, scale=1.0)
    environment.storage.copy_(torch.tensor([[40.0, 0.0]] * 2))
    step = environment.step(torch.tensor([[0.0, 1.0], [1.0, 1.0]]))
    assert torch.isfinite(step.reward).all()


def test_refusals() -> None:
    for given in ({"num_envs": 0}, {"scale": 0.0}, {"scale": -1.0}):
        with pytest.raises(OptionError, match=next(iter(given))):
            HydrothermalEnvironment(first_steps(), **given)
    with pytest.raises(OptionError, match=r"\[2, 1\] shares"):
        HydrothermalEnvironment(first_steps(), 2).step(torch.rand(2, 2))
    bad = case3()
    object.__setattr__(bad.generators, "min_power", np.array([1.0, 0.5, 0.0]))
    with pytest.raises(InstanceError, match="no operation"):
        HydrothermalEnvironment(bad, 1).step(torch.zeros(1, 1))
