"""Deterministic upper bounds: what a policy costs for certain in expectation, and the inner approximation.

`exact_cost` walks the whole tree of outcomes, where that is small. `inner_bound` approximates expected futures from
above between states (Philpott, de Matos and Finardi 2013, Oper. Res. 61:957-970): by convexity, the value at a convex
combination of states is at most that of their values; what lies outside is reached at the price of a Lipschitz
constant. It holds under any coherent risk measure.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.model import OPTIMAL, FloatArray, StageModel
from counterpoint.solvers.sddp.backward import Outcomes, weighed
from counterpoint.solvers.sddp.graph import Arcs, PolicyGraph
from counterpoint.solvers.sddp.policy import Policy

MOST_OUTCOMES = 1_000_000


def exact_cost(policy: Policy) -> float:
    """Return the expected discounted cost of the policy, by all outcomes; an upper bound, without risk measures.

    Raises
    ------
    InstanceError
        If there are more than a million outcomes to walk through, or the graph has cycles.
    """
    graph = policy.graph
    if _num_outcomes(graph) > MOST_OUTCOMES:
        raise InstanceError(f"more than {MOST_OUTCOMES} outcomes: simulate, or take `inner_bound`")
    state, chance, total = graph.initial_state[None], np.ones(1), 0.0
    fronts: list[tuple[Arcs, FloatArray, FloatArray]] = [(graph.root, state, chance)]
    while fronts:
        arcs, state, chance = fronts.pop()
        for child, p in arcs:
            node = graph.nodes[child]
            n = len(node.noise)
            found = policy.solvers[child].solve(np.repeat(state, n, 0), np.tile(node.noise, (len(state), 1)))
            weight = np.repeat(chance, n) * p * np.tile(node.probability, len(state))
            total += float(weight @ found.stage_cost)
            if node.arcs:
                fronts.append((node.arcs, found.state_out, weight * node.discount))
    return total


def _num_outcomes(graph: PolicyGraph) -> int:
    """Return how many stage problems all paths have together."""
    order = graph.topological
    if order is None:
        raise InstanceError("a graph with cycles has no finite tree of outcomes")
    arrivals = [sum(child == at for child, _ in graph.root) for at in range(len(graph.nodes))]
    for at in order:
        for child, _ in graph.nodes[at].arcs:
            arrivals[child] += arrivals[at] * len(graph.nodes[at].noise)
    return sum(count * len(node.noise) for count, node in zip(arrivals, graph.nodes, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Inner:
    """States [V, S] and upper bounds [V] of a future there."""

    state: FloatArray
    value: FloatArray


def inner_bound(policy: Policy, lipschitz: FloatArray | float, *, most_states: int = 100) -> float:
    """Return an upper bound on the optimal value (of the risk-averse problem, where it is one).

    Parameters
    ----------
    policy : Policy
        Trained on an acyclic graph: its futures are bounded at the states that its latest cuts were made at.
    lipschitz : float or float64 array [S]
        By how much any future can change at most with a unit of each state: the dearest unit of a deficit, say. The
        bound is one only if this is right; the cuts' slopes must not exceed it.
    most_states : int
        Per future.

    Raises
    ------
    OptionError
        If a cut is steeper than that.
    InstanceError
        If the graph has cycles.
    """
    graph = policy.graph
    order = graph.topological
    if order is None:
        raise InstanceError("inner bounds are for acyclic graphs")
    steep = np.broadcast_to(np.asarray(lipschitz, np.float64), (graph.num_states,))
    for future in policy.futures:
        slopes = np.abs(future.pool.slope).max((0, 1)) if future.pool.count else np.zeros(graph.num_states)
        if (slopes > steep * (1 + 1e-9)).any():
            raise OptionError(f"lipschitz is {steep.tolist()}, but cuts have slopes of {slopes.tolist()}")
    solvers: dict[int, HighsStage] = {}
    inner: dict[int, _Inner] = {}
    for at in reversed(order):
        of = policy.future_of[at]
        if of is not None and of not in inner:
            future = policy.futures[of]
            recent = future.pool.state[-most_states:] if future.pool.count else graph.initial_state[None]
            state = np.unique(recent, axis=0)
            found = _outcomes(graph, solvers, future.arcs, state)
            inner[of] = _Inner(state, (weighed(found, future.risk) * found.value).sum(1))
        node = graph.nodes[at]
        solvers[at] = HighsStage(_with_inner(node.model, None if of is None else inner[of], steep, node.discount))
    found = _outcomes(graph, solvers, graph.root, graph.initial_state[None])
    return float((weighed(found, policy.options.risk) * found.value).sum())


def _outcomes(graph: PolicyGraph, solvers: dict[int, HighsStage], arcs: Arcs, state: FloatArray) -> Outcomes:
    values, chances = [], []
    for child, chance in arcs:
        node = graph.nodes[child]
        n = len(node.noise)
        found = solvers[child].solve_many(np.repeat(state, n, 0), np.tile(node.noise, (len(state), 1)))
        if (found.status != OPTIMAL).any():
            raise InstanceError("a stage has no optimum", place=("nodes", node.name))
        values.append(found.objective.reshape(len(state), n))
        chances.append(chance * node.probability)
    value = np.concatenate(values, 1)
    return Outcomes(np.concatenate(chances), value, np.zeros((*value.shape, graph.num_states)))


def _with_inner(model: StageModel, inner: _Inner | None, lipschitz: FloatArray, discount: float) -> StageModel:
    """Add to a stage: weights of states, which add up to 1, and what the state that goes on differs from their mean."""
    if inner is None:
        return model
    v, s, n, m = len(inner.state), model.num_states, model.num_cols, model.num_rows
    select = sparse.csr_array((np.ones(s), (np.arange(s), model.state_out)), shape=(s, n))
    eye, none = sparse.eye_array(s), sparse.csr_array
    matrix = sparse.vstack(
        [
            sparse.hstack([model.matrix, none((m, v + 2 * s))]),
            sparse.hstack([select, -sparse.csr_array(inner.state.T), eye, -eye]),
            sparse.hstack([none((1, n)), sparse.csr_array(np.ones((1, v))), none((1, 2 * s))]),
        ],
        format="csr",
    )
    added = np.r_[np.zeros(s), 1.0]
    extra = v + 2 * s
    return StageModel(
        np.r_[model.cost, discount * inner.value, discount * lipschitz, discount * lipschitz],
        np.r_[model.col_lower, np.zeros(extra)], np.r_[model.col_upper, np.full(extra, np.inf)], matrix,
        np.r_[model.row_lower, added], np.r_[model.row_upper, added],
        sparse.vstack([model.state_matrix, none((s + 1, s))], format="csr"),
        sparse.vstack([model.noise_matrix, none((s + 1, model.num_noises))], format="csr"), model.state_out,
        model.offset,
    )  # fmt: skip
