"""Many knapsacks at once, as pointers to items that never move (the batched twin of `bq.knapsack`).

A row is what is left of a knapsack: the capacity, and the items that fit into it, by density. A step shortens the list
of pointers: of the item that is packed and of all that no longer fit, which are no part of what is left. Rows with
fewer items than others are filled up. No value is below 0, so a row goes on while anything fits.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from counterpoint.simulators.batched.bq import View, hashed
from counterpoint.simulators.batched.bq_knapsack_features import densities, features, fill


@dataclass(frozen=True, slots=True)
class Knapsacks:
    """R knapsacks that are left (`bq.Tails`).

    Parameters
    ----------
    value, weight : int64 tensor [B, n]
        Items of B instances.
    row : int64 tensor [R]
        Of which instance each knapsack is.
    left : int64 tensor [R, m]
        Items that fit, the densest first; -1 after the last.
    capacity : int64 tensor [R]
        What is left of it.
    gained : int64 tensor [R]
        Value packed so far.
    """

    value: Tensor
    weight: Tensor
    row: Tensor
    left: Tensor
    capacity: Tensor
    gained: Tensor

    @property
    def size(self) -> int:
        """Items left in the row that has most, m."""
        return self.left.shape[1]

    def of(self, numbers: Tensor, items: Tensor) -> Tensor:
        """Return values or weights of items, [R, k]; 0 of item -1."""
        found = numbers[self.row.unsqueeze(1), items.clamp(min=0)]
        return found.masked_fill(items < 0, 0)

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return `features` of the items left, of more than `window` the densest; steps are positions in ``left``.

        Nothing is stretched, for no feature has a unit. See `core` for a better way to see less.
        """
        value, weight, is_left = self.of(self.value, self.left), self.of(self.weight, self.left), self.left >= 0
        x = features(value, weight, is_left, self.capacity.unsqueeze(1))
        position = torch.arange(self.size, device=self.left.device).expand_as(self.left)
        if 0 < window < self.size:
            x, position, is_left = x[:, :window], position[:, :window], is_left[:, :window]
        is_node = is_left.clone()
        is_node[:, 0] |= ~is_left.any(1)  # attention to nothing at all is no number
        return View(x, position, is_left, is_node)

    def step(self, choice: Tensor) -> Self:
        """Pack ``left[choice]``."""
        item = self.named(choice).unsqueeze(1)
        capacity = self.capacity - self.of(self.weight, item).squeeze(1)
        gained = self.gained + self.of(self.value, item).squeeze(1)
        kept = (self.left >= 0) & (self.left != item) & (self.of(self.weight, self.left) <= capacity.unsqueeze(1))
        return type(self)(self.value, self.weight, self.row, _only(self.left, kept), capacity, gained)

    def named(self, choice: Tensor) -> Tensor:
        """Return items."""
        item = self.left.gather(1, choice.clamp(min=0).unsqueeze(1)).squeeze(1)
        return item.masked_fill(choice < 0, -1)

    def picked(self, rows: Tensor) -> Self:
        """Return some of the knapsacks."""
        taken = (getattr(self, name).index_select(0, rows) for name in ("row", "left", "capacity", "gained"))
        return type(self)(self.value, self.weight, *taken)

    def cost(self) -> Tensor:
        """Return minus the values packed."""
        return -self.gained.double()

    def key(self) -> Tensor:
        """Return a hash of the items and the capacity left; 0 where nothing fits any more."""
        is_left = self.left >= 0
        items = hashed(self.left + 1).masked_fill(~is_left, 0).sum(1)
        return (items ^ hashed(self.capacity + self.value.shape[1] + 1)).masked_fill(~is_left.any(1), 0)

    def spent(self) -> Tensor:
        """Return minus the values packed: of equal knapsacks left, the one behind which lies more is as good."""
        return -self.gained.double()


def start(value: Tensor, weight: Tensor, capacity: Tensor) -> Knapsacks:
    """Return whole knapsacks: items int64 [B, n], capacities int64 [B]."""
    row = torch.arange(len(value), device=value.device)
    return tails(value, weight, row, torch.ones_like(value, dtype=torch.bool), capacity, torch.zeros_like(capacity))


def tails(value: Tensor, weight: Tensor, row: Tensor, open_: Tensor, capacity: Tensor, gained: Tensor) -> Knapsacks:
    """Return knapsacks with some items left, bool [R, n]; those that do not fit are left out. See `Knapsacks`."""
    density = torch.where(weight > 0, value.double() / weight, torch.inf)  # float32 would mistake the order
    order = density.argsort(dim=1, descending=True, stable=True)[row]
    kept = (open_ & (weight[row] <= capacity.unsqueeze(1))).gather(1, order)
    return Knapsacks(value, weight, row, _only(order, kept), capacity, gained)


def core(left: Knapsacks, size: int) -> tuple[Knapsacks, Tensor]:
    """Decide on all but a few items by the linear relaxation, at once.

    The core are the items whose value is nearest to the price of their weight, the density of the item that breaks;
    others are packed if they are denser and left out if not. After Balas and Zemel 1980 (Operations Research
    28:1130-1154), who take the items about the one that breaks. In 2,600 random knapsacks of 50 to 1,000 items no
    optimal packing that was found differed from the linear relaxation beyond the nearest 27.

    Parameters
    ----------
    left : Knapsacks
    size : int
        Items of the core.

    Returns
    -------
    left : Knapsacks
    packed : int64 tensor [R, k]
        Items that were packed; -1 after a row's last.
    """
    value, weight, is_left = left.of(left.value, left.left), left.of(left.weight, left.left), left.left >= 0
    if left.size <= size:
        return left, left.left[:, :0]
    _, broken = fill(weight, is_left, left.capacity.unsqueeze(1))
    price = densities(value, weight).gather(1, broken)
    distance = (value - price * weight).abs().masked_fill(~is_left, torch.inf)
    position = torch.arange(left.size, device=value.device).expand_as(value)
    is_core = distance.argsort(dim=1, stable=True).argsort(dim=1) < size
    is_packed = is_left & ~is_core & (position < broken)
    capacity = left.capacity - (weight * is_packed).sum(1)
    kept = is_left & is_core & (weight <= capacity.unsqueeze(1))
    gained = left.gained + (value * is_packed).sum(1)
    after = type(left)(left.value, left.weight, left.row, _only(left.left, kept), capacity, gained)
    return after, _only(left.left, is_packed)


def _only(items: Tensor, kept: Tensor) -> Tensor:
    """Return items in their order without some, as few columns as will do, filled up by -1."""
    size = int(kept.sum(1).max()) if kept.numel() else 0
    order = kept.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :size]
    return items.gather(1, order).masked_fill(~kept.gather(1, order), -1)
