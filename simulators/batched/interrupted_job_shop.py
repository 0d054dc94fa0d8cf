"""B interrupted blocking job shops at once: state as tensors, moves, and the way to the next decision.

The twin of `simulators/interrupted_job_shop`. Failures are not events here. A machine has a clock of its own (the
shop's with ``fail_when="always"``; with ``"busy"`` one that runs while it processes or is repaired), on which its trace
says when it is down; so the clock reading at which an operation ends is known when it starts. What is left are the
instants at which somebody may move: an operation ends, or a machine comes back up that is requested or holds a
blocked job.

On the CPU the moves are compiled (`interrupted_job_shop_kernels`); what follows here in torch is for accelerators, and
for tests that hold both equal. One round of `to_decision` does for each shop one of: nothing (a decision is due, or all
jobs are out), one move that leaves no choice, or the way to the next such instant and the swaps there. The number of
rounds depends on the data. Whether every shop is ready is looked up every `CHECK_EVERY` rounds only on an accelerator,
which is the one synchronisation.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario
from counterpoint.simulators.batched import interrupted_job_shop_kernels as kernels
from counterpoint.simulators.batched.interrupted_job_shop_kernels import BLOCKED, OUT, PROCESSING, SOURCE
from counterpoint.simulators.batched.job_shop import Shops

FAR = kernels.FAR  # later than anything
CHECK_EVERY = 8


@dataclass(frozen=True, slots=True)
class Traces:
    """Shutdown traces of B shops; one more period without failure ends each.

    Parameters
    ----------
    up, repair : int64 tensor [B, m, L + 1]
    uptime : int64 tensor [B, m, L + 1]
        Up-time before each failure, summed from the start.
    failure : int64 tensor [B, m, L + 1]
        The machine's clock at each failure.
    repaired : int64 tensor [B, m, L + 2]
        Sum of the first i repairs.
    """

    up: Tensor
    repair: Tensor
    uptime: Tensor
    failure: Tensor
    repaired: Tensor

    @classmethod
    def of(cls, scenarios: list[Scenario], device: torch.device | str = "cpu") -> "Traces":
        """Stack scenarios of shops of as many machines."""
        length = max(s.up.shape[1] for s in scenarios)
        up = torch.full((len(scenarios), len(scenarios[0].up), length), FAR, dtype=torch.int64)
        repair = torch.ones_like(up)
        for b, scenario in enumerate(scenarios):
            up[b, :, : scenario.up.shape[1]] = torch.tensor(scenario.up)
            repair[b, :, : scenario.up.shape[1]] = torch.tensor(scenario.repair)
        return cls.from_periods(up.to(device), repair.to(device))

    @classmethod
    def from_periods(cls, up: Tensor, repair: Tensor) -> "Traces":
        """Build from up-times and repairs [B, m, L]."""
        up = torch.cat([up, up.new_full((*up.shape[:2], 1), FAR)], 2).contiguous()
        repair = torch.cat([repair, repair.new_ones((*repair.shape[:2], 1))], 2).contiguous()
        uptime = up.cumsum(2)
        repaired = torch.cat([repair.new_zeros((*repair.shape[:2], 1)), repair.cumsum(2)], 2)
        return cls(up, repair, uptime, uptime + repaired[:, :, :-1], repaired)

    def repeat(self, times: int) -> "Traces":
        """Return each trace `times` times in a row."""
        return Traces(*(getattr(self, f.name).repeat_interleave(times, dim=0) for f in fields(self)))


@dataclass(slots=True)
class State:
    """Where B shops are; n stands for no job, m for no machine.

    Parameters
    ----------
    time : int64 tensor [B]
    status, step, place, want, since : int64 tensor [B, n]
        SOURCE, PROCESSING, BLOCKED or OUT; index of the operation the job is at; the machine it holds and
        the one it requests; when it got into its state.
    occupant, clock, due, begun, work : int64 tensor [B, m]
        The job that holds the machine; the machine's clock, its readings at which the operation in process ends
        and began, and that operation's duration.
    is_busy, is_down, is_held : bool tensor [B, m]
        Holds an unfinished operation; is down; waits by decision.
    until : int64 tensor [B, m]
        Clock reading at which a down machine comes back up, or one that is up last did, or 0.
    start, end, reading : int64 tensor [B, n, K]
        When each operation started and ended, and the clock reading at its start; -1 if it has not.
    is_stuck : bool tensor [B]
        A deadlock was met; never true, and tested to be.
    """

    time: Tensor
    status: Tensor
    step: Tensor
    place: Tensor
    want: Tensor
    since: Tensor
    occupant: Tensor
    clock: Tensor
    due: Tensor
    begun: Tensor
    work: Tensor
    is_busy: Tensor
    is_down: Tensor
    is_held: Tensor
    until: Tensor
    start: Tensor
    end: Tensor
    reading: Tensor
    is_stuck: Tensor

    @property
    def is_done(self) -> Tensor:
        """Whether all jobs are out, bool [B]."""
        return (self.status == OUT).all(1)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be decided in each shop.

    Parameters
    ----------
    is_due : bool tensor [B]
        False where all jobs are out; then the rest means nothing.
    machine : int64 tensor [B]
    eligible : bool tensor [B, n]
    may_wait : bool tensor [B]
    """

    is_due: Tensor
    machine: Tensor
    eligible: Tensor
    may_wait: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """B shops with their traces and rules.

    Parameters
    ----------
    shops : Shops
    traces : Traces
    is_always : bool
        Up-times are the clock's; False: they count processing.
    is_resumed : bool
        Interrupted work resumes; False: it starts anew.
    """

    shops: Shops
    traces: Traces
    is_always: bool = True
    is_resumed: bool = True

    @classmethod
    def of(
        cls, instances: list[InterruptedJobShop], scenarios: list[Scenario], device: torch.device | str = "cpu"
    ) -> "Batch":
        """Stack instances that agree in `fail_when`, `on_interrupt` and the number of machines, a scenario for each."""
        kinds = {(i.fail_when, i.on_interrupt, i.shop.num_machines) for i in instances}
        if len(kinds) != 1 or len(instances) != len(scenarios):
            raise ValueError("a batch needs one kind of failures, one number of machines and a scenario per instance")
        fail_when, on_interrupt, _ = kinds.pop()
        shops = Shops.of([i.shop for i in instances], device)
        return cls(shops, Traces.of(scenarios, device), fail_when == "always", on_interrupt == "resume")

    def repeat(self, times: int) -> "Batch":
        """Return each shop `times` times in a row."""
        return Batch(self.shops.repeat(times), self.traces.repeat(times), self.is_always, self.is_resumed)


def empty(batch: Batch) -> State:
    """Return the state in which every job is in the source."""
    rows, n, k = batch.shops.machine.shape
    m, device = batch.shops.num_machines, batch.shops.machine.device

    def full(*shape: int, value: int = 0) -> Tensor:
        return torch.full((rows, *shape), value, dtype=torch.int64, device=device)

    def no(*shape: int) -> Tensor:
        return torch.zeros((rows, *shape), dtype=torch.bool, device=device)

    exists = batch.shops.length > 0
    return State(
        time=full(),
        status=torch.where(exists, SOURCE, OUT),
        step=full(n),
        place=full(n, value=m),
        want=torch.where(exists, batch.shops.machine[:, :, 0], m),
        since=full(n),
        occupant=full(m, value=n),
        clock=full(m),
        due=full(m, value=FAR),
        begun=full(m),
        work=full(m),
        is_busy=no(m),
        is_down=no(m),
        is_held=no(m),
        until=full(m),
        start=full(n, k, value=-1),
        end=full(n, k, value=-1),
        reading=full(n, k, value=-1),
        is_stuck=no(),
    )


def decision(state: State) -> Decision:
    """Return what is to be decided now: the first machine that is free, up, not held and requested."""
    n, m = state.status.shape[1], state.occupant.shape[1]
    is_stopped = _pad(state.is_down).gather(1, state.place)
    can_move = (state.status == SOURCE) | ((state.status == BLOCKED) & ~is_stopped)
    open_ = (state.occupant == n) & ~state.is_down & ~state.is_held
    is_asking = can_move & _pad(open_).gather(1, state.want)
    machine = state.want.masked_fill(~is_asking, m).amin(1)
    is_not_last = state.want.masked_fill(~is_asking, -1).amax(1) > machine
    eligible = is_asking & (state.want == machine.unsqueeze(1))
    return Decision(machine < m, machine, eligible, state.is_busy.any(1) | is_not_last)


def to_decision(
    batch: Batch,
    state: State,
    *,
    waiting: bool = True,
    rounds: int | None = None,
    is_compiled: bool | None = None,
) -> Decision:
    """Go on until in every shop a decision is due or all jobs are out; `state` changes in place.

    Parameters
    ----------
    batch : Batch
    state : State
    waiting : bool
        False: the policy may not wait, and is not asked where one job alone may enter.
    rounds : int, optional
        Do at most so many, and never look whether all are ready unless on the CPU; where a shop is not, no decision is
        due, or one that leaves no choice, and calling again goes on. Default: as many as it takes, which the compiled
        code also does unless it is 0.
    is_compiled : bool, optional
        Default: on the CPU.
    """
    is_cpu = state.time.device.type == "cpu"
    if (is_cpu if is_compiled is None else is_compiled) and rounds != 0:
        return _compiled(batch, state, waiting)
    done = 0
    while True:
        now = decision(state)
        if not waiting:
            now = Decision(now.is_due, now.machine, now.eligible, torch.zeros_like(now.may_wait))
        if done == rounds:
            return now
        is_forced = now.is_due & ~now.may_wait & (now.eligible.sum(1) == 1)
        is_idle = ~now.is_due & ~state.is_done & ~state.is_stuck
        may_look = is_cpu or (rounds is None and done % CHECK_EVERY == 0)
        if may_look and not bool((is_forced | is_idle).any()):
            return now
        done += 1
        _pass_time(batch, state, is_idle)
        swappers = _swappers(state) & is_idle.unsqueeze(1)
        _enter(batch, state, swappers | (now.eligible & is_forced.unsqueeze(1)))


def _compiled(batch: Batch, state: State, waiting: bool) -> Decision:
    rows, n = state.status.shape
    now = Decision(
        torch.empty(rows, dtype=torch.bool), torch.empty(rows, dtype=torch.int64),
        torch.empty(rows, n, dtype=torch.bool), torch.empty(rows, dtype=torch.bool),
    )  # fmt: skip
    views = [x.numpy() for x in (now.is_due, now.machine, now.eligible, now.may_wait)]
    kernels.to_decisions(*_views(batch, state), batch.is_always, batch.is_resumed, waiting, *views)
    return now


def _views(batch: Batch, state: State) -> list[Any]:
    """Return the arrays of a batch on the CPU that the compiled moves read and write."""
    for f in fields(state):
        setattr(state, f.name, getattr(state, f.name).contiguous())
    shops, traces = batch.shops, batch.traces
    read = (shops.machine, shops.duration, shops.length, traces.failure, traces.repair)
    return [*(getattr(state, f.name).numpy() for f in fields(state)), *(x.contiguous().numpy() for x in read)]


def act(batch: Batch, state: State, now: Decision, action: Tensor, *, is_compiled: bool | None = None) -> None:
    """Apply the decisions `action` [B]: a job, or n to wait; nothing where none is due."""
    n = state.status.shape[1]
    if action.device.type == "cpu" if is_compiled is None else is_compiled:
        views = [x.contiguous().numpy() for x in (now.is_due, now.machine, now.eligible, action.long())]
        kernels.act(*_views(batch, state), batch.is_always, batch.is_resumed, *views)
        return
    jobs = torch.arange(n, device=action.device)
    _enter(batch, state, (jobs == action.unsqueeze(1)) & now.eligible & now.is_due.unsqueeze(1))
    waits = (action == n) & now.is_due
    machines = torch.arange(state.occupant.shape[1], device=action.device)
    state.is_held |= waits.unsqueeze(1) & (machines == now.machine.unsqueeze(1))


def remaining(batch: Batch, state: State) -> Tensor:
    """Work left of the operation on each machine, int64 [B, m]; 0 where none is in process."""
    if batch.is_resumed:
        worked = _uptime(batch, state.clock, state.is_down, state.until) - _uptime(batch, state.begun)
    else:
        worked = torch.where(state.is_down, 0, state.clock - torch.maximum(state.begun, state.until))
    return torch.where(state.is_busy, state.work - worked, 0)


def _uptime(batch: Batch, clock: Tensor, is_down: Tensor | None = None, until: Tensor | None = None) -> Tensor:
    """Time a machine has been up when its clock reads `clock`."""
    past = _at(batch.traces.repaired, _count(batch.traces.failure, clock, right=True))
    return (clock if is_down is None else torch.where(is_down, until, clock)) - past


def _swappers(state: State) -> Tensor:
    """Jobs in cycles of requests, bool [B, n]: what the requests lead to after 2^k >= m links is a cycle."""
    m = state.occupant.shape[1]
    can_swap = (state.status == BLOCKED) & ~_pad(state.is_down).gather(1, state.place)
    leads = torch.full((len(state.time), m + 1), m, dtype=torch.int64, device=state.time.device)
    leads.scatter_(1, state.place.masked_fill(~can_swap, m), state.want)
    leads[:, m] = m
    links = 1
    while links < m:
        leads = leads.gather(1, leads)
        links *= 2
    on_cycle = torch.zeros_like(leads, dtype=torch.bool).scatter_(1, leads, True)
    on_cycle[:, m] = False
    return on_cycle.gather(1, state.place) & can_swap


def _enter(batch: Batch, state: State, movers: Tensor) -> None:
    """Move jobs [B, n] to the machines they request and start their operations."""
    if movers.device.type == "cpu" and not bool(movers.any()):
        return
    rows, n = state.status.shape
    m, k = state.occupant.shape[1], batch.shops.machine.shape[2]
    left = state.place.masked_fill(~movers, m)
    taken = state.want.masked_fill(~movers, m)
    jobs = torch.arange(n, device=movers.device).expand(rows, n)
    state.step += movers & (state.status == BLOCKED)
    occupant = _pad(state.occupant, n).scatter_(1, left, n).scatter_(1, taken, jobs)
    state.occupant = occupant[:, :m].contiguous()
    entered = torch.zeros(rows, m + 1, dtype=torch.bool, device=movers.device).scatter_(1, taken, True)[:, :m]
    flat = jobs * k + state.step
    work = batch.shops.duration.view(rows, -1).gather(1, flat)
    work = torch.zeros(rows, m + 1, dtype=torch.int64, device=movers.device).scatter_(1, taken, work)[:, :m]
    state.due = torch.where(entered, _due(batch, state.clock, work), state.due)
    state.begun = torch.where(entered, state.clock, state.begun)
    state.work = torch.where(entered, work, state.work)
    state.is_busy |= entered
    state.status.masked_fill_(movers, PROCESSING)
    state.since = torch.where(movers, state.time.unsqueeze(1), state.since)
    state.place = torch.where(movers, state.want, state.place)
    state.want.masked_fill_(movers, m)
    _write(state.start, flat, movers, state.time.unsqueeze(1))
    _write(state.reading, flat, movers, _pad(state.clock).gather(1, state.place))


def _due(batch: Batch, clock: Tensor, work: Tensor) -> Tensor:
    """Clock reading at which work [B, m] begun at `clock` on machines that are up is done."""
    traces = batch.traces
    period = _count(traces.failure, clock, right=True)  # failures so far
    worked = clock - _at(traces.repaired, period)  # up-time so far
    if batch.is_resumed:
        goal = worked + work
        # no work at all right after a repair: the reading of the failure before it would be too early
        return torch.maximum(clock, goal + _at(traces.repaired, _count(traces.uptime, goal)))
    index = torch.arange(traces.up.shape[2], device=clock.device)
    at = period.unsqueeze(2)
    whole = torch.where(index == at, traces.uptime - worked.unsqueeze(2), traces.up)  # up-time left in each period
    fits = ((index >= at) & (whole >= work.unsqueeze(2))).int().argmax(2)
    again = _at(traces.failure, (fits - 1).clamp(min=0)) + _at(traces.repair, (fits - 1).clamp(min=0))
    return torch.where(fits == period, clock, again) + work


def _pass_time(batch: Batch, state: State, rows: Tensor) -> None:
    """Go to the next instant at which somebody may move, in the shops of `rows` [B]."""
    if rows.device.type == "cpu" and not bool(rows.any()):
        return
    n, m = state.status.shape[1], state.occupant.shape[1]
    is_requested = torch.zeros(len(rows), m + 1, dtype=torch.bool, device=rows.device)
    is_requested = is_requested.scatter_(1, state.want, True)[:, :m]
    is_awaited = state.is_down & ~state.is_busy & ((state.occupant < n) | is_requested)
    wait = torch.where(state.is_busy, state.due - state.clock, FAR)
    wait = torch.where(is_awaited, torch.minimum(wait, state.until - state.clock), wait)
    step = wait.amin(1)
    state.is_stuck |= rows & (step >= FAR)
    step = torch.where(rows & (step < FAR), step, 0)
    clock = state.clock + step.unsqueeze(1)
    if not batch.is_always:  # an idle machine's clock runs until it is repaired
        idle = torch.where(state.is_down, torch.minimum(clock, state.until), state.clock)
        clock = torch.where(state.is_busy, clock, idle)
    state.clock = clock
    state.time = state.time + step
    _end(batch, state, state.is_busy & (state.clock == state.due) & rows.unsqueeze(1))
    state.is_held &= ~rows.unsqueeze(1)
    failures = _count(batch.traces.failure, state.clock, right=True)
    last = (failures - 1).clamp(min=0)
    state.until = torch.where(failures > 0, _at(batch.traces.failure, last) + _at(batch.traces.repair, last), 0)
    state.is_down = state.clock < state.until


def _end(batch: Batch, state: State, machines: Tensor) -> None:
    """End the operations on these machines [B, m]; finished jobs leave the shop."""
    rows, n = state.status.shape
    m, k = state.occupant.shape[1], batch.shops.machine.shape[2]
    ended = _pad(machines).gather(1, state.place)
    is_last = state.step + 1 >= batch.shops.length
    flat = torch.arange(n, device=machines.device) * k + state.step
    _write(state.end, flat, ended, state.time.unsqueeze(1))
    out = ended & is_last
    following = batch.shops.machine.view(rows, -1).gather(1, (flat + 1).clamp(max=n * k - 1))
    state.want = torch.where(ended & ~is_last, following, state.want)
    state.status = torch.where(out, OUT, state.status.masked_fill(ended, BLOCKED))
    state.since = torch.where(ended, state.time.unsqueeze(1), state.since)
    emptied = state.place.masked_fill(~out, m)
    state.occupant = _pad(state.occupant, n).scatter_(1, emptied, n)[:, :m].contiguous()
    state.place = state.place.masked_fill(out, m)
    state.is_busy = state.is_busy & ~machines
    state.due = state.due.masked_fill(machines, FAR)


def _write(table: Tensor, flat: Tensor, where: Tensor, value: Tensor) -> None:
    """Set entries [B, n * K] of a table [B, n, K]."""
    view = table.view(len(table), -1)
    view.scatter_(1, flat, torch.where(where, value, view.gather(1, flat)))


def _pad(values: Tensor, fill: int = 0) -> Tensor:
    """Append a column for "no machine"."""
    return torch.cat([values, values.new_full((len(values), 1), fill)], 1)


def _count(sorted_: Tensor, value: Tensor, *, right: bool = False) -> Tensor:
    """How many entries of the last dimension are below `value` (or equal, with `right`)."""
    return torch.searchsorted(sorted_, value.unsqueeze(2).contiguous(), right=right).squeeze(2)


def _at(table: Tensor, index: Tensor) -> Tensor:
    return table.gather(2, index.unsqueeze(2)).squeeze(2)
