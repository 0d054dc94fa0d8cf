"""PPO against the exact optimum of the inventory problem, through the training loop's own contract."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.checkpoints import Checkpoint, load_into, load_policy, save_policy
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.models.training.ppo_inventory import Config, build
from counterpoint.models.training.state import load_state, save_state
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.inventory import Inventory


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 3.0)])
def test_within_2_percent_of_the_exact_optimum(weights: tuple[float, float]) -> None:
    trainer = build(Config(weights=weights), 0, "cpu")
    before = trainer.evaluate()
    for _ in range(trainer.iterations):
        trainer.step()
    after = trainer.evaluate()
    assert before["drawn_gap_percent"] > 20
    assert -1e-9 <= after["gap_percent"] < 2
    assert -1e-9 <= after["drawn_gap_percent"] < 2
    assert after["cost"] == pytest.approx(after["optimum"] * (1 + after["gap_percent"] / 100))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_within_2_percent_on_random_cases(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = Inventory(
        capacity=int(rng.integers(10, 26)), demand_mean=float(rng.uniform(2, 6)), holding=float(rng.uniform(0.05, 0.3)),
        fixed=float(rng.uniform(0.2, 2)), unit=float(rng.uniform(0, 0.2)),
    )  # fmt: skip
    trainer = build(Config(inventory=case, weights=(1.0, float(rng.uniform(0.5, 4)))), seed, "cpu")
    for _ in range(trainer.iterations):
        trainer.step()
    figures = trainer.evaluate()
    assert figures["gap_percent"] < 2
    assert figures["drawn_gap_percent"] < 2


def test_the_exact_cost_is_what_the_environment_pays() -> None:
    """The linear system against 4,000 simulated copies of an untrained policy, within 4 standard errors."""
    trainer = build(Config(num_envs=8, ppo=PpoConfig(steps=8)), 3, "cpu")
    environment = InventoryEnvironment(num_envs=4000, horizon=10**6)
    observation, total = environment.reset(1), torch.zeros(4000, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for t in range(250):
            step = environment.step(trainer.network(observation)[0].sample(generator))
            total += 0.95**t * step.reward.double().sum(1)
            observation = step.observation
    assert abs(-float(total.mean()) - trainer.evaluate()["drawn_cost"]) < 4 * float(total.std()) / 4000**0.5


def test_state_and_policy_survive_their_files(tmp_path: Path) -> None:
    config = Config(iterations=6, num_envs=8, ppo=PpoConfig(steps=8, is_reward_scaled=True))
    whole = build(config, 1, "cpu")
    for _ in range(3):
        whole.step()
    save_state(tmp_path / "state.safetensors", whole.state_dict())
    expected = [whole.step() for _ in range(3)]
    again = build(config, 1, "cpu")
    again.load_state_dict(load_state(tmp_path / "state.safetensors"))
    assert [again.step() for _ in range(3)] == expected
    tensors, card = again.policy()
    save_policy(tmp_path / "policy.safetensors", tensors, card)
    held: Checkpoint = load_policy(tmp_path / "policy.safetensors")
    network = Mlp(TypeAdapter(Options).validate_python(held.card["network"]["options"]))
    load_into(network, held)
    again.network = network
    assert again.evaluate() == whole.evaluate()


@pytest.mark.parametrize(
    "given",
    [
        {"ppo": {"learning_rat": 1e-3}}, {"inventory": {"capacities": 3}}, {"ppo": {"gamma": 2.0}}, {"weights": [1.0]},
        {"iterations": 0}, {"weights": [-1.0, 1.0]}, {"inventory": {"start": 99}},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, OptionError)):
        TypeAdapter(Config).validate_python(given)


def test_gamma_and_preference_are_the_cases() -> None:
    config = Config(inventory=dataclasses.replace(Inventory(), discount=0.8), weights=(2.0, 1.0))
    settings = build(config, 0, "cpu").config
    assert (settings.gamma, settings.preference) == (0.8, (2.0, 1.0))
