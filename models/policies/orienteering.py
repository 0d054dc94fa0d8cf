"""The learned method for orienteering: a transformer that was taught good walks builds one place by place.

Drakulic et al. 2023 (see `networks.bq`). It is shown the walk that is left in units of the length that is left, so a
network that was taught one size takes others. Needs places by whose coordinates distances are measured. On a CPU, local
search is both faster and better: this is to learn and to compare.
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import begun, roll_out
from counterpoint.models.policies.bq_run import run
from counterpoint.models.policies.orienteering_reconstruction import reconstructed
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import no_distances_by_points
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq_orienteering import FEATURES, Walks, start

__all__ = ["Options", "solve"]

NETWORK = "bq-orienteering"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(FEATURES))


def solve(instance: Orienteering, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a walk, then the best of a beam, then rebuild parts of the better; the seed says which.

    When the time is over the walk goes straight home. One thread, whatever the budget allows.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    UnsupportedError
        If distances are not those of coordinates.
    """
    clock = budget.start()
    if reason := no_distances_by_points(instance):
        raise UnsupportedError(f"bq {reason}")
    network, window = load(options, NETWORK, build)
    whole = walks(instance)

    def construct(width: int, samples: int) -> tuple[IntArray, bool]:
        rows, generator = begun(whole, samples, seed)
        steps, left = roll_out(
            network, rows, width=width, window=window, rescale=options.rescale, generator=generator, stop=clock.is_up
        )
        return _best(steps, left), bool((left.left >= 0).any())

    with torch_threads():
        return run(
            construct,
            lambda visits: reconstructed(instance, visits, whole, network, window=window, seed=seed, stop=clock.is_up),
            lambda visits: float(instance.prize[visits].sum()), Walk,
            options=options, clock=clock, report=report, sense="max",
        )  # fmt: skip


def walks(instance: Orienteering) -> Walks:
    """Return the instance as a batch of one."""
    points, prize = torch.tensor(instance.places.points), torch.tensor(instance.prize)
    origin, end = (torch.tensor([place]) for place in instance.ends)
    rest = torch.tensor([instance.max_length], dtype=torch.float64)
    return start(points.unsqueeze(0), prize.unsqueeze(0), rest, origin, end, metric=instance.places.metric)


def _best(steps: Tensor, left: Walks) -> IntArray:
    """Return the visits of the walk of most prize, the shortest of those."""
    row = int(np.lexsort((left.walked.numpy(), left.cost().numpy()))[0])
    return steps[row][steps[row] >= 0].numpy()
