"""Many path tails at once in which some pairs of places must stay neighbours: what is left of a tour around a region.

Cut a tour wherever it enters or leaves a region: what lies outside is stretches that stay as they are, and of each only
its two ends matter. One stretch is opened, and its ends are those of a path; each other one is a link between two
places, of no cost, that the path must use. A step to one end of a link therefore leaves no choice but the other end.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq import View
from counterpoint.simulators.batched.bq_tsp import Paths


@dataclass(frozen=True, slots=True)
class LinkedPaths:
    """R paths that are left (`bq.Tails`).

    Parameters
    ----------
    paths : Paths
        As if there were no links; its lengths count links as if they were ways.
    link : int64 tensor [B, N]
        The other end of each place's link; -1: none.
    """

    paths: Paths
    link: Tensor

    @property
    def row(self) -> Tensor:
        """Of which instance each path is, int64 [R]."""
        return self.paths.row

    @property
    def size(self) -> int:
        """Places between the ends, m."""
        return self.paths.size

    def due(self) -> tuple[Tensor, Tensor]:
        """Return which places left must be next after the origin, and last before the end, bool [R, m] each."""
        paths = self.paths
        origin, end = (self.link[paths.row, place].unsqueeze(1) == paths.left for place in (paths.origin, paths.end))
        return origin, end

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return what `Paths.observe` does without a window; links show in nothing but what is allowed."""
        view = self.paths.observe(rescale=rescale)
        due = torch.stack(self.due(), dim=2).flatten(1)
        return replace(view, allowed=due | ~due.any(1, keepdim=True))

    def step(self, choice: Tensor) -> Self:
        """Go on to a place; see `Paths.step`."""
        return replace(self, paths=self.paths.step(choice))

    def named(self, choice: Tensor) -> Tensor:
        """Return steps with places for positions."""
        return self.paths.named(choice)

    def picked(self, rows: Tensor) -> Self:
        """Return some of the paths."""
        return replace(self, paths=self.paths.picked(rows))

    def cost(self) -> Tensor:
        """Return lengths, links and the way straight from the origin to the end included."""
        return self.paths.cost()

    def key(self) -> Tensor:
        """Return a hash of the places left and of the two ends, which also say what is due."""
        return self.paths.key()

    def spent(self) -> Tensor:
        """Return lengths so far."""
        return self.paths.spent()
