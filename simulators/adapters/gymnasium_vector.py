"""A batched environment as a `gymnasium.vector.VectorEnv` of autoreset mode SAME_STEP."""

from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from counterpoint.opt.interfaces import BatchEnvironment
from counterpoint.simulators.adapters.scalar import ScalarReward, array, arrays, masks, row


class VectorEnvironment(VectorEnv):  # type: ignore[type-arg]
    """A `VectorEnv`: where an episode ends, the observation returned is the first of the next.

    Parameters
    ----------
    environment : BatchEnvironment
    weights : tuple of float, optional
        Of the objectives, if there are several.
    gamma : float, optional
        The learner's discount, if steps take unequal times; see `adapters.scalar`.

    Notes
    -----
    As Gymnasium's own: where an episode ends, ``info["final_obs"]`` holds its last observation and
    ``info["_final_obs"]`` says where. Always in `info`: ``reward_vector`` [B, n] and ``elapsed`` [B].
    """

    def __init__(
        self, environment: BatchEnvironment, weights: tuple[float, ...] | None = None, gamma: float | None = None
    ) -> None:
        self.environment = environment
        self.scalar = ScalarReward(environment, weights, gamma)
        self.num_envs = environment.num_envs
        self.metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = environment.observation_space
        self.single_action_space = environment.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Begin episodes in all copies, with random numbers from `seed` if given."""
        super().reset(seed=seed)
        self.scalar.reset()
        self.seen = arrays(self.single_observation_space, self.environment.reset(seed))
        return {**self.seen}, {}

    def step(
        self, actions: Any
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Apply one action per copy."""
        step = self.environment.step(torch.as_tensor(np.asarray(actions), device=self.environment.device))
        reward = self.scalar(step)
        self.seen = arrays(self.single_observation_space, step.observation)
        terminated, truncated = array(step.terminated), array(step.truncated)
        info: dict[str, Any] = {}
        if (terminated | truncated).any():
            final = arrays(self.single_observation_space, step.final_observation or step.observation)
            for b in np.flatnonzero(terminated | truncated):
                last = {"final_obs": row(self.single_observation_space, final, b), "final_info": {}}
                info = self._add_info(info, last, b)
        every = np.ones(self.num_envs, dtype=np.bool_)
        info |= {"reward_vector": array(step.reward), "_reward_vector": every}
        info |= {"elapsed": array(step.elapsed), "_elapsed": every}
        return {**self.seen}, reward, terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which actions are legal now, bool [B, K]."""
        return masks(self.environment, self.seen)
