"""Packings made better: some of the items are taken out and the knapsack that this leaves is packed anew.

Random re-construction (Luo, Lin, Liu, Zhang and Wang 2023, LEHD, NeurIPS, arXiv 2310.07985): what is left when items
are taken out is a knapsack like any other. Parts of a packing share the capacity that is free, so they do not go
together as parts of a tour do: a round tries many at once, and keeps the best if it is no worse.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.opt.problems.places import IntArray
from counterpoint.simulators.batched.bq_knapsack import Knapsacks, core, tails

TRIALS = 32  # in a round
MOST = 16  # items taken out


def reconstructed(
    whole: Knapsacks,
    items: IntArray,
    network: nn.Module,
    *,
    window: int = 0,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Iterator[IntArray]:
    """Yield the items packed after each round, never of less value than before; ends when stopped.

    Parameters
    ----------
    whole : Knapsacks
        The instance before its first step, one row.
    items : int64 array
        A packing.
    network : Module
    window : int
        Size of the core of each knapsack that is left; 0: all of it.
    seed : int
    stop : callable, optional
        Asked again and again; a round that it cuts off counts for nothing.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)
    while not (stop is not None and stop()):
        left, kept = opened(whole, torch.from_numpy(items), generator)
        left, plain = core(left, window) if window else (left, left.left[:, :0])
        steps, after = roll_out(network, left, stop=stop)
        if after.size:
            return
        at = int(after.gained.argmax())
        found = filled(whole, torch.cat((torch.where(kept[at])[0], plain[at], steps[at])).numpy())
        if whole.value[0, found].sum() >= whole.value[0, items].sum():
            items = found
        yield items


def opened(whole: Knapsacks, items: Tensor, generator: torch.Generator) -> tuple[Knapsacks, Tensor]:
    """Take some items out, in many ways.

    How many is drawn evenly from 1 to `MOST`; those of low density are likelier to go.

    Returns
    -------
    left : Knapsacks
        Of `TRIALS` rows.
    kept : bool tensor [TRIALS, n]
        Which items are still packed.
    """
    value, weight = whole.value[0], whole.weight[0]
    is_packed = torch.zeros(len(value), dtype=torch.bool).index_fill(0, items, True)
    density = (value / weight.clamp(min=0.5)).masked_fill(~is_packed, torch.inf)
    rank = density.argsort(stable=True).argsort(stable=True) + 1
    noise = torch.empty(TRIALS, len(value)).exponential_(generator=generator)
    count = torch.randint(1, MOST + 1, (TRIALS, 1), generator=generator)
    order = (noise * rank).masked_fill(~is_packed, torch.inf).argsort(1).argsort(1)
    kept = is_packed & (order >= count)
    capacity = int(whole.capacity[0]) - (weight * kept).sum(1)
    row = torch.zeros(TRIALS, dtype=torch.int64)
    return tails(whole.value, whole.weight, row, ~kept, capacity, (value * kept).sum(1)), kept


def filled(whole: Knapsacks, items: IntArray) -> IntArray:
    """Return items, sorted and without -1, and by density whatever still fits beside them."""
    is_packed = np.zeros(whole.value.shape[1], bool)
    is_packed[items[items >= 0]] = True
    weight, room = whole.weight[0].numpy(), int(whole.capacity[0])
    room -= int(weight[is_packed].sum())
    rest = whole.left[0].numpy()
    rest = rest[~is_packed[rest]]
    while len(rest := rest[weight[rest] <= room]):
        count = int(np.searchsorted(np.cumsum(weight[rest]), room, side="right"))
        is_packed[rest[:count]] = True
        room, rest = room - int(weight[rest[:count]].sum()), rest[count:]
    return np.flatnonzero(is_packed)
