"""One copy of a batched environment as a `gymnasium.Env`, for anybody's agents."""

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import BatchEnvironment
from counterpoint.simulators.adapters.scalar import ScalarReward, array, arrays, masks, row


class SingleEnvironment(gym.Env[dict[str, Any], Any]):
    """A `gymnasium.Env`.

    Parameters
    ----------
    environment : BatchEnvironment
        Of one copy.
    weights : tuple of float, optional
        Of the objectives, if there are several.
    gamma : float, optional
        The learner's discount, if steps take unequal times; see `adapters.scalar`.

    Notes
    -----
    `info` has ``reward_vector`` [n] and ``elapsed``, and ``discount``, gamma to the elapsed time, if gamma is given: an
    agent that discounts by it should take ``reward_vector``, into which nothing is folded.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(
        self, environment: BatchEnvironment, weights: tuple[float, ...] | None = None, gamma: float | None = None
    ) -> None:
        if environment.num_envs != 1:
            raise OptionError(f"expected an environment of one copy, not {environment.num_envs}")
        self.environment = environment
        self.scalar = ScalarReward(environment, weights, gamma)
        self.observation_space = environment.observation_space
        self.action_space = environment.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode, with random numbers from `seed` if given."""
        super().reset(seed=seed)
        self.scalar.reset()
        self.seen = arrays(self.observation_space, self.environment.reset(seed))
        return row(self.observation_space, self.seen, 0), {}

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Apply an action; after the last of an episode the observation is the last one's."""
        step = self.environment.step(torch.as_tensor(np.asarray(action), device=self.environment.device).unsqueeze(0))
        reward = float(self.scalar(step)[0])
        terminated, truncated = bool(step.terminated), bool(step.truncated)
        final = step.final_observation if (terminated or truncated) and step.final_observation else step.observation
        self.seen = arrays(self.observation_space, final)
        info = {"reward_vector": array(step.reward)[0], "elapsed": float(step.elapsed)}
        if self.scalar.gamma is not None:
            info["discount"] = self.scalar.gamma ** info["elapsed"]
        return row(self.observation_space, self.seen, 0), reward, terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions are legal now, bool [K]; what sb3-contrib asks for."""
        return masks(self.environment, self.seen)[0]
