"""A Gymnasium task as a `BatchEnvironment`, so that our algorithms train on it. On the CPU, by its own NumPy code."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step

OBSERVATION = "observation"  # the key of observations that are no dict


class GymnasiumEnvironment:
    """B copies of a Gymnasium task.

    Parameters
    ----------
    task : str or VectorEnv
        A registered name, or a vector environment of autoreset mode SAME_STEP (the one mode in which no step is wasted
        on a restart; OptionError for others).
    num_envs : int
        Of a registered name.

    Notes
    -----
    Continuous actions are clipped to their bounds. A step waits for the task's Python code. The state of a registered
    task, whose code may hold anything, is saved as its random numbers at the start of the episode and the actions
    since: loading it plays them again.
    """

    def __init__(self, task: str | VectorEnv, num_envs: int = 8) -> None:
        if isinstance(task, str):
            self.vector = gym.make_vec(
                task,
                num_envs,
                vectorization_mode="sync",
                wrappers=[_Recording],
                vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP, "copy": False},
            )
        else:
            self.vector = task
        if self.vector.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
            raise OptionError("expected a vector environment of autoreset mode SAME_STEP")
        single = self.vector.single_observation_space
        self.is_dict = isinstance(single, spaces.Dict)
        self.num_envs, self.reward_dim, self.device = self.vector.num_envs, 1, torch.device("cpu")
        self.observation_space = single if self.is_dict else spaces.Dict({OBSERVATION: single})
        self.action_space = self.vector.single_action_space
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        """Restart every copy."""
        self.held = self._tensors(self.vector.reset(seed=seed)[0])
        return self.held

    def step(self, action: Tensor) -> Step:
        """Apply one action per copy."""
        raw = action.numpy()
        if isinstance(self.action_space, spaces.Box):
            raw = np.clip(raw, self.action_space.low, self.action_space.high)
        seen, reward, terminated, truncated, info = self.vector.step(raw)
        self.held = final = self._tensors(seen)
        if "final_obs" in info:
            final = {key: tensor.clone() for key, tensor in final.items()}
            for b in np.flatnonzero(info["_final_obs"]):
                one = info["final_obs"][b]
                for key, tensor in final.items():
                    tensor[b] = torch.as_tensor(np.asarray(one[key] if self.is_dict else one))
        return Step(
            observation=self.held,
            reward=torch.as_tensor(reward, dtype=torch.float32).view(-1, 1),
            terminated=torch.from_numpy(terminated),
            truncated=torch.from_numpy(truncated),
            elapsed=torch.ones(self.num_envs),
            final_observation=final,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return each copy's random numbers at the start of its episode, and its actions since."""
        return {
            "copies": [
                {
                    "generator": {k: str(v) for k, v in each.at_start["state"].items()},
                    "has_uint32": int(each.at_start["has_uint32"]),
                    "uinteger": int(each.at_start["uinteger"]),
                    "actions": torch.tensor(np.array(each.actions)),
                }
                for each in self._recordings()
            ]
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        rows = []
        for each, held in zip(self._recordings(), state["copies"], strict=True):
            each.unwrapped.np_random.bit_generator.state = {
                "bit_generator": "PCG64",
                "state": {k: int(v) for k, v in held["generator"].items()},
                "has_uint32": held["has_uint32"],
                "uinteger": held["uinteger"],
            }
            seen = each.reset()[0]
            for action in held["actions"].numpy():
                seen = each.step(action)[0]
            rows.append(seen)
        batched = {key: [row[key] for row in rows] for key in rows[0]} if self.is_dict else rows
        self.held = self._tensors(batched)

    def _recordings(self) -> list["_Recording"]:
        copies = getattr(self.vector, "envs", [])
        if not copies or not all(isinstance(each, _Recording) for each in copies):
            raise OptionError("only a task given by its registered name can be saved")
        return copies

    def _tensors(self, seen: Any) -> Observation:
        parts = seen if self.is_dict else {OBSERVATION: seen}
        return {key: torch.as_tensor(np.array(x)) for key, x in parts.items()}


class _Recording(gym.Wrapper):  # type: ignore[type-arg]
    """Remembers how the episode under way began and went on."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            # the task seeds itself in the reset; the same numbers must be there when it is reset without a seed
            self.unwrapped.np_random, _ = gym.utils.seeding.np_random(seed)
        self.at_start = self.unwrapped.np_random.bit_generator.state
        self.actions: list[Any] = []
        return self.env.reset(seed=None, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.actions.append(action)
        return self.env.step(action)
