"""Tours of matrices made cheaper: as `tsp_reconstruction`, stretches are taken out and built anew, many at once.

Every other round turns the matrix round and builds backwards, for the network does not see that this changes nothing.
"""

from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor, nn

from counterpoint.models.policies.atsp_finish import finished
from counterpoint.models.policies.tsp_reconstruction import lengths, pointers, rebuilt, stretches
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.simulators.batched.bq_atsp import MatrixPaths

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
        matrix = (costs.T if way < 0 else costs).unsqueeze(0)
        between = rebuilt(MatrixPaths(matrix, *pointers(before[:, ::way].copy())), finished, network, window, stop)
        if between is None:
            return
        after = before.copy()
        after[:, 1:-1] = between[:, ::way]
        is_better = lengths(instance, after) < lengths(instance, before) * (1 - TINY)
        order[at[is_better]] = after[is_better]
        yield order.copy()
