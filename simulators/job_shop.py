"""The reference simulator of classical and flexible job shops, in SimPy: one shop, one decision, one event at a time.

A policy dispatches: asked again and again, it names a job and one of the options (machine, duration) of the job's
next operation, which then runs at its earliest start there. A scheme says what it may choose from:

- ``nondelay``: what can start now. Decisions are taken as time passes: the shop floor asks whenever all that happens
  at this instant has happened and some job could start on some idle machine;
- ``active`` (Giffler and Thompson 1960, Operations Research 8:487-503): what is in conflict on the machine of the
  earliest completion of all;
- ``append``: every option of every job's next operation.

The last two may book a machine ahead of an operation that could start earlier, so all decisions come first, as
bookings, and the machines then carry them out one after the other, each waiting for its next job.
Everything is deterministic and in whole time units. The batched twin is `batched/job_shop_flexible`; neither knows
the other.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import simpy

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.job_shop import JobShop, Schedule

Scheme = Literal["nondelay", "active", "append"]
Event = tuple[int, str, int, int, int]  # time, "start" or "end", job, operation, machine


@dataclass(frozen=True, slots=True)
class Choice:
    """What a decision may name: job `job`'s operation `operation` on `machine`, from `start` for `duration`.

    `option` counts from 0 within the operation's options.
    """

    job: int
    option: int
    operation: int
    machine: int
    duration: int
    start: int


@dataclass(frozen=True, slots=True)
class Run:
    """One simulated shop.

    Parameters
    ----------
    cost : float
        The makespan.
    events : tuple of (time, "start" or "end", job, operation, machine)
        Sorted by time, job and operation; an operation's start comes before its end.
    decisions : tuple of (job, option)
        In the order in which they were taken.
    """

    cost: float
    events: tuple[Event, ...]
    decisions: tuple[tuple[int, int], ...]


def simulate(instance: JobShop, scenario: None, policy: Policy, scheme: Scheme = "nondelay") -> Run:
    """Let `policy` dispatch `instance`; it sees a tuple of `Choice` and returns one of them.

    Parameters
    ----------
    scenario : None
        Nothing is random here.

    Raises
    ------
    UnsupportedError
        If the shop has blocking, windows or due dates.
    OptionError
        If the scheme is unknown, or the policy returns what was not offered.
    """
    foreign = instance.features - {"flexible"}
    if foreign:
        raise UnsupportedError(f"this simulator does not know {', '.join(sorted(foreign))}")
    if scheme not in ("nondelay", "active", "append"):
        raise OptionError(f"no scheme {scheme!r}; there are nondelay, active, append")
    floor = _Floor(instance)
    policy.start(0)

    def decide(choices: list[Choice]) -> Choice:
        chosen = policy.act(tuple(choices))
        if chosen not in choices:
            raise OptionError(f"the policy chose {chosen!r}, which is not among the {len(choices)} choices")
        floor.decisions.append((chosen.job, chosen.option))
        return chosen

    if scheme == "nondelay":
        _run_as_time_passes(floor, decide)
    else:
        _run_bookings(floor, _book(floor.options, instance.num_machines, scheme, decide))
    events = tuple(sorted(floor.events, key=lambda e: (e[0], e[2], e[3], e[1] == "end")))
    return Run(float(floor.clock.now), events, tuple(floor.decisions))


def schedule_of(instance: JobShop, run: Run) -> Schedule:
    """Return what was run as a schedule that the family's checker can judge."""
    starts = {
        (job, operation): (time, machine) for time, kind, job, operation, machine in run.events if kind == "start"
    }
    ends = {(job, operation): time for time, kind, job, operation, _ in run.events if kind == "end"}
    rows = [(job, operation, starts[job, operation][1], starts[job, operation][0], ends[job, operation])
            for job, operation in sorted(starts)]  # fmt: skip
    return Schedule(*(list(column) for column in zip(*rows, strict=True)))


class _Floor:
    """What the processes of one run share."""

    def __init__(self, instance: JobShop) -> None:
        first = instance.job_offsets.tolist()
        # options[job][operation] = [(machine, duration), ...]
        self.options = [[instance.options_of(i) for i in range(a, b)] for a, b in pairwise(first)]
        self.clock = simpy.Environment(initial_time=0)
        self.machines = [simpy.Resource(self.clock, capacity=1) for _ in range(instance.num_machines)]
        self.events: list[Event] = []
        self.decisions: list[tuple[int, int]] = []

    def work(self, choice: Choice) -> Iterator[simpy.Event]:
        """Process one operation on a machine that is held."""
        self.events.append((self.clock.now, "start", choice.job, choice.operation, choice.machine))
        yield self.clock.timeout(choice.duration)
        self.events.append((self.clock.now, "end", choice.job, choice.operation, choice.machine))


class _Settled(simpy.Event):
    """Happens at this instant, after all else that does (processes of duration zero included)."""

    def __init__(self, clock: simpy.Environment) -> None:
        super().__init__(clock)
        self._ok, self._value = True, None
        clock.schedule(self, priority=2)


def _run_as_time_passes(floor: _Floor, decide: Callable[[list[Choice]], Choice]) -> None:
    """Non-delay: jobs wait at the dispatcher, which sends one of them to an idle machine."""
    clock = floor.clock
    waiting: dict[int, tuple[int, simpy.Event]] = {}  # job -> operation, order to start
    news = [clock.event()]  # happens when a job arrives at the dispatcher or leaves its machine

    def tell() -> None:
        if not news[0].triggered:
            news[0].succeed()

    def job(number: int) -> Generator[simpy.Event, Any, None]:
        for operation in range(len(floor.options[number])):
            order = clock.event()
            waiting[number] = (operation, order)
            tell()
            choice = yield order
            with floor.machines[choice.machine].request() as turn:
                yield turn
                yield from floor.work(choice)
            tell()

    def dispatcher() -> Generator[simpy.Event, Any, None]:
        left = sum(map(len, floor.options))
        while left:
            yield _Settled(clock)
            choices = [
                Choice(number, option, operation, machine, duration, clock.now)
                for number, (operation, _) in sorted(waiting.items())
                for option, (machine, duration) in enumerate(floor.options[number][operation])
                if floor.machines[machine].count == 0
            ]
            if choices:
                chosen = decide(choices)
                waiting.pop(chosen.job)[1].succeed(chosen)
                left -= 1
            else:
                news[0] = clock.event()
                yield news[0]

    for number in range(len(floor.options)):
        clock.process(job(number))
    clock.process(dispatcher())
    clock.run()


def _book(
    options: list[list[list[tuple[int, int]]]],
    num_machines: int,
    scheme: Scheme,
    decide: Callable[[list[Choice]], Choice],
) -> list[list[Choice]]:
    """Take all decisions; return each machine's bookings in order."""
    step, ready, free = [0] * len(options), [0] * len(options), [0] * num_machines
    bookings: list[list[Choice]] = [[] for _ in range(num_machines)]
    for _ in range(sum(map(len, options))):
        choices = [
            Choice(job, option, step[job], machine, duration, max(ready[job], free[machine]))
            for job in range(len(options))
            if step[job] < len(options[job])
            for option, (machine, duration) in enumerate(options[job][step[job]])
        ]
        if scheme == "active":
            first = min(choices, key=lambda c: c.start + c.duration)  # of equals, the first
            limit = first.start + first.duration
            on_target = [c for c in choices if c.machine == first.machine]
            # operations of duration zero at the limit are in nobody's way
            choices = [c for c in on_target if c.start < limit] or [
                c for c in on_target if c.start + c.duration == limit
            ]
        chosen = decide(choices)
        bookings[chosen.machine].append(chosen)
        step[chosen.job] += 1
        ready[chosen.job] = free[chosen.machine] = chosen.start + chosen.duration
    return bookings


def _run_bookings(floor: _Floor, bookings: list[list[Choice]]) -> None:
    """Each machine carries out its bookings in order, each when its job comes free from the operation before."""
    clock = floor.clock
    is_over = [[clock.event() for _ in job] for job in floor.options]

    def machine(number: int) -> Generator[simpy.Event, Any, None]:
        for choice in bookings[number]:
            if choice.operation:
                yield is_over[choice.job][choice.operation - 1]
            with floor.machines[number].request() as turn:
                yield turn
                if clock.now != choice.start:
                    raise RuntimeError(f"{choice} was started at {clock.now}")
                yield from floor.work(choice)
            is_over[choice.job][choice.operation].succeed()

    for number in range(len(bookings)):
        clock.process(machine(number))
    clock.run()
