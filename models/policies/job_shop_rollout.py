"""Building schedules with the pointer network: many samples of many shops in step.

One step schedules one operation in every row. Where a row has a single candidate, as in half the steps, the network
is not asked. Every step costs some fifty tensor operations, so up to a few hundred rows cost little more than one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from counterpoint.models.networks.job_shop_features import State, Tables, choices_of
from counterpoint.models.networks.job_shop_pointer import JobShopPointer
from counterpoint.simulators.batched.job_shop import NEVER, Partial, Shops, advance, candidates, empty

Scheme = Literal["active", "nondelay"]


@dataclass(frozen=True, slots=True)
class Built:
    """Schedules of B * samples rows, row i of shop ``i // samples``.

    Parameters
    ----------
    start : int64 tensor [B * samples, n, K]
    makespan : int64 tensor [B * samples]
    decisions : int
        Choices the network made.
    """

    start: Tensor
    makespan: Tensor
    decisions: int


@torch.no_grad()
def roll_out(
    network: JobShopPointer,
    shops: Shops,
    embedding: Tensor,
    *,
    temperature: Tensor,
    generator: torch.Generator | None = None,
    nondelay: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Built | None:
    """Build schedules of each shop.

    Parameters
    ----------
    network : JobShopPointer
    shops : Shops
    embedding : float tensor
        ``network.encode(shops)``.
    temperature : float tensor [samples]
        Of each sample of every shop: 0 takes the likeliest candidate, 1 draws as the network says, more is wilder.
    generator : torch.Generator, optional
        Without one nothing is drawn, whatever the temperature.
    nondelay : int
        The first so many samples of each shop are non-delay schedules, the others active.
    stop : callable, optional
        Asked at each step whether to give up, which returns None.
    """
    samples = len(temperature)
    tables = Tables.of(shops)
    rows = shops.repeat(samples)
    partial = empty(rows)
    load = tables.load.repeat_interleave(samples, 0)
    unit = tables.unit.repeat_interleave(samples, 0)
    is_nondelay = (torch.arange(len(load), device=load.device) % samples < nondelay).unsqueeze(1)
    heat = temperature.to(load.device, torch.float32).repeat(len(shops.machine)).unsqueeze(1)
    decisions = 0
    for _ in range(int(shops.length.sum(1).max())):
        mask = _mask(partial, is_nondelay, nondelay, samples)
        chosen = mask.to(torch.uint8).argmax(1)
        if stop is not None and stop():
            return None
        open_rows = (mask.sum(1) > 1).nonzero().squeeze(1)
        if len(open_rows):
            state = State.of(partial, load, open_rows, mask, samples)
            logits = network(embedding, choices_of(tables, state))
            dense = torch.full(state.mask.shape, -torch.inf, device=logits.device)
            dense.masked_scatter_(state.mask, logits)
            if generator is not None:  # the largest of logits plus Gumbel noise is a draw
                noise = torch.empty_like(dense).exponential_(generator=generator).log_()
                dense -= noise * heat.index_select(0, open_rows)
            chosen[open_rows] = dense.argmax(1)
            decisions += len(open_rows)
        step(rows, partial, load, unit, chosen)
    return Built(starts(rows, partial), partial.makespan, decisions)


def focused(partial: Partial, scheme: Scheme) -> Tensor:
    """Return the candidates of one machine only, bool [R, n].

    Active schedules are built so anyway. Of the non-delay candidates those on the machine of the earliest completion
    are kept: machines do not compete with one another, so no schedule is lost, and every choice left is a real one.
    """
    mask = candidates(partial, scheme)
    if scheme == "active":
        return mask
    end = (partial.begin + partial.duration).masked_fill(~mask, NEVER)
    target = partial.machine.gather(1, end.argmin(1, keepdim=True))
    return mask & (partial.machine == target)


def step(shops: Shops, partial: Partial, load: Tensor, unit: Tensor, job: Tensor) -> None:
    """Advance and take the work from its machine's load, both in place."""
    at = job.unsqueeze(1)
    is_live = partial.ready.gather(1, at) != NEVER
    machine, work = partial.machine.gather(1, at), partial.duration.gather(1, at) * unit * is_live
    advance(shops, partial, job)
    load.scatter_add_(1, machine, -work)


def starts(shops: Shops, partial: Partial) -> Tensor:
    """Return the start of every operation of complete schedules, int64 [R, n, K]."""
    assert partial.end is not None
    return partial.end - shops.duration


def _mask(partial: Partial, is_nondelay: Tensor, nondelay: int, samples: int) -> Tensor:
    """Return the candidates, each row under its own scheme."""
    if nondelay == 0:
        return focused(partial, "active")
    if nondelay >= samples:
        return focused(partial, "nondelay")
    return torch.where(is_nondelay, focused(partial, "nondelay"), focused(partial, "active"))
