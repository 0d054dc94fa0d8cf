"""The learned method for tours where distances are a matrix: a transformer that was taught good ones builds them.

As `tsp`, with the network of `networks.bq_matrix`, which sees costs and no coordinates; there and back may differ. What
it is told of arcs holds among all that are left: a window leaves places out after that (`atsp_window`).
"""

from collections.abc import Iterator

import numpy as np
import torch

from counterpoint.models.networks.bq import Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.networks.bq_matrix import BqMatrix
from counterpoint.models.policies.atsp_finish import finished
from counterpoint.models.policies.atsp_reconstruction import reconstructed
from counterpoint.models.policies.atsp_window import windowed
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.tsp_run import run_tours
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq_atsp import ANSWERS, FEATURES, SPECIAL, start

NETWORK = "bq-atsp"
SEEN = 100  # places that the network is shown unless told otherwise


def build(options: NetworkOptions) -> BqMatrix:
    """Return the network."""
    return BqMatrix(options, Form(FEATURES, SPECIAL, ANSWERS))


def solve_matrix(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a tour, then the best of a beam, then rebuild parts of the better; the seed says which.

    What does not fit into the time goes to the nearest place next. One thread, whatever the budget allows.
    A window of -1 shows 100 places.

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

    def rebuild(order: IntArray) -> Iterator[IntArray]:
        return reconstructed(instance, order, costs, network, window=window, seed=seed, stop=clock.is_up)

    if 0 < window < paths.size:
        return run_tours(
            instance, windowed(paths), network, lambda tails: finished(tails.paths), rebuild, window=window,
            options=options, seed=seed, clock=clock, report=report,
        )  # fmt: skip
    return run_tours(
        instance,
        paths,
        network,
        finished,
        rebuild,
        window=window,
        options=options,
        seed=seed,
        clock=clock,
        report=report,
    )
