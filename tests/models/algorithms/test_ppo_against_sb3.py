"""Losses, gradients and one step of Adam equal Stable-Baselines3's on one fixed batch."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from counterpoint.models.algorithms.gae import gae
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.algorithms.ppo_loss import FIGURES, Samples, ppo_loss
from counterpoint.models.networks.mlp import Mlp, Options

sb3 = pytest.importorskip("stable_baselines3")

STEPS, ENVS = 16, 4
CONFIG = PpoConfig(entropy_weight=0.01, value_weight=0.7, clip=0.2, max_gradient_norm=0.5, learning_rate=3e-3)


@pytest.fixture(params=["categorical", "gaussian"])
def pair(request: pytest.FixtureRequest) -> tuple[Any, Mlp]:
    """An SB3 model and our network with the same weights."""
    task = "CartPole-v1" if request.param == "categorical" else "Pendulum-v1"
    model = sb3.PPO(
        "MlpPolicy", gym.make(task), n_steps=STEPS * ENVS, batch_size=STEPS * ENVS, n_epochs=1, seed=1, device="cpu",
        learning_rate=CONFIG.learning_rate, ent_coef=CONFIG.entropy_weight, vf_coef=CONFIG.value_weight,
    )  # fmt: skip
    policy = model.policy
    width = policy.observation_space.shape[0]
    actions = (2,) if request.param == "categorical" else (1,)
    mine = Mlp(Options({"x": width}, {}, request.param, actions))
    ours = [m for m in (*mine.actor, *mine.critic) if isinstance(m, nn.Linear)]
    extractor = policy.mlp_extractor
    theirs = (*extractor.policy_net, policy.action_net, *extractor.value_net, policy.value_net)
    for a, b in zip(ours, [m for m in theirs if isinstance(m, nn.Linear)], strict=True):
        a.load_state_dict(b.state_dict())
    return model, mine


def test_loss_gradients_and_a_step(pair: tuple[Any, Mlp]) -> None:
    model, mine = pair
    policy, options = model.policy, mine.options
    g = torch.Generator().manual_seed(0)
    rows = torch.randn(STEPS * ENVS, options.numbers["x"], generator=g)
    with torch.no_grad():
        action = mine({"x": rows})[0].sample(g)
        value, log_prob, _ = policy.evaluate_actions(rows, action)
    samples = Samples(
        {"x": rows}, action, log_prob + 0.3 * torch.randn(len(rows), generator=g),  # some ratios are clipped
        value, torch.randn(len(rows), generator=g) * 3 + 1, value + torch.randn(value.shape, generator=g),
    )  # fmt: skip

    # theirs, by their own training loop on their own buffer
    buffer = model.rollout_buffer
    buffer.reset()
    buffer.observations[:, 0] = rows.numpy()
    buffer.actions[:, 0] = action.numpy().reshape(len(rows), -1)
    buffer.log_probs[:, 0] = samples.log_prob.numpy()
    buffer.values[:, 0] = value.numpy().flatten()
    buffer.advantages[:, 0] = samples.advantage.numpy()
    buffer.returns[:, 0] = samples.target.numpy().flatten()
    buffer.full = True
    logged: dict[str, float] = {}
    model.set_logger(type("Logger", (), {"record": lambda self, key, value, **_: logged.__setitem__(key, value)})())
    gradients = _their_gradients(model)
    model._current_progress_remaining = 1.0
    model.train()

    optimiser = torch.optim.Adam(mine.parameters(), CONFIG.learning_rate, eps=1e-5, fused=True)
    loss, figures = ppo_loss(mine, samples, CONFIG)
    loss.backward()
    nn.utils.clip_grad_norm_(mine.parameters(), CONFIG.max_gradient_norm)
    found = dict(zip(FIGURES, figures.tolist(), strict=True))
    assert 0.05 < found["clip_fraction"] < 0.95
    for ours, theirs in (
        (found["policy_loss"], logged["train/policy_gradient_loss"]),
        (found["value_loss"], logged["train/value_loss"]),
        (-found["entropy"], logged["train/entropy_loss"]),
        (found["kl"], logged["train/approx_kl"]),
        (found["clip_fraction"], logged["train/clip_fraction"]),
        (float(loss.detach()), logged["train/loss"]),
    ):
        assert ours == pytest.approx(theirs, abs=1e-5)
    assert len(gradients) == len(_parameters(mine))
    for parameter, theirs in zip(_parameters(mine), gradients, strict=True):
        assert torch.allclose(parameter.grad, theirs, atol=1e-5)
    before = [p.detach().clone() for p in _parameters(mine)]
    optimiser.step()
    for parameter, old, theirs in zip(_parameters(mine), before, _their_parameters(model), strict=True):
        assert torch.allclose(parameter, theirs, atol=1e-5)
        assert not torch.allclose(parameter, old, atol=1e-4)


def _parameters(mine: Mlp) -> list[nn.Parameter]:
    spread = [mine.log_std] if mine.options.head == "gaussian" else []
    return [*spread, *mine.actor.parameters(), *mine.critic.parameters()]


def _their_parameters(model: Any) -> list[nn.Parameter]:
    policy = model.policy
    spread = [policy.log_std] if hasattr(policy, "log_std") and policy.log_std is not None else []
    actor = [*policy.mlp_extractor.policy_net.parameters(), *policy.action_net.parameters()]
    return [*spread, *actor, *policy.mlp_extractor.value_net.parameters(), *policy.value_net.parameters()]


def _their_gradients(model: Any) -> list[torch.Tensor]:
    """Fill, when the model takes its step, with its (clipped) gradients."""
    found: list[torch.Tensor] = []
    step = model.policy.optimizer.step

    def watched(*args: Any, **kwargs: Any) -> Any:
        found.extend(p.grad.clone() for p in _their_parameters(model))
        return step(*args, **kwargs)

    model.policy.optimizer.step = watched
    return found


def test_advantages_equal_theirs() -> None:
    """SB3 folds the bootstrap of a truncation into its reward, which is the same."""
    from stable_baselines3.common.buffers import RolloutBuffer

    rng = np.random.default_rng(0)
    space = gym.spaces.Box(-1, 1, (1,))
    buffer = RolloutBuffer(STEPS, space, gym.spaces.Discrete(2), "cpu", gae_lambda=0.9, gamma=0.97, n_envs=ENVS)
    reward, value, final = (torch.tensor(rng.normal(size=(STEPS, ENVS, 1)), dtype=torch.float32) for _ in range(3))
    last = torch.tensor(rng.normal(size=(ENVS, 1)), dtype=torch.float32)
    over, cut = (torch.tensor(rng.random((STEPS, ENVS)) < 0.15) for _ in range(2))
    cut &= ~over
    folded = reward.squeeze(-1) + 0.97 * torch.where(cut, final.squeeze(-1), 0.0)
    start = np.ones(ENVS, dtype=np.float32)
    for t in range(STEPS):
        buffer.add(np.zeros((ENVS, 1)), np.zeros(ENVS), folded[t].numpy(), start, value[t, :, 0], torch.zeros(ENVS))
        start = (over | cut)[t].numpy().astype(np.float32)
    buffer.compute_returns_and_advantage(last.squeeze(-1), start)
    mine = gae(reward, value, last, over, cut, gamma=0.97, lam=0.9, final_value=final)
    assert np.allclose(mine.squeeze(-1).numpy(), buffer.advantages, atol=1e-5)
