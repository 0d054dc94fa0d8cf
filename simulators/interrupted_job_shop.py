"""The reference simulator of interrupted blocking job shops in SimPy: one scenario, one policy, readable.

Written from the definitions in `opt/problems/interrupted_job_shop`. Every operation is a process that works, is
interrupted and resumes; every machine that can fail by the clock is a process that fails and is repaired; one more
process moves the jobs, after everything else of an instant has happened.
"""

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import numpy as np
import simpy

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.interrupted_job_shop import (
    WAIT,
    InterruptedJobShop,
    Observation,
    Scenario,
    Trajectory,
)

Process = Generator[simpy.Event, Any, None]
KINDS = ("end", "fail", "repair", "start")  # the order within one instant


def simulate(instance: InterruptedJobShop, scenario: Scenario, policy: Policy) -> Trajectory:
    """Run `policy` through `scenario`.

    Parameters
    ----------
    instance : InterruptedJobShop
    scenario : Scenario
    policy : Policy
        ``act`` gets an `Observation` and returns a job of ``eligible``, or `WAIT` where ``may_wait``. It is asked only
        where there are two choices or more.

    Returns
    -------
    Trajectory

    Raises
    ------
    OptionError
        If the policy decides what is not allowed.
    """
    if len(scenario.up) != instance.shop.num_machines:
        raise InstanceError(f"the scenario has {len(scenario.up)} machines, the shop {instance.shop.num_machines}")
    run = _Run(instance, scenario, policy)
    run.clock.run(until=run.clock.process(run.move_jobs()))
    makespan = int(run.end.max())
    events = [e for e in run.events if e[0] < makespan or e[1] in ("end", "start")]
    events.sort(key=lambda e: (e[0], KINDS.index(str(e[1])), *e[2:]))
    return Trajectory(float(makespan), tuple(events), run.end - run.took, run.end)


class _Machine:
    def __init__(self, clock: simpy.Environment, up: list[int], repair: list[int]) -> None:
        self.periods = list(zip(up, repair, strict=True))
        self.occupant: int | None = None
        self.is_down = False
        self.changed = 0
        self.work: simpy.Process | None = None  # of the operation in process
        self.due = -1  # when that operation will be done, if nothing happens
        self.repaired = clock.event()
        self.left = up[0] if up else None  # processing until the next failure, for failures when busy
        self.period = 0


class _Job:
    def __init__(self, route: list[tuple[int, int]]) -> None:
        self.route = route  # (machine, duration) of each operation
        self.state = "source"
        self.operation = 0
        self.machine: int | None = None
        self.remaining = 0
        self.resumed: int | None = None  # since when it has been processing without a break
        self.since = 0

    @property
    def wish(self) -> int | None:
        """The machine it requests."""
        if self.state == "source":
            return self.route[0][0]
        return self.route[self.operation + 1][0] if self.state == "blocked" else None


class _Run:
    def __init__(self, instance: InterruptedJobShop, scenario: Scenario, policy: Policy) -> None:
        shop = instance.shop
        self.instance, self.policy = instance, policy
        self.clock = simpy.Environment()
        self.machines = [
            _Machine(self.clock, up, repair)
            for up, repair in zip(scenario.up.tolist(), scenario.repair.tolist(), strict=True)
        ]
        ends = shop.job_offsets.tolist()
        route = list(zip(shop.machine.tolist(), shop.duration.tolist(), strict=True))
        self.jobs = [_Job(route[a:b]) for a, b in pairwise(ends)]
        self.offset = ends
        self.end = np.zeros(shop.num_operations, np.int64)
        self.took = np.zeros(shop.num_operations, np.int64)  # from start to end
        self.events: list[tuple[int | str, ...]] = []
        self.held: set[int] = set()  # machines the policy lets wait
        self.is_news = True  # whether something happened that ends the waiting
        self.awaited: set[int] = set()  # machines that were down when the waiting began
        self.stir = self.clock.event()
        if instance.fail_when == "always":
            for index, machine in enumerate(self.machines):
                self.clock.process(self.break_down(index, machine))

    @property
    def now(self) -> int:
        return int(self.clock.now)

    def log(self, kind: str, machine: int, job: int = -1, operation: int = -1) -> None:
        self.events.append((self.now, kind, machine, job, operation))

    # --- machines and work -------------------------------------------------------------------------------------

    def break_down(self, index: int, machine: _Machine) -> Process:
        """Fail and repair a machine by the clock."""
        for up, repair in machine.periods:
            yield self.clock.timeout(up)
            self.fail(index)
            if machine.work is not None and machine.due > self.now:  # work due now is done before the failure
                machine.work.interrupt()
            yield self.clock.timeout(repair)
            self.repair(index)

    def fail(self, index: int) -> None:
        machine = self.machines[index]
        machine.is_down, machine.changed = True, self.now
        machine.repaired = self.clock.event()
        self.log("fail", index)

    def repair(self, index: int) -> None:
        machine = self.machines[index]
        machine.is_down, machine.changed = False, self.now
        machine.repaired.succeed()
        self.log("repair", index)
        is_unfinished = machine.occupant is not None and self.jobs[machine.occupant].state == "processing"
        if not is_unfinished:
            self.wake()

    def wake(self) -> None:
        if not self.stir.triggered:
            self.stir.succeed()

    def process(self, j: int, index: int) -> Process:
        """Work on an operation that has just entered; failures by the clock interrupt it."""
        job, machine = self.jobs[j], self.machines[index]
        started, duration = self.now, job.route[job.operation][1]
        job.remaining = duration
        while job.remaining:
            stretch = job.remaining
            if self.instance.fail_when == "busy" and machine.left is not None:
                stretch = min(stretch, machine.left)
            job.resumed, machine.due = self.now, self.now + job.remaining
            try:
                yield self.clock.timeout(stretch)
            except simpy.Interrupt:
                stretch = self.now - job.resumed
            job.remaining -= stretch
            job.resumed = None
            if self.instance.fail_when == "busy" and machine.left is not None:
                machine.left -= stretch
            if job.remaining:
                if self.instance.fail_when == "busy":
                    self.clock.process(self.fail_after_use(index))
                    yield self.clock.timeout(0)  # let it fail
                if self.instance.on_interrupt == "restart":
                    job.remaining = duration
                if machine.is_down:
                    yield machine.repaired
        machine.work = None
        operation = self.offset[j] + job.operation
        self.end[operation], self.took[operation] = self.now, self.now - started
        self.log("end", index, j, job.operation)
        job.since = self.now
        if job.operation == len(job.route) - 1:
            job.state, job.machine, machine.occupant = "out", None, None
        else:
            job.state = "blocked"
        if machine.left == 0 and self.instance.fail_when == "busy":
            self.clock.process(self.fail_after_use(index))
        self.is_news = True
        self.wake()

    def fail_after_use(self, index: int) -> Process:
        """Fail a machine whose up-time counts processing, and repair it."""
        machine = self.machines[index]
        self.fail(index)
        yield self.clock.timeout(machine.periods[machine.period][1])
        machine.period += 1
        has_more = machine.period < len(machine.periods)
        machine.left = machine.periods[machine.period][0] if has_more else None
        self.repair(index)

    # --- moves -------------------------------------------------------------------------------------------------

    def move_jobs(self) -> Process:
        """Move the jobs at every instant at which that may be possible, until all are out."""
        while True:
            while self.clock.peek() == self.now:  # whatever else happens at this instant comes first
                yield self.clock.timeout(0)
            for event in reversed(self.events):
                if event[0] != self.now:
                    break
                self.is_news |= event[1] == "repair" and self.ends_waiting(int(event[2]))
            if self.is_news:
                self.held.clear()
                self.awaited = {index for index, machine in enumerate(self.machines) if machine.is_down}
            self.is_news = False
            while self.swap():
                pass
            while self.enter_free_machine():
                pass
            if all(job.state == "out" for job in self.jobs):
                return
            self.assert_alive()
            self.stir = self.clock.event()
            yield self.stir

    def ends_waiting(self, index: int) -> bool:
        """Whether a machine that has come back up may let somebody move who could not when the waiting began."""
        if index not in self.awaited:
            return False
        occupant = self.machines[index].occupant
        if occupant is not None:
            return self.jobs[occupant].state == "blocked"
        return any(job.wish == index for job in self.jobs)

    def can_move(self, job: _Job) -> bool:
        return job.state == "source" or (job.state == "blocked" and not self.machines[job.machine].is_down)

    def enter_free_machine(self) -> bool:
        """Let the policy fill the first machine that is free and requested; False if there is none."""
        asking = {index: eligible for index in range(len(self.machines)) if (eligible := self.eligible(index))}
        if not asking:
            return False
        index = min(asking)
        is_working = any(job.state == "processing" for job in self.jobs)
        choice = self.decide(index, asking[index], is_working or len(asking) > 1)
        if choice == WAIT:
            self.held.add(index)
        else:
            self.leave(choice)
            self.enter(choice, index)
        return True

    def eligible(self, index: int) -> tuple[int, ...]:
        """Jobs that may enter a machine; none unless it is free, up and not held."""
        machine = self.machines[index]
        if machine.occupant is not None or machine.is_down or index in self.held:
            return ()
        return tuple(j for j, job in enumerate(self.jobs) if job.wish == index and self.can_move(job))

    def decide(self, index: int, eligible: tuple[int, ...], may_wait: bool) -> int:
        if len(eligible) == 1 and not may_wait:
            return eligible[0]
        choice = int(self.policy.act(self.observe(index, eligible, may_wait)))
        if choice not in eligible and not (choice == WAIT and may_wait):
            raise OptionError(f"the policy chose {choice} for machine {index}; allowed: {eligible}, wait: {may_wait}")
        return choice

    def leave(self, j: int) -> None:
        job = self.jobs[j]
        if job.state == "blocked":
            self.machines[job.machine].occupant = None
            job.operation += 1

    def enter(self, j: int, index: int) -> None:
        job, machine = self.jobs[j], self.machines[index]
        job.state, job.machine, job.since = "processing", index, self.now
        job.remaining, job.resumed = job.route[job.operation][1], self.now
        machine.occupant = j
        machine.work, machine.due = self.clock.process(self.process(j, index)), self.now + job.remaining
        self.log("start", index, j, job.operation)

    def swap(self) -> bool:
        """Let one cycle of blocked jobs exchange machines; False if there is none."""
        follow: dict[int, int] = {}  # machine -> the machine its blocked job requests
        for index, machine in enumerate(self.machines):
            if machine.occupant is not None and not machine.is_down:
                wish = self.jobs[machine.occupant].wish
                if wish is not None:
                    follow[index] = wish
        for origin in follow:
            path = [origin]
            while follow.get(path[-1]) in follow and follow[path[-1]] not in path:
                path.append(follow[path[-1]])
            if follow.get(path[-1]) == origin:
                movers = [(self.machines[index].occupant, follow[index]) for index in path]
                for j, _ in movers:
                    self.leave(j)
                for j, index in movers:
                    self.enter(j, index)
                return True
        return False

    def assert_alive(self) -> None:
        """Assert that the shop is not deadlocked: something is unfinished, or a machine that matters is down."""
        is_working = any(job.state == "processing" for job in self.jobs)
        assert is_working or any(self.ends_waiting(index) for index in self.awaited), "deadlock"

    def observe(self, index: int, eligible: tuple[int, ...], may_wait: bool) -> Observation:
        def remaining(job: _Job) -> int:
            worked = 0 if job.resumed is None else self.now - job.resumed
            return job.remaining - worked if job.state == "processing" else 0

        jobs, machines = self.jobs, self.machines
        return Observation(
            time=self.now,
            machine=index,
            eligible=eligible,
            may_wait=may_wait,
            job_state=tuple(job.state for job in jobs),
            operation=tuple(job.operation for job in jobs),
            job_machine=tuple(-1 if job.machine is None else job.machine for job in jobs),
            remaining=tuple(remaining(job) for job in jobs),
            since=tuple(job.since for job in jobs),
            occupant=tuple(-1 if machine.occupant is None else machine.occupant for machine in machines),
            is_down=tuple(machine.is_down for machine in machines),
            changed=tuple(machine.changed for machine in machines),
        )
