"""Scenario trees of inflows over the next stages: a few branches where it matters, mean inflows afterwards.

Reduction: fast forward selection (Heitsch and Romisch 2003, Computational Optimization and Applications 24:187-206)
with squared Euclidean distances of inflows in energy; a stage's openings are reduced to as many as there are branches.
"""

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.cascade import energy_per_volume
from counterpoint.solvers.mip.hydrothermal_tree import ROOT, Tree


def inflow_tree(instance: Hydrothermal, stage: int, stages: int, branching: tuple[int, ...]) -> Tree:
    """Return the tree from `stage` on, which is the root.

    Parameters
    ----------
    instance : Hydrothermal
    stage : int
        From 0.
    stages : int
        In all, the root's and those of mean inflows included; fewer where the horizon ends.
    branching : tuple of int
        Children of the nodes of the first stages; where a stage has fewer openings, all are kept.
    """
    depths = min(stages, instance.horizon - stage)
    parents, depth, weights, noises = [ROOT], [0], [1.0], [np.zeros(instance.num_reservoirs)]
    level = [0]
    for d in range(1, depths):
        rows, probability = instance.openings(stage + d)
        count = branching[d - 1] if d <= len(branching) else 0
        if count:
            rows, probability = reduced(rows, probability, min(count, len(rows)), energy_per_volume(instance))
        else:
            rows, probability = (probability @ rows)[None], np.ones(1)
        coming = []
        for node in level:
            for row, chance in zip(rows, probability, strict=True):
                coming.append(len(parents))
                parents.append(node)
                depth.append(d)
                weights.append(weights[node] * instance.discount * float(chance))
                noises.append(row)
        level = coming
    return Tree(np.array(parents, np.int64), np.array(depth, np.int64), np.array(weights), np.array(noises))


def reduced(rows: FloatArray, probability: FloatArray, count: int, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `count` of the rows, [N, H], and the probabilities of those nearest to them, less error of the mean.

    Each group is represented by its own mean, so that the mean of all is kept. O(count N^2).
    """
    points = rows * weight
    distance = ((points[:, None] - points) ** 2).sum(2)
    nearest = np.full(len(points), np.inf)
    chosen: list[int] = []
    for _ in range(count):
        left = probability @ np.minimum(nearest[:, None], distance)  # if this point were added
        left[chosen] = np.inf
        chosen.append(int(left.argmin()))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    group: IntArray = distance[:, chosen].argmin(1)
    belongs = (group == np.arange(count)[:, None]) * probability
    share = belongs.sum(1)
    kept = share > 0
    return belongs[kept] @ rows / share[kept, None], share[kept]
