"""The policy that PPO learnt decides one scenario at a time as in batches, and refuses other systems."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.hydro_systems import cascade, first_steps

import counterpoint as ct
from counterpoint.models.checkpoints import load_policy, save_policy
from counterpoint.models.policies.hydrothermal_ppo import Options, policy, targets_of
from counterpoint.models.training.hydrothermal_ppo import Config, trainer_of
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.batched.hydrothermal import roll_out
from counterpoint.simulators.batched.hydrothermal_environment import HydrothermalEnvironment
from counterpoint.simulators.hydrothermal import simulate


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, str]:
    """A system, a trainer after a few steps, and its checkpoint."""
    trainer = trainer_of(cascade(), Config(iterations=4, num_envs=16, hidden=(16,), scenarios=6), 0)
    for _ in range(2):
        trainer.step()
    path = str(tmp_path_factory.mktemp("system") / "policy.safetensors")
    save_policy(path, *trainer.policy())
    return cascade(), trainer, path


def test_decisions_cost_the_same_one_by_one_and_in_batches(trained: Any) -> None:
    system, trainer, path = trained
    scenarios = draw_scenarios(system, 6, 3)
    batched = roll_out(system, scenarios, targets=targets_of(system, trainer.network))
    decide = policy(system, 0, Options(checkpoint=path))
    for number, scenario in enumerate(scenarios):
        decide.start(number)
        found = simulate(system, scenario, decide)
        assert found.cost == pytest.approx(batched.cost[number], rel=1e-6)
        assert found.storage == pytest.approx(batched.storage[number], abs=1e-6)


def test_it_sees_and_does_what_the_environment_does(trained: Any) -> None:
    """The environment's step with the mean action ends where the policy's targets are."""
    system, trainer, _ = trained
    environment = HydrothermalEnvironment(system, 5, is_staggered=True)
    environment.stage.fill_(2)
    with torch.no_grad():
        action = trainer.network(environment.observe())[0].mode()
    target = targets_of(system, trainer.network)(2, environment.storage.numpy().copy(), environment.inflow.numpy())
    environment.step(action)
    assert environment.storage.numpy() == pytest.approx(target, abs=1e-9)


def test_draws_depend_on_seed_and_episode_alone(trained: Any) -> None:
    system, _, path = trained
    scenario = draw_scenarios(system, 1, 3)[0]

    def run(seed: int, episode: int) -> float:
        decide = policy(system, seed, Options(checkpoint=path, is_sampled=True))
        decide.start(episode)
        return simulate(system, scenario, decide).cost

    assert run(1, 2) == run(1, 2)
    assert len({run(1, 2), run(1, 3), run(2, 2)}) == 3


def test_by_its_file_and_by_its_name(trained: Any) -> None:
    system, _, path = trained
    scenario = draw_scenarios(system, 1, 0)[0]
    costs = [
        simulate(system, scenario, made).cost
        for made in (ct.policy(path, system), ct.policy("ppo", system, options={"checkpoint": path}))
    ]
    assert costs[0] == costs[1]
    card = load_policy(path).card
    assert card["problem"] == "hydrothermal"
    assert card["network"]["name"] == "mlp"
    assert card["system"]["hash"] == system.content_hash


def test_refusals(trained: Any, tmp_path: Path) -> None:
    system, trainer, path = trained
    with pytest.raises(OptionError, match="checkpoint"):
        policy(system, 0, Options())
    with pytest.raises(CheckpointError, match="1 reservoirs"):
        policy(first_steps(), 0, Options(checkpoint=path))
    tensors, card = trainer.policy()
    other = str(tmp_path / "other.safetensors")
    wrong = {**card, "network": {"name": "mlp", "options": {**card["network"]["options"], "numbers": {"storage": 2}}}}
    save_policy(other, tensors, wrong)
    with pytest.raises(CheckpointError):
        policy(system, 0, Options(checkpoint=other))


def test_no_action_is_out_of_bounds(trained: Any) -> None:
    """Whatever the network says, targets are within what can be reached."""
    system, _, _ = trained
    wild = trainer_of(system, dataclasses.replace(Config(num_envs=2, hidden=(16,), scenarios=1), share=1.0), 1).network
    with torch.no_grad():
        wild.actor[-1].bias.copy_(torch.tensor([40.0, -40.0]))
    storage, inflow = np.array([[40.0, 10.0], [0.0, 0.0]]), np.array([[30.0, 5.0], [4.0, 0.0]])
    target = targets_of(system, wild)(0, storage, inflow)
    assert target[:, 0] == pytest.approx([40.0, 4 * 0.6048])
    assert target[:, 1] == pytest.approx([10 + 35 * 0.6048 - 24.192, 0.0], abs=1e-9)
