"""The disjunctive graph of B partial schedules: edges built once per set of instances, node features in place.

Nodes are operations; node ``(b * n + j) * K + k`` is operation k of job j of shop b, padding included, so that the
edges of all shops lie in one flat index that message passing takes as it is. Conjunctive edges lead from an
operation to the next of its job, disjunctive ones join, in both directions, operations of different jobs that may
run on one machine. Roy and Sussmann 1964 (SEMA D.S. 9bis).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.simulators.batched import job_shop_graph_kernels as kernels
from counterpoint.simulators.batched.job_shop import NEVER, Partial, Shops
from counterpoint.simulators.batched.job_shop_flexible import FlexiblePartial, FlexibleShops

OPERATION_FEATURES = ("is_scheduled", "is_next", "start", "duration", "followers")
JOB_FEATURES = ("start", "work", "operations")
MACHINE_FEATURES = ("free", "work", "operations")


@dataclass(frozen=True, slots=True)
class Edges:
    """Flat edges, each an int64 tensor [2, E] of nodes (source, target)."""

    conjunctive: Tensor
    disjunctive: Tensor


def options_of(shops: Shops | FlexibleShops) -> tuple[Tensor, Tensor, Tensor]:
    """Return machine and duration, int64 [B, n, K, O], and whether there is such an option, bool."""
    if isinstance(shops, FlexibleShops):
        o = shops.machine.shape[3]
        return shops.machine, shops.duration, torch.arange(o, device=shops.count.device) < shops.count.unsqueeze(3)
    k = shops.machine.shape[2]
    is_operation = torch.arange(k, device=shops.length.device) < shops.length.unsqueeze(2)
    return shops.machine.unsqueeze(3), shops.duration.unsqueeze(3), is_operation.unsqueeze(3)


def edges_of(shops: Shops | FlexibleShops) -> Edges:
    """Build the edges; O(B N^2) time and memory, and waits for the device: once per set of instances."""
    machine, _, is_option = options_of(shops)
    batch, n, k, o = machine.shape
    device = machine.device
    node = torch.arange(batch * n * k, device=device).view(batch, n, k)
    has_next = is_option[:, :, 1:, 0]
    conjunctive = torch.stack([node[:, :, :-1][has_next], node[:, :, 1:][has_next]])
    runs_on = torch.zeros(batch, n * k, shops.num_machines, device=device)
    runs_on.scatter_add_(2, machine.view(batch, n * k, o), is_option.view(batch, n * k, o).float())
    job = torch.arange(n, device=device).repeat_interleave(k)
    shares = (runs_on @ runs_on.transpose(1, 2) > 0) & (job.unsqueeze(1) != job.unsqueeze(0))
    row, source, target = shares.nonzero(as_tuple=True)
    return Edges(conjunctive, torch.stack([row * (n * k) + source, row * (n * k) + target]))


class NodeFeatures:
    """Features of operations, jobs and machines of B partial schedules; `update` writes them into the same memory.

    Times are in the shop's own units, counted from now, the earliest time at which anything can start; of flexible
    shops, the least duration and the earliest free machine of an operation are taken, so that times are lower
    bounds throughout.

    Parameters
    ----------
    shops : Shops or FlexibleShops
        Of the partial schedules to come, which must keep their ends.
    is_compiled : bool, optional
        Describe by compiled loops; default: on CPU. The features are the same, bit for bit.

    Attributes
    ----------
    operation : float32 tensor [B, n * K, 5]
        `OPERATION_FEATURES`: start is the actual one of a scheduled operation, the earliest possible of others;
        followers are the operations of its job after it.
    job : float32 tensor [B, n, 3]
        `JOB_FEATURES`: start of the next operation; work and operations to come.
    machine : float32 tensor [B, m, 3]
        `MACHINE_FEATURES`: when it is free; work and operations to come (of flexible shops, shared equally among
        each operation's machines).
    """

    __slots__ = (
        "_before", "_closed", "_count", "_duration", "_durations", "_index", "_is_padding", "_length", "_machine",
        "_option", "_place", "_rest", "_share", "_times", "_times_too", "_work", "is_compiled", "job", "machine",
        "operation",
    )  # fmt: skip

    def __init__(self, shops: Shops | FlexibleShops, *, is_compiled: bool | None = None) -> None:
        machine, duration, is_option = options_of(shops)
        batch, n, k, o = machine.shape
        device = machine.device
        self.is_compiled = device.type == "cpu" if is_compiled is None else is_compiled
        self._machine, self._closed = machine.reshape(batch, -1), None
        if o > 1:
            self._closed = torch.where(is_option, 0, NEVER)
        self._is_padding = ~is_option[..., 0]
        self._durations = duration
        self._length = (~self._is_padding).sum(2)
        least = duration.masked_fill(~is_option, NEVER).amin(3)
        self._duration = least.masked_fill_(self._is_padding, 0)
        self._before = self._duration.cumsum(2) - self._duration
        total = self._duration.sum(2, keepdim=True)
        self._rest = (total - torch.cat([self._before, total], 2)).float()  # work from operation k on, k = 0 .. K
        self._place = torch.arange(k, device=device)
        self._count = is_option.sum(3)
        share = is_option / self._count.unsqueeze(3).clamp(min=1)
        self._share, self._work = share, duration.masked_fill(~is_option, 0) * share
        self._option = torch.zeros_like(self._count)  # the one that classical shops choose
        # memory to work in, unless compiled: fresh pages for large tensors would take most of the time
        room = 0 if self.is_compiled else batch
        self._times, self._times_too, self._index = (self._before.new_empty(room, n, k) for _ in range(3))
        self.operation = torch.zeros(batch, n * k, 5, device=device)
        operation = self.operation.view(batch, n, k, 5)
        operation[..., 3] = self._duration
        operation[..., 4] = (self._length.unsqueeze(2) - 1 - self._place).clamp(min=0)
        self.job = torch.zeros(batch, n, 3, device=device)
        self.machine = torch.zeros(batch, shops.num_machines, 3, device=device)

    def update(self, partial: Partial | FlexiblePartial) -> None:
        """Describe `partial`; O(B n K O), nothing is allocated that outlives the call, nothing waits."""
        if partial.end is None:
            raise ValueError("node features need the ends: build with empty(shops, keeps_ends=True)")
        if self.is_compiled:
            self._update_compiled(partial)
            return
        batch, n, k = self._duration.shape
        begin = partial.begin if partial.begin.dim() == 2 else partial.begin.min(2).values
        is_done = begin >= NEVER
        now = begin.gather(1, begin.argmin(1, keepdim=True))
        now = torch.where(now >= NEVER, partial.makespan.unsqueeze(1), now)
        step = partial.step.unsqueeze(2)
        at = step.clamp(max=k - 1)
        is_scheduled = self._place < step
        # earliest start = longest way: est_k = max(est_k-1 + p_k-1, free_k); est - (work before) is a running maximum
        slack, start = self._times, self._times_too
        if self._closed is None:
            torch.gather(partial.free, 1, self._machine, out=slack.view(batch, n * k))
        else:
            free = partial.free.gather(1, self._machine).view(self._closed.shape)
            torch.amin(torch.maximum(free, self._closed), 3, out=slack)
        slack.sub_(self._before).masked_fill_(is_scheduled, -NEVER)
        slack.scatter_(2, at, begin.unsqueeze(2) - self._before.gather(2, at))
        torch.cummax(slack, 2, out=(start, self._index))
        start += self._before
        if isinstance(partial, FlexiblePartial) and partial.option is not None:
            torch.gather(self._durations, 3, partial.option.unsqueeze(3), out=slack.unsqueeze(3))
            torch.sub(partial.end, slack, out=slack)
        else:
            torch.sub(partial.end, self._duration, out=slack)
        torch.where(is_scheduled, slack, start, out=start)
        start.sub_(now.unsqueeze(2)).masked_fill_(self._is_padding, 0)
        operation = self.operation.view(batch, n, k, 5)
        operation[..., 0] = is_scheduled
        operation[..., 1] = 0
        operation[..., 1].scatter_(2, at, (~is_done).unsqueeze(2).float())
        operation[..., 2] = start
        self.job[..., 0] = (begin - now).masked_fill_(is_done, 0)
        self.job[..., 1] = self._rest.gather(2, step).squeeze(2)
        self.job[..., 2] = self._length - partial.step
        self.machine[..., 0] = partial.free - now
        self.machine[..., 1:] = 0
        for column, amount in ((1, self._work), (2, self._share)):
            to_come = amount.masked_fill(is_scheduled.unsqueeze(3), 0.0).view(batch, -1)
            self.machine[..., column].scatter_add_(1, self._machine, to_come)

    def _update_compiled(self, partial: Partial | FlexiblePartial) -> None:
        batch, n, k, o = self._durations.shape
        option = partial.option if isinstance(partial, FlexiblePartial) else self._option
        arrays = (
            self._length, self._machine.view(batch, n, k, o), self._durations, self._count, self._work, self._share,
            self._duration, self._rest, partial.step, partial.begin.view(batch, n, o), partial.free, partial.end,
            option, self.operation.view(batch, n, k, len(OPERATION_FEATURES)), self.job, self.machine,
        )  # fmt: skip
        kernels.describe(*(x.numpy() for x in arrays))
