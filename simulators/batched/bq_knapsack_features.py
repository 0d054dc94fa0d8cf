"""How a network sees items and the knapsack they may go into: by numbers that do not change with units.

Density is what matters, and the item that breaks: the first, by density, that does not fit behind all denser ones. Its
density is the price of capacity in the linear relaxation (Dantzig 1957, Operations Research 5:266-277).
Deviation from Drakulic et al. 2023, whose network sees value, weight and capacity and nothing else.
"""

import torch
from torch import Tensor

FEATURES = 9
LOG_RANGE = 3.0  # of a density to that of the item that breaks
SHARPNESS = 20.0  # of the reduced value about 0


def fill(weight: Tensor, is_left: Tensor, capacity: Tensor) -> tuple[Tensor, Tensor]:
    """Pack by density until an item breaks.

    Parameters
    ----------
    weight : int64 tensor [R, k]
        The densest item first; 0 where there is none.
    is_left : bool tensor [R, k]
    capacity : int64 tensor [R, 1]

    Returns
    -------
    before : int64 tensor [R, k]
        Weight of all denser items.
    broken : int64 tensor [R, 1]
        The item that breaks; the last one if all fit.
    """
    before = weight.cumsum(1) - weight
    is_past = is_left & (before + weight > capacity)
    last = is_left.sum(1, keepdim=True).clamp(min=1) - 1
    return before, torch.where(is_past.any(1, keepdim=True), is_past.to(torch.int8).argmax(1, keepdim=True), last)


def densities(value: Tensor, weight: Tensor) -> Tensor:
    """Return positive float64 densities; what weighs nothing counts as half a unit, as what is worth nothing does."""
    return value.double().clamp(min=0.5) / weight.double().clamp(min=0.5)


def features(value: Tensor, weight: Tensor, is_left: Tensor, capacity: Tensor) -> Tensor:
    """Return what a network sees.

    Parameters
    ----------
    value, weight : int64 tensor [R, k]
        The densest item first.
    is_left : bool tensor [R, k]
        Others are no items; their numbers are to be ignored.
    capacity : int64 tensor [R, 1]

    Returns
    -------
    float32 tensor [R, k, FEATURES]
        Value; weight; weight of the denser items (1/2: as much as fits); logarithm of density, to that of the item
        that breaks; value less the price of the weight, to the largest value and to the price of what is free when that
        item breaks; what is free then, to the capacity and to the weight; capacity to the mean weight.
    """
    value, weight = value * is_left, weight * is_left
    before, broken = fill(weight, is_left, capacity)
    value, weight, before, room = value.double(), weight.double(), before.double(), capacity.double()
    count = is_left.sum(1, keepdim=True).clamp(min=1)
    largest, mean = value.amax(1, keepdim=True).clamp(min=1), weight.sum(1, keepdim=True) / count
    density = densities(value, weight)
    price = density.gather(1, broken)
    reduced = value - price * weight
    rest = (room - before.gather(1, broken)).clamp(min=0)
    safe = room.clamp(min=1)
    x = (
        value / largest,
        weight / safe,
        before / (before + safe),
        (density / price).log().clamp(-LOG_RANGE, LOG_RANGE),
        (SHARPNESS * reduced / largest).asinh() / LOG_RANGE,
        (reduced / (price * rest.clamp(min=1))).asinh() / LOG_RANGE,
        (rest / safe).expand_as(value),
        rest / (rest + weight).clamp(min=1),
        (room / (room + mean).clamp(min=1)).expand_as(value),
    )
    return (torch.stack(x, dim=2) * is_left.unsqueeze(2)).float()
