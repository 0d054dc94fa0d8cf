"""Exact finishing of path tails of matrices; see `tsp_finish`."""

from torch import Tensor

from counterpoint.models.policies.tsp_finish import shortest
from counterpoint.simulators.batched.bq_atsp import MatrixPaths


def finished(paths: MatrixPaths) -> Tensor:
    """Return the places that are left to each path in the best order from its origin to its end, int64 [R, m]."""
    if paths.size == 0:
        return paths.left
    row, left, origin, end = paths.row[:, None], paths.left, paths.origin[:, None], paths.end[:, None]
    among = paths.costs[row.unsqueeze(2), left.unsqueeze(2), left.unsqueeze(1)]
    costs = (paths.costs[row, origin, left], among, paths.costs[row, left, end])
    return left.gather(1, shortest(*(part.double() for part in costs)))
