"""Tiny environments whose best policies and values are known."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.interfaces import Observation, Step


class Matching:
    """See one of `count` symbols and name it: reward 1 if right. Actions, masks and rewards come in many forms.

    - ``single``: name it; a mask forbids a quarter of the wrong names;
    - ``pair``: name it twice, half a reward each;
    - ``box``: a number, reward minus its squared distance from the symbol over `count`;
    - ``opposed``: reward (1 if right, 1 if the next symbol is named).

    An episode is cut off after `horizon` steps, or, if `is_terminating`, ends by itself.
    """

    def __init__(self, form: str, num_envs: int = 32, count: int = 4, horizon: int = 5, ends: bool = False) -> None:
        self.form, self.num_envs, self.count, self.horizon, self.ends = form, num_envs, count, horizon, ends
        self.device = torch.device("cpu")
        self.reward_dim = 2 if form == "opposed" else 1
        self.generator = torch.Generator()
        self.observation_space = spaces.Dict({"symbol": spaces.Discrete(count)})
        self.action_space: spaces.Space[Any] = spaces.Discrete(count)
        if form == "single":
            self.observation_space["action_mask"] = spaces.MultiBinary(count)
        elif form == "pair":
            self.action_space = spaces.MultiDiscrete([count, count])
        elif form == "box":
            self.action_space = spaces.Box(-1, 1, (1,))
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        if seed is not None:
            self.generator.manual_seed(seed)
        self.age = torch.arange(self.num_envs) % self.horizon
        return self.draw()

    def draw(self) -> Observation:
        self.symbol = torch.randint(self.count, (self.num_envs,), generator=self.generator)
        self.mask = torch.rand(self.num_envs, self.count, generator=self.generator) < 0.75
        self.mask[torch.arange(self.num_envs), self.symbol] = True
        return self.observe()

    def observe(self) -> Observation:
        return {"symbol": self.symbol, **({"action_mask": self.mask} if self.form == "single" else {})}

    def step(self, action: Tensor) -> Step:
        if self.form == "single":
            assert bool(self.mask.gather(1, action.unsqueeze(1)).all()), "an illegal action"
        reward = {
            "single": lambda: (action == self.symbol).float().unsqueeze(1),
            "pair": lambda: (action == self.symbol.unsqueeze(1)).float().mean(1, keepdim=True),
            "box": lambda: -(action - self.symbol.unsqueeze(1) / self.count).square(),
            "opposed": lambda: torch.stack(
                [action == self.symbol, action == (self.symbol + 1) % self.count], 1
            ).float(),
        }[self.form]()
        self.age = self.age + 1
        over = self.age >= self.horizon
        self.age = torch.where(over, 0, self.age)
        observation = self.draw()
        never = torch.zeros_like(over)
        return Step(
            observation, reward, over if self.ends else never, never if self.ends else over,
            torch.ones(self.num_envs), None if self.ends else observation,
        )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        return {
            "age": self.age, "symbol": self.symbol, "mask": self.mask, "generator": self.generator.get_state()
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.age, self.symbol, self.mask = (state[key].clone() for key in ("age", "symbol", "mask"))
        self.generator.set_state(state["generator"])


@pytest.fixture(scope="session")
def matching() -> Callable[..., Matching]:
    return Matching
