"""Beam search with the graph network: the likeliest partial schedules of one shop side by side."""

from collections.abc import Callable
from dataclasses import fields

import torch
from torch import Tensor

from counterpoint.models.networks.job_shop_gnn import JobShopGnn
from counterpoint.models.policies.job_shop_gnn_rollout import Built, Situation
from counterpoint.simulators.batched.job_shop import Scheme
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops


@torch.no_grad()
def beam(
    network: JobShopGnn,
    shop: FlexibleShops,
    embeddings: tuple[Tensor, Tensor],
    *,
    width: int,
    scheme: Scheme,
    stop: Callable[[], bool] | None = None,
) -> Built | None:
    """Return the `width` schedules of the last beam; None if `stop` said so on the way.

    At each step every partial schedule is extended by each of its candidates, and the extensions of the largest
    probability (the product of its decisions') are kept. At first there is one: the other rows, of probability 0, give
    way to its extensions, and remain only if there are fewer than `width` schedules in all.
    """
    situation = Situation(shop, width, scheme)
    likelihood = torch.full((width,), -torch.inf)
    likelihood[0] = 0.0
    for _ in range(int(situation.total[0])):
        if stop is not None and stop():
            return None
        mask = situation.candidates()
        log_prob = torch.zeros(mask.shape).masked_fill_(~mask, -torch.inf)
        rows = (mask.sum(1) > 1).nonzero().squeeze(1)
        if len(rows):
            own = mask[rows]
            dense = torch.full(own.shape, -torch.inf)
            dense[own] = network(embeddings, situation.decisions(own, rows))[0]
            log_prob[rows] = dense
        likelihood, at = (likelihood.unsqueeze(1) + log_prob).flatten().topk(width)
        parent, action = at // mask.shape[1], at % mask.shape[1]
        _pick(situation, parent)
        # a row of probability 0 may hold any action: it takes its first candidate
        legal = mask[parent, action]
        situation.apply(torch.where(legal, action, mask[parent].int().argmax(1)))
    return Built(situation.partial, situation.partial.makespan, situation.unit, None)


def _pick(situation: Situation, parent: Tensor) -> None:
    """Replace every row by a copy of its parent; the shops are all the same."""
    partial = situation.partial
    for field in fields(partial):
        setattr(partial, field.name, getattr(partial, field.name).index_select(0, parent))
    situation.potential.to_come = situation.potential.to_come.index_select(0, parent)
