"""Dispatching in B flexible job shops at once: an action is a job and one of the options of its next operation.

The schemes of `job_shop`, over pairs (job, option) in place of jobs; an action is the flat index
``job * O + option``. With one option each (O = 1) both modules build the same schedules.
Times are int64, exact; nothing waits for the device.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.job_shop import NEVER, Scheme


@dataclass(frozen=True, slots=True)
class FlexibleShops:
    """B flexible job shops (no windows, no blocking), padded to n jobs of K operations of O options.

    Parameters
    ----------
    machine, duration : int64 tensor [B, n, K, O]
        Padding is machine 0, duration 0.
    count : int64 tensor [B, n, K]
        Options of each operation; 0 where there is no operation.
    num_machines : int
        m, the most of any shop.
    """

    machine: Tensor
    duration: Tensor
    count: Tensor
    num_machines: int
    # operations behind each other, each job followed by one without options: rows [B * n * (K + 1), O]
    _machine: Tensor = field(init=False, repr=False, compare=False)
    _duration: Tensor = field(init=False, repr=False, compare=False)
    _ready: Tensor = field(init=False, repr=False, compare=False)  # 0 where there is an option, else NEVER
    _first: Tensor = field(init=False, repr=False, compare=False)  # [B] where each shop begins

    def __post_init__(self) -> None:
        batch, n, k, o = self.machine.shape
        device = self.machine.device
        after = self.machine.new_zeros(batch, n, 1, o)
        is_option = torch.arange(o, device=device) < self.count.unsqueeze(3)
        ready = torch.where(is_option, 0, NEVER)
        object.__setattr__(self, "_machine", torch.cat([self.machine, after], 2).view(-1, o))
        object.__setattr__(self, "_duration", torch.cat([self.duration, after], 2).view(-1, o))
        object.__setattr__(self, "_ready", torch.cat([ready, after + NEVER], 2).view(-1, o))
        object.__setattr__(self, "_first", torch.arange(batch, device=device) * (n * (k + 1)))

    @property
    def length(self) -> Tensor:
        """Operations of each job, int64 [B, n]."""
        return (self.count > 0).sum(2)

    @classmethod
    def of(cls, instances: list[JobShop], device: torch.device | str = "cpu") -> "FlexibleShops":
        """Stack instances, classical ones too; UnsupportedError for blocking, windows and due dates."""
        for shop in instances:
            if foreign := shop.features - {"flexible"}:
                raise UnsupportedError(f"dispatching in a batch does not know {', '.join(sorted(foreign))}")
        n = max(shop.num_jobs for shop in instances)
        k = max(int((shop.job_offsets[1:] - shop.job_offsets[:-1]).max()) for shop in instances)
        o = max(int((shop.option_offsets[1:] - shop.option_offsets[:-1]).max()) for shop in instances)
        machine, duration = (torch.zeros(len(instances), n, k, o, dtype=torch.int64) for _ in range(2))
        count = torch.zeros(len(instances), n, k, dtype=torch.int64)
        for b, shop in enumerate(instances):
            job = torch.from_numpy(shop.job_of)
            within = torch.arange(shop.num_operations) - torch.tensor(shop.job_offsets)[job]
            offsets = torch.tensor(shop.option_offsets)
            count[b, job, within] = offsets.diff()
            operation = torch.repeat_interleave(offsets.diff())
            option = torch.arange(len(operation)) - offsets[operation]
            machine[b, job[operation], within[operation], option] = torch.tensor(shop.option_machine)
            duration[b, job[operation], within[operation], option] = torch.tensor(shop.option_duration)
        m = max(shop.num_machines for shop in instances)
        return cls(machine.to(device), duration.to(device), count.to(device), m)

    def repeat(self, times: int) -> "FlexibleShops":
        """Return each shop `times` times in a row: rows b * times ... b * times + times - 1 are shop b."""
        tensors = (x.repeat_interleave(times, dim=0) for x in (self.machine, self.duration, self.count))
        return FlexibleShops(*tensors, self.num_machines)


@dataclass(slots=True)
class FlexiblePartial:
    """Partial schedules of B flexible shops; `advance` changes it in place.

    Parameters
    ----------
    step : int64 tensor [B, n]
        Operations scheduled of each job.
    ready : int64 tensor [B, n, O]
        When the job may go on, for each option of its next operation; NEVER where there is none.
    free : int64 tensor [B, m]
        When each machine ends its last operation.
    machine, duration : int64 tensor [B, n, O]
        Of each option of each job's next operation; 0 where there is none.
    end, option : int64 tensor [B, n, K] or None
        End and chosen option of each operation scheduled; 0 of others. None if nobody asked for them.
    begin : int64 tensor [B, n, O]
        Earliest start on each option; NEVER or later where there is none.
    """

    step: Tensor
    ready: Tensor
    free: Tensor
    machine: Tensor
    duration: Tensor
    end: Tensor | None
    option: Tensor | None
    begin: Tensor

    @property
    def makespan(self) -> Tensor:
        """Latest end so far, int64 [B]."""
        return self.free.max(1).values

    @property
    def is_done(self) -> Tensor:
        """Whether every job is done, bool [B]."""
        return (self.ready == NEVER).flatten(1).all(1)


def empty(shops: FlexibleShops, *, keeps_ends: bool = True) -> FlexiblePartial:
    """Return the partial schedules in which nothing is scheduled; without `keeps_ends`, only makespans are kept."""
    batch, n, k, o = shops.machine.shape
    ready = shops._ready.view(batch, n, k + 1, o)[:, :, 0].clone()
    return FlexiblePartial(
        step=shops.count.new_zeros(batch, n),
        ready=ready,
        free=shops.count.new_zeros(batch, shops.num_machines),
        machine=shops.machine[:, :, 0].clone(),
        duration=shops.duration[:, :, 0].clone(),
        end=torch.zeros_like(shops.count) if keeps_ends else None,
        option=torch.zeros_like(shops.count) if keeps_ends else None,
        begin=ready.clone(),
    )


def candidates(partial: FlexiblePartial, scheme: Scheme) -> Tensor:
    """Return which pairs (job, option) may be chosen, bool [B, n * O]; none in a row that is done."""
    if scheme == "append":
        return (partial.ready != NEVER).flatten(1)
    begin = partial.begin.flatten(1)
    if scheme == "nondelay":
        earliest = begin.gather(1, begin.argmin(1, keepdim=True))
        return begin == earliest.masked_fill_(earliest >= NEVER, -1)
    complete, machine = begin + partial.duration.flatten(1), partial.machine.flatten(1)
    first = complete.argmin(1, keepdim=True)
    limit = complete.gather(1, first)
    limit.masked_fill_(limit >= NEVER, -1)
    on_target = machine == machine.gather(1, first)
    conflict = on_target & (begin < limit)
    # an option of duration zero completes when it starts: then those that complete at the limit are meant
    return torch.where(conflict.any(1, keepdim=True), conflict, on_target & (complete == limit))


def advance(shops: FlexibleShops, partial: FlexiblePartial, action: Tensor) -> Tensor:
    """Schedule the next operation of job ``action // O`` by option ``action % O``, [B]; return its end, int64 [B].

    In a row that is done, and where there is no such option, nothing happens and the end is NEVER or later.
    """
    batch, _, k, o = shops.machine.shape
    at = action.unsqueeze(1)
    job = at // o
    begin, machine = partial.begin.view(batch, -1).gather(1, at), partial.machine.view(batch, -1).gather(1, at)
    end = begin + partial.duration.view(batch, -1).gather(1, at)
    is_live = begin < NEVER
    step = partial.step.gather(1, job)
    if partial.end is not None and partial.option is not None:
        place = job * k + step.clamp(max=k - 1)
        for log, value in ((partial.end.view(batch, -1), end), (partial.option.view(batch, -1), at % o)):
            log.scatter_(1, place, torch.where(is_live, value, log.gather(1, place)))
    partial.free.scatter_(1, machine, torch.where(is_live, end, partial.free.gather(1, machine)))
    step = step + is_live
    partial.step.scatter_(1, job, step)
    cursor = (shops._first.unsqueeze(1) + job * (k + 1) + step).view(-1)
    row = job.unsqueeze(2).expand(batch, 1, o)
    for field_, table in ((partial.machine, shops._machine), (partial.duration, shops._duration)):
        field_.scatter_(1, row, table.index_select(0, cursor).unsqueeze(1))
    # a row in which nothing happened keeps when its job was ready
    ready = torch.where(is_live, end, partial.ready.view(batch, -1).gather(1, job * o)).unsqueeze(2)
    partial.ready.scatter_(1, row, torch.maximum(ready, shops._ready.index_select(0, cursor).unsqueeze(1)))
    torch.gather(partial.free, 1, partial.machine.view(batch, -1), out=partial.begin.view(batch, -1))
    torch.maximum(partial.begin, partial.ready, out=partial.begin)
    return end.squeeze(1)
