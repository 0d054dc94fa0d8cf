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
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.orienteering_reconstruction import reconstructed
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.methods.refusals import no_distances_by_points
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.bq_orienteering import FEATURES, Walks, start

__all__ = ["Options", "solve"]

NETWORK = "bq-orienteering"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(FEATURES))


def solve(instance: Orienteering, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a walk, or the best of the last beam, then rebuild parts of it; the seed says which.

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
    with torch_threads():
        steps, left = roll_out(
            network, walks(instance), width=options.width, window=window, rescale=options.rescale,
            stop=lambda: clock.remaining_s() <= 0,
        )  # fmt: skip
        visits = _best(steps, left)
        prize = float(instance.prize[visits].sum())
        report(Walk(visits))
        better = reconstructed(
            instance, visits, walks(instance), network, window=window, seed=seed,
            stop=lambda: clock.remaining_s() <= 0,
        )  # fmt: skip
        done = 0
        while (stopped := clock.stop(iteration=done, objective=prize, sense="max")) is None:
            if done == options.reconstructions:
                break
            visits = next(better, visits)  # the same if the time is over
            done += 1
            if (found := float(instance.prize[visits].sum())) > prize:
                prize = found
                report(Walk(visits))
    is_late = bool((left.left >= 0).any())
    ended = Termination.TIME if is_late else stopped or Termination.COMPLETED
    return Outcome(Walk(visits), prize, ended, iterations=done)


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
