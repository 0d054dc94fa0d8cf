"""One run of the learned job-shop method: batch after batch of schedules under a budget."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from counterpoint.models.networks.job_shop_pointer import JobShopPointer
from counterpoint.models.policies.job_shop_beam import beam
from counterpoint.models.policies.job_shop_limits import lower_bound, schedules_at_most
from counterpoint.models.policies.job_shop_replay import replay, reverse, reverse_start, stacked
from counterpoint.models.policies.job_shop_rollout import roll_out
from counterpoint.models.policies.job_shop_rule import most_work_remaining
from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.job_shop import Shops

if TYPE_CHECKING:
    from counterpoint.models.policies.job_shop import Options

TOTALS = (32, 128)  # schedules after the first batches of samples, the greedy ones included
ROWS = 128  # of all later batches
PAIRS = 4_000_000  # rows times jobs squared held at once, at most
WIDEST_BEAM = 4096
RULE_S = 5e-5  # seconds per operation that the rule needs, and some


class Run:
    """The shop both ways, what the network makes of it, and the best schedule so far.

    Parameters
    ----------
    instance : JobShop
        Classical.
    network : JobShopPointer
    clock : Clock
    seed : int
    options : Options
    report : Report
    """

    def __init__(
        self, instance: JobShop, network: JobShopPointer, clock: Clock, seed: int, options: "Options", report: Report
    ) -> None:
        self.instance, self.network, self.clock, self.options, self.report = instance, network, clock, options, report
        self.generator = torch.Generator().manual_seed(seed % 2**63)
        forward = Shops.of([instance])
        self.ways = [forward, reverse(forward)] if options.both_ways and options.mode != "greedy" else [forward]
        with torch.no_grad():
            self.embedding = [network.encode(shop) for shop in self.ways]
        self.widest = max(1, PAIRS // instance.num_jobs**2)
        self.done = 0
        self.greedy_s = 0.0
        self.best: Schedule | None = None
        self.bound = lower_bound(instance)
        self.limit = schedules_at_most(clock.budget, options.mode, options.samples)

    def solve(self) -> Outcome:
        """Greedy first, then batch after batch."""
        if self.bound is not None:
            self.report(bound=self.bound)
        reason, number = None, 0
        while reason is None:
            found = self._beam(number) if number and self.options.mode == "beam" else self._samples(number)
            if found is None:
                reason = Termination.TIME
                continue
            if number == 0:
                self.greedy_s = self.clock.elapsed_s()
            self._keep(*found)
            number += 1
            reason = self._reason()
        if self.best is None:
            self.best = most_work_remaining(self.instance)
            self.report(self.best)
        return Outcome(self.best, float(self.best.makespan), reason, bound=self.bound, iterations=self.done)

    def _reason(self) -> Termination | None:
        assert self.best is not None
        reason = self.clock.stop(iteration=self.done, objective=float(self.best.makespan), bound=self.bound)
        return Termination.COMPLETED if reason is None and self.done >= self.limit else reason

    def _is_late(self) -> bool:
        """Whether to stop; before the first schedule there must be time left for the rule's."""
        return self.clock.remaining_s() <= (0.0 if self.done else RULE_S * self.instance.num_operations)

    def _samples(self, number: int) -> tuple[Tensor, Tensor] | None:
        """Return start and makespan of the best of one batch, the first one greedy; None if time ran out."""
        ways = self.ways if self.limit - self.done > 1 else self.ways[:1]
        if number == 0:
            wanted = len(ways)
        else:
            wanted = TOTALS[number - 1] - self.done if number <= len(TOTALS) else ROWS
        size = max(1, int(min(wanted, self.limit - self.done, self.widest)) // len(ways))
        nondelay = {"active": 0, "nondelay": size, "mixed": size // 2}[self.options.scheme]
        built = roll_out(
            self.network,
            stacked(ways),
            torch.cat(self.embedding[: len(ways)]),
            temperature=torch.full((size,), self.options.temperature),
            generator=self.generator if number else None,  # without one nothing is drawn: greedy
            nondelay=nondelay,
            stop=self._is_late,
        )
        if built is None:
            return None
        self.done += len(built.makespan)
        at = int(built.makespan.argmin())
        return self._forward(built.start[at : at + 1], built.makespan[at : at + 1], at // size)

    def _beam(self, number: int) -> tuple[Tensor, Tensor] | None:
        """Return the best of a beam, twice as wide once every way was searched; None if time ran out."""
        way = (number - 1) % len(self.ways)
        width = min(4 * 2 ** ((number - 1) // len(self.ways)), WIDEST_BEAM, self.widest)
        built = beam(
            self.network,
            self.ways[way],
            self.embedding[way],
            width=int(min(width, self.limit - self.done)),
            scheme="nondelay" if self.options.scheme == "nondelay" else "active",
            stop=self._is_late,
        )
        if built is None:
            return None
        self.done += len(built.makespan)
        at = int(built.makespan.argmin())
        return self._forward(built.start[at : at + 1], built.makespan[at : at + 1], way)

    def _forward(self, start: Tensor, makespan: Tensor, way: int) -> tuple[Tensor, Tensor]:
        """Return the schedule as one of the shop itself."""
        return (reverse_start(self.ways[1], start, makespan) if way == 1 else start), makespan

    def _keep(self, start: Tensor, makespan: Tensor) -> None:
        """Shift a schedule right and left, if there is time; report it if it is the best so far."""
        shop = self.ways[0]
        if self.clock.remaining_s() > self.greedy_s + RULE_S * self.instance.num_operations:
            start, makespan = shifted(shop, start, makespan)
        if self.best is not None and int(makespan) >= self.best.makespan:
            return
        is_real = torch.arange(start.shape[2]) < shop.length.unsqueeze(2)
        self.best = Schedule.from_starts(self.instance, start[is_real].numpy())
        self.report(self.best)


def shifted(shops: Shops, start: Tensor, makespan: Tensor) -> tuple[Tensor, Tensor]:
    """Return schedules after a shift to the right and one to the left, and their makespans, which are no longer."""
    other = reverse(shops)
    right = replay(other, reverse_start(shops, start, makespan), describe=False)
    left = replay(shops, reverse_start(other, right.start, right.makespan), describe=False)
    return left.start, left.makespan
