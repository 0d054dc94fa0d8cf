"""Distributions over actions: masked categorical, several of them jointly, Gaussian; on tensors of one static shape.

All act on the last dimension. A sample is drawn with a `torch.Generator` and never leaves the device. An illegal
action has probability exactly 0 and gets no gradient; where one action is legal, its probability is exactly 1. A
row in which nothing is legal (padding) is uniform, so that it yields numbers, not NaN; whoever pads must mask it out.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


class Distribution(Protocol):
    """What an actor returns; B rows of actions."""

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw one action per row."""

    def mode(self) -> Tensor:
        """Return the likeliest action of each row."""

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-probability (density) of one action per row, float [B]."""

    def entropy(self) -> Tensor:
        """Return the entropy in nats, float [B]; over legal actions only."""

    def kl(self, other: "Distribution") -> Tensor:
        """Return KL(self || other) in nats, float [B]; `other` is of the same kind and mask."""


class MaskedCategorical:
    """A choice among K actions of which some are illegal.

    Parameters
    ----------
    logits : float tensor [..., K]
    mask : bool tensor [..., K], optional
        True where legal; default: all.
    """

    def __init__(self, logits: Tensor, mask: Tensor | None = None) -> None:
        # float32: in bfloat16 the probabilities of many actions would not add up to 1
        wide = logits.float()
        self.mask = mask
        if mask is not None:
            wide = wide.masked_fill(~mask, torch.finfo(torch.float32).min)
        self.log_probs = wide.log_softmax(-1)

    @property
    def probs(self) -> Tensor:
        """Probabilities [..., K]."""
        return self.log_probs.exp()

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw an action [...]: the first arrival of K exponential clocks whose rates are the probabilities."""
        probs = self.probs
        clock = torch.empty_like(probs).exponential_(generator=generator)
        return (probs / clock.clamp_(min=torch.finfo(torch.float32).tiny)).argmax(-1)

    def mode(self) -> Tensor:
        """Return the likeliest action [...]; ties go to the first."""
        return self.log_probs.argmax(-1)

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-probability of `action` [...]."""
        return self.log_probs.gather(-1, action.long().unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """Return the entropy [...]."""
        return -(self.probs * self.log_probs).sum(-1)

    def kl(self, other: "MaskedCategorical") -> Tensor:
        """Return KL(self || other) [...]."""
        return (self.probs * (self.log_probs - other.log_probs)).sum(-1)


class JointCategorical:
    """Several independent choices made at once; an action is a vector [..., number of choices]."""

    def __init__(self, parts: list[MaskedCategorical]) -> None:
        self.parts = parts

    @classmethod
    def split(
        cls, logits: Tensor, sizes: list[int], mask: Tensor | None = None
    ) -> "JointCategorical | EvenCategorical":
        """Build from the choices' logits (and masks) one after another, [..., sum of sizes]."""
        if len(sizes) > 1 and len({*sizes}) == 1:
            shape = (len(sizes), sizes[0])
            parts = MaskedCategorical(logits.unflatten(-1, shape), None if mask is None else mask.unflatten(-1, shape))
            return EvenCategorical(parts)
        masks: list[Tensor | None] = [None] * len(sizes) if mask is None else list(mask.split(sizes, -1))
        return cls([MaskedCategorical(part, m) for part, m in zip(logits.split(sizes, -1), masks, strict=True)])

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw every choice."""
        return torch.stack([part.sample(generator) for part in self.parts], -1)

    def mode(self) -> Tensor:
        """Return the likeliest of every choice."""
        return torch.stack([part.mode() for part in self.parts], -1)

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-probability of the whole action [...]."""
        return torch.stack([p.log_prob(action[..., i]) for i, p in enumerate(self.parts)]).sum(0)

    def entropy(self) -> Tensor:
        """Return the sum of the choices' entropies [...]."""
        return torch.stack([part.entropy() for part in self.parts]).sum(0)

    def kl(self, other: "JointCategorical") -> Tensor:
        """Return KL(self || other) [...]."""
        return torch.stack([p.kl(q) for p, q in zip(self.parts, other.parts, strict=True)]).sum(0)


class EvenCategorical:
    """A `JointCategorical` of choices of one size: all of them in one block [..., choices, K], which is quicker."""

    def __init__(self, parts: MaskedCategorical) -> None:
        self.parts = parts

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw every choice."""
        return self.parts.sample(generator)

    def mode(self) -> Tensor:
        """Return the likeliest of every choice."""
        return self.parts.mode()

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-probability of the whole action [...]."""
        return self.parts.log_prob(action).sum(-1)

    def entropy(self) -> Tensor:
        """Return the sum of the choices' entropies [...]."""
        return self.parts.entropy().sum(-1)

    def kl(self, other: "EvenCategorical") -> Tensor:
        """Return KL(self || other) [...]."""
        return self.parts.kl(other.parts).sum(-1)


class Gaussian:
    """Independent normal actions; an action is a vector [..., D], unbounded (clip it where it is applied).

    Parameters
    ----------
    mean : float tensor [..., D]
    log_std : float tensor, broadcastable to `mean`
    """

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.mean = mean
        self.log_std = log_std.expand_as(mean)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw an action."""
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return self.mean + self.log_std.exp() * noise

    def mode(self) -> Tensor:
        """Return the mean."""
        return self.mean

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the log-density of `action` [...]."""
        z = (action - self.mean) * (-self.log_std).exp()
        return -(0.5 * z.square() + self.log_std + HALF_LOG_TAU).sum(-1)

    def entropy(self) -> Tensor:
        """Return the differential entropy [...]."""
        return (self.log_std + 0.5 + HALF_LOG_TAU).sum(-1)

    def kl(self, other: "Gaussian") -> Tensor:
        """Return KL(self || other) [...]."""
        variance = (2 * (self.log_std - other.log_std)).exp()
        shift = ((self.mean - other.mean) * (-other.log_std).exp()).square()
        return (0.5 * (variance + shift - 1) - self.log_std + other.log_std).sum(-1)
