"""PPO and post-decision PPO on the frozen lake, judged exactly: a linear system against value iteration."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.algorithms.pdppo import PdppoTrainer
from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.models.networks.pdppo import PostCritic
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation
from counterpoint.simulators.batched.frozen_lake import FrozenLakeEnvironment
from counterpoint.simulators.frozen_lake import FrozenLake, random_lake


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    algorithm : {"pdppo", "ppo"}
    iterations, num_envs : int
    size, map_seed, slip_seed : int
        Of `random_lake`.
    starts_anywhere : bool
        Whether training's walks start in every cell; the policy is judged from the first cell all the same. From there
        alone, the walk to the goal may pay only for somebody who hardly errs, so that nobody who explores finds it.
    hidden : tuple of int
        Widths of the layers of actor and critics.
    pdppo : PdppoConfig
        Given as a whole, with its own defaults for what is left out; its field ``ppo`` is what "ppo" uses. Gamma is
        the lake's discount, whatever it says.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    algorithm: Literal["pdppo", "ppo"] = "pdppo"
    iterations: int = 60
    num_envs: int = 64
    size: int = 8
    map_seed: int = 0
    slip_seed: int = 42
    starts_anywhere: bool = False
    hidden: tuple[int, ...] = (64,)
    pdppo: PdppoConfig = field(
        default_factory=lambda: PdppoConfig(
            ppo=PpoConfig(steps=32, minibatches=4, learning_rate=3e-3, lam=0.9, entropy_weight=0.01)
        )
    )

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise OptionError("iterations must be at least 1")


def build(config: Config, seed: int, device: str) -> PpoTrainer:
    """Return the trainer; both algorithms start from the same network."""
    lake = random_lake(config.size, seed=config.map_seed, slip_seed=config.slip_seed)
    environment = FrozenLakeEnvironment(lake, config.num_envs, device=device, starts_anywhere=config.starts_anywhere)
    options = Options.of(environment, hidden=config.hidden)
    network = Mlp(options, torch.Generator().manual_seed(seed)).to(device)
    shared = replace(config.pdppo.ppo, gamma=lake.discount)
    card = {
        "problem": "frozen-lake",
        "algorithm": config.algorithm,
        "network": {"name": "mlp", "options": asdict(options)},
        "lake": list(lake.rows),
    }
    common: dict[str, Any] = {
        "iterations": config.iterations, "seed": seed, "card": card, "evaluation": _Exact(lake)
    }  # fmt: skip
    if config.algorithm == "ppo":
        return PpoTrainer(environment, network, shared, **common)

    def certain_reward(observation: Observation, action: Tensor) -> Tensor:
        return environment.move_reward.unsqueeze(1)

    post_critic = PostCritic(options, torch.Generator().manual_seed(seed + 1)).to(device)
    return PdppoTrainer(
        environment, network, post_critic, replace(config.pdppo, ppo=shared), certain_reward=certain_reward, **common
    )


class _Exact:
    """A policy's exact value at the start, without the time limit."""

    def __init__(self, lake: FrozenLake) -> None:
        from counterpoint.solvers.dynamic_programming.frozen_lake import model, optimal_values, policy_values

        self.tables, self.policy_values = model(lake), policy_values
        self.best = float(optimal_values(self.tables)[0])

    def __call__(self, network: Any) -> dict[str, float]:
        """Return minus the value of the likeliest moves and of drawn ones, each with its gap to the optimum."""
        device = next(network.parameters()).device
        distribution, _ = network({"cell": torch.arange(len(self.tables.pays), device=device)})
        drawn = distribution.probs.double().cpu().numpy()
        worth = self._worth(np.eye(4)[distribution.mode().cpu().numpy()])
        drawn_worth = self._worth(drawn / drawn.sum(1, keepdims=True))
        return {
            "cost": -worth,
            "gap_percent": 100 * (1 - worth / self.best),
            "drawn_cost": -drawn_worth,
            "drawn_gap_percent": 100 * (1 - drawn_worth / self.best),
            "optimum": -self.best,
        }

    def _worth(self, policy: Any) -> float:
        return float(self.policy_values(self.tables, policy)[0])
