"""What training makes: cuts for every node, the bound, and the solvers that decide with them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.stage.dual_simplex import linear_stage
from counterpoint.simulators.stage.model import FloatArray
from counterpoint.solvers.sddp.backward import Future, outcomes, weighed
from counterpoint.solvers.sddp.cuts import CutPool
from counterpoint.solvers.sddp.graph import Node, PolicyGraph
from counterpoint.solvers.sddp.lower_bounds import lower_bounds
from counterpoint.solvers.sddp.node_solver import MakeSolver, NodeSolver
from counterpoint.solvers.sddp.risk import Expectation, RiskMeasure

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Options:
    """How to train.

    Parameters
    ----------
    cuts : {"single", "multi"}
        One averaged cut a state, or one for each outcome (larger problems, fewer iterations); the latter is risk
        neutral only.
    selects_cuts : bool
        Whether dominated cuts are taken out of the solvers (level 1).
    refresh : int
        After how many iterations they are.
    forward_passes : int
        Paths in an iteration; results depend on it.
    depth : int
        Steps after which a path is cut off, where the graph has cycles.
    risk : RiskMeasure
        Of what follows each node, unless the node has its own, and of the root.
    lanes : int
        Solvers of a node; results depend on it, in what optima warm solvers return where there are several.
    workers : int
        Threads; results do not depend on it. More than `lanes` are of no use.
    """

    cuts: Literal["single", "multi"] = "single"
    selects_cuts: bool = True
    refresh: int = 10
    forward_passes: int = 1
    depth: int = 1000
    risk: RiskMeasure = field(default_factory=Expectation)
    lanes: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        if self.cuts not in ("single", "multi"):
            raise OptionError(f"cuts must be single or multi, not {self.cuts}")
        for key in ("refresh", "forward_passes", "depth", "lanes", "workers"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if self.cuts == "multi" and not isinstance(self.risk, Expectation):
            raise OptionError("cuts=multi weighs outcomes by their probabilities: with a risk measure, use single")


@dataclass(frozen=True, slots=True)
class Progress:
    """An iteration.

    Parameters
    ----------
    iteration : int
        From 1, those of earlier trainings counted.
    bound : float
        No policy is better, under the risk measures.
    simulation : float
        Mean cost of the iteration's paths: no bound, and the paths were decided with the cuts of then.
    problems : int
        Linear programs solved since the policy was made.
    cuts : int
        In the pools; `active` of them in the solvers' care.
    active : int
    seconds : float
        Wall seconds since the training began.
    """

    iteration: int
    bound: float
    simulation: float
    problems: int
    cuts: int
    active: int
    seconds: float


class Policy:
    """Cuts and the solvers that hold them; made by `train`, or bare to load cuts into.

    Parameters
    ----------
    graph : PolicyGraph
    options : Options
    make_solver : callable
        ``make_solver(model, weights=..., theta_lower=...)`` makes a `StageSolver`.

    Attributes
    ----------
    futures : tuple of Future
        What follows nodes, with the pools of cuts.
    future_of : list of (int or None)
        Which of them each node has; None where all ends.
    solvers : tuple of NodeSolver
    progress : list of Progress
    termination : str
        Why the last training stopped.
    """

    def __init__(
        self, graph: PolicyGraph, options: Options | None = None, *, make_solver: MakeSolver = linear_stage
    ) -> None:
        self.graph, self.options = graph, options or Options()
        self.progress: list[Progress] = []
        self.termination = "not trained"
        self.futures, self.future_of = _futures(graph, self.options)
        workers = min(self.options.workers, self.options.lanes)
        threads = ThreadPoolExecutor(workers, "sddp") if workers > 1 else None
        self.solvers = tuple(
            self._solver(node, None if at is None else self.futures[at], make_solver, threads)
            for node, at in zip(graph.nodes, self.future_of, strict=True)
        )

    def _solver(
        self, node: Node, future: Future | None, make: MakeSolver, threads: ThreadPoolExecutor | None
    ) -> NodeSolver:
        weights: FloatArray = np.zeros(0)
        if future is not None:
            chances = [p * self.graph.nodes[child].probability for child, p in future.arcs]
            weights = node.discount * (np.ones(1) if future.pool.num_thetas == 1 else np.concatenate(chances))
        # a single theta is an average over what comes, with the chance that nothing does
        share = sum(p for _, p in future.arcs) if future is not None and future.pool.num_thetas == 1 else 1.0
        lower = np.full(len(weights), 0.0 if future is None else share * future.lower)
        held = tuple(make(node.model, weights=weights, theta_lower=lower) for _ in range(self.options.lanes))
        return NodeSolver(node, held, None if future is None else future.pool, threads)

    def bound(self) -> float:
        """Return what no policy can beat, by the cuts so far: solves the first nodes for all their noises."""
        found = outcomes(self.graph, self.solvers, self.graph.root, self.graph.initial_state[None])
        return float((weighed(found, self.options.risk) * found.value).sum())

    def cuts(self, node: int) -> tuple[FloatArray, FloatArray, float]:
        """Return a node's active cuts on its expected future, undiscounted: intercept [C], slope [C, S], lower bound.

        With many cuts a state these are their weighted sums, made at the same states.
        """
        at = self.future_of[node]
        if at is None:
            return np.zeros(0), np.zeros((0, self.graph.num_states)), 0.0
        future = self.futures[at]
        chances = np.concatenate([p * self.graph.nodes[child].probability for child, p in future.arcs])
        pool = future.pool
        kept = np.flatnonzero(pool.active.any(1))
        if pool.num_thetas == 1:
            return pool.intercept[kept, 0], pool.slope[kept, 0], float(chances.sum() * future.lower)
        slope = np.einsum("k,cks->cs", chances, pool.slope[kept])
        return pool.intercept[kept] @ chances, slope, float(chances.sum() * future.lower)

    @property
    def num_solved(self) -> int:
        """Linear programs solved so far."""
        return sum(solver.num_solved for solver in self.solvers)

    @property
    def trace(self) -> "pd.DataFrame":
        """The progress as a frame, one row an iteration."""
        import pandas as pd

        return pd.DataFrame([{key: getattr(p, key) for key in Progress.__slots__} for p in self.progress])

    def __repr__(self) -> str:
        if not self.progress:
            return f"<sddp.Policy of {self.graph.name!r}: {len(self.graph.nodes)} nodes, {self.termination}>"
        last = self.progress[-1]
        return (
            f"<sddp.Policy of {self.graph.name!r}: bound {last.bound:.8g} after {last.iteration} iterations, "
            f"{last.active} of {last.cuts} cuts active, {last.problems} problems; stopped: {self.termination}>"
        )


def _futures(graph: PolicyGraph, options: Options) -> tuple[tuple[Future, ...], list[int | None]]:
    """Group nodes by what follows them."""
    lower = lower_bounds(graph)
    groups: dict[Any, list[int]] = {}
    for at, node in enumerate(graph.nodes):
        if node.arcs:
            groups.setdefault((tuple(sorted(node.arcs)), lower[at], node.risk or options.risk), []).append(at)
    futures: list[Future] = []
    future_of: list[int | None] = [None] * len(graph.nodes)
    for (arcs, least, risk), members in groups.items():
        if options.cuts == "multi" and not isinstance(risk, Expectation):
            raise OptionError(f"cuts=multi is risk neutral, but node {graph.nodes[members[0]].name} has a risk measure")
        thetas = sum(len(graph.nodes[child].noise) for child, _ in arcs) if options.cuts == "multi" else 1
        for member in members:
            future_of[member] = len(futures)
        pool = CutPool(graph.num_states, thetas, options.selects_cuts)
        futures.append(Future(arcs, risk, pool, float(least), tuple(members)))
    return tuple(futures), future_of


def told(progress: Sequence[Progress]) -> str:
    """Return the last iteration as a line of a log."""
    p = progress[-1]
    simulated = f"simulation {p.simulation:16.8g}"
    return f"{p.iteration:6d}  bound {p.bound:16.8g}  {simulated}  {p.problems:9d} LPs  {p.seconds:8.1f} s"
