"""Given schedules as sequences of decisions: what a network has to choose to build them, and what it saw."""

from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.networks.job_shop_features import Choices, State, Tables, choices_of
from counterpoint.models.policies.job_shop_rollout import starts, step
from counterpoint.simulators.batched.job_shop import NEVER, Shops, candidates, empty


@dataclass(frozen=True, slots=True)
class Replay:
    """Schedules as rebuilt, and the D decisions they take.

    Parameters
    ----------
    start : int64 tensor [B, n, K]
    makespan : int64 tensor [B]
    choices : Choices, optional
    target : int64 tensor [D], optional
        The candidate that was chosen, an index into the P candidates.
    """

    start: Tensor
    makespan: Tensor
    choices: Choices | None
    target: Tensor | None


@torch.no_grad()
def replay(shops: Shops, start: Tensor, *, describe: bool = True) -> Replay:
    """Rebuild schedules as active ones (Giffler and Thompson), the operation that starts first going first.

    An active schedule comes back as it is. Any other is shifted to the left: its operations end no later.

    Parameters
    ----------
    shops : Shops
    start : int64 tensor [B, n, K]
        Of each operation.
    describe : bool
        Whether the choices are wanted, or only the schedules.
    """
    batch, n, k = start.shape
    tables = Tables.of(shops)
    partial = empty(shops)
    load, unit = tables.load.clone(), tables.unit
    flat = start.reshape(batch, n * k)
    first = torch.arange(n, device=start.device) * k
    states, ranks = [], []
    for _ in range(int(shops.length.sum(1).max())):
        mask = candidates(partial, "active")
        complete = partial.begin + partial.duration
        limit, soonest = complete.amin(1, keepdim=True), complete.masked_fill(~mask, NEVER).argmin(1, keepdim=True)
        due = flat.gather(1, first + partial.step.clamp(max=k - 1)).masked_fill(~mask, NEVER)
        due, chosen = due.min(1, keepdim=True)
        # nobody started before the machine could have finished something: that fits in before all others
        chosen = torch.where(due < limit, chosen, soonest).squeeze(1)
        if describe:
            rows = (mask.sum(1) > 1).nonzero().squeeze(1)
            states.append(State.of(partial, load, rows, mask, 1))
            ranks.append((mask.cumsum(1) - 1).gather(1, chosen.unsqueeze(1)).squeeze(1)[rows])
        step(shops, partial, load, unit, chosen)
    built = starts(shops, partial), partial.makespan
    if not describe:
        return Replay(*built, None, None)
    choices = choices_of(tables, State.joined(states))
    target = choices.count.cumsum(0) - choices.count + torch.cat(ranks)
    return Replay(*built, choices, target)


def reverse(shops: Shops) -> Shops:
    """Return the shops run backwards in time: each job's operations in reverse order."""
    k = shops.machine.shape[2]
    place = torch.arange(k, device=shops.machine.device)
    at = torch.where(place < shops.length.unsqueeze(2), shops.length.unsqueeze(2) - 1 - place, place)
    return Shops(shops.machine.gather(2, at), shops.duration.gather(2, at), shops.length, shops.num_machines)


def reverse_start(shops: Shops, start: Tensor, makespan: Tensor) -> Tensor:
    """Return the schedules backwards: starts in ``reverse(shops)``, int64 [B, n, K]."""
    k = start.shape[2]
    place = torch.arange(k, device=start.device)
    at = torch.where(place < shops.length.unsqueeze(2), shops.length.unsqueeze(2) - 1 - place, place)
    return (makespan.view(-1, 1, 1) - start - shops.duration).gather(2, at)


def stacked(ways: list[Shops]) -> Shops:
    """Return shops of one shape as one batch."""
    if len(ways) == 1:
        return ways[0]
    parts = (torch.cat([getattr(way, name) for way in ways]) for name in ("machine", "duration", "length"))
    return Shops(*parts, ways[0].num_machines)
