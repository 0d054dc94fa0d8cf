"""Beam search with the pointer network: the likeliest partial schedules of one shop side by side."""

from collections.abc import Callable

import torch
from torch import Tensor

from counterpoint.models.networks.job_shop_features import State, Tables, choices_of
from counterpoint.models.networks.job_shop_pointer import JobShopPointer
from counterpoint.models.policies.job_shop_rollout import Built, Scheme, focused, starts, step
from counterpoint.simulators.batched.job_shop import Partial, Shops, empty


@torch.no_grad()
def beam(
    network: JobShopPointer,
    shop: Shops,
    embedding: Tensor,
    *,
    width: int,
    scheme: Scheme = "active",
    stop: Callable[[], bool] | None = None,
) -> Built | None:
    """Return the schedules of the last beam, likeliest first.

    At each step every partial schedule is extended by each of its candidates, and the `width` extensions of the
    largest probability (the product of its choices') are kept. Giffler and Thompson's choices are about one machine
    at a time, so two sequences of choices never lead to one schedule.

    Parameters
    ----------
    network : JobShopPointer
    shop : Shops
        A single one.
    embedding : float tensor
        ``network.encode(shop)``.
    width : int
        1 is greedy.
    scheme : {"active", "nondelay"}
    stop : callable, optional
        Asked at each step whether to give up, which returns None.
    """
    tables = Tables.of(shop)
    rows = shop.repeat(width)
    partial = empty(shop)
    load = tables.load.clone()
    likelihood = torch.zeros(1, device=load.device)
    decisions = 0
    for _ in range(int(shop.length.sum())):
        if stop is not None and stop():
            return None
        count = len(likelihood)
        mask = focused(partial, scheme)
        log_probability = torch.zeros(mask.shape, device=load.device).masked_fill_(~mask, -torch.inf)
        open_rows = (mask.sum(1) > 1).nonzero().squeeze(1)
        if len(open_rows):
            state = State.of(partial, load, open_rows, mask, count)
            logits = network(embedding, choices_of(tables, state))
            dense = torch.full(state.mask.shape, -torch.inf, device=logits.device)
            dense.masked_scatter_(state.mask, logits)
            log_probability[open_rows] = dense.log_softmax(1)
            decisions += len(open_rows)
        extended = (likelihood.unsqueeze(1) + log_probability).flatten()
        kept = min(width, int(mask.sum()))
        likelihood, at = extended.topk(kept)
        parent, job = at // mask.shape[1], at % mask.shape[1]
        partial, load = _picked(partial, parent), load.index_select(0, parent)
        step(_first(rows, kept), partial, load, tables.unit.expand(kept, 1), job)
    return Built(starts(_first(rows, len(likelihood)), partial), partial.makespan, decisions)


def _picked(partial: Partial, parent: Tensor) -> Partial:
    """Return copies of some rows."""
    assert partial.end is not None
    names = ("step", "ready", "free", "machine", "duration", "end", "begin")
    return Partial(**{name: getattr(partial, name).index_select(0, parent) for name in names})


def _first(shops: Shops, count: int) -> Shops:
    """Return the first shops of a batch of equal ones."""
    if count == len(shops.machine):
        return shops
    return Shops(shops.machine[:count], shops.duration[:count], shops.length[:count], shops.num_machines)
