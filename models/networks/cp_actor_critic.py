"""The CP-guided agent's network with a value beside it, so that PPO can train on the same environment."""

import torch
from torch import Tensor, nn

from counterpoint.models.networks.cp_tokens import CpTokens, Options
from counterpoint.models.networks.distributions import MaskedCategorical
from counterpoint.opt.interfaces import Observation


class CpActorCritic(nn.Module):
    """An `ActorCritic` over `CpEnvironment`'s observations; the value is read from the rows' mean.

    Its ``actor`` is a `CpTokens`, whose weights make a checkpoint that the ``cp-guided`` method can run.

    Parameters
    ----------
    options : Options
    generator : torch.Generator, optional
        Of the initial weights.
    """

    def __init__(self, options: Options = Options(), generator: torch.Generator | None = None) -> None:  # noqa: B008
        super().__init__()
        self.actor = CpTokens(options, generator)
        self.value = nn.Sequential(nn.Linear(options.width, options.hidden), nn.Tanh(), nn.Linear(options.hidden, 1))
        for linear, gain in ((self.value[0], 2**0.5), (self.value[2], 1.0)):
            nn.init.orthogonal_(linear.weight, gain, generator=generator)
            nn.init.zeros_(linear.bias)

    def forward(self, observation: Observation) -> tuple[MaskedCategorical, Tensor]:
        """Return the distribution of the action, and the value [B, 1]."""
        rows, exists = self.actor.rows(observation), observation["row_exists"].unsqueeze(2)
        value = self.value((rows * exists).sum(1) / exists.sum(1))
        return MaskedCategorical(self.actor.logits(rows, observation), observation["action_mask"]), value
