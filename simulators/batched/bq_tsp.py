"""Many path tails at once, as pointers into coordinates that never move (the batched twin of `bq.tsp`).

A row is a path that is left: where it is, where it must end, and which places are between. A step shortens the list
of pointers; no coordinates and no distances are copied from step to step. All rows have equally many places left.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Paths:
    """R paths that are left.

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


def step(paths: Paths, action: Tensor) -> Paths:
    """Go on to ``left[action]``, int64 [R]."""
    place = paths.left.gather(1, action.unsqueeze(1)).squeeze(1)
    kept = torch.ones_like(paths.left, dtype=torch.bool).scatter_(1, action.unsqueeze(1), False)
    left = paths.left[kept].view(len(place), -1)
    walked = paths.walked + _distance(paths.at(paths.origin), paths.at(place))
    return Paths(paths.points, paths.row, place, paths.end, left, walked)


def finish(paths: Paths) -> Tensor:
    """Return lengths of whole paths whose last leg is all that is left, float64 [R]."""
    return paths.walked + _distance(paths.at(paths.origin), paths.at(paths.end))


def picked(paths: Paths, rows: Tensor) -> Paths:
    """Return some of the paths; one may be picked often."""
    taken = (getattr(paths, name).index_select(0, rows) for name in ("row", "origin", "end", "left", "walked"))
    return Paths(paths.points, *taken)


def observe(paths: Paths, window: int = 0, *, rescale: bool = True) -> tuple[Tensor, Tensor]:
    """Return what a network sees, and what each of its choices is in ``left``.

    Parameters
    ----------
    paths : Paths
    window : int
        Only so many of the places left, those nearest to the origin; 0: all.
    rescale : bool
        Whether what is seen through a window that leaves something out is moved and stretched to the unit square:
        a path's order does not depend on its scale.

    Returns
    -------
    x : float tensor [R, k + 2, 2]
        Coordinates of the origin, the end, and k places.
    position : int64 tensor [R, k]
    """
    origin, end, between = paths.at(paths.origin), paths.at(paths.end), paths.at(paths.left)
    position = torch.arange(paths.size, device=between.device).expand(len(between), -1)
    is_cut = 0 < window < paths.size
    if is_cut:
        position = (between - origin.unsqueeze(1)).square().sum(2).topk(window, largest=False).indices
        between = between.gather(1, position.unsqueeze(2).expand(-1, -1, 2))
    x = torch.cat((origin.unsqueeze(1), end.unsqueeze(1), between), dim=1)
    return (unit_square(x) if is_cut and rescale else x), position


def unit_square(x: Tensor) -> Tensor:
    """Move and stretch sets of points [R, k, 2] so that each just fits into the unit square, its shape kept."""
    low = x.amin(1, keepdim=True)
    extent = (x.amax(1, keepdim=True) - low).amax(2, keepdim=True)
    return (x - low) / extent.clamp(min=torch.finfo(x.dtype).tiny)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).double().square().sum(-1).sqrt()
