"""Returns and lengths of the episodes that end in a rollout, without waiting for the device in between."""

from collections.abc import Mapping
from typing import Any

import torch

from counterpoint.models.algorithms.rollout import Rollout


class Episodes:
    """Sums over the episodes that are under way in B environments (undiscounted)."""

    def __init__(self, num_envs: int, reward_dim: int, device: torch.device) -> None:
        self.running = torch.zeros(num_envs, reward_dim + 1, device=device)  # rewards and steps

    def figures(self, rollout: Rollout) -> dict[str, float]:
        """Take in a rollout; return ``episodes``, and, if any ended, their mean ``return`` and ``length``.

        With several objectives the returns are ``return_0``, ``return_1``, ...
        """
        gains = torch.cat([rollout.reward, torch.ones_like(rollout.reward[..., :1])], -1)
        done = (rollout.terminated | rollout.truncated).unsqueeze(-1)
        total = torch.zeros_like(self.running)
        for gain, over in zip(gains, done, strict=True):
            self.running += gain
            total += self.running * over
            self.running.masked_fill_(over, 0.0)
        count = int(done.sum())
        figures = {"episodes": float(count)}
        if count:
            *returns, length = (total.sum(0) / count).tolist()
            names = ["return"] if len(returns) == 1 else [f"return_{i}" for i in range(len(returns))]
            figures |= dict(zip(names, returns, strict=True)) | {"length": length}
        return figures

    def state_dict(self) -> dict[str, Any]:
        """Return the sums."""
        return {"running": self.running}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to them."""
        self.running.copy_(state["running"])
