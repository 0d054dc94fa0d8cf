"""The learned method for tours: a transformer that was taught good ones builds the tour place by place.

Drakulic et al. 2023 (see `networks.bq`); the window on the nearest places, brought back to the size of what was learnt,
lets a network that was taught small instances build large tours (Fang et al. 2024, INViT, ICML, arXiv 2402.02317).
Needs coordinates. On a CPU, local search is both faster and better: this is to learn and to compare.
"""

import numpy as np
import torch

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray, Places, radians
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_tsp import Paths, start

__all__ = ["Options", "solve"]

NETWORK = "bq-tsp"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(features=2))


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build a tour, or the best of the last beam; what does not fit into the time goes to the nearest place next.

    Nothing is random. One thread, whatever the budget allows.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    UnsupportedError
        If the places have no coordinates.
    """
    clock = budget.start()
    if instance.places.points is None:
        raise UnsupportedError("the learned method needs coordinates; this instance has distances only")
    network, window = load(options, NETWORK, build)
    with torch_threads():
        visits, left = roll_out(
            network, _paths(instance), width=options.width, window=window, rescale=options.rescale,
            stop=lambda: clock.remaining_s() <= 0,
        )  # fmt: skip
    orders = [_whole(instance, row.numpy(), rest.tolist()) for row, rest in zip(visits, left.left, strict=True)]
    best = min(orders, key=lambda order: float(length(instance, order)))
    report(Tour(best))
    ended = Termination.TIME if left.size else Termination.COMPLETED
    return Outcome(Tour(best), float(length(instance, best)), ended)


def _paths(instance: Tsp) -> Paths:
    """Return the instance as a batch of one, in the unit square."""
    points = torch.from_numpy(_plane(instance.places).copy()).unsqueeze(0)
    ends = () if instance.ends is None else tuple(torch.tensor([place]) for place in instance.ends)
    return start(unit_square(points), *ends)


def _plane(places: Places) -> np.ndarray:
    """Return points; places on the globe by their longitudes and latitudes, about as long as each other."""
    assert places.points is not None
    if places.metric != "geo":
        return places.points
    latitude, longitude = radians(places.points)
    return np.stack((longitude * np.cos(latitude.mean()), latitude), axis=1)


def _whole(instance: Tsp, visits: IntArray, left: list[int]) -> IntArray:
    """Return a whole tour, what is left of it by nearest neighbours."""
    order = [0 if instance.ends is None else instance.ends[0], *visits.tolist()]
    while left:
        lengths = instance.places.lengths(order[-1], np.array(left))
        order.append(left.pop(int(np.argmin(lengths))))
    return np.array(order if instance.ends is None else [*order, instance.ends[1]])
