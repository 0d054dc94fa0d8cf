"""PPO and post-decision PPO on the lake, beside its exact optimum."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from counterpoint.models.training.frozen_lake import Config, build
from counterpoint.opt.errors import OptionError
from counterpoint.opt.training import algorithm
from counterpoint.simulators.frozen_lake import random_lake
from counterpoint.solvers.dynamic_programming.frozen_lake import model, optimal_values, policy_values


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


def test_staying_in_the_corner_beats_every_walker_who_errs() -> None:
    """Why training from the corner ends 8.5 % below the optimum of this lake: exact values of policies."""
    tables = model(random_lake(8, seed=0))
    best = optimal_values(tables)
    walk = np.eye(4)[tables.action_value(best).argmax(1)]
    stay = walk.copy()
    stay[[0, 1, 8]] = np.eye(4)[[0, 0, 3]]  # into the wall of the corner, and back to it from both neighbours

    def worth(policy: np.ndarray, errs: float) -> float:
        return float(policy_values(tables, (1 - errs) * policy + errs / 4)[0])

    assert 1 - worth(stay, 0) / best[0] == pytest.approx(0.0852, abs=1e-4)
    assert worth(walk, 0.03) > worth(stay, 0) > worth(walk, 0.04)


def test_from_everywhere_the_walk_to_the_goal_is_found() -> None:
    trainer = build(Config(algorithm="ppo", iterations=15, starts_anywhere=True), 0, "cpu")
    for _ in range(trainer.iterations):
        trainer.step()
    assert trainer.evaluate()["gap_percent"] < 6  # staying in the corner: 8.5


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
