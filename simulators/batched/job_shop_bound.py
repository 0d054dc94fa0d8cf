"""A lower bound on the makespan of what partial schedules can become: the potential of the dense reward.

The largest of the makespan so far, every job's earliest start plus work to come, and, in classical shops, every
machine's free time plus work to come; in flexible ones, the total of both over the machines, rounded up. Of a
complete schedule it is the makespan. Exact integers.
"""

import torch
from torch import Tensor

from counterpoint.simulators.batched.job_shop import NEVER, Partial, Shops
from counterpoint.simulators.batched.job_shop_flexible import FlexiblePartial, FlexibleShops
from counterpoint.simulators.batched.job_shop_graph import options_of


class MakespanBound:
    """The bound of B partial schedules, kept up to date decision by decision.

    Attributes
    ----------
    rest : int64 tensor [B, n, K + 1]
        Least work of each job from operation k on.
    to_come : int64 tensor [B, m]
        Work to come on each machine; where operations have options, all of it (by least durations) in column 0.
    machines : int64 tensor [B]
        How many each shop uses; at least 1.
    """

    __slots__ = ("_has_options", "_least", "machines", "rest", "to_come")

    def __init__(self, shops: Shops | FlexibleShops) -> None:
        machine, duration, is_option = options_of(shops)
        batch, n, _, o = machine.shape
        self._has_options = o > 1
        least = duration.masked_fill(~is_option, NEVER).amin(3)
        self._least = least.masked_fill_(~is_option[..., 0], 0)
        work = torch.cat([self._least, self._least.new_zeros(batch, n, 1)], 2)
        self.rest = work.flip(2).cumsum(2).flip(2)
        self.to_come = machine.new_zeros(batch, shops.num_machines)
        used = machine.new_zeros(batch, shops.num_machines)
        used.scatter_add_(1, machine.view(batch, -1), is_option.view(batch, -1).long())
        self.machines = (used > 0).sum(1).clamp(min=1)
        if self._has_options:
            self.to_come[:, 0] = self.rest[:, :, 0].sum(1)
        else:
            self.to_come.scatter_add_(1, machine.view(batch, -1), self._least.view(batch, -1))

    def take(self, partial: Partial | FlexiblePartial, action: Tensor) -> None:
        """Note that the legal `action` [B] is about to be applied to `partial`; rows that are done stay."""
        batch, n = partial.step.shape
        o = partial.machine.view(batch, n, -1).shape[2]
        at = action.unsqueeze(1)
        is_live = partial.begin.view(batch, -1).gather(1, at) < NEVER
        if self._has_options:
            rest = self.rest.flatten(1)
            place = at // o * self.rest.shape[2] + partial.step.gather(1, at // o)
            work = rest.gather(1, place) - rest.gather(1, (place + 1).clamp_(max=rest.shape[1] - 1))
            self.to_come[:, :1] -= work * is_live
        else:
            machine, duration = (x.view(batch, -1).gather(1, at) for x in (partial.machine, partial.duration))
            self.to_come.scatter_add_(1, machine, -duration * is_live)

    def value(self, partial: Partial | FlexiblePartial) -> Tensor:
        """Return the bound, int64 [B]."""
        batch, n = partial.step.shape
        if self._has_options:
            # the next operation ends when its earliest option does; what follows takes its least durations
            after = (partial.step + 1).clamp(max=self.rest.shape[2] - 1).unsqueeze(2)
            complete = (partial.begin + partial.duration).min(2).values
            by_job = complete + self.rest.gather(2, after).squeeze(2)
        else:
            by_job = partial.begin.view(batch, n) + self.rest.gather(2, partial.step.unsqueeze(2)).squeeze(2)
        by_job = by_job.masked_fill(by_job >= NEVER, 0).max(1).values
        return torch.maximum(torch.maximum(by_job, self._by_machine(partial).max(1).values), partial.makespan)

    def machine_work(self, partial: Partial | FlexiblePartial) -> Tensor:
        """Return the work to come on each machine, int64 [B, m]; where operations have options, the average of all."""
        if not self._has_options:
            return self.to_come
        return (self.to_come[:, :1] // self.machines.unsqueeze(1)).expand_as(partial.free)

    def _by_machine(self, partial: Partial | FlexiblePartial) -> Tensor:
        if not self._has_options:
            return partial.free + self.to_come
        total = partial.free.sum(1) + self.to_come[:, 0]
        return ((total + self.machines - 1) // self.machines).unsqueeze(1)
