"""Post-decision PPO on the inventory problem, judged exactly as PPO is."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from counterpoint.models.algorithms.pdppo import PdppoTrainer
from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.pdppo import PostCritic
from counterpoint.models.training import ppo_inventory
from counterpoint.opt.interfaces import Observation
from counterpoint.simulators.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations, num_envs, horizon, weights, hidden, inventory
        As of `ppo_inventory.Config`.
    pdppo : PdppoConfig
        Given as a whole, with its own defaults for what is left out; gamma is the inventory's discount and the
        preference the weights, whatever it says.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 40
    num_envs: int = 128
    horizon: int = 100
    weights: tuple[float, float] = (1.0, 1.0)
    hidden: tuple[int, ...] = (64,)
    inventory: Inventory = field(default_factory=Inventory)
    pdppo: PdppoConfig = field(
        default_factory=lambda: PdppoConfig(
            ppo=PpoConfig(steps=32, epochs=4, minibatches=4, learning_rate=3e-3, lam=0.9, is_reward_scaled=True)
        )
    )

    def __post_init__(self) -> None:
        _plain(self)  # refuses what PPO's would


def build(config: Config, seed: int, device: str) -> PdppoTrainer:
    """Return the trainer; its network starts from the weights that PPO's starts from."""
    plain = ppo_inventory.build(_plain(config), seed, device)
    post_critic = PostCritic(plain.network.options, torch.Generator().manual_seed(seed + 1)).to(device)
    case = config.inventory

    def certain_reward(observation: Observation, action: Tensor) -> Tensor:
        cost = case.fixed * (action > 0) + case.unit * action
        return torch.stack([-cost, torch.zeros_like(cost)], 1)

    return PdppoTrainer(
        plain.environment, plain.network, post_critic, replace(config.pdppo, ppo=plain.config),
        certain_reward=certain_reward, iterations=config.iterations, seed=seed,
        card={**plain.card, "algorithm": "pdppo"}, evaluation=plain.evaluation,
    )  # fmt: skip


def _plain(config: Config) -> ppo_inventory.Config:
    """Return the settings of plain PPO on the same case."""
    return ppo_inventory.Config(
        config.iterations, config.num_envs, config.horizon, config.weights, config.hidden, config.inventory,
        config.pdppo.ppo,
    )  # fmt: skip
