"""The learned method for tours where distances are a matrix: a transformer that was taught good ones builds them.

As `tsp`, with the network of `networks.bq_matrix`, which sees costs and no coordinates; there and back may differ. More
places than it was taught with do little harm, windows do much: what it is told of arcs is so only among all that are
left.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.networks.bq import Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.networks.bq_matrix import BqMatrix
from counterpoint.models.policies.atsp_finish import finished
from counterpoint.models.policies.atsp_reconstruction import reconstructed
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.bq_run import run
from counterpoint.models.policies.tsp_finish import MOST
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq_atsp import ANSWERS, FEATURES, SPECIAL, MatrixPaths, start
from counterpoint.simulators.batched.bq_tsp import visits

NETWORK = "bq-atsp"
SEEN = 200  # places that the network is shown unless told otherwise


def build(options: NetworkOptions) -> BqMatrix:
    """Return the network."""
    return BqMatrix(options, Form(FEATURES, SPECIAL, ANSWERS))


def solve_matrix(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a tour, then the best of a beam, then rebuild parts of the better; the seed says which.

    What does not fit into the time goes to the nearest place next. One thread, whatever the budget allows.
    A window of -1 shows 200 places.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    """
    clock = budget.start()
    network, _ = load(options, NETWORK, build)
    window = SEEN if options.window < 0 else options.window
    costs = torch.from_numpy(instance.places.distances().astype(np.float64))
    ends = () if instance.ends is None else tuple(torch.tensor([place]) for place in instance.ends)
    paths = start(costs.unsqueeze(0), *ends)

    def is_late() -> bool:
        return clock.remaining_s() <= 0

    def construct(width: int) -> tuple[IntArray, bool]:
        steps, left = roll_out(network, paths, width=width, window=window, leave=MOST, stop=is_late)
        is_cut = left.size > MOST
        inner = visits(steps[:1], nearest(left)) if is_cut else visits(steps, finished(left))
        orders = [_whole(instance, row) for row in inner.numpy()]
        return min(orders, key=lambda order: float(length(instance, order))), is_cut

    def rebuild(order: IntArray) -> Iterator[IntArray]:
        if paths.size <= MOST:  # exact as it is
            return iter(())
        return reconstructed(instance, order, costs, network, window=window, seed=seed, stop=is_late)

    with torch_threads():
        return run(
            construct, rebuild, lambda order: float(length(instance, order)), Tour,
            options=options, clock=clock, report=report,
        )  # fmt: skip


def nearest(left: MatrixPaths) -> Tensor:
    """Return the places that are left to the first row by going to the nearest one next, int64 [1, m]."""
    costs, here, walk = left.costs[left.row[0]].numpy(), int(left.origin[0]), []
    barred = np.full(len(costs), np.inf)
    barred[left.left[0].numpy()] = 0.0
    for _ in range(left.size):
        here = int(np.argmin(costs[here] + barred))
        barred[here] = np.inf
        walk.append(here)
    return torch.tensor([walk])


def _whole(instance: Tsp, between: IntArray) -> IntArray:
    """Return the tour or path whose inner places these are."""
    first, last = ([0], []) if instance.ends is None else ([instance.ends[0]], [instance.ends[1]])
    return np.array([*first, *between, *last], np.int64)
