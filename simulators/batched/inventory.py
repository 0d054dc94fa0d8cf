"""The inventory of `simulators.inventory` in B copies at once, as tensors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.simulators.inventory import Inventory


class InventoryEnvironment:
    """B inventories; a `BatchEnvironment` and a `PostDecisionEnvironment`.

    Rewards are minus the cost of holding and ordering, and minus lost sales. It never ends by itself, and is cut off
    after `horizon` periods, where its value must be bootstrapped.

    Parameters
    ----------
    inventory : Inventory
    num_envs : int
    horizon : int
        Periods until the copy starts again at ``inventory.start``; copies are cut off at different times.
    weights : (float, float), optional
        Weigh the two rewards into one; default: both.
    is_excess_legal : bool
        Whether more may be ordered than fits (it is paid for, and rejected).
    device : str or torch.device
    """

    def __init__(
        self,
        inventory: Inventory | None = None,
        num_envs: int = 64,
        *,
        horizon: int = 100,
        weights: tuple[float, float] | None = None,
        is_excess_legal: bool = True,
        device: str | torch.device = "cpu",
    ) -> None:
        if num_envs < 1 or horizon < 1:
            raise OptionError("num_envs and horizon must be at least 1")
        self.inventory = data = Inventory() if inventory is None else inventory
        self.num_envs, self.horizon, self.is_excess_legal = num_envs, horizon, is_excess_legal
        self.device = torch.device(device)
        self.weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=self.device)
        self.reward_dim = 2 if weights is None else 1
        self.generator = torch.Generator(self.device)
        self.generators = [self.generator]
        cumulative = np.cumsum(data.demand_probability)[:-1]
        self.cumulative = torch.tensor(cumulative, dtype=torch.float32, device=self.device)
        self.stock = torch.full((num_envs,), data.start, dtype=torch.int64, device=self.device)
        self.period = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self.order = torch.zeros_like(self.stock)
        self.orders = torch.arange(data.max_order + 1, device=self.device)
        self.observation_space = spaces.Dict(
            {
                "stock": spaces.Discrete(data.capacity + 1),
                "action_mask": spaces.MultiBinary(data.max_order + 1),
            }
        )
        self.action_space = spaces.Discrete(data.max_order + 1)
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        """Start every copy again, with as many periods to go as drawn."""
        if seed is not None:
            self.generator.manual_seed(seed)
        self.stock.fill_(self.inventory.start)
        # together they would all be cut off in the same rollout
        self.period.copy_(torch.randint(self.horizon, self.period.shape, generator=self.generator, device=self.device))
        if self.num_envs == 1:
            self.period.zero_()
        return self._observe(self.stock)

    def step(self, action: Tensor) -> Step:
        """Order, then meet demand."""
        self.post(action)
        return self.exogenous()

    def post(self, action: Tensor) -> Observation:
        """Put what was ordered into the store; what is observed is the stock with it."""
        self.order.copy_(action)
        self.stock.copy_((self.stock + self.order).clamp(max=self.inventory.capacity))
        return self._observe(self.stock)

    def exogenous(self, demand: Tensor | None = None) -> Step:
        """Meet demand, int64 [B], drawn unless given, and finish the period."""
        data = self.inventory
        if demand is None:
            uniform = torch.rand(self.num_envs, generator=self.generator, device=self.device)
            demand = torch.searchsorted(self.cumulative, uniform, right=True)
        left = (self.stock - demand).clamp(min=0)
        lost = (demand - self.stock).clamp(min=0)
        cost = data.holding * left + data.fixed * (self.order > 0) + data.unit * self.order
        reward = -torch.stack([cost.float(), lost.float()], 1)
        if self.weights is not None:
            reward = (reward @ self.weights).unsqueeze(1)
        self.period += 1
        truncated = self.period >= self.horizon
        self.period.masked_fill_(truncated, 0)
        self.stock.copy_(torch.where(truncated, data.start, left))
        return Step(
            observation=self._observe(self.stock),
            reward=reward,
            terminated=torch.zeros_like(truncated),
            truncated=truncated,
            elapsed=torch.ones_like(reward[:, 0]),
            final_observation=self._observe(left),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return stock, period, order and the generator's state."""
        return {
            "stock": self.stock.clone(),
            "period": self.period.clone(),
            "order": self.order.clone(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        for name in ("stock", "period", "order"):
            getattr(self, name).copy_(state[name])
        self.generator.set_state(state["generator"])

    def _observe(self, stock: Tensor) -> Observation:
        if self.is_excess_legal:
            mask = torch.ones(self.num_envs, len(self.orders), dtype=torch.bool, device=self.device)
        else:
            mask = self.orders <= (self.inventory.capacity - stock).unsqueeze(1)
        return {"stock": stock.clone(), "action_mask": mask}
