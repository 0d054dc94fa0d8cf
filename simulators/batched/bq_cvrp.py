"""Many vehicles under way at once, as pointers into customers that never move (the batched twin of `bq.cvrp`).

A row is what is left to be delivered: where a vehicle is, what it can still take, and which customers wait. A step is a
customer and whether the way there leads through the depot, written as one number: twice the customer's, and one more if
it does. Where rows have unequally many customers left, the shorter are filled up with the depot.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq import View, distance, hashed, unit_square, without

SPECIAL, FEATURES, ANSWERS = 2, 6, 2  # the origin and the depot; see `observe`; directly, through the depot
FROM_DEPOT, DEMAND, LOAD = 3, 4, 5  # among features


@dataclass(frozen=True, slots=True)
class Deliveries:
    """R vehicles of B instances and the customers they are to serve (`bq.Tails`).

    Parameters
    ----------
    points : float tensor [B, N, 2]
        Coordinates, the depot's first.
    demand : int64 tensor [B, N]
    capacity : int64 tensor [B]
    row : int64 tensor [R]
        Of which instance each vehicle is.
    origin : int64 tensor [R]
        Where it is; 0: the depot, fully free.
    load : int64 tensor [R]
        What it can still take before it must go back.
    left : int64 tensor [R, m]
        Customers not served, in any order; 0 fills up.
    walked : float64 tensor [R]
        Length of what lies behind.
    is_ragged : bool
        Whether some rows are filled up.
    """

    points: Tensor
    demand: Tensor
    capacity: Tensor
    row: Tensor
    origin: Tensor
    load: Tensor
    left: Tensor
    walked: Tensor
    is_ragged: bool = False

    @property
    def size(self) -> int:
        """Customers left at most, m."""
        return self.left.shape[1]

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return what a network sees: the origin, the depot, and customers, those nearest to the origin.

        Of each: x, y, how far from the origin and from the depot; the demand and the load, as shares of the capacity.
        """
        row, load, left = self.row.unsqueeze(1), self.load.unsqueeze(1), self.left
        position = torch.arange(self.size, device=left.device).expand_as(left)
        is_cut = 0 < window < self.size
        if is_cut:
            away = (self.points[row, left] - self._at(self.origin).unsqueeze(1)).square().sum(2)
            position = away.masked_fill(left == 0, torch.inf).topk(window, largest=False).indices
            left = left.gather(1, position)
        shown = torch.cat((self.origin.unsqueeze(1), torch.zeros_like(row), left), dim=1)
        points, demand = self.points[row, shown], self.demand[row, left]
        points = unit_square(points) if is_cut and rescale else points
        share = torch.nn.functional.pad(demand, (SPECIAL, 0))
        shares = torch.stack((share, load.expand_as(share)), dim=2) / self.capacity[row].unsqueeze(2)
        away = (points.unsqueeze(2) - points[:, None, :SPECIAL]).square().sum(3).sqrt()
        waits = left > 0
        allowed = torch.stack((waits & (demand <= load), waits & (self.origin > 0).unsqueeze(1)), dim=2)
        choice = torch.stack((2 * position, 2 * position + 1), dim=2)
        is_node = torch.nn.functional.pad(waits, (SPECIAL, 0), value=True) if self.is_ragged else None
        x = torch.cat((points, away, shares), dim=2).float()
        return View(x, choice.flatten(1), allowed.flatten(1), is_node)

    def step(self, choice: Tensor) -> Self:
        """Serve ``left[choice // 2]``, through the depot if `choice` is odd."""
        is_over, is_through = choice < 0, choice % 2 == 1
        position = torch.where(is_over, 0, choice // 2).unsqueeze(1)
        customer = torch.where(is_over, self.origin, self.left.gather(1, position).squeeze(1))
        here, there, depot = self._at(self.origin), self._at(customer), self.points[self.row, 0]
        way = torch.where(is_through, distance(here, depot) + distance(depot, there), distance(here, there))
        load = torch.where(is_through, self.capacity[self.row], self.load) - self.demand[self.row, customer]
        return replace(
            self, origin=customer, load=torch.where(is_over, self.load, load),
            left=without(self.left, position), walked=self.walked + torch.where(is_over, 0.0, way),
        )  # fmt: skip

    def named(self, choice: Tensor) -> Tensor:
        """Return steps with the customers' numbers in the instance."""
        customer = self.left.gather(1, choice.clamp(min=0).unsqueeze(1) // 2).squeeze(1)
        return torch.where(choice < 0, -1, 2 * customer + choice % 2)

    def picked(self, rows: Tensor) -> Self:
        """Return some of the vehicles with what is left to them; one may be picked often."""
        taken = {name: getattr(self, name)[rows] for name in ("row", "origin", "load", "left", "walked")}
        return replace(self, **taken)

    def cost(self) -> Tensor:
        """Return the length with the way home; what is left is not served."""
        return self.walked + distance(self._at(self.origin), self.points[self.row, 0])

    def key(self) -> Tensor:
        """Return a hash of where the vehicle is, of what it can still take, and of who is left.

        The load counts: lengths alone compare two vehicles only if it is the same.
        """
        here = hashed(self.origin + self.points.shape[1])
        return hashed(self.left).sum(1) ^ hashed(here + self.load)

    def spent(self) -> Tensor:
        """Return the length of what lies behind."""
        return self.walked

    def _at(self, place: Tensor) -> Tensor:
        return self.points[self.row, place]


def start(
    points: Tensor, demand: Tensor, capacity: Tensor, origin: Tensor | None = None, load: Tensor | None = None
) -> Deliveries:
    """Return whole instances, one a row; those with fewer customers end with places that are not to be served.

    Parameters
    ----------
    points : float tensor [B, N, 2]
    demand : int64 tensor [B, N]
        -1: not to be served.
    capacity : int64 tensor [B]
    origin, load : int64 tensor [B], optional
        Vehicles under way.
    """
    batch, n, _ = points.shape
    where = {"device": points.device, "dtype": torch.int64}
    origin = torch.zeros(batch, **where) if origin is None else origin
    left = torch.arange(n, **where).expand(batch, n).masked_fill(demand < 0, 0).scatter(1, origin.unsqueeze(1), 0)
    left = left.sort(dim=1, descending=True).values
    waiting = (left > 0).sum(1)
    left = left[:, : int(waiting.max())]
    return Deliveries(
        points, demand.clamp(min=0), capacity, torch.arange(batch, **where), origin,
        capacity if load is None else load, left, torch.zeros(batch, dtype=torch.float64, device=points.device),
        is_ragged=bool((left == 0).any()),
    )  # fmt: skip
