"""Many path tails of matrices at once, as pointers into matrices that never move (the batched twin of `bq.tsp`).

As `bq_tsp`, built from both ends; but all that is known of places is what it costs from each to each, and there and
back may differ. What a network sees is gathered anew at each step: the part of the matrix that is left.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq import View, hashed, without
from counterpoint.simulators.batched.bq_tsp import whole

SPECIAL, FEATURES, ANSWERS = 2, 0, 2  # the origin and the end; none; next after the origin, last before the end


@dataclass(frozen=True, slots=True)
class MatrixPaths:
    """R paths that are left (`bq.Tails`).

    Parameters
    ----------
    costs : float tensor [B, N, N]
        ``[b, i, j]``: from i to j.
    row : int64 tensor [R]
        Of which instance each path is.
    origin, end : int64 tensor [R]
        Places; the same for the closed tour before its first step.
    left : int64 tensor [R, m]
        Places between, ascending.
    walked : float64 tensor [R]
        Cost of what has been built at both ends.
    """

    costs: Tensor
    row: Tensor
    origin: Tensor
    end: Tensor
    left: Tensor
    walked: Tensor

    @property
    def size(self) -> int:
        """Places between the ends, m."""
        return self.left.shape[1]

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return costs from node to node, as shares of their mean, in ``edges``; nodes have no features.

        Of the places left, those that are cheap to reach from the origin and those from which it is cheap to the end.
        Steps are positions in ``left``, twice, plus one at the end. A matrix has no scale of its own: whatever
        `rescale` says, it is seen in its own.
        """
        rows = len(self.row)
        position = torch.arange(self.size, device=self.left.device).expand(rows, -1)
        if 0 < window < self.size:
            position = self._rank().topk(window, largest=False, sorted=False).indices
        nodes = torch.cat((self.origin.unsqueeze(1), self.end.unsqueeze(1), self.left.gather(1, position)), dim=1)
        costs = self.costs[self.row[:, None, None], nodes.unsqueeze(2), nodes.unsqueeze(1)]
        return seen(costs, position)

    def _rank(self) -> Tensor:
        """Return how promising places left are at the nearer of the two ends, the smaller the more, int64 [R, m]."""
        row = self.row.unsqueeze(1)
        there = self.costs[row, self.origin.unsqueeze(1), self.left]
        back = self.costs[row, self.left, self.end.unsqueeze(1)]
        ranks = [cost.argsort(dim=1, stable=True).argsort(dim=1) for cost in (there, back)]
        return torch.minimum(2 * ranks[0], 2 * ranks[1] + 1)

    def step(self, choice: Tensor) -> Self:
        """Go from the origin to ``left[choice // 2]``; if `choice` is odd, to the end from there."""
        place, is_back = self.named(choice) // 2, choice % 2 == 1
        leg = self.costs[self.row, torch.where(is_back, place, self.origin), torch.where(is_back, self.end, place)]
        return replace(
            self, origin=torch.where(is_back, self.origin, place), end=torch.where(is_back, place, self.end),
            left=without(self.left, choice.unsqueeze(1) // 2), walked=self.walked + leg.double(),
        )  # fmt: skip

    def named(self, choice: Tensor) -> Tensor:
        """Return steps with places for positions."""
        return 2 * self.left.gather(1, choice.unsqueeze(1) // 2).squeeze(1) + choice % 2

    def picked(self, rows: Tensor) -> Self:
        """Return some of the paths."""
        taken = {name: getattr(self, name)[rows] for name in ("row", "origin", "end", "left", "walked")}
        return replace(self, **taken)

    def cost(self) -> Tensor:
        """Return costs, the way straight to the end included."""
        return self.walked + self.costs[self.row, self.origin, self.end].double()

    def key(self) -> Tensor:
        """Return a hash of the places left, the origin and the end."""
        n = self.costs.shape[1]
        return hashed(self.left).sum(1) ^ (hashed(self.origin + n) + hashed(self.end + 2 * n))

    def spent(self) -> Tensor:
        """Return costs so far."""
        return self.walked


def start(costs: Tensor, origin: Tensor | None = None, end: Tensor | None = None) -> MatrixPaths:
    """Return whole paths, one an instance; without ends, closed tours cut open at place 0. Diagonals must be 0."""
    return MatrixPaths(costs, *whole(costs, origin, end))


def seen(costs: Tensor, position: Tensor) -> View:
    """Return what is seen of matrices [R, 2 + k, 2 + k] of the origin, the end and k of the places left, [R, k].

    Costs are divided by the mean of what can be on the path: nothing leads from the end or to the origin.
    """
    between = costs[:, SPECIAL:, SPECIAL:]  # its diagonal is 0
    total = costs[:, 0, SPECIAL:].sum(1) + costs[:, SPECIAL:, 1].sum(1) + between.sum((1, 2))
    mean = total / max(1, between.shape[1] * (between.shape[1] + 1))
    relative = costs / mean.clamp(min=torch.finfo(costs.dtype).tiny)[:, None, None]
    choice = torch.stack((2 * position, 2 * position + 1), dim=2).flatten(1)
    return View(
        torch.zeros(*costs.shape[:2], FEATURES, device=costs.device), choice, edges=relative.float().unsqueeze(3)
    )
