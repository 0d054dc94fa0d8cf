"""The learned method for tours: a transformer that was taught good ones builds the tour, at both ends of what there is.

Drakulic et al. 2023 (see `networks.bq`); the window on the nearest places, brought back to the size of what was learnt,
lets a network that was taught small instances build large tours (Fang et al. 2024, INViT, ICML, arXiv 2402.02317).
Deviation: both ends may grow, and the one that the network is surer of does; the last places are put in order exactly.
Where distances are a matrix: see `atsp`. On a CPU, local search is both faster and better: this is to learn and to
compare.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.atsp import solve_matrix
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.bq_run import run
from counterpoint.models.policies.tsp_finish import MOST, finished
from counterpoint.models.policies.tsp_reconstruction import reconstructed
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_tsp import ANSWERS, FEATURES, SPECIAL, Paths, start, visits
from counterpoint.simulators.batched.distances import in_the_plane

__all__ = ["Options", "solve"]

NETWORK = "bq-tsp"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(FEATURES, SPECIAL, ANSWERS))


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a tour, then the best of a beam, then rebuild parts of the better; the seed says which.

    What does not fit into the time goes to the nearest place next. One thread, whatever the budget allows.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    """
    if instance.places.metric == "explicit":
        return solve_matrix(instance, budget, seed, options, report)
    clock = budget.start()
    network, window = load(options, NETWORK, build)
    paths = _paths(instance)

    def is_late() -> bool:
        return clock.remaining_s() <= 0

    def construct(width: int) -> tuple[IntArray, bool]:
        steps, left = roll_out(
            network, paths, width=width, window=window, rescale=options.rescale, leave=MOST, stop=is_late
        )
        is_cut = left.size > MOST
        inner = _late(instance, steps[:1], left) if is_cut else visits(steps, finished(left)).numpy()
        orders = [_whole(instance, row) for row in inner]
        return min(orders, key=lambda order: float(length(instance, order))), is_cut

    def rebuild(order: IntArray) -> Iterator[IntArray]:
        if paths.size <= MOST:  # exact as it is
            return iter(())
        return reconstructed(instance, order, paths.points[0], network, window=window, seed=seed, stop=is_late)

    with torch_threads():
        return run(
            construct, rebuild, lambda order: float(length(instance, order)), Tour,
            options=options, clock=clock, report=report,
        )  # fmt: skip


def _paths(instance: Tsp) -> Paths:
    """Return the instance as a batch of one, in the unit square."""
    points = torch.from_numpy(np.array(instance.places.points)).unsqueeze(0)
    ends = () if instance.ends is None else tuple(torch.tensor([place]) for place in instance.ends)
    return start(unit_square(in_the_plane(instance.places.metric, points)), *ends)


def _whole(instance: Tsp, between: IntArray) -> IntArray:
    """Return the tour or path whose inner places these are."""
    if instance.ends is None:
        return np.concatenate(([0], between))
    return np.concatenate((instance.ends[:1], between, instance.ends[1:]))


def _late(instance: Tsp, steps: Tensor, left: Paths) -> IntArray:
    """Return the inner places of the likeliest tour [1, N'], what is left to it by nearest neighbours."""
    here, rest, walk = int(left.origin[0]), left.left[0].tolist(), []
    while rest:
        here = rest.pop(int(np.argmin(instance.places.lengths(here, np.array(rest)))))
        walk.append(here)
    return visits(steps, torch.tensor([walk])).numpy()
