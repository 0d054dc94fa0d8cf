"""What the job-shop pointer network sees: static features of operations, dynamic ones of the jobs to choose from.

All are free of scale and of size: times count in mean durations of the instance, relative to the earliest start now
possible; large numbers are squashed by asinh. The dynamic ones are computed for the candidates of rows that have a
choice only, a flat list of (row, job): in active schedules two jobs in three could not be chosen anyway.

Beside a rule's usual quantities there is one step of look-ahead: by how much the lower bound rises if this job goes
first and every other job waiting for its machine goes after it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.simulators.batched.job_shop import NEVER, Partial, Shops

NUM_STATIC, NUM_DYNAMIC = 10, 33


@dataclass(frozen=True, slots=True)
class Tables:
    """Static data of B shops, looked up by operation ``(shop * n + job) * K + index in job``; times in mean durations.

    Parameters
    ----------
    unit : float tensor [B, 1]
        One over the mean duration of the shop.
    load : float tensor [B, m]
        Work of each machine.
    duration, remaining : float tensor [B * n * K]
        Of the operation; of it and all after it in its job.
    machine : int64 tensor [B * n * K]
    length : int64 tensor [B, n]
    """

    unit: Tensor
    load: Tensor
    duration: Tensor
    remaining: Tensor
    machine: Tensor
    length: Tensor

    @classmethod
    def of(cls, shops: Shops) -> "Tables":
        """Build the tables; O(B n K)."""
        batch = shops.machine.shape[0]
        count = shops.length.sum(1, keepdim=True)
        total = shops.duration.sum((1, 2)).unsqueeze(1)
        unit = (count / total.clamp(min=1)).float()
        duration = shops.duration * unit.unsqueeze(2)
        remaining = duration.flip(2).cumsum(2).flip(2)
        load = duration.new_zeros(batch, shops.num_machines)
        load.scatter_add_(1, shops.machine.flatten(1), duration.flatten(1))
        return cls(unit, load, duration.flatten(), remaining.flatten(), shops.machine.flatten(), shops.length)


@dataclass(frozen=True, slots=True)
class Choices:
    """The candidates of D rows that have a choice, P in all, ordered by row.

    Parameters
    ----------
    row : int64 tensor [P]
        Which of the D rows the candidate is of, ascending.
    count : int64 tensor [D]
        Candidates of each row, at least 2.
    operation : int64 tensor [P]
        Index of the candidate's next operation in the tables.
    features : float tensor [P, NUM_DYNAMIC]
    """

    row: Tensor
    count: Tensor
    operation: Tensor
    features: Tensor


def static_features(shops: Shops) -> Tensor:
    """Return what is known of every operation before anything is scheduled, float [B, n, K, NUM_STATIC].

    Duration; work before and after it in its job; length of the job and load of the machine, relative to the mean and
    to the largest of all; position in the job from either end; whether there is such an operation at all.
    """
    batch, n, k = shops.machine.shape
    tables = Tables.of(shops)
    is_real = torch.arange(k, device=shops.machine.device) < shops.length.unsqueeze(2)
    duration, remaining = tables.duration.view(batch, n, k), tables.remaining.view(batch, n, k)
    job = remaining[:, :, :1]
    load = tables.load.gather(1, shops.machine.flatten(1)).view(batch, n, k)
    longest = torch.maximum(job.amax((1, 2), keepdim=True), tables.load.amax(1).view(batch, 1, 1)).clamp(min=1e-6)
    length = shops.length.unsqueeze(2).clamp(min=1)
    place = torch.arange(k, device=shops.machine.device).expand(batch, n, k)
    mean_load = tables.load.sum(1).div((tables.load > 0).sum(1).clamp(min=1)).clamp(min=1e-6).view(batch, 1, 1)
    mean_job = job.sum(1, keepdim=True).div((shops.length > 0).sum(1).clamp(min=1).view(batch, 1, 1)).clamp(min=1e-6)
    stacked = torch.stack(
        (
            duration,
            (job - remaining) / mean_job,
            (remaining - duration) / mean_job,
            (job / mean_job).expand(batch, n, k),
            load / mean_load,
            (job / longest).expand(batch, n, k),
            load / longest,
            place / length,
            (place == length - 1).float(),
            torch.log(mean_load / mean_job).expand(batch, n, k),
        ),
        dim=3,
    )
    return stacked * is_real.unsqueeze(3)


@dataclass(frozen=True, slots=True)
class State:
    """What of D partial schedules the features depend on.

    Parameters
    ----------
    shop : int64 tensor [D]
        Which shop of the tables the row is of.
    step, ready, machine : int64 tensor [D, n]
    free : int64 tensor [D, m]
        As in `Partial`.
    load : float tensor [D, m]
        Work not yet scheduled on each machine, in mean durations.
    mask : bool tensor [D, n]
        Which jobs may be chosen.
    """

    shop: Tensor
    step: Tensor
    ready: Tensor
    machine: Tensor
    free: Tensor
    load: Tensor
    mask: Tensor

    @classmethod
    def of(cls, partial: Partial, load: Tensor, rows: Tensor, mask: Tensor, samples: int) -> "State":
        """Pick some rows out of many; row i is of shop ``i // samples``."""
        picked = (x.index_select(0, rows) for x in (partial.step, partial.ready, partial.machine, partial.free, load))
        return cls(rows // samples, *picked, mask.index_select(0, rows))

    @classmethod
    def joined(cls, states: list["State"]) -> "State":
        """Put states one below the other."""
        return cls(*(torch.cat([getattr(one, name) for one in states]) for name in cls.__slots__))


def choices_of(tables: Tables, state: State) -> Choices:
    """Describe the candidates of every row; O(D (n + m) + P n)."""
    shop, step, ready, machine, load, mask = state.shop, state.step, state.ready, state.machine, state.load, state.mask
    n, m = step.shape[1], load.shape[1]
    length = tables.length.index_select(0, shop)
    k = tables.duration.shape[0] // tables.length.numel()
    unit = tables.unit.index_select(0, shop)
    is_live = ready != NEVER
    begin = torch.maximum(ready, state.free.gather(1, machine))
    now = begin.amin(1, keepdim=True)
    jobs = shop.unsqueeze(1) * n + torch.arange(n, device=shop.device)  # counted through all shops
    operation = jobs * k + torch.minimum(step, length - 1).clamp(min=0)
    # from here on floats, in mean durations from `now`
    start = (begin - now).masked_fill(~is_live, 0) * unit
    wait = (begin - ready).masked_fill(~is_live, 0) * unit
    free = (state.free - now) * unit
    duration = tables.duration.take(operation) * is_live
    remaining = tables.remaining.take(operation) * is_live
    busy = free.clamp(min=0) + load
    bound = torch.maximum((start + remaining).amax(1), busy.amax(1))
    queue = torch.zeros_like(load).scatter_add_(1, machine, duration)
    whole = tables.load.sum(1).index_select(0, shop).clamp(min=1e-6)
    heaviest = load.amax(1).clamp(min=1e-6)
    longest = remaining.amax(1).clamp(min=1e-6)
    live = is_live.sum(1)
    count = mask.sum(1)
    largest = torch.finfo(start.dtype).max
    per_row = torch.stack(
        (
            bound,
            torch.where(mask, start, largest).amin(1),
            torch.where(mask, start + duration, largest).amin(1),
            (remaining * mask).sum(1) / count,
            longest,
            heaviest,
            1 - load.sum(1) / whole,
            live / tables.length.gt(0).sum(1).index_select(0, shop),
            torch.log(live / tables.load.gt(0).sum(1).index_select(0, shop)),
            torch.log1p(bound),
            torch.log(count),
            torch.asinh(bound - longest),
        ),
        dim=1,
    )

    row, job = mask.nonzero(as_tuple=True)
    at = row * n + job
    (bound, earliest, soonest, mean_left, longest, heaviest), shared = (
        per_row[:, :6].index_select(0, row).unbind(1),
        per_row[:, 6:].index_select(0, row),
    )
    own = machine.take(at)
    here = row * m + own
    s, p, r, op = start.take(at), duration.take(at), remaining.take(at), operation.take(at)
    end = s + p
    full_length = length.take(at)
    left = full_length - step.take(at)
    has_next = (left > 1).to(s.dtype)
    successor = op + (left > 1)
    successor = successor.clamp(max=len(tables.machine) - 1)
    there = row * m + tables.machine.take(successor)
    load_there = load.take(there)

    # the others that wait for the same machine, P x n
    others = (machine.index_select(0, row) == own.unsqueeze(1)) & is_live.index_select(0, row)
    others.view(-1)[torch.arange(len(row), device=row.device) * n + job] = False
    start_of, remaining_of = start.index_select(0, row), remaining.index_select(0, row)
    worst = ((torch.maximum(end.unsqueeze(1), start_of) + remaining_of) * others).amax(1)
    delay = (end.unsqueeze(1) - start_of).clamp_(min=0).mul_(others)
    longest_other = (remaining_of * others).amax(1)
    next_other = start_of.masked_fill(~others, 1e3).amin(1)

    squashed = torch.asinh(
        torch.stack(
            (
                s,
                s - free.take(here),
                wait.take(at),
                bound - s - r,
                r - mean_left,
                r,
                (free.take(there) - end) * has_next,
                (bound - busy.take(there)) * has_next,
                queue.take(there) * has_next,
                bound - busy.take(here),
                queue.take(here),
                worst - bound,
                (worst - bound).clamp(min=0),
                delay.sum(1),
                longest_other - r,
                next_other - end,
            ),
            dim=1,
        )
    )
    linear = torch.stack(
        (
            s - earliest,
            p,
            end - soonest,
            tables.duration.take(successor) * has_next,
            torch.log1p((delay > 0).sum(1)),
            r / longest,
            left / full_length,
            torch.log1p(left),
            has_next,
            load.take(here) / heaviest,
            load_there / heaviest * has_next,
        ),
        dim=1,
    )
    return Choices(row, count, op, torch.cat((squashed, linear, shared), dim=1))
