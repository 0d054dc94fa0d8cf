"""Stable-Baselines3 takes our environments for its own, and sb3-contrib's MaskablePPO learns on them."""

import warnings

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.adapters.stable_baselines3 import vec_env
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.inventory import Inventory
from counterpoint.solvers.dynamic_programming.inventory import deterministic, model, optimal_orders, worth

pytest.importorskip("sb3_contrib")


def test_last_observations_and_time_limits() -> None:
    adapted, plain = (InventoryEnvironment(num_envs=3, horizon=4, weights=(1.0, 2.0)) for _ in range(2))
    seen = vec_env(adapted)
    seen.seed(4)
    seen.reset()
    plain.reset(4)
    cut = 0
    for t in range(8):
        action = np.array([t, 3, 0])
        observation, reward, done, infos = seen.step(action)
        step = plain.step(torch.tensor(action))
        assert reward == pytest.approx(step.reward[:, 0].numpy())
        assert done.tolist() == step.truncated.tolist()
        assert observation["stock"].tolist() == step.observation["stock"].tolist()
        assert step.final_observation is not None
        for b in range(3):
            assert infos[b]["TimeLimit.truncated"] == bool(done[b])
            assert ("terminal_observation" in infos[b]) == bool(done[b])
            if done[b]:
                cut += 1
                assert infos[b]["terminal_observation"]["stock"] == int(step.final_observation["stock"][b])
    assert cut == 6


def test_masks_reach_sb3_contrib() -> None:
    from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

    environment = InventoryEnvironment(Inventory(capacity=6, max_order=4, start=3), 2, is_excess_legal=False)
    seen = vec_env(environment, weights=(1.0, 1.0))
    seen.reset()
    assert is_masking_supported(seen)
    assert get_action_masks(seen).tolist() == [[True, True, True, True, False]] * 2
    assert seen.get_attr("action_masks")[1]().tolist() == [True, True, True, True, False]
    with pytest.raises(OptionError, match="no method"):
        seen.env_method("render")


def test_maskable_ppo_learns_the_inventory() -> None:
    """Its policy, evaluated exactly, within 5 % of the optimum; it never orders what does not fit."""
    from sb3_contrib import MaskablePPO

    inventory = Inventory(capacity=8, max_order=6, start=3, demand_mean=2.0, max_demand=6)
    tables, weights = model(inventory), (1.0, 3.0)
    best = float(worth(tables, deterministic(tables, optimal_orders(tables, weights))) @ weights)
    environment = vec_env(
        InventoryEnvironment(inventory, 32, horizon=50, is_excess_legal=False), weights=weights, gamma=0.95
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, about its threads
        learner = MaskablePPO(
            "MultiInputPolicy", environment, n_steps=32, batch_size=512, n_epochs=8, learning_rate=3e-3, gamma=0.95,
            seed=0, device="cpu",
        )  # fmt: skip
        first = _orders(learner, inventory)
        learner.learn(30_000)
    orders = _orders(learner, inventory)
    assert (orders <= inventory.capacity - np.arange(9)).all()
    assert (first <= inventory.capacity - np.arange(9)).all()
    found = float(worth(tables, deterministic(tables, orders)) @ weights)
    assert best * 1.05 <= found <= best


def _orders(learner: object, inventory: Inventory) -> np.ndarray:
    stock = np.arange(inventory.capacity + 1)
    legal = np.arange(inventory.max_order + 1) <= (inventory.capacity - stock)[:, None]
    seen = {"stock": stock, "action_mask": legal.astype(np.int8)}
    return learner.predict(seen, action_masks=legal, deterministic=True)[0]  # type: ignore[attr-defined]
