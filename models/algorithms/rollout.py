"""Rolling a policy out in B environments at once, into buffers that are allocated once."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.networks.actor_critic import ActorCritic
from counterpoint.opt.interfaces import BatchEnvironment, Observation, Step


@dataclass(slots=True)
class Rollout:
    """T steps of B environments.

    Parameters
    ----------
    observation : dict of tensor [T, B, ...]
    action : tensor [T, B, ...]
    log_prob : float tensor [T, B]
    value : float tensor [T, B, n]
    reward : float tensor [T, B, n]
    terminated, truncated : bool tensor [T, B]
    elapsed : float tensor [T, B]
    last_value : float tensor [B, n]
        Of the observation after the last step.
    final_observation : dict of tensor [T, B, ...], optional
        None until a step has one.
    """

    observation: Observation
    action: Tensor
    log_prob: Tensor
    value: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    elapsed: Tensor
    last_value: Tensor
    final_observation: Observation | None = None

    @classmethod
    @torch.no_grad()
    def empty(cls, steps: int, network: ActorCritic, observation: Observation) -> "Rollout":
        """Allocate for T = `steps`, in the shapes of what `network` makes of `observation`."""
        distribution, value = network(observation)
        # a generator of its own: allocating must not move the run's random numbers
        action = distribution.sample(torch.Generator(value.device).manual_seed(0))

        def many(tensor: Tensor, dtype: torch.dtype | None = None) -> Tensor:
            return torch.zeros(steps, *tensor.shape, dtype=dtype or tensor.dtype, device=tensor.device)

        scalar = value[:, 0]
        return cls(
            observation={key: many(tensor) for key, tensor in observation.items()},
            action=many(action),
            log_prob=many(scalar, torch.float32),
            value=many(value, torch.float32),
            reward=many(value, torch.float32),
            terminated=many(scalar, torch.bool),
            truncated=many(scalar, torch.bool),
            elapsed=many(scalar, torch.float32),
            last_value=torch.zeros_like(value, dtype=torch.float32),
        )


@torch.no_grad()
def collect(
    environment: BatchEnvironment,
    network: ActorCritic,
    rollout: Rollout,
    observation: Observation,
    generator: torch.Generator,
    advance: Callable[[int, Observation, Tensor], Step] | None = None,
) -> Observation:
    """Fill `rollout` from `observation` on; return the observation after the last step.

    ``advance(t, observation, action)`` does the step, for who notes more of it; default: ``environment.step``.
    Every shape is static and nothing waits for the device, so that the whole loop can be captured as a CUDA graph.
    """
    for t in range(len(rollout.action)):
        for key, tensor in observation.items():
            rollout.observation[key][t] = tensor
        distribution, value = network(observation)
        action = distribution.sample(generator)
        rollout.action[t] = action
        rollout.log_prob[t] = distribution.log_prob(action)
        rollout.value[t] = value
        step = environment.step(action) if advance is None else advance(t, observation, action)
        rollout.reward[t] = step.reward
        rollout.terminated[t] = step.terminated
        rollout.truncated[t] = step.truncated
        rollout.elapsed[t] = step.elapsed
        if step.final_observation is not None:
            if rollout.final_observation is None:
                rollout.final_observation = {key: torch.zeros_like(x) for key, x in rollout.observation.items()}
            for key, tensor in step.final_observation.items():
                rollout.final_observation[key][t] = tensor
        observation = step.observation
    rollout.last_value.copy_(network(observation)[1])
    return observation


@torch.no_grad()
def final_values(network: ActorCritic, rollout: Rollout) -> Tensor | None:
    """Return the value of the observation in which each episode was cut off, float [T, B, n]; 0 elsewhere.

    None if the environments never truncate. On the CPU only the rows that need it are computed; on a GPU all, since
    their number is not known without waiting.

    Raises
    ------
    ValueError
        If an episode was cut off and nothing says in what state; on a GPU that is not looked for.
    """
    if rollout.final_observation is None:
        # the next episode's first state would be taken for it, silently
        if rollout.truncated.device.type == "cpu" and bool(rollout.truncated.any()):
            raise ValueError("the environment cuts episodes off; expected a final_observation to bootstrap from")
        return None
    flat = {key: tensor.flatten(0, 1) for key, tensor in rollout.final_observation.items()}
    truncated = rollout.truncated.flatten()
    if truncated.device.type != "cpu":
        values = network(flat)[1].float()
        return torch.where(truncated.unsqueeze(1), values, 0.0).view_as(rollout.value)
    values = torch.zeros_like(rollout.value)
    rows = truncated.nonzero().squeeze(1)
    if len(rows):
        values.view(len(truncated), -1)[rows] = network({key: x[rows] for key, x in flat.items()})[1].float()
    return values
