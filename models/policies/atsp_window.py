"""Path tails of matrices of which a network is shown a part, with what is said of arcs among all that is left.

An arc is cheap or dear beside others out of the same place and into the same (`networks.bq_matrix_arcs`): of a part of
the matrix alone most would be said wrongly. All arcs are described, and then some places left out; described again when
a tenth of the places has gone, for a few that are gone change little.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from counterpoint.models.networks.bq_matrix_arcs import both_ways, nothing, possible, told
from counterpoint.simulators.batched.bq import View
from counterpoint.simulators.batched.bq_atsp import FEATURES, SPECIAL, MatrixPaths

AGAIN = 0.9  # share of the places described that are left when they are described again
MOST = 2**24  # arcs described at a time; where more rows than that go on side by side, what was said earlier stays
DEAR = 1e-3  # what costs count beside shares when places are ranked


@dataclass(frozen=True, slots=True)
class WindowedPaths:
    """R paths that are left (`bq.Tails`).

    Parameters
    ----------
    paths : MatrixPaths
    said : float32 tensor [S, 2 + q, 2 + q, ARC]
        Of arcs among the places that S paths once had left: their origin, their end, and q places.
    by : int64 tensor [R]
        Which of them holds for each path.
    at : int64 tensor [S, N]
        Where places are in `said`.
    ends : int64 tensor [S, 2]
        The origin and the end there.
    """

    paths: MatrixPaths
    said: Tensor
    by: Tensor
    at: Tensor
    ends: Tensor

    @property
    def row(self) -> Tensor:
        """Of which instance each path is, int64 [R]."""
        return self.paths.row

    @property
    def size(self) -> int:
        """Places between the ends, m."""
        return self.paths.size

    @property
    def origin(self) -> Tensor:
        """Where each path goes on, int64 [R]."""
        return self.paths.origin

    @property
    def left(self) -> Tensor:
        """Places between the ends, int64 [R, m]."""
        return self.paths.left

    def observe(self, window: int = 0, *, rescale: bool = True) -> View:
        """Return what `MatrixPaths.observe` does, in ``edges`` what is said of arcs if places are left out.

        Shown are those that have most of the origin's successor or of the end's predecessor.
        """
        paths = self.paths
        if not 0 < window < self.size:
            return paths.observe()
        by, ends = self.by.unsqueeze(1), self.ends[self.by]
        origin, end = (self.at[self.by, place] for place in (paths.origin, paths.end))
        origin = torch.where(paths.origin == ends[:, 0], 0, origin).unsqueeze(1)
        end = torch.where(paths.end == ends[:, 1], 1, end).unsqueeze(1)
        between = self.at[by, paths.left]
        ranks = [
            (DEAR * arc[..., 0] - arc[..., 1]).argsort(dim=1, stable=True).argsort(dim=1)
            for arc in (self.said[by, origin, between], self.said[by, between, end])
        ]
        position = torch.minimum(2 * ranks[0], 2 * ranks[1] + 1).topk(window, largest=False, sorted=False).indices
        shown = torch.cat((origin, end, between.gather(1, position)), dim=1)
        arcs = self.said[by.unsqueeze(2), shown.unsqueeze(2), shown.unsqueeze(1)]
        can = possible(shown.shape[1], shown.device, None).unsqueeze(3)
        edges = both_ways(torch.where(can, arcs, nothing(arcs)))
        choice = torch.stack((2 * position, 2 * position + 1), dim=2).flatten(1)
        return View(edges.new_zeros(len(shown), shown.shape[1], FEATURES), choice, edges=edges)

    def step(self, choice: Tensor) -> Self:
        """Go on to a place; see `MatrixPaths.step`."""
        after = replace(self, paths=self.paths.step(choice))
        is_old = after.size < AGAIN * (self.said.shape[1] - SPECIAL)
        return after._again() if is_old and len(self.row) * after.size**2 <= MOST else after

    def _again(self) -> Self:
        paths = self.paths
        nodes = torch.cat((paths.origin.unsqueeze(1), paths.end.unsqueeze(1), paths.left), dim=1)
        said = told(paths.costs[paths.row[:, None, None], nodes.unsqueeze(2), nodes.unsqueeze(1)]).float()
        by = torch.arange(len(nodes), device=nodes.device)
        at = torch.zeros(len(nodes), paths.costs.shape[1], dtype=torch.int64, device=nodes.device)
        at.scatter_(1, nodes, torch.arange(nodes.shape[1], device=nodes.device).expand_as(nodes))
        return replace(self, said=said, by=by, at=at, ends=nodes[:, :SPECIAL])

    def named(self, choice: Tensor) -> Tensor:
        """Return steps with places for positions."""
        return self.paths.named(choice)

    def picked(self, rows: Tensor) -> Self:
        """Return some of the paths."""
        return replace(self, paths=self.paths.picked(rows), by=self.by[rows])

    def cost(self) -> Tensor:
        """Return costs, the way straight to the end included."""
        return self.paths.cost()

    def key(self) -> Tensor:
        """Return a hash of the places left, the origin and the end."""
        return self.paths.key()

    def spent(self) -> Tensor:
        """Return costs so far."""
        return self.paths.spent()


def windowed(paths: MatrixPaths) -> WindowedPaths:
    """Return paths with what is to be said of their arcs."""
    return WindowedPaths(paths, *(paths.row.new_zeros(0) for _ in range(4)))._again()
