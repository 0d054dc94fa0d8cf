"""PPO's loss on one minibatch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.algorithms.surrogates import policy_loss
from counterpoint.models.networks.actor_critic import ActorCritic
from counterpoint.opt.interfaces import Observation

FIGURES = ("policy_loss", "value_loss", "entropy", "kl", "clip_fraction")


@dataclass(slots=True)
class Samples:
    """What PPO learns from, b rows.

    Parameters
    ----------
    observation : dict of tensor [b, ...]
    action : tensor [b, ...]
    log_prob : float tensor [b]
        Under the policy that acted.
    value : float tensor [b, n]
        As judged when acting.
    advantage : float tensor [b]
        Of the weighted objectives.
    target : float tensor [b, n]
        Of the critic.
    """

    observation: Observation
    action: Tensor
    log_prob: Tensor
    value: Tensor
    advantage: Tensor
    target: Tensor

    def select(self, rows: Tensor) -> "Samples":
        """Return the rows of an int64 tensor."""
        return Samples(
            {key: tensor.index_select(0, rows) for key, tensor in self.observation.items()},
            *(getattr(self, name).index_select(0, rows) for name in self.__slots__[1:]),
        )


def ppo_loss(
    network: ActorCritic,
    samples: Samples,
    config: PpoConfig,
    kl_weight: Tensor | float = 1.0,
    anchor: ActorCritic | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the loss, a scalar, and the `FIGURES`, detached, float [5].

    Parameters
    ----------
    kl_weight : float or scalar tensor
        Of the surrogates with a penalty.
    anchor : ActorCritic, optional
        The network as it acted; needed by the surrogates with a penalty.
    """
    distribution, value = network(samples.observation)
    old = None
    if config.surrogate != "clip" and anchor is not None:
        with torch.no_grad():
            old = anchor(samples.observation)[0]
    log_ratio = distribution.log_prob(samples.action) - samples.log_prob
    ratio = log_ratio.exp()
    advantage = samples.advantage
    if config.advantages == "minibatch":
        advantage = standardised(advantage)
    policy = policy_loss(
        config.surrogate, ratio, advantage, clip=config.clip, kl_weight=kl_weight, new=distribution, old=old
    )
    error = (samples.target - value).square()
    if config.value_clip is not None:
        near = samples.value + (value - samples.value).clamp(-config.value_clip, config.value_clip)
        error = torch.maximum(error, (samples.target - near).square())
    value_loss, entropy = error.mean(), distribution.entropy().mean()
    loss = policy + config.value_weight * value_loss - config.entropy_weight * entropy
    with torch.no_grad():
        kl = (ratio - 1 - log_ratio).mean()  # Schulman's estimator: unbiased, never negative
        clip_fraction = ((ratio - 1).abs() > config.clip).float().mean()
        figures = torch.stack([policy, value_loss, entropy, kl, clip_fraction])
    return loss, figures.detach()


def standardised(advantage: Tensor) -> Tensor:
    """Return the advantages at mean 0 and deviation 1; as they are if there is only one."""
    if len(advantage) < 2:
        return advantage
    deviation, mean = torch.std_mean(advantage)
    return (advantage - mean) / (deviation + 1e-8)
