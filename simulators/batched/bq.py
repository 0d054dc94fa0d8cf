"""What the batched quotient processes of all problems have in common: many tails at once, as tensors.

A row is a tail: what is left of an instance, itself an instance (`simulators.bq`, whose batched twins these are). Steps
shorten lists of pointers; coordinates and items never move. All rows have equally many candidates left, m; a row that
is over stays as it is while others go on.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class View:
    """What a network sees of R tails, and what its answers mean.

    Parameters
    ----------
    x : float32 tensor [R, t + k, F]
        Features: of the t special nodes (the origin and the end, or none), then of k candidates, whose order means
        nothing.
    choice : int64 tensor [R, A]
        What `Tails.step` takes for each answer; A is k times the answers for a candidate, those of a candidate side
        by side.
    allowed : bool tensor [R, A], optional
        Which steps are; None: all. A row without any is over.
    is_node : bool tensor [R, t + k], optional
        Which rows of `x` are nodes at all; the others only fill up, and nothing is allowed there. None: all.
    edges : float32 tensor [R, t + k, t + k, E], optional
        Features of ordered pairs, where distances are all that is known.
    """

    x: Tensor
    choice: Tensor
    allowed: Tensor | None = None
    is_node: Tensor | None = None
    edges: Tensor | None = None


class Tails(Protocol):
    """R tails of B instances; immutable."""

    @property
    def row(self) -> Tensor:
        """Of which instance each tail is, int64 [R]."""

    @property
    def size(self) -> int:
        """Candidates left, m; 0: all is done."""

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return what a network sees; of more than `window` candidates (0: no limit) only the most promising.

        `rescale`: what is seen through a window that leaves something out is moved and stretched to the unit square.
        """

    def step(self, choice: Tensor) -> Self:
        """Take a step in each row, int64 [R]; -1 where the row is over. m falls by one, or by more."""

    def named(self, choice: Tensor) -> Tensor:
        """Return steps in numbers of the instance that all began with, int64 [R]; -1 stays -1."""

    def picked(self, rows: Tensor) -> Self:
        """Return some of the tails, int64 [any]; one may be picked often."""

    def cost(self) -> Tensor:
        """Return what the solution costs if it ends here, float64 [R]; minus the prize or value where those count."""

    def key(self) -> Tensor:
        """Return a hash of what is left, int64 [R]: two tails of an instance with one key could do the same.

        What `spent` tells apart, a length or a load, need not be in it.
        """

    def spent(self) -> Tensor:
        """Return what has been used up so far, float64 [R]: of two tails with one key, the one with less is as good."""


def without(left: Tensor, position: Tensor) -> Tensor:
    """Return rows [R, m] without what stands at a position of each, int64 [R, 1]: [R, m - 1], in the same order."""
    number = torch.arange(left.shape[1] - 1, device=left.device)
    return left.gather(1, number + (number >= position))


def unit_square(x: Tensor) -> Tensor:
    """Move and stretch sets of points [R, k, 2] so that each just fits into the unit square, its shape kept."""
    low = x.amin(1, keepdim=True)
    extent = (x.amax(1, keepdim=True) - low).amax(2, keepdim=True)
    return (x - low) / extent.clamp(min=torch.finfo(x.dtype).tiny)


def turned(x: Tensor, way: Tensor) -> Tensor:
    """Turn and mirror sets of points in the unit square [R, k, 2], each its own way out of eight, int64 [R]; 0: not."""
    way = way.unsqueeze(1)
    is_swapped, is_flipped = way % 2 == 1, (way // 2 % 2 == 1, way // 4 == 1)
    a, b = torch.where(is_swapped, x[:, :, 1], x[:, :, 0]), torch.where(is_swapped, x[:, :, 0], x[:, :, 1])
    return torch.stack((torch.where(is_flipped[0], 1 - a, a), torch.where(is_flipped[1], 1 - b, b)), dim=2)


def hashed(number: Tensor) -> Tensor:
    """Return scrambled numbers, int64 as the argument, whose sums tell sets apart (Steele et al. 2014, splitmix64)."""
    x = number * -7046029254386353131  # 0x9E3779B97F4A7C15
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687  # 0xBF58476D1CE4E5B9
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685  # 0x94D049BB133111EB
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Return how far points [..., 2] are from each other, float64 [...]."""
    return (a - b).double().square().sum(-1).sqrt()
