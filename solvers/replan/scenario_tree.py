"""Scenario trees of demand: what may come, as nodes with probabilities.

Reduction: fast forward selection (Heitsch and Romisch 2003, Computational Optimization and Applications 24:187-206)
with squared Euclidean distances: representatives are added one by one, each the one that leaves the others nearest.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ROOT = -1  # the present, as a parent


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Nodes in order of their stage; what is decided at a node is decided before any of its children is known.

    Parameters
    ----------
    parent : int64 array [N]
        `ROOT` for the first period.
    probability : float64 array [N]
        Of reaching the node.
    demand : float64 array [N, I]
        Of the period that ends in the node.
    """

    parent: IntArray
    probability: FloatArray
    demand: FloatArray

    @property
    def stage(self) -> IntArray:
        """Period of each node, from 0, int64 [N]."""
        stage, above = np.zeros(len(self.parent), np.int64), self.parent
        while (is_below := above != ROOT).any():
            stage += is_below
            above = np.where(is_below, self.parent[above], ROOT)
        return stage


def path(demand: FloatArray) -> Tree:
    """Return the tree of one future, `demand` [H, I]."""
    count = len(demand)
    return Tree(np.arange(count) - 1, np.ones(count), np.asarray(demand, np.float64))


def sampled_paths(probability: FloatArray, paths: int, periods: int, rng: np.random.Generator) -> Tree:
    """Draw paths that part at once, each as likely, of independent demands.

    Latin hypercube sampling (McKay, Beckman and Conover 1979, Technometrics 21:239-245): of each item and period every
    path draws from another of as many equally likely intervals, so that each demand is about as frequent as it is
    likely. Drawn alone or reduced, few paths have less spread, and plans for them less stock.

    Parameters
    ----------
    probability : float64 array [I, D + 1]
        Of each item's demand in a period.
    paths, periods : int
    rng : numpy.random.Generator
    """
    cumulative = np.cumsum(probability, axis=1)[:, :-1]
    shape = (paths, periods, len(probability))
    interval = rng.permuted(np.broadcast_to(np.arange(paths)[:, None, None], shape), axis=0)
    drawn = ((interval + rng.random(shape)) / paths)[..., None] >= cumulative
    demand = drawn.sum(-1).swapaxes(0, 1).reshape(-1, len(probability)).astype(np.float64)
    parent = np.maximum(np.arange(len(demand)) - paths, ROOT)
    parent[:paths] = ROOT
    return Tree(parent, np.full(len(demand), 1 / paths), demand)


def sampled_tree(
    probability: FloatArray,
    branching: tuple[int, ...],
    tail: int,
    samples: int,
    rng: np.random.Generator,
) -> Tree:
    """Draw a tree of independent demands.

    Parameters
    ----------
    probability : float64 array [I, D + 1]
        Of each item's demand in a period.
    branching : tuple of int
        Children per node, of the first periods.
    tail : int
        Periods of mean demand after them, without branching.
    samples : int
        Demands drawn per node, of which fast forward selection keeps as many as there are children.
    rng : numpy.random.Generator

    Returns
    -------
    Tree
    """
    cumulative = np.cumsum(probability, axis=1)[:, :-1]
    mean = probability @ np.arange(probability.shape[1])
    parents: list[int] = []
    chances: list[float] = []
    demands: list[FloatArray] = []
    level = [(ROOT, 1.0)]
    for children in (*branching, *[0] * tail):
        coming = []
        for node, chance in level:
            if children:
                uniform = rng.random((max(samples, children), len(probability), 1))
                drawn = (uniform >= cumulative).sum(2).astype(np.float64)
                kept, share = forward_selection(drawn, children)
            else:
                kept, share = mean[None], np.ones(1)
            for demand, part in zip(kept, share, strict=True):
                coming.append((len(parents), chance * float(part)))
                parents.append(node)
                chances.append(coming[-1][1])
                demands.append(demand)
        level = coming
    return Tree(np.array(parents, np.int64), np.array(chances), np.array(demands).reshape(len(parents), len(mean)))


def forward_selection(points: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return `count` of equally likely `points` [K, I] and their shares of the points nearest to them; O(count K^2).

    >>> kept, share = forward_selection(np.array([[0.0], [0.1], [5.0], [0.2]]), 2)
    >>> kept.ravel().tolist(), share.tolist()
    ([0.2, 5.0], [0.75, 0.25])
    """
    squares = (points**2).sum(1)
    distance = np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0.0)
    nearest = np.full(len(points), np.inf)
    chosen: list[int] = []
    for _ in range(min(count, len(points))):
        left = np.minimum(nearest[:, None], distance).sum(0)  # if this point were added
        left[chosen] = np.inf
        chosen.append(int(left.argmin()))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    share = np.bincount(distance[:, chosen].argmin(1), minlength=len(chosen)) / len(points)
    return points[chosen], share
