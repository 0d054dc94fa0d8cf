"""Building many schedules at once with the graph network: sampled or greedy, with or without notes for learning."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.networks.job_shop_gnn import Decisions, JobShopGnn
from counterpoint.simulators.batched.job_shop import NEVER, Scheme
from counterpoint.simulators.batched.job_shop_bound import MakespanBound
from counterpoint.simulators.batched.job_shop_candidates import candidate_features
from counterpoint.simulators.batched.job_shop_flexible import (
    FlexiblePartial,
    FlexibleShops,
    advance,
    candidates,
    empty,
)


@dataclass(frozen=True, slots=True)
class Notes:
    """What was decided, D decisions in the order in which they were taken.

    Parameters
    ----------
    decisions : Decisions
    chosen : int64 tensor [D]
        The candidate taken, an index into all P.
    log_prob, value : float tensor [D]
        As the network had them.
    bound : float tensor [D]
        On the makespan, in first bounds, when it was decided.
    row : int64 tensor [D]
        Which schedule.
    """

    decisions: Decisions
    chosen: Tensor
    log_prob: Tensor
    value: Tensor
    bound: Tensor
    row: Tensor


@dataclass(frozen=True, slots=True)
class Built:
    """R complete schedules.

    Parameters
    ----------
    partial : FlexiblePartial
        Ends and options.
    makespan : int64 tensor [R]
    unit : int64 tensor [R]
        The first bound of each shop.
    notes : Notes or None
    """

    partial: FlexiblePartial
    makespan: Tensor
    unit: Tensor
    notes: Notes | None


class Situation:
    """R partial schedules, several of each shop in a row, as the network sees them.

    Parameters
    ----------
    shops : FlexibleShops
        B shops.
    samples : int
        Schedules of each; R = B * samples.
    scheme : str
    """

    def __init__(self, shops: FlexibleShops, samples: int, scheme: Scheme) -> None:
        self.rows = shops.repeat(samples) if samples > 1 else shops
        self.scheme: Scheme = scheme
        self.partial = empty(self.rows)
        self.potential = MakespanBound(self.rows)
        self.unit = self.potential.value(self.partial)
        self.length = self.rows.length
        self.total = self.length.sum(1)
        batch, n, k, o = shops.machine.shape
        shop = torch.arange(batch, device=shops.machine.device).repeat_interleave(samples).unsqueeze(1)
        job = torch.arange(n, device=shops.machine.device).repeat_interleave(o)
        self.first_operation = shop * (n * k) + job * k  # node of each action's job's first operation
        self.first_machine = shop * shops.num_machines
        self.o, self.last = o, k - 1

    def candidates(self) -> Tensor:
        """Return what may be chosen, bool [R, A].

        In shops without options those on one machine only, that of the first: which of several machines is served
        first at an instant makes no difference to the schedule.
        """
        mask = candidates(self.partial, self.scheme)
        if self.o > 1 or self.scheme == "append":
            return mask
        machine = self.partial.machine.flatten(1)
        return mask & (machine == machine.gather(1, mask.int().argmax(1, keepdim=True)))

    def work(self) -> Tensor:
        """Return the work to come of each action's job, int64 [R, A]."""
        rest = self.potential.rest.gather(2, self.partial.step.unsqueeze(2))
        return rest.expand(-1, -1, self.o).flatten(1)

    def decisions(self, mask: Tensor, rows: Tensor) -> Decisions:
        """Describe the decisions of some rows; `mask` [D, A] says what may be chosen there."""
        partial = self.partial
        bound = self.potential.value(partial)
        begin = partial.begin.flatten(1)
        now = begin.gather(1, begin.argmin(1, keepdim=True)).squeeze(1)
        features = candidate_features(partial, self.potential, self.length, now, bound, self.unit)
        decision, action = mask.nonzero(as_tuple=True)
        row = rows[decision]
        job = action // self.o
        operation = self.first_operation[row, action] + partial.step[row, job].clamp(max=self.last)
        machine = self.first_machine[row, 0] + partial.machine.flatten(1)[row, action]
        done = partial.step[rows].sum(1) / self.total[rows]
        growth = bound[rows] / self.unit[rows].clamp(min=1) - 1
        count = mask.sum(1)
        return Decisions(features[row, action], operation, machine, decision, count, torch.stack([done, growth], 1))

    def apply(self, action: Tensor) -> None:
        """Take one action per row."""
        self.potential.take(self.partial, action)
        advance(self.rows, self.partial, action)


@torch.no_grad()
def roll_out(
    network: JobShopGnn,
    shops: FlexibleShops,
    embeddings: tuple[Tensor, Tensor],
    *,
    samples: int,
    scheme: Scheme,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    takes_notes: bool = False,
    stop: Callable[[], bool] | None = None,
    finishes: bool = False,
) -> Built | None:
    """Build `samples` schedules of each shop.

    Parameters
    ----------
    temperature : float
        Of the samples; with notes it must be 1.
    generator : torch.Generator, optional
        Without one every decision takes the likeliest candidate (of equals, the first).
    stop : callable, optional
        Asked at each step whether to give up, which returns None,
    finishes : bool
        or has the rest dispatched by the rule of most work remaining.
    """
    situation = Situation(shops, samples, scheme)
    notes: list[Notes] = []
    offset, is_late = 0, False
    for _ in range(int(situation.total.max())):
        is_late = is_late or (stop is not None and stop())
        if is_late and not finishes:
            return None
        mask = situation.candidates()
        action = situation.work().masked_fill(~mask, -1).argmax(1)
        rows = (mask.sum(1) > 1).nonzero().squeeze(1)
        if len(rows) and not is_late:
            decisions = situation.decisions(mask[rows], rows)
            log_prob, value = network(embeddings, decisions)
            chosen = _choose(log_prob, decisions, temperature, generator)
            action[rows] = mask[rows].nonzero()[chosen, 1]
            if takes_notes:
                bound = (situation.potential.value(situation.partial)[rows] / situation.unit[rows]).float()
                notes.append(Notes(decisions, chosen + offset, log_prob[chosen], value, bound, rows))
                offset += len(log_prob)
        situation.apply(action)
    return Built(situation.partial, situation.partial.makespan, situation.unit, _joined(notes) if notes else None)


def _choose(log_prob: Tensor, decisions: Decisions, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Return the candidate taken at each decision, an index into all P, int64 [D]."""
    key = log_prob
    if generator is not None and temperature > 0:
        # the largest of log-probability plus Gumbel noise is a draw
        noise = torch.empty_like(key).exponential_(generator=generator).clamp_(min=1e-30).log()
        key = key / temperature - noise
    most = torch.segment_reduce(key, "max", lengths=decisions.count, unsafe=True)
    place = torch.arange(len(key), device=key.device)
    is_most = key == most.index_select(0, decisions.decision)
    first = place.masked_fill(~is_most, NEVER)
    out = torch.full_like(decisions.count, NEVER)
    return out.scatter_reduce(0, decisions.decision, first, "amin")


def _joined(notes: list[Notes]) -> Notes:
    """Return the notes of all steps as one."""
    sizes = [0]
    for note in notes:
        sizes.append(sizes[-1] + len(note.row))
    decision = torch.cat([note.decisions.decision + size for note, size in zip(notes, sizes, strict=False)])
    parts = {
        key: torch.cat([getattr(note.decisions, key) for note in notes])
        for key in ("features", "operation", "machine", "count", "state")
    }
    rest = (
        torch.cat([getattr(note, key) for note in notes]) for key in ("chosen", "log_prob", "value", "bound", "row")
    )
    return Notes(Decisions(decision=decision, **parts), *rest)
