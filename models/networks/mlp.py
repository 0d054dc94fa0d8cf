"""Multi-layer perceptrons with the orthogonal initialisation that policy-gradient methods are tuned with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from counterpoint.models.networks.distributions import Distribution, Gaussian, JointCategorical, MaskedCategorical
from counterpoint.opt.interfaces import Observation


def mlp(sizes: Sequence[int], activation: type[nn.Module] = nn.Tanh, last_gain: float = 1.0) -> nn.Sequential:
    """Return linear layers of the given sizes with `activation` between them; gain sqrt 2, and `last_gain` at the end.

    Initialisation as in Andrychowicz et al. 2021 (ICLR, "What matters in on-policy RL"): a small last gain (0.01)
    makes a first policy that is nearly uniform.
    """
    layers: list[nn.Module] = []
    for i, (inward, outward) in enumerate(pairwise(sizes)):
        is_last = i == len(sizes) - 2
        layers.append(orthogonal(nn.Linear(inward, outward), last_gain if is_last else math.sqrt(2.0)))
        if not is_last:
            layers.append(activation())
    return nn.Sequential(*layers)


def orthogonal(layer: nn.Linear, gain: float) -> nn.Linear:
    """Initialise a layer orthogonally with bias 0, and return it."""
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True, slots=True)
class MlpOptions:
    """What a checkpoint's card says of an `MlpActorCritic`.

    Parameters
    ----------
    observation : int
        Numbers in ``observation["state"]``.
    actions : list of int
        Choices of each discrete action; empty for Gaussian ones.
    gaussian : int
        Dimension of a Gaussian action; 0 for discrete ones.
    objectives : int
    width, depth : int
        Of the hidden layers of actor and critic, which share nothing.
    """

    observation: int
    actions: list[int]
    gaussian: int = 0
    objectives: int = 1
    width: int = 64
    depth: int = 2


class MlpActorCritic(nn.Module):
    """Actor and critic on a flat observation ``state`` [B, F], with an ``action_mask`` if there is one."""

    def __init__(self, options: MlpOptions) -> None:
        super().__init__()
        self.options = options
        hidden = [options.observation, *[options.width] * options.depth]
        self.actor = mlp([*hidden, sum(options.actions) or options.gaussian], last_gain=0.01)
        self.critic = mlp([*hidden, options.objectives], last_gain=1.0)
        if options.gaussian:
            self.log_std = nn.Parameter(torch.zeros(options.gaussian))

    def forward(self, observation: Observation) -> tuple[Distribution, Tensor]:
        """Return the distribution of actions and the values [B, n]."""
        state = observation["state"].float()
        out, mask = self.actor(state), observation.get("action_mask")
        value = self.critic(state)
        if self.options.gaussian:
            return Gaussian(out, self.log_std), value
        if len(self.options.actions) == 1:
            return MaskedCategorical(out, mask), value
        return JointCategorical.split(out, self.options.actions, mask), value
