"""Tours of matrices made cheaper: as `tsp_reconstruction`, stretches are taken out and built anew, many at once.

Every other round turns the matrix round and builds backwards, for the network does not see that this changes nothing.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.policies.atsp_finish import finished
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.tsp_finish import MOST
from counterpoint.models.policies.tsp_reconstruction import stretches
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.simulators.batched.bq_atsp import MatrixPaths
from counterpoint.simulators.batched.bq_tsp import visits

TINY = 1e-12  # of the cost of a stretch: what rounding errors can feign


def reconstructed(
    instance: Tsp,
    order: IntArray,
    costs: Tensor,
    network: nn.Module,
    *,
    window: int = 0,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Iterator[IntArray]:
    """Yield the tour after each round, never dearer than before; ends when stopped.

    Parameters
    ----------
    instance : Tsp
    order : int64 array [N]
        Places, the ends of a path included.
    costs : float tensor [N, N]
        The instance's.
    network : Module
        Two logits for each candidate.
    window : int
        See `MatrixPaths.observe`.
    seed : int
    stop : callable, optional
        Asked again and again; a round that it cuts off counts for nothing.
    """
    random = np.random.default_rng(seed)
    order = order.copy()
    while not (stop is not None and stop()):
        at = stretches(len(order), instance.ends is None, random)
        before = order[at]
        way = -1 if random.integers(2) else 1
        between = rebuilt(costs.T if way < 0 else costs, before[:, ::way].copy(), network, window, stop)
        if between is None:
            return
        after = before.copy()
        after[:, 1:-1] = between[:, ::way]
        was, now = (np.asarray(instance.places.lengths(walk[:, :-1], walk[:, 1:])).sum(1) for walk in (before, after))
        is_better = now < was * (1 - TINY)
        order[at[is_better]] = after[is_better]
        yield order.copy()


def rebuilt(
    costs: Tensor, before: IntArray, network: nn.Module, window: int, stop: Callable[[], bool] | None
) -> IntArray | None:
    """Return the places between the ends of stretches in the network's order; None if stopped."""
    places = torch.from_numpy(before)
    count = len(places)
    paths = MatrixPaths(
        costs.unsqueeze(0), torch.zeros(count, dtype=torch.int64), places[:, 0], places[:, -1],
        places[:, 1:-1].sort(dim=1).values, torch.zeros(count, dtype=torch.float64),
    )  # fmt: skip
    steps, left = roll_out(network, paths, window=window, leave=MOST, stop=stop)
    return None if left.size > MOST else visits(steps, finished(left)).numpy()
