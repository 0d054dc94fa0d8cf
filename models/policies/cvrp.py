"""The learned method for vehicle routing: a transformer that was taught good routes builds them customer by customer.

Drakulic et al. 2023 (see `networks.bq`); the window on the nearest customers, brought back to the size of what was
learnt, after Fang et al. 2024 (INViT, ICML, arXiv 2402.02317). Needs coordinates. On a CPU, local search is both faster
and better: this is to learn and to compare.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import begun, roll_out
from counterpoint.models.policies.bq_run import run
from counterpoint.models.policies.cvrp_reconstruction import Line, length, reconstructed
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import no_points
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_cvrp import (
    ANSWERS,
    DEMAND,
    FEATURES,
    FROM_DEPOT,
    LOAD,
    SPECIAL,
    Deliveries,
    start,
)  # fmt: skip
from counterpoint.simulators.batched.distances import in_the_plane

__all__ = ["Options", "solve"]

NETWORK = "bq-cvrp"
UNLIKELY = 1e4  # taken from logarithms of probabilities


class Decided(nn.Module):
    """A network that decides first whether the way leads through the depot, and then where to.

    A new route may begin at many places, which share what one customer to go on to directly has alone: the likeliest
    step is none of theirs too often.

    Parameters
    ----------
    network : Module
        Two logits for each customer.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, is_node: Tensor | None = None, edges: Tensor | None = None) -> Tensor:
        """Return log-probabilities of what was decided for, less ones of the rest, [R, 2 * k]."""
        logits = self.network(x, is_node, edges).unflatten(1, (-1, ANSWERS))
        fits = x[:, SPECIAL:, DEMAND] <= x[:, SPECIAL:, LOAD]
        is_away = (x[:, :1, FROM_DEPOT] > 0).expand_as(fits)
        likelihood = logits - UNLIKELY * ~torch.stack((fits, is_away), dim=2)
        directly, through = likelihood.logsumexp(1).unbind(1)
        is_through = (through > directly).unsqueeze(1).expand_as(fits)
        return (likelihood - UNLIKELY * torch.stack((is_through, ~is_through), dim=2)).flatten(1)


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(FEATURES, SPECIAL, ANSWERS))


def solve(instance: Cvrp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build routes, then the best of a beam, then rebuild parts of the better; the seed says which.

    Who does not fit into the time is served nearest next. One thread, whatever the budget allows; one iteration is one
    round of re-construction.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    UnsupportedError
        If the places have no coordinates.
    """
    clock = budget.start()
    if reason := no_points(instance):
        raise UnsupportedError(f"bq {reason}: local-search does without")
    network, window = load(options, NETWORK, build)
    decided = Decided(network)
    tails = _deliveries(instance)

    def construct(width: int, samples: int) -> tuple[Line, bool]:
        rows, generator = begun(tails, samples, seed)
        steps, left = roll_out(
            network if width > 1 or samples else decided, rows, width=width, window=window, rescale=options.rescale,
            generator=generator, stop=clock.is_up,
        )  # fmt: skip
        is_cut = left.size > 0
        lines = [_late(instance, steps[0].numpy(), left)] if is_cut else [_line(row) for row in steps.numpy()]
        return min(lines, key=cost), is_cut

    def rebuild(line: Line) -> Iterator[Line]:
        if tails.size <= 1:  # there is nothing else
            return iter(())
        return reconstructed(
            instance, line, tails.points[0], decided, window=window, rescale=options.rescale, seed=seed,
            stop=clock.is_up,
        )  # fmt: skip

    def cost(line: Line) -> float:
        return length(instance, line)

    with torch_threads():
        return run(construct, rebuild, cost, _routes, options=options, clock=clock, report=report)


def _deliveries(instance: Cvrp) -> Deliveries:
    """Return the instance as a batch of one, in the unit square."""
    points = torch.from_numpy(np.array(instance.places.points)).unsqueeze(0)
    demand = torch.from_numpy(np.array(instance.demand)).unsqueeze(0)
    capacity, origin, rest = (torch.tensor([n]) for n in (instance.capacity, instance.origin, instance.load))
    return start(unit_square(in_the_plane(instance.places.metric, points)), demand, capacity, origin, rest)


def _line(steps: np.ndarray) -> Line:
    return Line(steps // 2, steps % 2 == 1)


def _routes(line: Line) -> Routes:
    """Return a solution; the first route of a vehicle under way may be empty."""
    parts = np.split(line.customers, np.flatnonzero(line.through))
    return Routes(tuple(parts))


def _late(instance: Cvrp, steps: np.ndarray, left: Deliveries) -> Line:
    """Return the likeliest routes, what is left to them by nearest neighbours."""
    here, room, rest = int(left.origin[0]), int(left.load[0]), left.left[0].numpy()
    walk = steps.tolist()
    while len(rest):
        fits = instance.demand[rest] <= room
        is_through = here > 0 and not fits.any()
        if is_through:
            here, room, fits = 0, instance.capacity, np.ones(len(rest), bool)
        k = int(np.argmin(np.where(fits, instance.places.lengths(here, rest), np.inf)))
        here, rest = int(rest[k]), np.delete(rest, k)
        room -= int(instance.demand[here])
        walk.append(2 * here + is_through)
    return _line(np.array(walk, np.int64))
