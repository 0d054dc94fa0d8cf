"""Forward passes: paths through the graph, decided with the cuts at hand.

Paths walk in step, so that those that are at one node are solved in one batch. What is drawn depends on (seed,
iteration, pass) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.simulators.stage.model import FloatArray, IntArray
from counterpoint.solvers.sddp.graph import PolicyGraph
from counterpoint.solvers.sddp.node_solver import NodeSolver


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """The paths that are at one node in one step.

    Parameters
    ----------
    step, node : int
    path : int64 array [M]
        Which paths.
    noise : int64 array [M]
        Which noises of the node.
    state_in, state_out : float64 array [M, S]
    stage_cost : float64 array [M]
        Undiscounted.
    factor : float64 array [M]
        What discounts along the path have made of 1.
    x : float64 array [M, n] or None
    """

    step: int
    node: int
    path: IntArray
    noise: IntArray
    state_in: FloatArray
    state_out: FloatArray
    stage_cost: FloatArray
    factor: FloatArray
    x: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Where paths go and which noises come: float64 arrays [P, D, 2] of uniform numbers, read as the graph is walked.

    Parameters
    ----------
    uniform : float64 array [P, D, 2]
        For each step of each path: which arc, and which noise.
    """

    uniform: FloatArray

    @classmethod
    def drawn(cls, count: int, depth: int, seed: Sequence[int]) -> "Paths":
        """Draw paths of at most `depth` steps; path i depends on (seed, i) alone."""
        drawn = [np.random.default_rng([*seed, i]).random((depth, 2)) for i in range(count)]
        return cls(np.array(drawn).reshape(count, depth, 2))


def walk(graph: PolicyGraph, solvers: Sequence[NodeSolver], paths: Paths, *, wants_x: bool = False) -> list[Visit]:
    """Decide along paths until all have ended, or their depth is reached; return the visits step by step."""
    count, depth, _ = paths.uniform.shape
    state = np.tile(graph.initial_state, (count, 1))
    factor = np.ones(count)
    at = _drawn(graph.root, paths.uniform[:, 0, 0]) if depth else np.full(count, -1)
    visits: list[Visit] = []
    for step in range(depth):
        for number in np.unique(at[at >= 0]).tolist():
            node = graph.nodes[number]
            who = np.flatnonzero(at == number)
            noise = chosen(node.probability, paths.uniform[who, step, 1])
            found = solvers[number].solve(state[who], node.noise[noise], wants_x=wants_x)
            visits.append(
                Visit(step, number, who, noise, state[who].copy(), found.state_out, found.stage_cost,
                      factor[who].copy(), found.x)
            )  # fmt: skip
            state[who] = found.state_out
            factor[who] *= node.discount
        at = _next(graph, at, paths.uniform[:, step + 1, 0]) if step + 1 < depth else np.full(count, -1)
        if (at < 0).all():
            break
    return visits


def path_costs(visits: Sequence[Visit], count: int) -> FloatArray:
    """Return what each path costs, discounted, float64 [P]."""
    cost = np.zeros(count)
    for visit in visits:
        cost[visit.path] += visit.factor * visit.stage_cost
    return cost


def chosen(probability: FloatArray, uniform: FloatArray) -> IntArray:
    """Return which outcome uniform numbers stand for, int64, never one of probability 0."""
    possible = np.flatnonzero(probability > 0)
    at = np.searchsorted(np.cumsum(probability[possible])[:-1], uniform, side="right")
    return np.asarray(possible[at], np.int64)


def _drawn(arcs: Any, uniform: FloatArray) -> IntArray:
    """Return the node that each number stands for, -1 for the end."""
    if not arcs:
        return np.full(len(uniform), -1)
    ends = np.cumsum([p for _, p in arcs])
    is_sure = abs(ends[-1] - 1) < 1e-9
    at = np.searchsorted(ends[:-1] if is_sure else ends, uniform, side="right")
    return np.array([*(child for child, _ in arcs), -1], np.int64)[at]


def _next(graph: PolicyGraph, at: IntArray, uniform: FloatArray) -> IntArray:
    following = np.full(len(at), -1)
    for number in np.unique(at[at >= 0]).tolist():
        who = at == number
        following[who] = _drawn(graph.nodes[number].arcs, uniform[who])
    return following
