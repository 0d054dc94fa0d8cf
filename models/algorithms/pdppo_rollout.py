"""Rolling a policy out in B environments at once, stopping between each decision and what chance does to it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.algorithms.rollout import Rollout
from counterpoint.models.networks.actor_critic import ActorCritic
from counterpoint.opt.interfaces import Observation, PostDecisionEnvironment

CertainReward = Callable[[Observation, Tensor], Tensor]  # called between ``post`` and ``exogenous``


@dataclass(slots=True)
class PostDecisions:
    """What T post-decision states of B environments add to a `Rollout`.

    Parameters
    ----------
    observation : dict of tensor [T, B, ...]
        After the decision, before chance; the same keys and shapes as before the decision.
    certain : float tensor [T, B, n]
        The part of the rewards that the decision alone determines.
    """

    observation: Observation
    certain: Tensor

    @classmethod
    def like(cls, rollout: Rollout) -> "PostDecisions":
        """Allocate for a rollout."""
        empty = {key: torch.zeros_like(x) for key, x in rollout.observation.items()}
        return cls(empty, torch.zeros_like(rollout.reward))


@torch.no_grad()
def collect(
    environment: PostDecisionEnvironment,
    network: ActorCritic,
    rollout: Rollout,
    between: PostDecisions,
    observation: Observation,
    generator: torch.Generator,
    certain_reward: CertainReward,
) -> Observation:
    """Fill `rollout` and `between` from `observation` on; return the observation after the last step.

    As `rollout.collect`, which see; random numbers are drawn in the same order.
    """
    for t in range(len(rollout.action)):
        for key, tensor in observation.items():
            rollout.observation[key][t] = tensor
        distribution, value = network(observation)
        action = distribution.sample(generator)
        rollout.action[t] = action
        rollout.log_prob[t] = distribution.log_prob(action)
        rollout.value[t] = value
        post = environment.post(action)
        between.certain[t] = certain_reward(observation, action)
        for key, tensor in between.observation.items():
            tensor[t] = post[key]
        step = environment.exogenous()
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
