"""Rolling a policy out in B environments at once, stopping between each decision and what chance does to it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.algorithms import rollout as rollouts
from counterpoint.models.algorithms.rollout import Rollout
from counterpoint.models.networks.actor_critic import ActorCritic
from counterpoint.opt.interfaces import Observation, PostDecisionEnvironment, Step

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

    As `rollout.collect`, with each step stopped between the decision and chance.
    """

    def advance(t: int, observation: Observation, action: Tensor) -> Step:
        post = environment.post(action)
        between.certain[t] = certain_reward(observation, action)
        for key, tensor in between.observation.items():
            tensor[t] = post[key]
        return environment.exogenous()

    return rollouts.collect(environment, network, rollout, observation, generator, advance)
