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
        Work to come on each machine; of flexible shops all of it (by least durations) in column 0.
    """

    __slots__ = ("_is_flexible", "_least", "_machines", "rest", "to_come")

    def __init__(self, shops: Shops | FlexibleShops) -> None:
        machine, duration, is_option = options_of(shops)
        batch, n, _, _ = machine.shape
        self._is_flexible = isinstance(shops, FlexibleShops)
        is_operation = is_option[..., 0]
        self._least = duration.masked_fill(~is_option, NEVER).amin(3).masked_fill(~is_operation, 0)
        work = torch.cat([self._least, self._least.new_zeros(batch, n, 1)], 2)
        self.rest = work.flip(2).cumsum(2).flip(2)
        self.to_come = machine.new_zeros(batch, shops.num_machines)
        used = machine.new_zeros(batch, shops.num_machines)
        used.scatter_add_(1, machine.view(batch, -1), is_option.view(batch, -1).long())
        self._machines = (used > 0).sum(1).clamp(min=1)
        if self._is_flexible:
            self.to_come[:, 0] = self.rest[:, :, 0].sum(1)
        else:
            self.to_come.scatter_add_(1, machine.view(batch, -1), self._least.view(batch, -1))

    def take(self, partial: Partial | FlexiblePartial, action: Tensor, o: int) -> None:
        """Note that `action` [B] is about to be applied to `partial`."""
        at = action.unsqueeze(1)
        job = at // o
        step = partial.step.gather(1, job)
        if self._is_flexible:
            rest = self.rest.flatten(1)
            k = self.rest.shape[2]
            place = job * k + step
            self.to_come[:, :1] -= rest.gather(1, place) - rest.gather(1, (place + 1).clamp_(max=rest.shape[1] - 1))
        else:
            self.to_come.scatter_add_(1, partial.machine.gather(1, job), -partial.duration.gather(1, job))

    def value(self, partial: Partial | FlexiblePartial) -> Tensor:
        """Return the bound, int64 [B]."""
        rest = self.rest.gather(2, partial.step.unsqueeze(2)).squeeze(2)
        begin = partial.begin
        if self._is_flexible:
            # the next operation ends when its earliest option does; what follows takes its least durations
            after = (partial.step + 1).clamp(max=self.rest.shape[2] - 1).unsqueeze(2)
            complete = (begin + partial.duration).min(2).values
            by_job = complete + self.rest.gather(2, after).squeeze(2)
            total = partial.free.sum(1) + self.to_come[:, 0]
            by_machine = (total + self._machines - 1) // self._machines
        else:
            by_job = begin + rest
            by_machine = (partial.free + self.to_come).max(1).values
        by_job = by_job.masked_fill(by_job >= NEVER, 0).max(1).values
        return torch.maximum(torch.maximum(by_job, by_machine), partial.makespan)
