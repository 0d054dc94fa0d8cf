"""Policy graphs: which stage problem follows which, and what is random in each.

Formulation: Dowson 2020 (Networks 76:3-23). A node holds a stage problem; on arrival its noise is drawn, then the stage
is decided, then an arc is drawn. Arcs' probabilities may add up to less than 1: with the rest the process ends, which
is how a graph with cycles discounts an infinite horizon. Linear, Markovian and cyclic problems are graphs of this kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.simulators.stage.model import FloatArray, IntArray, StageModel
from counterpoint.solvers.sddp.risk import RiskMeasure

Arcs = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A stage problem and what may happen in it; for minimisation.

    Parameters
    ----------
    name : str
    model : StageModel
    noise : float64 array [N, W]
        What may come, the noises of `model`; with W = 0 of shape [1, 0].
    probability : float64 array [N]
    arcs : tuple of (int, float)
        Nodes that may follow, and how likely; what is missing to 1 is the probability to end.
    discount : float
        Factor on all that follows, in (0, 1].
    theta_lower : float, optional
        What no path from here on costs less than, in money of the next stage. None: worked out, see `lower_bounds`.
    risk : RiskMeasure, optional
        Of what follows; None: that of the training.

    Raises
    ------
    InstanceError
        If shapes or probabilities do not fit.
    """

    name: str
    model: StageModel
    noise: FloatArray
    probability: FloatArray
    arcs: Arcs = ()
    discount: float = 1.0
    theta_lower: float | None = None
    risk: RiskMeasure | None = None

    def __post_init__(self) -> None:
        noise, probability = np.array(self.noise, np.float64), np.array(self.probability, np.float64)
        if noise.ndim != 2 or noise.shape[1] != self.model.num_noises or len(noise) == 0:
            raise _error(self.name, f"noise of shape {noise.shape}, where its model has {self.model.num_noises} noises")
        if probability.shape != (len(noise),) or not (probability >= 0).all() or abs(probability.sum() - 1) > 1e-9:
            raise _error(self.name, f"{len(noise)} noises need as many probabilities, which add up to 1")
        if not np.isfinite(noise).all():
            raise _error(self.name, "a noise is not finite")
        arcs = tuple((int(child), float(p)) for child, p in self.arcs)
        if any(not 0 < p <= 1 + 1e-9 for _, p in arcs) or sum(p for _, p in arcs) > 1 + 1e-9:
            raise _error(self.name, "probabilities of arcs must be positive and add up to at most 1")
        if not 0 < self.discount <= 1:
            raise _error(self.name, f"a discount must be in (0, 1], not {self.discount}")
        if self.theta_lower is not None and not np.isfinite(self.theta_lower):
            raise _error(self.name, "theta_lower must be finite")
        for key, array in (("noise", noise), ("probability", probability)):
            array.setflags(write=False)
            object.__setattr__(self, key, array)
        object.__setattr__(self, "arcs", arcs)


@dataclass(frozen=True, slots=True, eq=False)
class PolicyGraph:
    """Nodes and where it all begins.

    Parameters
    ----------
    nodes : tuple of Node
    root : tuple of (int, float)
        Nodes to begin with, and how likely; probabilities add up to 1.
    initial_state : float64 array [S]
    name : str

    Raises
    ------
    InstanceError
        If an arc leads nowhere, a node is out of reach, or the states of nodes that follow each other differ in size.
    """

    nodes: tuple[Node, ...]
    root: Arcs
    initial_state: FloatArray
    name: str = "policy graph"

    def __post_init__(self) -> None:
        state = np.array(self.initial_state, np.float64)
        if state.ndim != 1 or not np.isfinite(state).all():
            raise InstanceError("the initial state must be finite numbers", place=("initial_state",))
        state.setflags(write=False)
        object.__setattr__(self, "initial_state", state)
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "root", tuple((int(child), float(p)) for child, p in self.root))
        if not self.root or abs(sum(p for _, p in self.root) - 1) > 1e-9 or not all(p > 0 for _, p in self.root):
            raise InstanceError("probabilities of the first nodes must be positive and add up to 1", place=("root",))
        names = [node.name for node in self.nodes]
        if len(set(names)) < len(names):
            raise InstanceError("two nodes have one name", place=("nodes",))
        for name, arcs in (("root", self.root), *((node.name, node.arcs) for node in self.nodes)):
            for child, _ in arcs:
                if not 0 <= child < len(self.nodes):
                    raise _error(name, f"an arc to node {child}, of {len(self.nodes)}")
            if len({child for child, _ in arcs}) < len(arcs):
                raise _error(name, "two arcs to one node")
        for node in self.nodes:
            if node.model.num_states != len(state):
                raise _error(node.name, f"{node.model.num_states} states, where the initial state has {len(state)}")
        if reached := set(range(len(self.nodes))) - set(self.reached):
            raise _error(names[min(reached)], "it is never reached")

    @property
    def num_states(self) -> int:
        """S."""
        return len(self.initial_state)

    @property
    def reached(self) -> list[int]:
        """Nodes in the order in which a search from the root meets them, breadth first."""
        order = list(dict.fromkeys(child for child, _ in self.root))
        for at in order:
            order.extend(child for child, _ in self.nodes[at].arcs if child not in order)
        return order

    @property
    def is_acyclic(self) -> bool:
        """Whether every path ends."""
        return self.topological is not None

    @property
    def topological(self) -> tuple[int, ...] | None:
        """Nodes, each before those that follow it; None if there is a cycle."""
        missing = np.zeros(len(self.nodes), np.int64)
        for node in self.nodes:
            for child, _ in node.arcs:
                missing[child] += 1
        order = [i for i in range(len(self.nodes)) if missing[i] == 0]
        for at in order:
            for child, _ in self.nodes[at].arcs:
                missing[child] -= 1
                if missing[child] == 0:
                    order.append(child)
        return tuple(order) if len(order) == len(self.nodes) else None

    def __repr__(self) -> str:
        kind = "acyclic" if self.is_acyclic else "cyclic"
        return f"<PolicyGraph {self.name!r}: {len(self.nodes)} nodes, {self.num_states} states, {kind}>"


def linear_graph(
    models: Sequence[StageModel],
    noise: Sequence[Any],
    probability: Sequence[Any] | None = None,
    *,
    initial_state: Any,
    discount: float = 1.0,
    theta_lower: float | None = None,
    name: str = "linear",
) -> PolicyGraph:
    """Return the graph of stages that follow one another.

    Parameters
    ----------
    models : sequence of StageModel
        One a stage.
    noise : sequence of array [N, W]
    probability : sequence of array [N], optional
        Default: all alike.
    initial_state, discount, theta_lower, name
        See `Node` and `PolicyGraph`.
    """
    last = len(models) - 1
    nodes = []
    for t, model in enumerate(models):
        rows = np.asarray(noise[t], np.float64)
        chance = np.full(len(rows), 1 / len(rows)) if probability is None else probability[t]
        arcs = ((t + 1, 1.0),) if t < last else ()
        nodes.append(Node(str(t), model, rows, chance, arcs, discount, theta_lower))
    return PolicyGraph(tuple(nodes), ((0, 1.0),), initial_state, name)


def cyclic_graph(
    models: Sequence[StageModel],
    noise: Sequence[Any],
    probability: Sequence[Any] | None = None,
    *,
    initial_state: Any,
    continues: float,
    theta_lower: float | None = None,
    name: str = "cyclic",
) -> PolicyGraph:
    """Return the graph of stages that follow one another in a circle; each goes on with probability `continues`."""
    if not 0 < continues < 1:
        raise InstanceError(f"a circle must be left at some time: continues must be in (0, 1), not {continues}")
    graph = linear_graph(models, noise, probability, initial_state=initial_state, theta_lower=theta_lower, name=name)
    nodes = tuple(
        Node(n.name, n.model, n.noise, n.probability, (((t + 1) % len(models), continues),), 1.0, theta_lower)
        for t, n in enumerate(graph.nodes)
    )
    return PolicyGraph(nodes, graph.root, initial_state, name)


def markov_graph(
    transitions: Sequence[Any],
    node: Any,
    *,
    initial_state: Any,
    discount: float = 1.0,
    theta_lower: float | None = None,
    name: str = "Markov",
) -> PolicyGraph:
    """Return the graph of a Markov chain over stages.

    Parameters
    ----------
    transitions : sequence of array [states before, states]
        One a stage; the first of one row.
    node : callable
        ``node(t, state) -> (model, noise [N, W], probability [N])``.
    initial_state, discount, theta_lower, name
        See `Node` and `PolicyGraph`. States of the chain that are never reached are left out.
    """
    chances = [np.atleast_2d(np.asarray(matrix, np.float64)) for matrix in transitions]
    alive: list[IntArray] = []
    for t, matrix in enumerate(chances):
        before = alive[-1] if t else np.zeros(1, np.int64)
        alive.append(np.flatnonzero(matrix[before].sum(0) > 0))
    first = np.cumsum([0, *(len(a) for a in alive)])

    def arcs(t: int, row: int) -> Arcs:
        chance = chances[t][row, alive[t]]
        return tuple((int(first[t] + j), float(p)) for j, p in enumerate(chance) if p > 0)

    nodes = []
    for t, states in enumerate(alive):
        for state in states.tolist():
            model, noise, probability = node(t, state)
            following = arcs(t + 1, state) if t + 1 < len(chances) else ()
            nodes.append(Node(f"{t}:{state}", model, noise, probability, following, discount, theta_lower))
    return PolicyGraph(tuple(nodes), arcs(0, 0), initial_state, name)


def _error(name: str, what: str) -> InstanceError:
    return InstanceError(what, place=("nodes", name))
