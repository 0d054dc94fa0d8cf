"""What a batched environment must lose to be shown to libraries of scalar rewards and equal steps.

Those discount each step by gamma, whatever time it takes. With steps of elapsed times dt_0, dt_1, ... the return
sum_k gamma^(dt_0 + ... + dt_k-1) r_k is theirs if the reward of step k is multiplied by
gamma^(dt_0 + ... + dt_k-1 - k): exact for the return of an episode, but no longer a function of the state alone.
"""

import warnings
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import BatchEnvironment, Observation, Step

MASK = "action_mask"


class ScalarReward:
    """Weighs the objectives, and folds unequal elapsed times into the reward.

    Parameters
    ----------
    environment : BatchEnvironment
    weights : sequence of float, optional
        Of the objectives; needed if there are several.
    gamma : float, optional
        The learner's discount. Without it unequal times cannot be folded in: the first step that takes another time
        than 1 warns.
    """

    def __init__(
        self, environment: BatchEnvironment, weights: tuple[float, ...] | None = None, gamma: float | None = None
    ) -> None:
        n = environment.reward_dim
        if weights is None and n > 1:
            raise OptionError(f"the rewards have {n} objectives: give {n} weights")
        if weights is not None and len(weights) != n:
            raise OptionError(f"{len(weights)} weights for {n} objectives")
        if gamma is not None and not 0 < gamma <= 1:
            raise OptionError("gamma must be above 0 and at most 1")
        self.weights = np.ones(n) if weights is None else np.array(weights, dtype=np.float64)
        self.gamma = gamma
        self.lead = np.zeros(environment.num_envs)  # elapsed time less steps, of the episode under way
        self.has_warned = False

    def reset(self) -> None:
        """Begin new episodes everywhere."""
        self.lead[:] = 0

    def __call__(self, step: Step) -> NDArray[np.float64]:
        """Return the scalar rewards [B] of a step."""
        elapsed = array(step.elapsed).astype(np.float64)
        reward = array(step.reward).astype(np.float64) @ self.weights
        if self.gamma is None:
            if not self.has_warned and (elapsed != 1).any():
                self.has_warned = True
                warnings.warn(
                    "steps take unequal times, but this library discounts them alike: give the adapter the learner's "
                    "gamma, and it folds the times into the rewards",
                    stacklevel=3,
                )
            return reward
        reward = reward * self.gamma**self.lead
        done = array(step.terminated) | array(step.truncated)
        self.lead = np.where(done, 0.0, self.lead + elapsed - 1)
        return reward


def array(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor as an array of its own."""
    return np.array(tensor.detach().cpu().numpy())


def arrays(space: Any, observation: Observation) -> dict[str, NDArray[Any]]:
    """Return a batch of observations as arrays [B, ...] of the spaces' types."""
    return {key: array(observation[key]).astype(sub.dtype, copy=False) for key, sub in space.spaces.items()}


def row(space: Any, batch: dict[str, NDArray[Any]], b: int) -> dict[str, Any]:
    """Return one copy's observation, an element of `space`."""
    return {
        key: x[b].astype(space[key].dtype) if isinstance(space[key], spaces.Discrete) else x[b].copy()
        for key, x in batch.items()
    }


def masks(environment: BatchEnvironment, batch: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return which actions are legal, bool [B, K]; all, if the environment has no mask."""
    if MASK in batch:
        return batch[MASK].astype(np.bool_)
    if not isinstance(environment.action_space, spaces.Discrete):
        raise OptionError("these actions have no mask")
    return np.ones((environment.num_envs, int(environment.action_space.n)), dtype=np.bool_)
