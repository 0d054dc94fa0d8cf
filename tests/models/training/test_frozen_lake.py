"""PPO and post-decision PPO on the lake, beside its exact optimum."""

import dataclasses
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from counterpoint.models.training.frozen_lake import Config, build
from counterpoint.opt.errors import OptionError
from counterpoint.opt.training import algorithm


@pytest.mark.parametrize("name", ["ppo", "pdppo"])
def test_approaches_the_optimum_of_a_small_lake(name: Any) -> None:
    trainer = build(Config(algorithm=name, size=4, iterations=25), 0, "cpu")
    before = trainer.evaluate()
    for _ in range(trainer.iterations):
        trainer.step()
    after = trainer.evaluate()
    assert before["drawn_gap_percent"] > 20
    assert -1e-9 <= after["gap_percent"] < 2
    assert -1e-9 <= after["drawn_gap_percent"] < 10
    assert after["cost"] == pytest.approx(after["optimum"] * (1 - after["gap_percent"] / 100))


@pytest.mark.parametrize("name", ["ppo", "pdppo"])
def test_resume_is_bit_for_bit(name: Any) -> None:
    config = Config(algorithm=name, size=4, iterations=6, num_envs=16)
    whole = build(config, 0, "cpu")
    for _ in range(2):
        whole.step()
    held = whole.state_dict()
    expected = [whole.step() for _ in range(2)]
    again = build(config, 9, "cpu")
    again.load_state_dict(held)
    assert [again.step() for _ in range(2)] == expected


def test_the_certain_reward_is_the_moves() -> None:
    trainer: Any = build(Config(size=4, num_envs=16), 0, "cpu")
    trainer._roll()
    lake, between = trainer.environment.lake, trainer.between
    cell = trainer.rollout.observation["cell"]
    post = torch.tensor(lake.neighbour)[cell, trainer.rollout.action]
    assert torch.equal(between.observation["cell"], post)
    assert torch.allclose(between.certain[..., 0].double(), torch.tensor(lake.pays)[post])


def test_gamma_is_the_lakes() -> None:
    trainer = build(dataclasses.replace(Config(), size=4), 0, "cpu")
    assert trainer.config.gamma == 0.9
    assert algorithm("frozen-lake").name == "pdppo"


@pytest.mark.parametrize("given", [{"algorithm": "dqn"}, {"iterations": 0}, {"pdppo": {"pp": {}}}])
def test_wrong_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, OptionError)):
        TypeAdapter(Config).validate_python(given)
