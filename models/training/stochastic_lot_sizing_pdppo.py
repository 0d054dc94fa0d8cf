"""Post-decision PPO on a plant of parallel machines: setup costs are certain, lost sales and holding left to chance."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from counterpoint.models.algorithms.pdppo import PdppoTrainer
from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.networks.pdppo import PostCritic
from counterpoint.models.training import stochastic_lot_sizing as plain
from counterpoint.opt.interfaces import Observation


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations, num_envs, case, generated, horizon, hidden, scenarios
        As of `training.stochastic_lot_sizing.Config`.
    pdppo : PdppoConfig
        Given as a whole, with its own defaults for what is left out.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 94
    num_envs: int = 64
    case: str = ""
    generated: plain.Generated = field(default_factory=plain.Generated)
    horizon: int = 0
    hidden: tuple[int, ...] = (128, 128)
    scenarios: int = 256
    pdppo: PdppoConfig = field(default_factory=lambda: PdppoConfig(ppo=plain.default_ppo()))

    def __post_init__(self) -> None:
        _plain(self)  # refuses what PPO's would


def build(config: Config, seed: int, device: str) -> PdppoTrainer:
    """Return the trainer; its network starts from the weights that PPO's starts from."""
    base = plain.build(_plain(config), seed, device)
    environment: Any = base.environment

    def certain_reward(observation: Observation, action: Tensor) -> Tensor:
        return environment.setup_reward.unsqueeze(1)

    return PdppoTrainer(
        environment, base.network, PostCritic(base.network.options, torch.Generator().manual_seed(seed + 1)).to(device),
        replace(config.pdppo, ppo=base.config), certain_reward=certain_reward, iterations=config.iterations, seed=seed,
        card={**base.card, "algorithm": "pdppo"}, evaluation=base.evaluation,
    )  # fmt: skip


def _plain(config: Config) -> plain.Config:
    """Return the settings of plain PPO on the same plant."""
    return plain.Config(
        config.iterations, config.num_envs, config.case, config.generated, config.horizon, config.hidden,
        config.scenarios, config.pdppo.ppo,
    )  # fmt: skip
