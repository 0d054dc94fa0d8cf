"""A batched environment as a Stable-Baselines3 `VecEnv`, on which its agents and sb3-contrib's MaskablePPO train."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from counterpoint.opt.errors import MissingPackageError, OptionError
from counterpoint.opt.interfaces import BatchEnvironment
from counterpoint.simulators.adapters.scalar import ScalarReward, array, arrays, masks, row


def vec_env(environment: BatchEnvironment, weights: tuple[float, ...] | None = None, gamma: float | None = None) -> Any:
    """Return a `stable_baselines3.common.vec_env.VecEnv`.

    Parameters
    ----------
    environment : BatchEnvironment
    weights : tuple of float, optional
        Of the objectives, if there are several.
    gamma : float, optional
        The learner's discount, if steps take unequal times; see `adapters.scalar`.

    Raises
    ------
    MissingPackageError
        Without stable_baselines3.

    Notes
    -----
    Where an episode ends its last observation is ``info["terminal_observation"]``; a time limit is
    ``info["TimeLimit.truncated"]``. ``env_method("action_masks")`` returns what is legal, one row per copy.
    """
    try:
        from stable_baselines3.common.vec_env import VecEnv
    except ImportError:
        raise MissingPackageError("this adapter needs stable_baselines3: pip install stable-baselines3") from None

    class BatchVecEnv(VecEnv):
        """The adapter; a class of its own in each call, since its base may not be installed."""

        def __init__(self) -> None:
            self.environment, self.scalar = environment, ScalarReward(environment, weights, gamma)
            super().__init__(environment.num_envs, environment.observation_space, environment.action_space)
            self.seen = arrays(self.observation_space, environment.reset())

        def reset(self) -> dict[str, NDArray[Any]]:
            seed = self._seeds[0]  # one generator draws for all copies
            self._reset_seeds()
            self._reset_options()
            self.scalar.reset()
            self.seen = arrays(self.observation_space, environment.reset(seed))
            return {**self.seen}

        def step_async(self, actions: NDArray[Any]) -> None:
            self.actions = torch.as_tensor(actions, device=environment.device)

        def step_wait(self) -> tuple[dict[str, NDArray[Any]], NDArray[Any], NDArray[np.bool_], list[dict[str, Any]]]:
            step = environment.step(self.actions)
            reward = self.scalar(step).astype(np.float32)
            self.seen = arrays(self.observation_space, step.observation)
            terminated, truncated = array(step.terminated), array(step.truncated)
            done = terminated | truncated
            infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]
            if done.any():
                final = arrays(self.observation_space, step.final_observation or step.observation)
                for b in np.flatnonzero(done):
                    infos[b]["TimeLimit.truncated"] = bool(truncated[b] and not terminated[b])
                    infos[b]["terminal_observation"] = row(self.observation_space, final, b)
            return {**self.seen}, reward, done, infos

        def close(self) -> None:
            pass

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            if attr_name == "render_mode":
                return [None for _ in self._get_indices(indices)]
            if attr_name == "action_masks":  # how sb3-contrib asks whether there are any
                return [self._one_mask(b) for b in self._get_indices(indices)]
            return [getattr(environment, attr_name) for _ in self._get_indices(indices)]

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            raise OptionError(f"the copies are one environment: set its {attr_name} instead")

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
            if method_name != "action_masks":
                raise OptionError(f"the copies have no method {method_name!r} of their own, only action_masks")
            legal = masks(environment, self.seen)
            return [legal[b] for b in self._get_indices(indices)]

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False for _ in self._get_indices(indices)]

        def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
            return [None] * self.num_envs

        def _one_mask(self, b: int) -> Any:
            return lambda: masks(environment, self.seen)[b]

    return BatchVecEnv()
