"""The lake of `simulators.frozen_lake` in B copies at once, as tensors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.simulators.frozen_lake import SLIP, FrozenLake


class FrozenLakeEnvironment:
    """B lakes; a `BatchEnvironment` and a `PostDecisionEnvironment`.

    Parameters
    ----------
    lake : FrozenLake
    num_envs : int
    device : str or torch.device
    starts_anywhere : bool
        Whether walks start in a cell drawn evenly from those where no walk ends; otherwise in the first.

    Attributes
    ----------
    move_reward : float tensor [B]
        What the last `post` paid: the certain part of the reward.
    """

    reward_dim = 1

    def __init__(
        self,
        lake: FrozenLake,
        num_envs: int = 64,
        *,
        device: str | torch.device = "cpu",
        starts_anywhere: bool = False,
    ) -> None:
        if num_envs < 1:
            raise OptionError("num_envs must be at least 1")
        self.lake, self.num_envs, self.device = lake, num_envs, torch.device(device)
        self.generator = torch.Generator(self.device)
        self.generators = [self.generator]

        def table(array: Any, dtype: torch.dtype) -> Tensor:
            return torch.tensor(array, dtype=dtype, device=self.device)

        self._neighbour, self._pays = table(lake.neighbour, torch.int64), table(lake.pays, torch.float32)
        self._is_end = table(lake.is_end, torch.bool)
        self._cumulative = table(np.cumsum(lake.slip_direction, 1)[:, :-1], torch.float64)
        starts = np.flatnonzero(~lake.is_end) if starts_anywhere else [0]
        self._starts = table(starts, torch.int64)
        self.cell = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self.period = torch.zeros_like(self.cell)
        self.move_reward = torch.zeros(num_envs, device=self.device)
        self.observation_space = spaces.Dict({"cell": spaces.Discrete(lake.num_cells)})
        self.action_space = spaces.Discrete(4)
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        """Start every walk again."""
        if seed is not None:
            self.generator.manual_seed(seed)
        self.cell.copy_(self._drawn_starts())
        self.period.zero_()
        return {"cell": self.cell.clone()}

    def step(self, action: Tensor) -> Step:
        """Move, then perhaps slip."""
        self.post(action)
        return self.exogenous()

    def post(self, action: Tensor) -> Observation:
        """Move; what is observed is the cell reached."""
        self.cell.copy_(self._neighbour[self.cell, action])
        self.move_reward.copy_(self._pays[self.cell])
        return {"cell": self.cell.clone()}

    def exogenous(self, chances: Tensor | None = None) -> Step:
        """Slip as two numbers in [0, 1) say, float64 [B, 2], drawn unless given, and finish the step."""
        if chances is None:
            shape = (self.num_envs, 2)
            chances = torch.rand(shape, generator=self.generator, dtype=torch.float64, device=self.device)
        was_end = self._is_end[self.cell]
        direction = (chances[:, 1:] >= self._cumulative[self.cell]).sum(1)
        slips = (chances[:, 0] < SLIP) & ~was_end
        to = torch.where(slips, self._neighbour[self.cell, direction], self.cell)
        reward = self.move_reward + torch.where(was_end, 0.0, self._pays[to])
        terminated = self._is_end[to]
        self.period += 1
        truncated = (self.period >= self.lake.horizon) & ~terminated
        over = terminated | truncated
        self.period.masked_fill_(over, 0)
        self.cell.copy_(torch.where(over, self._drawn_starts(), to))
        return Step(
            observation={"cell": self.cell.clone()},
            reward=reward.unsqueeze(1),
            terminated=terminated,
            truncated=truncated,
            elapsed=torch.ones(self.num_envs, device=self.device),
            final_observation={"cell": to},
        )

    def _drawn_starts(self) -> Tensor:
        """Return a cell to start in per copy, [B]."""
        if len(self._starts) == 1:
            return self._starts.expand(self.num_envs)
        which = torch.randint(len(self._starts), (self.num_envs,), generator=self.generator, device=self.device)
        return self._starts[which]

    def state_dict(self) -> dict[str, Any]:
        """Return cells, periods, what `post` noted and the generator's state."""
        own = {name: getattr(self, name).clone() for name in ("cell", "period", "move_reward")}
        return {**own, "generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        for name in ("cell", "period", "move_reward"):
            getattr(self, name).copy_(state[name])
        self.generator.set_state(state["generator"])
