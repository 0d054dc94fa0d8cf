"""Many path tails at once, as pointers into coordinates that never move (the batched twin of `bq.tsp`).

A row is a path that is left: its two ends, and which places are between. To and fro are equally long, so a path can be
built from both ends: a step is a place and which end goes on to it, written as one number, twice the place's and one
more at the far end. A step shortens the list of pointers; no coordinates and no distances are copied from step to step.
All rows have equally many places left.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq import View, distance, hashed, without

SPECIAL, FEATURES, ANSWERS = 2, 4, 2  # the origin and the end; x, y, how far from either; next after either


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
        Length of what has been built at both ends.
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
        """Return coordinates and distances from the ends. Steps are positions in ``left``, twice, plus one at the end.

        With `rescale` what is seen is stretched to the unit square, whether or not anything is left out. Through a
        window the places nearest to the origin are seen, and just these with it are stretched: an end that lies outside
        is moved to the rim, where it says only in which direction the path must leave. No step is taken from the end
        then.
        """
        origin, end, between = self.at(self.origin).unsqueeze(1), self.at(self.end).unsqueeze(1), self.at(self.left)
        position = torch.arange(self.size, device=between.device).expand(len(between), -1)
        is_cut = 0 < window < self.size
        if is_cut:
            position = (between - origin).square().sum(2).topk(window, largest=False).indices
            between = between.gather(1, position.unsqueeze(2).expand(-1, -1, 2))
        x = torch.cat((origin, between) if is_cut else (origin, end, between), dim=1)
        low = x.amin(1, keepdim=True)
        extent = (x.amax(1, keepdim=True) - low).amax(2, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
        if is_cut:
            end = torch.minimum(torch.maximum(end, low), low + extent) if rescale else end
            x = torch.cat((origin, end, between), dim=1)
        x = described((x - low) / extent if rescale else x).float()
        choice = torch.stack((2 * position, 2 * position + 1), dim=2)
        allowed = torch.stack((torch.ones_like(position), torch.zeros_like(position)), dim=2) > 0 if is_cut else None
        return View(x, choice.flatten(1), None if allowed is None else allowed.flatten(1))

    def step(self, choice: Tensor) -> Self:
        """Go on to ``left[choice // 2]`` from the origin, or from the end if `choice` is odd."""
        place, is_back = self.named(choice) // 2, choice % 2 == 1
        before = torch.where(is_back, self.end, self.origin)
        return replace(
            self, origin=torch.where(is_back, self.origin, place), end=torch.where(is_back, place, self.end),
            left=without(self.left, choice.unsqueeze(1) // 2),
            walked=self.walked + distance(self.at(before), self.at(place)),
        )  # fmt: skip

    def named(self, choice: Tensor) -> Tensor:
        """Return steps with places for positions."""
        return 2 * self.left.gather(1, choice.unsqueeze(1) // 2).squeeze(1) + choice % 2

    def picked(self, rows: Tensor) -> Self:
        """Return some of the paths."""
        taken = {name: getattr(self, name)[rows] for name in ("row", "origin", "end", "left", "walked")}
        return replace(self, **taken)

    def cost(self) -> Tensor:
        """Return lengths, the way straight from the origin to the end included."""
        return self.walked + distance(self.at(self.origin), self.at(self.end))

    def key(self) -> Tensor:
        """Return a hash of the places left and of the two ends, whichever is which."""
        n = self.points.shape[1]
        return hashed(self.left).sum(1) ^ (hashed(self.origin + n) + hashed(self.end + n))

    def spent(self) -> Tensor:
        """Return lengths so far."""
        return self.walked


def start(points: Tensor, origin: Tensor | None = None, end: Tensor | None = None) -> Paths:
    """Return whole paths, one an instance; without ends, closed tours cut open at place 0."""
    return Paths(points, *whole(points, origin, end))


def whole(
    instances: Tensor, origin: Tensor | None, end: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return row, origin, end, left and walked of whole paths through instances [B, N, ...], one each; see `start`."""
    batch, n = instances.shape[:2]
    row = torch.arange(batch, device=instances.device)
    origin = torch.zeros_like(row) if origin is None else origin
    end = origin if end is None else end
    between = torch.ones(batch, n, dtype=torch.bool, device=instances.device)
    between.scatter_(1, origin.unsqueeze(1), False).scatter_(1, end.unsqueeze(1), False)
    left = torch.arange(n, device=instances.device).expand(batch, n)[between].view(batch, -1)
    return row, origin, end, left, torch.zeros_like(row, dtype=torch.float64)


def visits(steps: Tensor, rest: Tensor | None = None) -> Tensor:
    """Return the places of named steps [R, S] in the order from origin to end, `rest` [R, m] in the middle."""
    number = torch.arange(steps.shape[1], device=steps.device)
    place, when = steps // 2, torch.where(steps % 2 == 1, 2 * steps.shape[1] - number, number)
    if rest is not None:
        place = torch.cat((place, rest), dim=1)
        when = torch.cat((when, torch.full_like(rest, steps.shape[1])), dim=1)
    return place.gather(1, when.argsort(dim=1, stable=True))


def described(x: Tensor) -> Tensor:
    """Return points [R, k, 2] with their distances from the first two, [R, k, 4]."""
    away = (x.unsqueeze(2) - x[:, None, :2]).square().sum(3).sqrt()
    return torch.cat((x, away), dim=2)
