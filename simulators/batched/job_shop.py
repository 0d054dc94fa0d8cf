"""Dispatching in B job shops at once: the state of a partial schedule as tensors, and the step that extends it.

The decisions are those of the dispatching rules (see `solvers/rules/job_shop_kernels`): at each step one job's
next operation is scheduled at its earliest start ``max(job ready, machine free)``; a scheme says which jobs may be
chosen:

- ``nondelay``: those whose next operation can start earliest of all;
- ``active`` (Giffler and Thompson 1960, Operations Research 8:487-503): those in conflict on the machine of the
  earliest completion of all;
- ``append``: all.

Every shop of a batch may have its own sizes; jobs and operations are padded. Times are int64, exact. One step costs
O(B (n + m)) and some thirty tensor operations, whatever B is; none waits for the device.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop

Scheme = Literal["nondelay", "active", "append"]
NEVER = 2**62
DURATION_SHIFT = 22  # durations are at most 2^40 (see JobShop), machines fewer than 2^21


@dataclass(frozen=True, slots=True)
class Shops:
    """B classical job shops (no options, no windows), padded to n jobs of K operations.

    Parameters
    ----------
    machine, duration : int64 tensor [B, n, K]
        Padding is machine 0, duration 0.
    length : int64 tensor [B, n]
        Operations of each job; 0 where there is no job.
    num_machines : int
        m, the most of any shop.
    """

    machine: Tensor
    duration: Tensor
    length: Tensor
    num_machines: int
    # duration, machine and "is over" of each operation in one number, jobs behind each other; each job is followed by
    # its last operation once more, which is over: one look-up a step in memory far away
    _packed: Tensor = field(init=False, repr=False, compare=False)
    _first: Tensor = field(init=False, repr=False, compare=False)  # [B, 1] where each shop begins there

    def __post_init__(self) -> None:
        if self.num_machines >= 2 ** (DURATION_SHIFT - 1):
            raise UnsupportedError(f"{self.num_machines} machines are more than a batch of shops can hold")
        batch, n, k = self.machine.shape
        place = torch.arange(k + 1, device=self.machine.device)
        at = torch.minimum(place, self.length.unsqueeze(2) - 1).clamp_(min=0)
        packed = (self.duration << DURATION_SHIFT) + (self.machine << 1)
        packed = packed.gather(2, at) + (place >= self.length.unsqueeze(2))
        object.__setattr__(self, "_packed", packed.flatten())
        first = torch.arange(batch, device=self.machine.device).unsqueeze(1) * (n * (k + 1))
        object.__setattr__(self, "_first", first)

    @classmethod
    def of(cls, instances: list[JobShop], device: torch.device | str = "cpu") -> "Shops":
        """Stack instances; InstanceError if one is flexible."""
        n = max(shop.num_jobs for shop in instances)
        k = max(int((shop.job_offsets[1:] - shop.job_offsets[:-1]).max()) for shop in instances)
        machine, duration = (torch.zeros(len(instances), n, k, dtype=torch.int64) for _ in range(2))
        length = torch.zeros(len(instances), n, dtype=torch.int64)
        for b, shop in enumerate(instances):
            job = torch.from_numpy(shop.job_of)
            within = torch.arange(shop.num_operations) - torch.tensor(shop.job_offsets)[job]
            machine[b, job, within] = torch.tensor(shop.machine)
            duration[b, job, within] = torch.tensor(shop.duration)
            length[b, : shop.num_jobs] = torch.tensor(shop.job_offsets[1:] - shop.job_offsets[:-1])
        m = max(shop.num_machines for shop in instances)
        return cls(machine.to(device), duration.to(device), length.to(device), m)

    def repeat(self, times: int) -> "Shops":
        """Return each shop `times` times in a row: rows b * times ... b * times + times - 1 are shop b."""
        machine, duration, length = (
            x.repeat_interleave(times, dim=0) for x in (self.machine, self.duration, self.length)
        )
        return Shops(machine, duration, length, self.num_machines)


@dataclass(slots=True)
class Partial:
    """Partial schedules of B shops; `advance` changes it in place.

    Parameters
    ----------
    step : int64 tensor [B, n]
        Operations scheduled of each job.
    ready : int64 tensor [B, n]
        When the job may go on; NEVER if it is done.
    free : int64 tensor [B, m]
        When each machine ends its last operation.
    machine, duration : int64 tensor [B, n]
        Of each job's next operation (of its last one, if done).
    end : int64 tensor [B, n, K] or None
        End of each operation scheduled; 0 of others. None if nobody asked for it.
    begin : int64 tensor [B, n], optional
        Earliest start of each job's next operation; NEVER or later if the job is done. Follows from the others.
    """

    step: Tensor
    ready: Tensor
    free: Tensor
    machine: Tensor
    duration: Tensor
    end: Tensor | None
    begin: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.begin is None:
            self.begin = torch.maximum(self.ready, self.free.gather(1, self.machine))

    @property
    def makespan(self) -> Tensor:
        """Latest end so far, int64 [B]."""
        return self.free.max(1).values  # amax of int64 is five times as slow

    @property
    def is_done(self) -> Tensor:
        """Whether every job is done, bool [B]."""
        return (self.ready == NEVER).all(1)


def empty(shops: Shops, *, keeps_ends: bool = True) -> Partial:
    """Return the partial schedules in which nothing is scheduled; without `keeps_ends`, only makespans are kept."""
    batch, n, _ = shops.machine.shape
    zeros = torch.zeros(batch, n, dtype=torch.int64, device=shops.machine.device)
    return Partial(
        step=zeros.clone(),
        ready=torch.where(shops.length > 0, 0, NEVER),
        free=torch.zeros(batch, shops.num_machines, dtype=torch.int64, device=zeros.device),
        machine=shops.machine[:, :, 0].clone(),
        duration=shops.duration[:, :, 0].clone(),
        end=torch.zeros_like(shops.duration) if keeps_ends else None,
    )


def candidates(partial: Partial, scheme: Scheme) -> Tensor:
    """Return which jobs may be chosen, bool [B, n]; none in a row that is done."""
    begin = partial.begin
    if scheme == "append":
        return partial.ready != NEVER
    if scheme == "nondelay":
        earliest = begin.gather(1, begin.argmin(1, keepdim=True))
        return begin == earliest.masked_fill_(earliest >= NEVER, -1)
    complete = begin + partial.duration
    first = complete.argmin(1, keepdim=True)
    limit = complete.gather(1, first)
    limit.masked_fill_(limit >= NEVER, -1)
    on_target = partial.machine == partial.machine.gather(1, first)
    conflict = on_target & (begin < limit)
    # an operation of duration zero completes when it starts: then those that complete at the limit are meant
    return torch.where(conflict.any(1, keepdim=True), conflict, on_target & (complete == limit))


def draw(mask: Tensor, generator: torch.Generator) -> Tensor:
    """Choose one of each row's candidates with equal probability, int64 [B]; the last job where there is none."""
    kind = torch.int8 if mask.shape[1] < 128 else torch.int32  # a byte is twice as fast
    count = mask.view(torch.int8).cumsum(1, dtype=kind)
    uniform = torch.rand(len(mask), 1, generator=generator, device=mask.device)
    # below count, whatever the rounding: the largest float32 below 1 times an integer rounds to less than it
    rank = (uniform * count[:, -1:]).to(kind)
    return torch.searchsorted(count, rank, right=True).squeeze(1).clamp_(max=mask.shape[1] - 1)


def advance(shops: Shops, partial: Partial, job: Tensor) -> Tensor:
    """Schedule the next operation of `job` [B] at its earliest start; return its end, int64 [B].

    In a row that is done nothing happens and the end is NEVER or later.
    """
    batch, n, k = shops.machine.shape
    at = job.unsqueeze(1)
    begin, step, machine = partial.begin.gather(1, at), partial.step.gather(1, at), partial.machine.gather(1, at)
    is_live = begin < NEVER
    end = begin + partial.duration.gather(1, at)
    if partial.end is not None:
        ends = partial.end.view(batch, n * k)
        place = at * k + step.clamp(max=k - 1)
        ends.scatter_(1, place, torch.where(is_live, end, ends.gather(1, place)))
    partial.free.scatter_(1, machine, torch.where(is_live, end, partial.free.gather(1, machine)))
    partial.step.scatter_(1, at, step.add_(is_live))
    cursor = torch.add(shops._first, at, alpha=k + 1).add_(step)
    packed = shops._packed.index_select(0, cursor.view(-1)).view(batch, 1)
    partial.duration.scatter_(1, at, packed >> DURATION_SHIFT)
    partial.machine.scatter_(1, at, (packed >> 1) & (2 ** (DURATION_SHIFT - 1) - 1))
    partial.ready.scatter_(1, at, end.masked_fill((packed & 1) == 1, NEVER))
    torch.gather(partial.free, 1, partial.machine, out=partial.begin)
    torch.maximum(partial.begin, partial.ready, out=partial.begin)
    return end.squeeze(1)
