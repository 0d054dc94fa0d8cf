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

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.atsp import solve_matrix
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.tsp_finish import finished
from counterpoint.models.policies.tsp_reconstruction import reconstructed
from counterpoint.models.policies.tsp_run import run_tours
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_tsp import ANSWERS, FEATURES, SPECIAL, Paths, start
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

    def rebuild(order: IntArray) -> Iterator[IntArray]:
        return reconstructed(
            instance, order, paths.points[0], network, window=window, rescale=options.rescale, seed=seed,
            stop=clock.is_up,
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


def _paths(instance: Tsp) -> Paths:
    """Return the instance as a batch of one, in the unit square."""
    points = torch.from_numpy(np.array(instance.places.points)).unsqueeze(0)
    ends = () if instance.ends is None else tuple(torch.tensor([place]) for place in instance.ends)
    return start(unit_square(in_the_plane(instance.places.metric, points)), *ends)
