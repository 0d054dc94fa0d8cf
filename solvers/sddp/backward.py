"""Backward passes: at every state that was left behind, what follows is solved for all outcomes and becomes cuts.

A cut of a future at state v, from outcomes i with value Q_i, derivative g_i, and risk-adjusted weight q_i:
``theta >= sum_i q_i Q_i + (sum_i q_i g_i) @ (state - v)`` (Pereira and Pinto 1991). With many cuts each outcome has a
theta of its own, and the weights are in the objective.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from counterpoint.simulators.stage.model import FloatArray
from counterpoint.solvers.sddp.cuts import CutPool
from counterpoint.solvers.sddp.graph import Arcs, PolicyGraph
from counterpoint.solvers.sddp.node_solver import NodeSolver
from counterpoint.solvers.sddp.risk import RiskMeasure


@dataclass(frozen=True, slots=True, eq=False)
class Future:
    """What follows a node, shared by all nodes that it follows.

    Parameters
    ----------
    arcs : tuple of (int, float)
    risk : RiskMeasure
    pool : CutPool
    lower : float
        Nothing that follows costs less.
    members : tuple of int
        The nodes that it follows.
    """

    arcs: Arcs
    risk: RiskMeasure
    pool: CutPool
    lower: float
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """All that may follow M states, one row a state: probability [K], value [M, K], derivative [M, K, S]."""

    probability: FloatArray
    value: FloatArray
    slope: FloatArray


def outcomes(graph: PolicyGraph, solvers: Sequence[NodeSolver], arcs: Arcs, state: FloatArray) -> Outcomes:
    """Solve every noise of every child for states [M, S]; one batch a child, in the order of its tour."""
    m, s = state.shape
    values, slopes, chances = [], [], []
    for child, chance in arcs:
        node = graph.nodes[child]
        n = len(node.noise)
        tour = solvers[child].tour
        found = solvers[child].solve(np.repeat(state, n, axis=0), np.tile(node.noise[tour], (m, 1)))
        value, slope = np.empty((m, n)), np.empty((m, n, s))
        value[:, tour] = found.objective.reshape(m, n)
        slope[:, tour] = found.dual_state.reshape(m, n, s)
        values.append(value)
        slopes.append(slope)
        chances.append(chance * node.probability)
    return Outcomes(np.concatenate(chances), np.concatenate(values, axis=1), np.concatenate(slopes, axis=1))


def weighed(found: Outcomes, risk: RiskMeasure) -> FloatArray:
    """Return the weights of outcomes, float64 [M, K]; they add up to the chance that there is a next stage.

    Risk is measured over what comes if something comes; the end costs nothing.
    """
    total = found.probability.sum()
    weights: FloatArray = total * risk.weights(found.probability / total, found.value)
    return weights


def make_cuts(
    graph: PolicyGraph, solvers: Sequence[NodeSolver], future: Future, state: FloatArray, *, refresh: bool
) -> FloatArray:
    """Make cuts of a future at states [M, S], hand them to the solvers, and return what it costs there, float64 [M]."""
    found = outcomes(graph, solvers, future.arcs, state)
    weights = weighed(found, future.risk)
    value: FloatArray = (weights * found.value).sum(1)
    if future.pool.num_thetas == 1:
        slope = np.einsum("mk,mks->ms", weights, found.slope)[:, None]
        intercept = value[:, None] - np.einsum("mks,ms->mk", slope, state)
    else:
        slope = found.slope
        intercept = found.value - np.einsum("mks,ms->mk", slope, state)
    future.pool.add(state, intercept, slope)
    for member in future.members:
        solvers[member].add_cuts(len(state), refresh=refresh)
    return value
