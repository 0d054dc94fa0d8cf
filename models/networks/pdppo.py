"""The critic of post-decision states."""

import torch
from torch import Tensor, nn

from counterpoint.models.networks.mlp import Options, perceptron
from counterpoint.opt.interfaces import Observation


class PostCritic(nn.Module):
    """A perceptron with the form of the `Mlp` critic, for what is observed between decision and chance.

    Parameters
    ----------
    options : Options
        Those of the `Mlp` beside it; numbers are taken as they are, never normalised.
    generator : torch.Generator, optional
        Of the weights.
    """

    def __init__(self, options: Options, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.options = options
        width = sum(options.numbers.values()) + sum(options.choices.values())
        self.layers = perceptron(width, options, options.values, 1.0, generator)

    def forward(self, observation: Observation) -> Tensor:
        """Return the value of post-decision states, float [B, n]."""
        parts = [observation[key].flatten(1).float() for key in self.options.numbers]
        for key, count in self.options.choices.items():
            which = observation[key].unsqueeze(-1)
            parts.append((which == torch.arange(count, device=which.device)).float())
        return self.layers(torch.cat(parts, -1))
