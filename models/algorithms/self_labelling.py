"""Self-labelling: imitate the best of one's own samples; no solver, no critic, no reward to scale.

Corsini, Porrello, Calderara and Dell'Amico 2024 (Self-Labeling the Job Shop Scheduling Problem, NeurIPS): sample
several solutions of a fresh instance, take the best as if it were the truth, and raise its likelihood by cross-entropy,
decision by decision. What here is independent of the problem: the loss, and the store of recent labels, which lets a
label be learnt more than once, as the samples cost more than the learning.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def imitation_loss(logits: Tensor, count: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy of D decisions among candidates of varying number.

    Parameters
    ----------
    logits : float tensor [P]
        Of the candidates of all decisions, one decision after the other.
    count : int64 tensor [D]
        Candidates of each decision.
    target : int64 tensor [D]
        Index into the P candidates of the one to imitate.

    Examples
    --------
    >>> loss = imitation_loss(torch.zeros(5), torch.tensor([2, 3]), torch.tensor([0, 4]))
    >>> round(2 * loss.item(), 4), round(math.log(2) + math.log(3), 4)
    (1.7918, 1.7918)
    """
    row = torch.repeat_interleave(torch.arange(len(count), device=count.device), count, output_size=len(logits))
    most = torch.segment_reduce(logits.detach(), "max", lengths=count, unsafe=True)
    total = torch.zeros_like(most).index_add(0, row, (logits - most[row]).exp())
    return (total.log() + most - logits[target]).mean()


def cosine(progress: float, final: float = 0.0) -> float:
    """Return the share of the learning rate at a point of the run: from 1 down to `final` along a half cosine.

    >>> cosine(0.5, 0.1)
    0.55
    """
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


class Recent:
    """The latest labels, the oldest giving way; what a label is, its maker knows.

    Parameters
    ----------
    capacity : int
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.labels: list[Any] = []

    def add(self, labels: Sequence[Any]) -> None:
        """Put labels in."""
        self.labels = [*self.labels, *labels][-self.capacity :]

    def draw(self, newest: int, count: int, generator: torch.Generator) -> list[Any]:
        """Return `count` labels: the `newest` last ones first, the rest drawn from all with replacement."""
        first = self.labels[-newest:][: min(newest, count)] if newest else []
        rest = torch.randint(len(self.labels), (count - len(first),), generator=generator).tolist()
        return [*first, *(self.labels[i] for i in rest)]
