"""The learned method for tours where distances are a matrix: a transformer that was taught good ones builds them.

As `tsp`, with the network of `networks.bq_matrix`, which sees costs and no coordinates; there and back may differ. More
places than it was taught with do little harm, windows do much: what it is told of arcs is so only among all that are
left.
"""

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
from counterpoint.models.policies.tsp_finish import MOST
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.bq_atsp import ANSWERS, FEATURES, SPECIAL, MatrixPaths, start
from counterpoint.simulators.batched.bq_tsp import visits

NETWORK = "bq-atsp"
SEEN = 200  # places that the network is shown unless told otherwise


def build(options: NetworkOptions) -> BqMatrix:
    """Return the network."""
    return BqMatrix(options, Form(FEATURES, SPECIAL, ANSWERS))


def solve_matrix(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a tour, or the best of the last beam, then rebuild parts of it; the seed says which.

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
    with torch_threads():
        costs = torch.from_numpy(instance.places.distances().astype(np.float64))
        ends = () if instance.ends is None else tuple(torch.tensor([place]) for place in instance.ends)
        paths = start(costs.unsqueeze(0), *ends)
        steps, left = roll_out(
            network, paths, width=options.width, window=window, leave=MOST, stop=lambda: clock.remaining_s() <= 0
        )
        is_late = left.size > MOST
        inner = visits(steps[:1], nearest(left)) if is_late else visits(steps, finished(left))
        orders = [_whole(instance, row) for row in inner.numpy()]
        best = min(orders, key=lambda order: float(length(instance, order)))
        cost = float(length(instance, best))
        report(Tour(best))
        rounds = options.reconstructions if paths.size > MOST else 0
        cheaper = reconstructed(
            instance, best, costs, network, window=window, seed=seed, stop=lambda: clock.remaining_s() <= 0
        )
        done = 0
        while (stopped := clock.stop(iteration=done, objective=cost)) is None and done < rounds:
            order = next(cheaper, best)  # the same if the time is over
            done += 1
            if (found := float(length(instance, order))) < cost:
                best, cost = order, found
                report(Tour(best))
    ended = Termination.TIME if is_late else stopped or Termination.COMPLETED
    return Outcome(Tour(best), cost, ended, iterations=done)


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
