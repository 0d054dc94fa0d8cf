"""What a network for plants of any size sees: items, machines and pairs of them, told relative to the plant.

Stocks and production are in mean demands of a period, costs in the lost sales of a period of the item in which they are
dearest. So plants that differ in units or in currency alone look the same.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing

ITEM_FEATURES, MACHINE_FEATURES, PAIR_FEATURES = 15, 9, 5


class Tables(NamedTuple):
    """What does not change in K plants of one size, float32 and one bool; shares and periods, never units.

    Parameters
    ----------
    pair : tensor [K, M, I, 5]
        Production, the same but at most the demand, setup loss, setup cost, lost sales avoided.
    pace : tensor [K, M, I + 1]
        Production, 0 for idle.
    item : tensor [K, I, 4]
        Lost sales of a period, a full store's holding, the periods it lasts, how many machines can help.
    worth : tensor [K, I]
        Lost sales of a period.
    demand : tensor [K, I]
        Mean, in units.
    limit : tensor [K, I]
        In units.
    mask : bool tensor [K, M, I + 1]
        What a machine can be given.
    """

    pair: Tensor
    pace: Tensor
    item: Tensor
    worth: Tensor
    demand: Tensor
    limit: Tensor
    mask: Tensor

    @classmethod
    def of(cls, plants: Sequence[StochasticLotSizing], device: Any = "cpu") -> "Tables":
        """Return the tables of some plants."""
        columns = zip(*(_table(plant) for plant in plants), strict=True)
        return cls(*(torch.tensor(np.stack(column), device=device) for column in columns))

    def select(self, rows: Tensor) -> "Tables":
        """Return a plant for each row of an int64 tensor."""
        return Tables(*(tensor[rows] for tensor in self))


class View(NamedTuple):
    """B plants as they are at the beginning of a period.

    Parameters
    ----------
    tables : Tables
        Of B plants, or of one that all rows are.
    stock : float tensor [B, I]
        In units.
    setup : int64 tensor [B, M]
    left : float tensor [B]
        Periods to the horizon, this one included.
    """

    tables: Tables
    stock: Tensor
    setup: Tensor
    left: Tensor

    def items(self) -> Tensor:
        """Return the rows of the items, [B, I, ITEM_FEATURES]."""
        made = self.one_hot() * self.tables.pace
        rate, count = made[:, :, 1:].sum(1), self.one_hot()[:, :, 1:].sum(1)
        cover, share = self.stock / self.tables.demand, self.stock / self.tables.limit
        own = [
            cover.clamp(max=30.0) / 10, share, (1 - cover).clamp(min=0), (1 - cover / 3).clamp(min=0),
            rate / 2.5, rate.clamp(max=1.0), count.clamp(max=1.0), (count - 1).clamp(0.0, 2.0),
        ]  # fmt: skip
        left = self.left.unsqueeze(1)
        ending = torch.cat([(left / 100).clamp(max=2.0), (left / 12).clamp(max=1.0), 12 / (11 + left)], 1)
        shape = *share.shape, -1
        return torch.cat([torch.stack(own, -1), self.tables.item.expand(shape), ending.unsqueeze(1).expand(shape)], -1)

    def machines(self) -> Tensor:
        """Return the rows of the machines, [B, M, MACHINE_FEATURES]: what they can do, and what they are set up for."""
        one_hot, pair = self.one_hot(), self.tables.pair
        pace = (one_hot * self.tables.pace).sum(2)
        cover, share = self.stock / self.tables.demand, self.stock / self.tables.limit
        of_item = torch.stack(
            [cover.clamp(max=30.0) / 10, share, one_hot[:, :, 1:].sum(1), self.tables.worth.expand(share.shape)], -1
        )
        own = [
            one_hot[:, :, 0], pace / 2.5, pace.clamp(max=1.0), pair[..., 1].mean(2).expand(pace.shape),
            pair[..., 4].amax(2).expand(pace.shape),
        ]  # fmt: skip
        return torch.cat([torch.stack(own, -1), one_hot[:, :, 1:] @ of_item], -1)

    def one_hot(self) -> Tensor:
        """Return the setups as 0 and 1, float [B, M, I + 1]."""
        choices = torch.arange(self.tables.mask.shape[2], device=self.setup.device)
        return (self.setup.unsqueeze(2) == choices).float()


def _table(plant: StochasticLotSizing) -> tuple[Any, ...]:
    demand = np.maximum(plant.mean_demand, 1e-3 * plant.max_inventory)  # of an item that nobody wants: not 0
    worth = plant.lost_sales_cost * plant.mean_demand
    scale = float(worth.max()) or 1.0
    pace = np.minimum(plant.production / demand, 5.0)
    able, share = np.minimum(pace, 1.0), worth / scale
    loss = np.minimum(plant.setup_loss / demand, 2.0)
    cost = np.minimum(plant.setup_cost / scale, 10.0) / 3
    pair = np.stack([pace / 2.5, able, loss, cost, able * share], -1)
    holding = np.minimum(plant.holding_cost * plant.max_inventory / scale, 5.0) * 4
    lasts = np.minimum(plant.max_inventory / demand, 30.0) / 12
    item = np.stack([share, holding, lasts, able.mean(0)], -1)
    whole = pair, np.pad(pace, ((0, 0), (1, 0))), item, share, demand, plant.max_inventory
    return (*(np.asarray(x, np.float32) for x in whole), plant.can_choose)
