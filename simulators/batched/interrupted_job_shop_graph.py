"""What a learned policy sees of interrupted job shops: a graph of jobs and machines that changes with every move.

Nodes are jobs and machines; an edge joins a job to every machine it holds or will still visit, so the disjunctions
between the operations of one machine meet in that machine. Edges vanish as operations end, and a job that is out has
none: the dynamic disjunctive graph of Wong et al. 2023 in padded tensors. Works are divided by the shop's mean
duration; features are ours.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from counterpoint.simulators.batched.interrupted_job_shop import (
    BLOCKED,
    OUT,
    PROCESSING,
    SOURCE,
    Batch,
    Decision,
    State,
    remaining,
)
from counterpoint.simulators.batched.job_shop import Shops

JOB_FEATURES, MACHINE_FEATURES, EDGE_FEATURES = 18, 10, 6


@dataclass(frozen=True, slots=True)
class Statics:
    """What does not change within an episode.

    Parameters
    ----------
    shops : Shops
    tail : int64 tensor [B, n, K + 1]
        Work of each job from operation k on.
    mean : float tensor [B]
        Mean duration of the shop's operations, at least 1.
    risk : float tensor [B, 2]
        Shutdown probability times the mean duration, and mean downtime per unit of up-time.
    """

    shops: Shops
    tail: Tensor
    mean: Tensor
    risk: Tensor

    @classmethod
    def of(cls, shops: Shops, probability: Tensor, repair_mean: Tensor) -> "Statics":
        """Compute from shops and, for each, q and the mean repair time, float [B]."""
        exists = torch.arange(shops.duration.shape[2], device=shops.duration.device) < shops.length.unsqueeze(2)
        duration = shops.duration * exists
        tail = duration.flip(2).cumsum(2).flip(2)
        tail = torch.cat([tail, torch.zeros_like(tail[:, :, :1])], 2)
        mean = (duration.sum((1, 2)) / exists.sum((1, 2)).clamp(min=1)).clamp(min=1.0).float()
        risk = torch.stack([probability * mean, probability * repair_mean], 1).float()
        return cls(shops, tail, mean, risk)

    def repeat(self, times: int) -> "Statics":
        """Return each shop `times` times in a row."""
        tail, mean, risk = (x.repeat_interleave(times, dim=0) for x in (self.tail, self.mean, self.risk))
        return Statics(self.shops.repeat(times), tail, mean, risk)


@dataclass(frozen=True, slots=True)
class View:
    """What is known at a decision; n and m as in `State`.

    Parameters
    ----------
    time : int64 tensor [B]
    status, step, place, want, since : int64 tensor [B, n]
    occupant, left : int64 tensor [B, m]
        The job on each machine and the work left of its operation.
    is_down : bool tensor [B, m]
    machine : int64 tensor [B]
    eligible : bool tensor [B, n]
    may_wait : bool tensor [B]
    """

    time: Tensor
    status: Tensor
    step: Tensor
    place: Tensor
    want: Tensor
    since: Tensor
    occupant: Tensor
    left: Tensor
    is_down: Tensor
    machine: Tensor
    eligible: Tensor
    may_wait: Tensor

    @classmethod
    def of(cls, batch: Batch, state: State, now: Decision) -> "View":
        """View a batch at a decision."""
        return cls(
            state.time, state.status, state.step, state.place, state.want, state.since, state.occupant,
            remaining(batch, state), state.is_down, now.machine, now.eligible, now.may_wait,
        )  # fmt: skip

    def take(self, rows: Tensor) -> "View":
        """Return some rows of the view."""
        return View(*(getattr(self, f.name)[rows] for f in fields(self)))


def observe(statics: Statics, view: View) -> dict[str, Tensor]:
    """Return the graph.

    Returns
    -------
    dict of tensor
        ``jobs`` float [B, n, JOB_FEATURES], ``machines`` float [B, m, MACHINE_FEATURES], ``edges`` float
        [B, n, m, EDGE_FEATURES] (the first is 1 where there is an edge), ``job_mask`` bool [B, n] (not out),
        ``machine`` int64 [B] (in question), ``action_mask`` bool [B, n + 1] (the last is to wait; always one legal).
    """
    m = view.occupant.shape[1]
    scale = statics.mean.unsqueeze(1)
    edges, load = _edges(statics, view, scale)
    machines, at_machine = _machines(statics, view, scale, load)
    jobs = _jobs(statics, view, scale, at_machine)
    # where no decision is due (all jobs out) waiting is the legal nothing
    wait = view.may_wait | ~view.eligible.any(1)
    return {
        "jobs": jobs,
        "machines": machines,
        "edges": edges,
        "job_mask": view.status != OUT,
        "machine": view.machine.clamp(max=m - 1),
        "action_mask": torch.cat([view.eligible, wait.unsqueeze(1)], 1),
    }


def _edges(statics: Statics, view: View, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Edge features, and the work to come on each machine [B, m]."""
    shops = statics.shops
    rows, n, k = shops.machine.shape
    m = view.occupant.shape[1]
    index = torch.arange(k, device=shops.machine.device)
    first = view.step + ((view.status == PROCESSING) | (view.status == BLOCKED))  # next operation to start
    ahead = (index >= first.unsqueeze(2)) & (index < shops.length.unsqueeze(2)) & (view.status != OUT).unsqueeze(2)
    current = torch.cat([view.left, torch.zeros_like(view.left[:, :1])], 1).gather(1, view.place)
    before = statics.tail.gather(2, first.unsqueeze(2)) - statics.tail[:, :, :k] + current.unsqueeze(2)
    target = shops.machine.masked_fill(~ahead, m)
    shape = (rows, n, m + 1)
    far = torch.full(shape, 2**40, dtype=torch.int64, device=target.device)
    distance = far.scatter_reduce(2, target, before, "amin")[:, :, :m]
    work = torch.zeros(shape, dtype=torch.int64, device=target.device).scatter_add_(2, target, shops.duration)
    work = work[:, :, :m]
    will_visit = distance < 2**40
    machine = torch.arange(m, device=target.device)
    holds = view.place.unsqueeze(2) == machine
    wants = view.want.unsqueeze(2) == machine
    near = torch.where(will_visit, torch.exp(-distance.float() / (2 * scale.unsqueeze(2))), 0.0)
    far_off = torch.where(will_visit, distance.float() / (m * scale.unsqueeze(2)), 0.0)
    edges = torch.stack(
        [(holds | will_visit).float(), holds.float(), wants.float(), near, far_off, work / scale.unsqueeze(2)], 3
    )
    return edges, work.sum(1)


def _machines(statics: Statics, view: View, scale: Tensor, load: Tensor) -> tuple[Tensor, Tensor]:
    """Machine features, and those of them that a job looks up, padded for "no machine" [B, m + 1, 4]."""
    rows, n = view.status.shape
    m = view.occupant.shape[1]
    status = torch.cat([view.status, torch.full_like(view.status[:, :1], OUT)], 1).gather(1, view.occupant)
    is_free, is_blocked = view.occupant == n, status == BLOCKED
    left = view.left / scale
    asked = torch.zeros(rows, m + 1, device=load.device).scatter_add_(1, view.want, torch.ones_like(view.want).float())
    in_question = torch.arange(m, device=load.device) == view.machine.unsqueeze(1)
    per_job = (view.status != OUT).sum(1, keepdim=True).clamp(min=1)
    shared = [x.float() for x in (is_free, is_blocked, view.is_down, left)]
    own = [asked[:, :m] / 4, load / (scale * per_job), load / load.amax(1, keepdim=True).clamp(min=1)]
    rest = [in_question.float(), *(r.unsqueeze(1).expand(rows, m) for r in statics.risk.unbind(1))]
    at_machine = torch.stack([*shared, asked[:, :m] / 4], 2)
    at_machine = torch.cat([at_machine, torch.zeros_like(at_machine[:, :1])], 1)
    return torch.stack([*shared, *own, *rest], 2), at_machine


def _jobs(statics: Statics, view: View, scale: Tensor, at_machine: Tensor) -> Tensor:
    rows, n, k = statics.shops.machine.shape
    width = at_machine.shape[2]
    m = at_machine.shape[1] - 1
    here = at_machine.gather(1, view.place.unsqueeze(2).expand(rows, n, width))
    wanted = at_machine.gather(1, view.want.unsqueeze(2).expand(rows, n, width))
    is_source = view.status == SOURCE
    coming = torch.where(is_source, 0, view.step + 1)  # the operation after the one in process, or the first
    then = coming + 1
    length = statics.shops.length
    second = statics.shops.machine.gather(2, then.clamp(max=k - 1).unsqueeze(2)).squeeze(2)
    second = torch.where(then < length, second, m)
    after = at_machine.gather(1, second.unsqueeze(2).expand(rows, n, width))
    tail = statics.tail.gather(2, coming.clamp(max=k).unsqueeze(2)).squeeze(2)
    tail_after = statics.tail.gather(2, then.clamp(max=k).unsqueeze(2)).squeeze(2)
    exists = view.status != OUT
    tail, tail_after = tail * exists, tail_after * exists
    features = [
        is_source,
        view.status == PROCESSING,
        view.status == BLOCKED,
        here[:, :, 3],  # work left
        here[:, :, 2],  # stands on a down machine
        tail / (scale * k),
        tail / tail.amax(1, keepdim=True).clamp(min=1),
        (length - coming).clamp(min=0) * exists / k,
        ((view.time.unsqueeze(1) - view.since) / scale).clamp(max=10) * exists / 4,
        (tail - tail_after) / scale,  # duration of the coming operation
        view.eligible,
        wanted[:, :, 4],
        after[:, :, 0],
        after[:, :, 1],
        after[:, :, 2],
        after[:, :, 3],
        after[:, :, 4],
        then >= length,
    ]
    return torch.stack([f.float() for f in features], 2) * exists.unsqueeze(2)
