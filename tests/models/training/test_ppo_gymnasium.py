"""PPO on Gymnasium's tasks; the long ones are marked slow."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.training import ppo_gymnasium
from counterpoint.models.training.ppo_gymnasium import ACROBOT, LUNAR_LANDER, Config, build, greedy_returns
from counterpoint.models.training.state import load_state, save_state
from counterpoint.opt.errors import OptionError

SHORT = Config(iterations=4, num_envs=4, episodes=3, is_normalised=True, ppo=PpoConfig(steps=32, minibatches=2))


class Always:
    """A network that does one thing."""

    def __init__(self, action: int) -> None:
        self.action = action

    def __call__(self, observation: dict[str, torch.Tensor]) -> tuple[Any, None]:
        self.rows = len(observation["observation"])
        return self, None

    def mode(self) -> torch.Tensor:
        return torch.full((self.rows,), self.action)


def test_resume_is_bit_for_bit_through_a_file(tmp_path: Path) -> None:
    whole = build(SHORT, 2, "cpu")
    for _ in range(2):
        whole.step()
    save_state(tmp_path / "state.safetensors", whole.state_dict())
    expected = [whole.step() for _ in range(2)]
    again = build(SHORT, 2, "cpu")
    again.load_state_dict(load_state(tmp_path / "state.safetensors"))
    assert [again.step() for _ in range(2)] == expected
    assert again.evaluate() == whole.evaluate()


def test_evaluation_is_the_mean_of_separate_episodes() -> None:
    """Pushing right always: the pole falls after 8 to 10 steps (measured over every start of this seed)."""

    returns = greedy_returns(Always(1), "CartPole-v1", 20, seed=0)
    assert returns.shape == (20,)
    assert 8 <= float(returns.min()) <= float(returns.max()) <= 11


def test_evaluation_ends_where_an_episode_need_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walker who goes up into the wall for ever, on a cliff without a time limit: -1 a step."""

    monkeypatch.setattr(ppo_gymnasium, "MAX_EPISODE", 40)
    assert greedy_returns(Always(0), "CliffWalking-v1", 2, seed=0).tolist() == [-40.0, -40.0]


def test_refusals() -> None:
    with pytest.raises(OptionError, match="registered task"):
        Config(env_id="os:Anything-v0")
    with pytest.raises(OptionError, match="no such Gymnasium task"):
        build(dataclasses.replace(SHORT, env_id="CartPoll-v1"), 0, "cpu")
    with pytest.raises(OptionError, match="on the CPU"):
        build(SHORT, 0, "cuda")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("config", "least"),
    [(Config(), 475.0), (ACROBOT, -95.0), (LUNAR_LANDER, 200.0)],
    ids=["CartPole", "Acrobot", "LunarLander"],
)
def test_reaches_the_score(config: Config, least: float, seed: int) -> None:
    trainer = build(config, seed, "cpu")
    for _ in range(config.iterations):
        trainer.step()
    assert trainer.samples <= {"CartPole-v1": 100_000, "Acrobot-v1": 500_000, "LunarLander-v3": 600_000}[config.env_id]
    assert float(greedy_returns(trainer.network, config.env_id, 100, seed=10**7).mean()) >= least
