"""Dispatching in B job shops at once: the state of a partial schedule as tensors, and the step that extends it.

The decisions are those of the dispatching rules (see `solvers/rules/job_shop_kernels`): at each step one job's
next operation is scheduled at its earliest start ``max(job ready, machine free)``; a scheme says which jobs may be
chosen:

- ``nondelay``: those whose next operation can start earliest of all;
- ``active`` (Giffler and Thompson 1960, Operations Research 8:487-503): those in conflict on the machine of the
  earliest completion of all;
- ``append``: all.

Every shop of a batch may have its own sizes; jobs and operations are padded. Times are int64, exact. One step costs
O(B (n + m)) and some twenty tensor operations, whatever B is.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from counterpoint.opt.problems.job_shop import JobShop

Scheme = Literal["nondelay", "active", "append"]
NEVER = 2**62


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
    end : int64 tensor [B, n, K]
        End of each operation scheduled; 0 of others.
    """

    step: Tensor
    ready: Tensor
    free: Tensor
    machine: Tensor
    duration: Tensor
    end: Tensor

    @property
    def begin(self) -> Tensor:
        """Earliest start of each job's next operation, int64 [B, n]; NEVER if the job is done."""
        return torch.maximum(self.ready, self.free.gather(1, self.machine))

    @property
    def makespan(self) -> Tensor:
        """Latest end so far, int64 [B]."""
        return self.free.amax(1)

    @property
    def is_done(self) -> Tensor:
        """Whether every job is done, bool [B]."""
        return (self.ready == NEVER).all(1)


def empty(shops: Shops) -> Partial:
    """Return the partial schedules in which nothing is scheduled."""
    batch, n, _ = shops.machine.shape
    zeros = torch.zeros(batch, n, dtype=torch.int64, device=shops.machine.device)
    return Partial(
        step=zeros.clone(),
        ready=torch.where(shops.length > 0, 0, NEVER),
        free=torch.zeros(batch, shops.num_machines, dtype=torch.int64, device=zeros.device),
        machine=shops.machine[:, :, 0].clone(),
        duration=shops.duration[:, :, 0].clone(),
        end=torch.zeros_like(shops.duration),
    )


def candidates(partial: Partial, scheme: Scheme) -> Tensor:
    """Return which jobs may be chosen, bool [B, n]; none in a row that is done."""
    begin = partial.begin
    if scheme == "append":
        return partial.ready != NEVER
    if scheme == "nondelay":
        return (begin == begin.amin(1, keepdim=True)) & (partial.ready != NEVER)
    limit, first = (begin + partial.duration).min(1, keepdim=True)
    on_target = (partial.machine == partial.machine.gather(1, first)) & (partial.ready != NEVER)
    conflict = on_target & (begin < limit)
    # an operation of duration zero completes when it starts: then those that complete at the limit are meant
    return torch.where(conflict.any(1, keepdim=True), conflict, on_target & (begin + partial.duration == limit))


def advance(shops: Shops, partial: Partial, job: Tensor) -> Tensor:
    """Schedule the next operation of `job` [B] at its earliest start; return its end, int64 [B].

    In a row that is done nothing happens and the end is NEVER or later.
    """
    batch, n, k = shops.machine.shape
    at = job.unsqueeze(1)
    is_live = partial.ready.gather(1, at) != NEVER
    machine, step = partial.machine.gather(1, at), partial.step.gather(1, at)
    free = partial.free.gather(1, machine)
    end = torch.maximum(partial.ready.gather(1, at), free) + partial.duration.gather(1, at)
    flat = at * k + step.clamp(max=k - 1)
    ends = partial.end.view(batch, n * k)
    ends.scatter_(1, flat, torch.where(is_live, end, ends.gather(1, flat)))
    partial.free.scatter_(1, machine, torch.where(is_live, end, free))
    step = step + is_live
    partial.step.scatter_(1, at, step)
    is_over = step >= shops.length.gather(1, at)
    partial.ready.scatter_(1, at, end.masked_fill(is_over, NEVER))
    flat = at * k + torch.minimum(step, shops.length.gather(1, at) - 1).clamp(min=0)
    partial.machine.scatter_(1, at, shops.machine.view(batch, n * k).gather(1, flat))
    partial.duration.scatter_(1, at, shops.duration.view(batch, n * k).gather(1, flat))
    return end.squeeze(1)
