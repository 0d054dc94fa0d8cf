"""Many path tails at once, as pointers into coordinates that never move (the batched twin of `bq.tsp`).

A row is a path that is left: where it is, where it must end, and which places are between. A step shortens the list
of pointers; no coordinates and no distances are copied from step to step. All rows have equally many places left.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq import View, hashed, unit_square


@dataclass(frozen=True, slots=True)
class Paths:
    """R paths that are left (`bq.Tails`).

    Parameters
    ----------
    points : float tensor [B, N, 2]
        Coordinates of B instances.
    row : int64 tensor [R]
        Of which instance each path is.
    origin, end : int64 tensor [R]
        Places; the same for the closed tour before its first step.
    left : int64 tensor [R, m]
        Places between, ascending.
    walked : float64 tensor [R]
        Length of what lies behind.
    """

    points: Tensor
    row: Tensor
    origin: Tensor
    end: Tensor
    left: Tensor
    walked: Tensor

    @property
    def size(self) -> int:
        """Places between the ends, m."""
        return self.left.shape[1]

    def at(self, place: Tensor) -> Tensor:
        """Return coordinates of places, [R, 2] or [R, k, 2]."""
        return self.points[self.row if place.ndim == 1 else self.row.unsqueeze(1), place]

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return coordinates; of the places left those nearest to the origin. Steps are positions in ``left``."""
        origin, end, between = self.at(self.origin), self.at(self.end), self.at(self.left)
        position = torch.arange(self.size, device=between.device).expand(len(between), -1)
        is_cut = 0 < window < self.size
        if is_cut:
            position = (between - origin.unsqueeze(1)).square().sum(2).topk(window, largest=False).indices
            between = between.gather(1, position.unsqueeze(2).expand(-1, -1, 2))
        x = torch.cat((origin.unsqueeze(1), end.unsqueeze(1), between), dim=1)
        return View((unit_square(x) if is_cut and rescale else x).float(), position)

    def step(self, choice: Tensor) -> Self:
        """Go on to ``left[choice]``."""
        place = self.named(choice)
        kept = torch.ones_like(self.left, dtype=torch.bool).scatter_(1, choice.unsqueeze(1), False)
        left = self.left[kept].view(len(place), -1)
        walked = self.walked + _distance(self.at(self.origin), self.at(place))
        return type(self)(self.points, self.row, place, self.end, left, walked)

    def named(self, choice: Tensor) -> Tensor:
        """Return places."""
        return self.left.gather(1, choice.unsqueeze(1)).squeeze(1)

    def picked(self, rows: Tensor) -> Self:
        """Return some of the paths."""
        taken = (getattr(self, name).index_select(0, rows) for name in ("row", "origin", "end", "left", "walked"))
        return type(self)(self.points, *taken)

    def cost(self) -> Tensor:
        """Return lengths, the way straight to the end included."""
        return self.walked + _distance(self.at(self.origin), self.at(self.end))

    def key(self) -> Tensor:
        """Return a hash of the origin and the places left."""
        return hashed(self.left).sum(1) ^ hashed(self.origin + self.points.shape[1])

    def spent(self) -> Tensor:
        """Return lengths so far."""
        return self.walked


def start(points: Tensor, origin: Tensor | None = None, end: Tensor | None = None) -> Paths:
    """Return whole paths, one an instance; without ends, closed tours cut open at place 0."""
    batch, n, _ = points.shape
    where = {"device": points.device, "dtype": torch.int64}
    origin = torch.zeros(batch, **where) if origin is None else origin
    end = origin if end is None else end
    between = torch.ones(batch, n, dtype=torch.bool, device=points.device)
    between.scatter_(1, origin.unsqueeze(1), False).scatter_(1, end.unsqueeze(1), False)
    left = torch.arange(n, **where).expand(batch, n)[between].view(batch, -1)
    walked = torch.zeros(batch, dtype=torch.float64, device=points.device)
    return Paths(points, torch.arange(batch, **where), origin, end, left, walked)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).double().square().sum(-1).sqrt()
