"""Plants of parallel machines as an evaluation sees them: item by item, over at the horizon, several plants at once.

`StochasticLotSizingEnvironment` is a plant that goes on for ever: its time limit is a cut, its reward one number. What
is judged is the cost of T periods, after which stocks are worth nothing, and that cost is a sum over items. So here an
episode terminates, the periods that are left are observed, and the reward is a vector, an item each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment


class PlantsByItem:
    """K x `copies` plants; a `BatchEnvironment` of I objectives.

    The observation is ``stock`` in units [B, I], ``setup`` int64 [B, M] (0 idle, i + 1 item i), ``left``, the periods
    to the horizon, this one included [B], and ``plant``, the number of the plant [B]; an action is a choice per
    machine, int64 [B, M]. The reward of item i is minus what its setups, lost sales and stock cost, divided by the lost
    sales of a period of the item in which they are dearest, so that plants of other currencies pay alike. Copies begin
    at different periods, so that every one is seen.

    Parameters
    ----------
    plants : sequence of StochasticLotSizing
        Of one size.
    copies : int
        Of each.
    """

    def __init__(
        self, plants: Sequence[StochasticLotSizing], copies: int, *, device: str | torch.device = "cpu"
    ) -> None:
        if len({plant.production.shape for plant in plants}) != 1:
            raise OptionError("expected plants of one size")
        self.plants, self.copies, self.device = tuple(plants), copies, torch.device(device)
        self.parts = [StochasticLotSizingEnvironment(p, copies, is_staggered=True, device=device) for p in plants]
        self.num_envs, (machines, items) = len(plants) * copies, plants[0].production.shape
        self.reward_dim = self.num_items = items
        self._plant = torch.arange(len(plants), device=device).repeat_interleave(copies)
        scale = np.array([float((p.lost_sales_cost * p.mean_demand).max()) or 1.0 for p in plants])

        def table(values: list[Any]) -> Tensor:
            return torch.tensor(np.stack(values), dtype=torch.float32, device=device)[self._plant]

        self._lost_sales, self._holding, self._setup_cost = (
            table([getattr(p, key) / s for p, s in zip(plants, scale, strict=True)])
            for key in ("lost_sales_cost", "holding_cost", "setup_cost")
        )
        self._setup_cost = torch.nn.functional.pad(self._setup_cost, (1, 0))  # to be idle is free
        self._limit = table([p.max_inventory for p in plants])
        self._horizon = table([p.horizon for p in plants])
        self._never = torch.zeros(self.num_envs, dtype=torch.bool, device=device)
        self._one_period = torch.ones(self.num_envs, device=device)
        top = float(self._limit.max()) + max(float(p.production.sum(0).max()) for p in plants)
        self.observation_space = spaces.Dict(
            {
                "stock": spaces.Box(-top, top, (items,), np.float32),
                "setup": spaces.MultiDiscrete([items + 1] * machines),
                "left": spaces.Box(1.0, float(self._horizon.max()), (), np.float32),
                "plant": spaces.Discrete(len(plants)),
            }
        )
        self.action_space = spaces.MultiDiscrete([items + 1] * machines)
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        """Start every copy again, each at a period of its own."""
        count = len(self.parts)
        seeds = [None] * count if seed is None else np.random.SeedSequence(seed).generate_state(count).tolist()
        for part, own in zip(self.parts, seeds, strict=True):
            part.reset(own)
        return self._observe()

    def step(self, action: Tensor) -> Step:
        """Set up and produce, then meet demand."""
        before = torch.cat([part.setup for part in self.parts])
        cost = self._setup_cost.gather(2, action.unsqueeze(2)).squeeze(2) * (action != before)
        paid = cost.new_zeros(self.num_envs, self.num_items + 1).scatter_add_(1, action, cost)[:, 1:]
        ended, held = [], []
        for part, own in zip(self.parts, action.split(self.copies), strict=True):
            step = part.step(own)
            assert step.final_observation is not None
            ended.append(step.truncated)
            held.append(step.final_observation["inventory"])
        lost = torch.cat([part.lost for part in self.parts])
        return Step(
            observation=self._observe(),
            reward=-(paid + self._lost_sales * lost + self._holding * self._limit * torch.cat(held)),
            terminated=torch.cat(ended),
            truncated=self._never,
            elapsed=self._one_period,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the plants' states."""
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        for number, part in enumerate(self.parts):
            part.load_state_dict(state[str(number)])

    def _observe(self) -> Observation:
        stock, setup, period = (torch.cat([getattr(p, k) for p in self.parts]) for k in ("stock", "setup", "period"))
        return {"stock": stock, "setup": setup, "left": self._horizon - period, "plant": self._plant}
