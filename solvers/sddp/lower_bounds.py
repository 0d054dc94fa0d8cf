"""What no path costs less than: a valid lower bound on future costs, worked out from the stages themselves.

With the incoming state free within the bounds it was given when it went out, a stage cannot cost less than the minimum
of a linear program. Added up along the graph, discounted, that bounds every cost-to-go from below.
"""

import numpy as np
from scipy import sparse

from counterpoint.opt.errors import InstanceError
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.model import OPTIMAL, FloatArray, StageModel
from counterpoint.solvers.sddp.graph import PolicyGraph

SWEEPS = 5000
TOLERANCE = 1e-12  # relative, at which sweeps over a cyclic graph end


def lower_bounds(graph: PolicyGraph) -> FloatArray:
    """Return for each node what all that follows it costs at least, in money of the stage that follows, float64 [n].

    Where a node gives `theta_lower`, that is taken. Elsewhere it is the least over the children, with 0 for the chance
    to end: a path's cost, not an expectation, so it holds under every risk measure and for every single outcome.

    Raises
    ------
    InstanceError
        If a stage has no least cost although its state is bounded, so that a bound must be given.
    """
    given = [node.theta_lower for node in graph.nodes]
    needed = sorted({child for node, lower in zip(graph.nodes, given, strict=True) if lower is None
                     for child, _ in node.arcs})  # fmt: skip
    least = np.zeros(len(graph.nodes))
    ranges = _state_ranges(graph)
    for child in needed:
        least[child] = _least_cost(graph, child, *ranges[child])
    bound = np.array([0.0 if lower is None else lower for lower in given])
    order = graph.topological
    for _ in range(1 if order is not None else SWEEPS):
        before = bound.copy()
        for at in reversed(order if order is not None else range(len(graph.nodes))):
            node = graph.nodes[at]
            if node.theta_lower is None and node.arcs:
                ways = [least[child] + graph.nodes[child].discount * bound[child] for child, _ in node.arcs]
                ends = sum(p for _, p in node.arcs) < 1 - 1e-9
                bound[at] = min([0.0, *ways]) if ends else min(ways)
        if np.abs(bound - before).max() <= TOLERANCE * max(1.0, np.abs(bound).max()):
            break
    else:
        if order is None:
            raise InstanceError("costs around a cycle can fall without end: give theta_lower", place=("nodes",))
    return bound


def _state_ranges(graph: PolicyGraph) -> list[tuple[FloatArray, FloatArray]]:
    """Return within what the state is on arrival at each node."""
    size = (len(graph.nodes), graph.num_states)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for child, _ in graph.root:
        low[child] = high[child] = graph.initial_state
    for node in graph.nodes:
        out = node.model.state_out
        for child, _ in node.arcs:
            low[child] = np.minimum(low[child], node.model.col_lower[out])
            high[child] = np.maximum(high[child], node.model.col_upper[out])
    return list(zip(low, high, strict=True))


def _least_cost(graph: PolicyGraph, at: int, low: FloatArray, high: FloatArray) -> float:
    node, model = graph.nodes[at], graph.nodes[at].model
    with np.errstate(invalid="ignore"):
        cheapest = np.where(model.cost > 0, model.cost * model.col_lower, model.cost * model.col_upper)
    box: float = np.where(model.cost == 0, 0.0, cheapest).sum() + model.offset
    if np.isfinite(box):  # of the columns' bounds alone: rougher, and free
        return box
    s = model.num_states
    free = StageModel(
        np.r_[model.cost, np.zeros(s)], np.r_[model.col_lower, low], np.r_[model.col_upper, high],
        sparse.hstack([model.matrix, model.state_matrix], format="csr"), model.row_lower, model.row_upper,
        sparse.csr_array((model.num_rows, s)), model.noise_matrix, model.state_out, model.offset,
    )  # fmt: skip
    found = HighsStage(free).solve_many(np.zeros((len(node.noise), s)), node.noise)
    if bad := np.flatnonzero(found.status != OPTIMAL).tolist():
        raise InstanceError(
            f"no least cost with noise {bad[0]} although its state may be anything within its bounds: bound the state "
            "or what is earned, check that the stage is feasible, or give theta_lower", place=("nodes", node.name),
        )  # fmt: skip
    least: float = found.objective.min()
    return least
