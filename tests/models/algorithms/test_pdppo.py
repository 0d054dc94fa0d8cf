"""Post-decision PPO: every parameter learns, runs resume, and its second critic approaches the exact value."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from counterpoint.models.algorithms.pdppo import PdppoTrainer
from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.training import pdppo_inventory, ppo_inventory
from counterpoint.models.training.pdppo_inventory import Config
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.inventory import Inventory
from counterpoint.solvers.dynamic_programming.inventory import Model, deterministic, model, optimal_orders

SMALL = PpoConfig(steps=8, epochs=2, minibatches=2, learning_rate=1e-2, is_reward_scaled=True)


def small(seed: int = 0, *, mode: Any = "corrected", **shared: Any) -> PdppoTrainer:
    form = PdppoConfig(mode, shock_weight=0.3, critic_rate=2.0, ppo=dataclasses.replace(SMALL, **shared))
    return pdppo_inventory.build(Config(iterations=6, num_envs=16, horizon=7, pdppo=form), seed, "cpu")


@pytest.mark.parametrize("mode", ["corrected", "faithful"])
def test_every_parameter_is_trained(mode: str) -> None:
    """In the published code the optimiser is given the actor's last layer only."""
    learner = small(mode=mode)
    named = [*learner.network.named_parameters(), *learner.post_critic.named_parameters()]
    before = [p.detach().clone() for _, p in named]
    figures = learner.step()
    still = [name for (name, p), old in zip(named, before, strict=True) if torch.equal(p, old)]
    assert still == []
    assert len(named) == 3 * 4  # actor and two critics of two layers
    assert figures["samples"] == 8 * 16
    assert figures["post_explained_variance"] <= 1


@pytest.mark.parametrize("mode", ["corrected", "faithful"])
@pytest.mark.parametrize("surrogate", ["clip", "mdpo"])
def test_resume_is_bit_for_bit(mode: str, surrogate: str) -> None:
    whole = small(mode=mode, surrogate=surrogate)
    for _ in range(2):
        whole.step()
    held = whole.state_dict()
    expected = [whole.step() for _ in range(3)]
    again = small(5, mode=mode, surrogate=surrogate)
    again.load_state_dict(held)
    assert [again.step() for _ in range(3)] == expected
    for mine, theirs in ((again.network, whole.network), (again.post_critic, whole.post_critic)):
        assert all(torch.equal(mine.state_dict()[key], x) for key, x in theirs.state_dict().items())


def test_it_plays_the_same_first_rollout_as_ppo() -> None:
    """Equal weights, equal random numbers; with whole shocks also equal advantages and targets."""
    post = pdppo_inventory.build(
        Config(iterations=6, num_envs=16, horizon=7, pdppo=PdppoConfig(shock_weight=1.0, ppo=SMALL)), 3, "cpu"
    )
    plain = ppo_inventory.build(ppo_inventory.Config(iterations=6, num_envs=16, horizon=7, ppo=SMALL), 3, "cpu")
    for each in (post, plain):
        each._roll()
        each._assess()
    assert torch.equal(post.rollout.action, plain.rollout.action)
    assert torch.equal(post.rollout.reward, plain.rollout.reward)
    assert torch.allclose(post.batch.advantage, plain.batch.advantage, atol=1e-4)
    assert torch.allclose(post.batch.target, plain.batch.target, atol=1e-4)


def test_what_lies_between_is_the_state_after_the_decision() -> None:
    learner = small()
    learner._roll()
    rollout, between, case = learner.rollout, learner.between, Inventory()
    stock = torch.clamp(rollout.observation["stock"] + rollout.action, max=case.capacity)
    assert torch.equal(between.observation["stock"], stock)
    certain = -(case.fixed * (rollout.action > 0) + case.unit * rollout.action)
    assert torch.allclose(between.certain[..., 0], certain)
    rest = rollout.reward - between.certain  # holding and lost sales: chance's alone
    assert bool((rest <= 1e-6).all())
    assert bool((rest[..., 0] >= -case.holding * stock - 1e-6).all())


def test_certain_reward_plus_exact_post_value_is_the_action_value() -> None:
    """On the exact tables, at the optimum: Q(s, a) = c(s, a) + W(min(s + a, capacity))."""
    case, tables = Inventory(), model(Inventory())
    weights = np.array([1.0, 1.0])
    policy = deterministic(tables, optimal_orders(tables, (1.0, 1.0)))
    value = values(tables, policy) @ weights
    action_value = tables.reward @ weights + case.discount * tables.transition @ value
    post = post_values(case, value)
    for stock in range(case.capacity + 1):
        for order in range(case.max_order + 1):
            certain = -(case.fixed * (order > 0) + case.unit * order)
            total = certain + post[min(stock + order, case.capacity)]
            assert action_value[stock, order] == pytest.approx(total, abs=1e-9)
    assert np.allclose(action_value.max(1), value)  # so the optimal policy can be read off W


def values(tables: Model, policy: np.ndarray) -> np.ndarray:
    """Discounted rewards [S, 2] of a policy [S, A]."""
    transition = np.einsum("sa,sat->st", policy, tables.transition)
    reward = np.einsum("sa,sak->sk", policy, tables.reward)
    return np.linalg.solve(np.eye(len(policy)) - tables.discount * transition, reward)


def post_values(case: Inventory, value: np.ndarray) -> np.ndarray:
    """E[-holding - lost sales + discount * value of what is left], equally weighed, for each post-decision stock."""
    post = np.zeros(case.capacity + 1)
    for stock in range(case.capacity + 1):
        for demand, p in enumerate(case.demand_probability):
            left = max(stock - demand, 0)
            post[stock] += p * (-case.holding * left - max(demand - stock, 0) + case.discount * value[left])
    return post


def test_the_second_critic_approaches_the_exact_post_value() -> None:
    """And with it the policy the exact optimum, within 2 percent."""
    learner = pdppo_inventory.build(Config(), 0, "cpu")
    for _ in range(learner.iterations):
        learner.step()
    figures = learner.evaluate()
    assert -1e-9 <= figures["gap_percent"] < 2
    assert -1e-9 <= figures["drawn_gap_percent"] < 2
    case, tables = Inventory(), model(Inventory())
    stocks = torch.arange(case.capacity + 1)
    with torch.no_grad():
        mask = torch.ones(len(stocks), case.max_order + 1, dtype=torch.bool)
        policy = learner.network({"stock": stocks, "action_mask": mask})[0].probs.double().numpy()
        found = (learner.post_critic({"stock": stocks}) * learner.reward_scale.scale).sum(1).numpy()
    exact = post_values(case, values(tables, policy / policy.sum(1, keepdims=True)) @ np.ones(2))
    visited = np.bincount(learner.between.observation["stock"].flatten().numpy(), minlength=len(stocks)) >= 50
    assert visited.sum() >= 10
    error = np.abs(found - exact)[visited]
    assert error.max() < 0.1 * np.abs(exact).mean()
    assert np.corrcoef(found[visited], exact[visited])[0, 1] > 0.95


def test_a_faithful_run_learns_less_well_but_learns() -> None:
    config = Config()
    learner = pdppo_inventory.build(
        dataclasses.replace(config, pdppo=dataclasses.replace(config.pdppo, mode="faithful")), 0, "cpu"
    )
    before = learner.evaluate()["drawn_gap_percent"]
    for _ in range(learner.iterations):
        learner.step()
    assert learner.evaluate()["drawn_gap_percent"] < before / 2


def test_the_critics_rate_is_a_multiple_of_the_actors() -> None:
    learner = small()
    learner.step()
    assert float(learner.critic_rate) == pytest.approx(2 * float(learner.learning_rate))
    assert isinstance(learner, PpoTrainer)


def test_refusals() -> None:
    for wrong in ({"shock_weight": 1.5}, {"shock_weight": float("nan")}, {"critic_rate": 0.0}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            PdppoConfig(**wrong)
    with pytest.raises(OptionError, match=r"^use_cuda_graphs needs a CUDA device, not cpu$"):
        small(use_cuda_graphs=True)
