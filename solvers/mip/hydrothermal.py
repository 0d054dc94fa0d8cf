"""Linear programs over several stages of a hydrothermal system: one scenario, or a tree of them.

The extensive form (deterministic equivalent) of Birge and Louveaux 2011 (Introduction to Stochastic Programming,
section 3.1): a copy of the stage for each node of a tree, its incoming storage the parent's outgoing one, its cost
weighed by the node's probability and discount. A scenario that is known from beginning to end is a tree without
branches. The result is a `StageModel` too, whose state is the storage at the root and whose noise are the inflows of
all nodes: so whatever solves stages solves it, again and again from the last basis.

Copies share one matrix, so the whole is a sum of two Kronecker products, never written row by row.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import StageModel

MAX_NODES = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """What may flow in, as a tree; N nodes, parents before children.

    Parameters
    ----------
    parent : int64 array [N]
        -1 for nodes of the first stage, of which there can be several.
    stage : int64 array [N]
        From 0; node 0 is of the first.
    inflow : float64 array [N, H]
    probability : float64 array [N]
        Unconditional.
    """

    parent: IntArray
    stage: IntArray
    inflow: FloatArray
    probability: FloatArray

    @property
    def num_nodes(self) -> int:
        """N."""
        return len(self.parent)


def chain(inflow: FloatArray, *, start: int = 0) -> Tree:
    """Return the tree of inflows, float64 [T, H], that are known, from stage `start` on."""
    count = len(inflow)
    return Tree(np.arange(count) - 1, start + np.arange(count), np.asarray(inflow, np.float64), np.ones(count))


def scenario_tree(
    instance: Hydrothermal, stages: int, *, start: int = 0, first_inflow: FloatArray | None = None
) -> Tree:
    """Return the tree of all that may flow in in `stages` stages from `start` on.

    Parameters
    ----------
    instance : Hydrothermal
    stages, start : int
    first_inflow : float64 array [H], optional
        What is known to flow in in the first of them.

    Raises
    ------
    UnsupportedError
        If there are more than `MAX_NODES` nodes.
    """
    parents, ats, inflows, chances = [], [], [], []
    ends, weight, offset = np.array([-1]), np.ones(1), 0
    for stage in range(start, start + stages):
        rows, chance = instance.openings(stage)
        if stage == start and first_inflow is not None:
            rows, chance = np.asarray(first_inflow, np.float64)[None], np.ones(1)
        n = len(ends) * len(rows)
        if offset + n > MAX_NODES:
            raise UnsupportedError(f"a tree of {stages} stages has more than {MAX_NODES} nodes: use sddp")
        weight = (weight[:, None] * chance).ravel()
        parents.append(np.repeat(ends, len(rows)))
        ats.append(np.full(n, stage))
        inflows.append(np.tile(rows, (len(ends), 1)))
        chances.append(weight)
        ends, offset = np.arange(offset, offset + n), offset + n
    return Tree(np.concatenate(parents), np.concatenate(ats), np.concatenate(inflows), np.concatenate(chances))


def tree_model(instance: Hydrothermal, tree: Tree, network_kind: str | None = None) -> StageModel:
    """Return the extensive form over a tree; the expected cost is discounted to the tree's first stage.

    Returns
    -------
    StageModel
        Its state is the storage before the first stage, its noise the nodes' inflows in a row, float64 [N * H] (see
        `noise_of`), its outgoing state the storage after node 0. `columns` and `rows` have those of the stage, each
        with a row for every node, int64 [N, k].
    """
    return extensive_form(stage_models(instance, network_kind), tree, instance.discount)


def extensive_form(models: tuple[StageModel, ...], tree: Tree, discount: float) -> StageModel:
    """Return the same of stages that are given, stage t being number t mod D; they differ in bounds and costs alone."""
    first, nodes = models[0], tree.num_nodes
    n, m, states = first.num_cols, first.num_rows, first.num_states
    at = tree.stage % len(models)
    eye = sparse.eye_array(nodes, format="csr")
    children = np.flatnonzero(tree.parent >= 0)
    roots = np.flatnonzero(tree.parent < 0)
    follows = _ones(children, tree.parent[children], (nodes, nodes))
    handed_on = first.state_matrix @ _ones(np.arange(states), first.state_out, (states, n))
    matrix = sparse.kron(eye, first.matrix, "csr") + sparse.kron(follows, handed_on, "csr")
    weight = tree.probability * discount ** (tree.stage - tree.stage[0])

    def stacked(key: str) -> Any:
        return np.stack([getattr(model, key) for model in models])[at]

    return StageModel(
        cost=(weight[:, None] * stacked("cost")).ravel(),
        col_lower=stacked("col_lower").ravel(),
        col_upper=stacked("col_upper").ravel(),
        matrix=matrix,
        row_lower=stacked("row_lower").ravel(),
        row_upper=stacked("row_upper").ravel(),
        state_matrix=sparse.kron(_ones(roots, np.zeros(len(roots), int), (nodes, 1)), first.state_matrix, "csr"),
        noise_matrix=sparse.kron(eye, first.noise_matrix, "csr"),
        state_out=first.state_out,
        offset=float(weight @ np.array([model.offset for model in models])[at]),
        columns={key: np.arange(nodes)[:, None] * n + columns for key, columns in first.columns.items()},
        rows={key: np.arange(nodes)[:, None] * m + rows for key, rows in first.rows.items()},
    )


def noise_of(tree: Tree) -> FloatArray:
    """Return the inflows of a tree's nodes as the noise of its `tree_model`, float64 [N * H]."""
    return tree.inflow.ravel()


def box_bound(model: StageModel) -> float:
    """Return what a program costs at least for the sake of its columns' bounds alone."""
    with np.errstate(invalid="ignore"):
        ends = np.where(model.cost == 0, 0.0, model.cost * np.array((model.col_lower, model.col_upper)))
    return float(ends.min(0).sum()) + model.offset


def _ones(rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> Any:
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
