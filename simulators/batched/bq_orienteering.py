"""Many tails of walks for prizes at once (the batched twin of `bq.orienteering`), as pointers into places.

A row is a walk that is left: where it is, where it must end, what length is left, and the places from which the end
is still within reach. The others are dropped for good: by the triangle inequality they are out of reach for ever.
(Distances rounded to the nearest may break it by a unit; what could be had by such a detour is given up.)
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from counterpoint.opt.problems.orienteering import TOLERANCE
from counterpoint.simulators.batched.bq import View, hashed
from counterpoint.simulators.batched.distances import distance, in_the_plane
from counterpoint.simulators.bq.orienteering import ROUNDING

FEATURES = 5
PER_ROW = ("row", "origin", "end", "left", "rest", "walked", "collected", "mark")


@dataclass(frozen=True, slots=True)
class Walks:
    """R walks that are left (`bq.Tails`).

    Parameters
    ----------
    metric : str
        Of `opt.problems.places.METRICS`, but not ``explicit``.
    points : float64 tensor [B, N, 2]
        As the metric takes them.
    plane : float64 tensor [B, N, 2]
        Where the network is shown the places, in units of length; turned and mirrored as one likes.
    prize : float64 tensor [B, N]
    row, origin, end : int64 tensor [R]
        Of which instance, and places; the ends are one place before the first step of a closed walk.
    left : int64 tensor [R, m]
        Places within reach, ascending; -1 where a row has fewer than others.
    rest, walked, collected : float64 tensor [R]
        Length left, length and prizes of what lies behind.
    mark : int64 tensor [R]
        A hash of the set of places visited.
    """

    metric: str
    points: Tensor
    plane: Tensor
    prize: Tensor
    row: Tensor
    origin: Tensor
    end: Tensor
    left: Tensor
    rest: Tensor
    walked: Tensor
    collected: Tensor
    mark: Tensor

    @property
    def size(self) -> int:
        """Places within reach in the row that has most, m."""
        return self.left.shape[1]

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return what a network sees; the same for a walk moved, turned or stretched, whatever `rescale` says.

        Coordinates have their origin midway between the ends, which lie on the first axis; the length left is 1. The
        other features: the prize as a share of the largest in sight, the way from the origin, and that to the end.
        Of more than `window` places half are those nearest to the origin and half those of most prize per detour.
        """
        is_place, there, home = self._ways()
        choice = torch.arange(self.size, device=self.left.device).expand(len(self.row), -1)
        if 0 < window < self.size:
            choice = self._promising(is_place, there, home, window)
            is_place, there, home = (t.gather(1, choice) for t in (is_place, there, home))
        place = self.left.gather(1, choice).clamp(min=0)
        prize = torch.where(is_place, self._of(self.prize, place), 0.0)
        prize = prize / prize.amax(1, keepdim=True).clamp(min=torch.finfo(prize.dtype).tiny) if self.size else prize
        straight = self._straight().unsqueeze(1)
        nothing, none = torch.zeros_like(straight), torch.zeros_like(straight, dtype=torch.bool)
        ends = torch.stack((self.origin, self.end), dim=1)
        unit = self.rest.clamp(min=torch.finfo(torch.float64).tiny).unsqueeze(1)
        ways = torch.stack(
            (torch.cat((nothing, straight, there), dim=1), torch.cat((straight, nothing, home), dim=1)), dim=2
        )
        is_node = torch.cat((~none, ~none, is_place), dim=1)
        x = torch.cat(
            (
                self._seen(torch.cat((ends, place), dim=1)) / unit.unsqueeze(2),
                torch.cat((nothing, nothing, prize), dim=1).unsqueeze(2),
                ways / unit.unsqueeze(2),
            ),
            dim=2,
        )
        return View(x.masked_fill(~is_node.unsqueeze(2), 0.0).float(), choice, is_place, is_node)

    def step(self, choice: Tensor) -> Self:
        """Go on to ``left[choice]``, int64 [R]; stay where it is -1. What gets out of reach is dropped."""
        goes, at = choice >= 0, choice.clamp(min=0).unsqueeze(1)
        place = torch.where(goes, self.named(choice), self.origin)
        leg = torch.where(goes, self._length(self.origin, place), 0.0)
        home = self._length(place, self.end)
        rest = torch.where(goes, torch.maximum(self.rest - leg, home), self.rest)  # whatever rounding did
        left = self.left.scatter(1, at, torch.where(goes.unsqueeze(1), -1, self.left.gather(1, at)))
        collected = self.collected + torch.where(goes, self._of(self.prize, place), 0.0)
        mark = self.mark + torch.where(goes, hashed(place), 0)
        walked = self.walked + leg
        return replace(
            self, origin=place, left=left, rest=rest, walked=walked, collected=collected, mark=mark
        )._within_reach()

    def named(self, choice: Tensor) -> Tensor:
        """Return the places' numbers, int64 [R]; -1 stays -1."""
        place = self.left.gather(1, choice.clamp(min=0).unsqueeze(1)).squeeze(1)
        return torch.where(choice >= 0, place, -1)

    def picked(self, rows: Tensor) -> Self:
        """Return some of the walks."""
        kept: dict[str, Any] = {name: getattr(self, name).index_select(0, rows) for name in PER_ROW}
        return replace(self, **kept)

    def cost(self) -> Tensor:
        """Return minus the prizes collected, float64 [R]."""
        return -self.collected

    def key(self) -> Tensor:
        """Return a hash of the place where a walk is and of those it visited, int64 [R]."""
        return self.mark ^ hashed(self.origin + self.points.shape[1])

    def spent(self) -> Tensor:
        """Return the length walked, float64 [R]."""
        return self.walked

    def _of(self, what: Tensor, place: Tensor) -> Tensor:
        """Return entries of a tensor [B, N, ...] of places, [R] or [R, k]."""
        return what[self.row if place.ndim == 1 else self.row.unsqueeze(1), place]

    def _length(self, a: Tensor, b: Tensor) -> Tensor:
        return distance(self.metric, self._of(self.points, a), self._of(self.points, b))

    def _straight(self) -> Tensor:
        """Return the way from the origin straight to the end, float64 [R]."""
        return torch.where(self.origin == self.end, 0.0, self._length(self.origin, self.end))

    def _ways(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return which entries of `left` are places, and the ways from the origin and to the end, [R, m] each."""
        place = self.left.clamp(min=0)
        there, home = (self._length(end.unsqueeze(1), place) for end in (self.origin, self.end))
        return self.left >= 0, there, home

    def _within_reach(self) -> Self:
        """Drop places from which the end is out of reach."""
        if not self.size:
            return self
        is_place, there, home = self._ways()
        rest = self.rest.unsqueeze(1)
        slack = ROUNDING * TOLERANCE * rest.clamp(min=1.0) if self.metric == "euclidean" else 0.0
        keeps = is_place & (there + home <= rest + slack)
        most = int(keeps.sum(1).max()) if len(keeps) else 0
        order = keeps.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
        return replace(self, left=torch.where(keeps.gather(1, order), self.left.gather(1, order), -1))

    def _promising(self, is_place: Tensor, there: Tensor, home: Tensor, window: int) -> Tensor:
        """Return positions of places near the origin and of places that pay, in turns, int64 [R, window]."""
        detour = there + home - self._straight().unsqueeze(1)
        pays = self._of(self.prize, self.left.clamp(min=0)) / detour.clamp(min=1e-12)
        ranks = (torch.where(is_place, value, torch.inf).argsort(dim=1).argsort(dim=1) for value in (there, -pays))
        return torch.minimum(*ranks).topk(window, dim=1, largest=False).indices

    def _seen(self, place: Tensor) -> Tensor:
        """Return places [R, k] in the plane, midway between the ends and turned to have them on the first axis."""
        at = self._of(self.plane, place)
        origin, end = at[:, :1], at[:, 1:2]
        way = end - origin
        size = way.square().sum(2, keepdim=True).sqrt()
        ahead = torch.where(size > 0, way / size, torch.tensor([1.0, 0.0], dtype=at.dtype, device=at.device))
        aside = torch.stack((-ahead[:, :, 1], ahead[:, :, 0]), dim=2)
        at = at - (origin + end) / 2
        return torch.stack(((at * ahead).sum(2), (at * aside).sum(2)), dim=2)


def start(
    points: Tensor,
    prize: Tensor,
    rest: Tensor,
    origin: Tensor,
    end: Tensor,
    *,
    metric: str = "euclidean",
    row: Tensor | None = None,
    between: Tensor | None = None,
    plane: Tensor | None = None,
) -> Walks:
    """Return walks to be made.

    Parameters
    ----------
    points, prize, metric, plane, origin, end, rest
        As in `Walks`.
    row : int64 tensor [R], optional
        Of which instance each is; None: one of each.
    between : bool tensor [R, N], optional
        Which places may be visited; None: all. The ends never are.
    """
    n, device = points.shape[1], points.device
    row = torch.arange(len(points), device=device) if row is None else row
    count = len(row)
    between = torch.ones(count, n, dtype=torch.bool, device=device) if between is None else between
    between = between.scatter(1, torch.stack((origin, end), dim=1), False)
    left = torch.where(between, torch.arange(n, device=device), -1)
    nothing = torch.zeros(count, dtype=torch.float64, device=device)
    walks = Walks(
        metric, points, in_the_plane(metric, points) if plane is None else plane, prize, row, origin, end, left, rest,
        nothing, nothing, torch.zeros_like(row),
    )  # fmt: skip
    return walks._within_reach()
