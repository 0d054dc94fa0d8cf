"""PPO on the inventory problem, judged exactly: a linear system gives a policy's worth, value iteration the optimum."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations : int
    num_envs : int
    horizon : int
        Periods until a copy starts again.
    weights : (float, float)
        Of minus cost and minus lost sales; the critic learns both.
    hidden : tuple of int
        Widths of the perceptron's layers.
    inventory : Inventory
        The case.
    ppo : PpoConfig
        Given as a whole, with PPO's own defaults for what is left out; gamma is the inventory's discount and the
        preference the weights, whatever it says.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 40
    num_envs: int = 128
    horizon: int = 100
    weights: tuple[float, float] = (1.0, 1.0)
    hidden: tuple[int, ...] = (64,)
    inventory: Inventory = field(default_factory=Inventory)
    ppo: PpoConfig = field(
        default_factory=lambda: PpoConfig(
            steps=32, epochs=4, minibatches=4, learning_rate=3e-3, lam=0.9, is_reward_scaled=True
        )
    )

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise OptionError("iterations must be at least 1")
        if min(self.weights) < 0 or max(self.weights) <= 0 or not np.isfinite(self.weights).all():
            raise OptionError("weights must be finite, at least 0, and not both 0")


def build(config: Config, seed: int, device: str) -> PpoTrainer:
    """Return the trainer."""
    environment = InventoryEnvironment(config.inventory, config.num_envs, horizon=config.horizon, device=device)
    options = Options.of(environment, hidden=config.hidden)
    network = Mlp(options, torch.Generator().manual_seed(seed)).to(device)
    settings = replace(config.ppo, gamma=config.inventory.discount, preference=config.weights)
    exact = _Exact(config)
    card = {
        "problem": "inventory",
        "algorithm": "ppo",
        "network": {"name": "mlp", "options": asdict(options)},
        "inventory": asdict(config.inventory),
        "weights": list(config.weights),
    }
    return PpoTrainer(
        environment, network, settings, iterations=config.iterations, seed=seed, card=card, evaluation=exact
    )


class _Exact:
    """A policy's exact cost, discounted from the start."""

    def __init__(self, config: Config) -> None:
        from counterpoint.solvers.dynamic_programming.inventory import (
            deterministic,
            model,
            optimal_orders,
            worth,
        )

        self.weights, self.tables, self.worth = np.array(config.weights), model(config.inventory), worth
        best = deterministic(self.tables, optimal_orders(self.tables, config.weights))
        self.best = self._cost(best)

    def __call__(self, network: Any) -> dict[str, float]:
        """Return the cost of the likeliest order and of a drawn one, each with its gap to the optimum."""
        stocks, orders, _ = self.tables.reward.shape
        device = next(network.parameters()).device
        mask = torch.ones(stocks, orders, dtype=torch.bool, device=device)
        distribution, _ = network({"stock": torch.arange(stocks, device=device), "action_mask": mask})
        drawn = distribution.probs.double().cpu().numpy()
        cost = self._cost(np.eye(orders)[distribution.mode().cpu().numpy()])
        stochastic = self._cost(drawn / drawn.sum(1, keepdims=True))
        return {
            "cost": cost,
            "gap_percent": 100 * (cost / self.best - 1),
            "drawn_cost": stochastic,
            "drawn_gap_percent": 100 * (stochastic / self.best - 1),
            "optimum": self.best,
        }

    def _cost(self, policy: Any) -> float:
        return -float(self.worth(self.tables, policy) @ self.weights)
