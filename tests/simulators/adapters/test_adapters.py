"""Batched environments through the eyes of Gymnasium and Stable-Baselines3, and Gymnasium's through ours."""

import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.simulators.adapters.gymnasium_env import SingleEnvironment
from counterpoint.simulators.adapters.gymnasium_vector import VectorEnvironment
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.inventory import Inventory

WEIGHTS = (1.0, 2.0)


class Events:
    """Three steps an episode, of elapsed times 2, 5, 1 and rewards 1, 10, 100; ends by itself."""

    num_envs, reward_dim, device = 2, 1, torch.device("cpu")
    observation_space = spaces.Dict({"at": spaces.Discrete(3)})
    action_space = spaces.Discrete(2)

    def reset(self, seed: int | None = None) -> Observation:
        self.at = torch.zeros(self.num_envs, dtype=torch.int64)
        return {"at": self.at}

    def step(self, action: Tensor) -> Step:
        elapsed, reward = torch.tensor([2.0, 5.0, 1.0])[self.at], 10.0**self.at
        over = self.at == 2
        self.at = torch.where(over, 0, self.at + 1)
        return Step({"at": self.at}, reward.unsqueeze(1), over, torch.zeros_like(over), elapsed)

    def state_dict(self) -> dict[str, Any]:
        return {"at": self.at}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.at = state["at"]


def single(**options: Any) -> SingleEnvironment:
    return SingleEnvironment(InventoryEnvironment(num_envs=1, horizon=6, **options), weights=WEIGHTS)


@pytest.mark.parametrize("is_excess_legal", [True, False])
def test_gymnasiums_checker_is_silent(is_excess_legal: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(single(is_excess_legal=is_excess_legal), skip_render_check=True)


def test_single_equals_the_batched_environment_and_a_seed_gives_the_same_random_state() -> None:
    adapted, plain = single(), InventoryEnvironment(num_envs=1, horizon=6)
    seen, _ = adapted.reset(seed=5)
    plain.reset(5)
    assert seen["stock"] == 5
    for order in (3, 0, 7, 10, 1, 2):
        seen, reward, terminated, truncated, info = adapted.step(order)
        step = plain.step(torch.tensor([order]))
        assert step.final_observation is not None
        assert seen["stock"] == int(step.final_observation["stock"])
        assert reward == pytest.approx(float(step.reward[0] @ torch.tensor(WEIGHTS)))
        assert info["reward_vector"].tolist() == step.reward[0].tolist()
    assert (terminated, truncated) == (False, True)  # and the observation is the last of the episode, not of the next
    after = [adapted.environment.generator.get_state()]
    adapted.reset(seed=5)
    for order in (3, 0, 7, 10, 1, 2):
        adapted.step(order)
    assert torch.equal(adapted.environment.generator.get_state(), after[0])


def test_masks_are_those_of_the_last_observation() -> None:
    adapted = SingleEnvironment(
        InventoryEnvironment(Inventory(capacity=6, max_order=4, start=3), 1, is_excess_legal=False), weights=WEIGHTS
    )
    adapted.reset(seed=0)
    assert adapted.action_masks().tolist() == [True, True, True, True, False]
    seen = adapted.step(3)[0]
    assert adapted.action_masks().tolist() == [order <= 6 - seen["stock"] for order in range(5)]


def test_vector_form_is_gymnasiums() -> None:
    adapted = VectorEnvironment(InventoryEnvironment(num_envs=3, horizon=4), weights=WEIGHTS)
    plain = InventoryEnvironment(num_envs=3, horizon=4)
    assert adapted.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    seen, _ = adapted.reset(seed=2)
    plain.reset(2)
    assert seen in adapted.observation_space
    cut = 0
    for t in range(8):
        action = np.array([t, 3, 0])
        seen, reward, terminated, truncated, info = adapted.step(action)
        step = plain.step(torch.tensor(action))
        assert seen in adapted.observation_space
        assert reward == pytest.approx((step.reward @ torch.tensor(WEIGHTS)).numpy())
        assert truncated.tolist() == step.truncated.tolist()
        assert not terminated.any()
        assert step.final_observation is not None
        for b in np.flatnonzero(truncated):
            cut += 1
            assert info["_final_obs"][b]
            assert info["final_obs"][b] in adapted.single_observation_space
            assert info["final_obs"][b]["stock"] == int(step.final_observation["stock"][b])
            assert seen["stock"][b] == 5
        assert ("final_obs" in info) == bool(truncated.any())
    assert cut == 6
    assert adapted.action_masks().all()


def test_unequal_times_are_folded_or_warned_of() -> None:
    plain = VectorEnvironment(Events())
    plain.reset()
    with pytest.warns(UserWarning, match="unequal times"):
        plain.step(np.zeros(2, dtype=np.int64))
    folded = VectorEnvironment(Events(), gamma=0.9)
    folded.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rewards = [folded.step(np.zeros(2, dtype=np.int64))[1] for _ in range(6)]
    # what a learner makes of it, discounting each step by gamma, is the return in time: twice, since two episodes
    expected = 1 + 0.9**2 * 10 + 0.9**7 * 100
    for episode in (rewards[:3], rewards[3:]):
        assert sum(0.9**k * r for k, r in enumerate(episode)) == pytest.approx([expected] * 2)


def test_refusals() -> None:
    with pytest.raises(OptionError, match="2 objectives: give 2 weights"):
        SingleEnvironment(InventoryEnvironment(num_envs=1))
    with pytest.raises(OptionError, match="3 weights for 2"):
        VectorEnvironment(InventoryEnvironment(num_envs=2), weights=(1, 2, 3))
    with pytest.raises(OptionError, match="one copy, not 2"):
        SingleEnvironment(InventoryEnvironment(num_envs=2), weights=WEIGHTS)
    with pytest.raises(OptionError, match="gamma"):
        VectorEnvironment(Events(), gamma=1.5)


def test_a_gymnasium_space_of_another_kind_keeps_its_type() -> None:
    adapted = VectorEnvironment(InventoryEnvironment(num_envs=2), weights=WEIGHTS)
    seen = adapted.reset()[0]
    assert seen["action_mask"].dtype == np.int8
    assert seen["stock"].dtype == np.int64
    assert isinstance(adapted, gym.vector.VectorEnv)
