"""Collecting experience: T steps of B environments into memory that is reserved once."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.normalise import ObservationNormaliser, RewardScale
from counterpoint.opt.interfaces import BatchEnvironment, Observation


@dataclass(slots=True)
class Rollout:
    """T steps of B environments; observations as the policy saw them (normalised).

    Parameters
    ----------
    observation : dict of tensor [T, B, ...]
    action : tensor [T, B, ...]
    log_prob : float tensor [T, B]
    reward : float tensor [T, B, n]
        As the environment paid it.
    value : float tensor [T, B, n]
    final_value : float tensor [T, B, n]
        Value of the state in which an episode was cut off; 0 elsewhere.
    terminated, truncated : bool tensor [T, B]
    elapsed : float tensor [T, B]
    last_value : float tensor [B, n]
    """

    observation: dict[str, Tensor]
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    value: Tensor
    final_value: Tensor
    terminated: Tensor
    truncated: Tensor
    elapsed: Tensor
    last_value: Tensor

    @classmethod
    def reserve(cls, steps: int, observation: Observation, action: Tensor, value: Tensor) -> "Rollout":
        """Reserve memory for `steps` steps shaped like these first ones."""

        def room(like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
            return torch.zeros((steps, *like.shape), dtype=dtype or like.dtype, device=like.device)

        row = value[:, 0]
        return cls(
            observation={key: room(tensor) for key, tensor in observation.items()},
            action=room(action),
            log_prob=room(row),
            reward=room(value),
            value=room(value),
            final_value=room(value),
            terminated=room(row, torch.bool),
            truncated=room(row, torch.bool),
            elapsed=room(row),
            last_value=torch.zeros_like(value),
        )


@dataclass(slots=True)
class EpisodeReturns:
    """The undiscounted return of the episode each environment is in, and sums over those that ended."""

    running: Tensor  # [B, n]
    length: Tensor  # [B]
    total: Tensor  # [n] of episodes that ended since `take`
    steps: Tensor  # []
    count: Tensor  # []

    @classmethod
    def zeros(cls, like: Tensor) -> "EpisodeReturns":
        """Return counters for environments with rewards like `like` [B, n]."""
        z = torch.zeros_like(like)
        return cls(z.clone(), z[:, 0].clone(), z[0].clone(), z[0, 0].clone(), z[0, 0].clone())

    def add(self, reward: Tensor, done: Tensor) -> None:
        """Take in one step; no synchronisation with the device."""
        self.running += reward
        self.length += 1
        ended = done.unsqueeze(-1)
        self.total += (self.running * ended).sum(0)
        self.steps += (self.length * done).sum()
        self.count += done.sum()
        self.running.masked_fill_(ended, 0.0)
        self.length.masked_fill_(done, 0.0)

    def take(self) -> dict[str, float]:
        """Return means over the episodes that ended since the last call (none: nothing), and start again."""
        count = float(self.count)
        found: dict[str, float] = {}
        if count:
            means = (self.total / count).tolist()
            names = ["return"] if len(means) == 1 else [f"return_{i}" for i in range(len(means))]
            found = {**dict(zip(names, means, strict=True)), "episode_steps": float(self.steps) / count}
        for tensor in (self.total, self.steps, self.count):
            tensor.zero_()
        return {**found, "episodes": count}


@torch.no_grad()
def collect(
    env: BatchEnvironment,
    agent: nn.Module,
    observation: Observation,
    rollout: Rollout,
    generator: torch.Generator,
    *,
    gamma: float,
    normaliser: ObservationNormaliser | None = None,
    reward_scale: RewardScale | None = None,
    returns: EpisodeReturns,
) -> Observation:
    """Fill `rollout` by letting the policy act, from `observation` on; return the observation to go on from.

    Nothing in here waits for the device, except that on a CPU the values of cut-off states are computed only where an
    episode was cut off.
    """
    on_cpu = rollout.reward.device.type == "cpu"
    for t in range(len(rollout.reward)):
        if normaliser is not None:
            normaliser.update(observation)
            observation = normaliser(observation)
        distribution, value = agent(observation)
        action = distribution.sample(generator)
        for key, tensor in observation.items():
            rollout.observation[key][t] = tensor
        rollout.action[t] = action
        rollout.log_prob[t] = distribution.log_prob(action)
        rollout.value[t] = value
        step = env.step(action)
        done = step.terminated | step.truncated
        rollout.reward[t] = step.reward
        rollout.terminated[t] = step.terminated
        rollout.truncated[t] = step.truncated & ~step.terminated
        rollout.elapsed[t] = step.elapsed
        final = step.final_observation
        if final is not None and not (on_cpu and not bool(rollout.truncated[t].any())):
            final = final if normaliser is None else normaliser(final)
            rollout.final_value[t] = torch.where(rollout.truncated[t].unsqueeze(-1), agent(final)[1], 0.0)
        elif final is not None:
            rollout.final_value[t] = 0.0
        if reward_scale is not None:
            reward_scale.update(step.reward, gamma**step.elapsed, done)
        returns.add(step.reward, done)
        observation = step.observation
    seen = observation if normaliser is None else normaliser(observation)
    rollout.last_value.copy_(agent(seen)[1])
    return observation
