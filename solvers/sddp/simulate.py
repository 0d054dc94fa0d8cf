"""Simulation of a trained policy, to tidy frames: one row a path and step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.simulators.stage.model import FloatArray
from counterpoint.solvers.sddp.forward import Paths, Visit, path_costs, walk
from counterpoint.solvers.sddp.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

_STREAM = 11  # of simulations, apart from those of training
MOST_AT_ONCE = 1000  # paths that walk in step


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Paths as they were decided.

    Parameters
    ----------
    policy : Policy
    cost : float64 array [P]
        Discounted, of each path.
    visits : tuple of Visit
        With paths numbered through.
    """

    policy: Policy
    cost: FloatArray
    visits: tuple[Visit, ...]

    @property
    def mean(self) -> float:
        """Of the costs."""
        return float(self.cost.mean())

    @property
    def standard_error(self) -> float:
        """Of the mean; NaN for one path."""
        return float(self.cost.std(ddof=1) / np.sqrt(len(self.cost))) if len(self.cost) > 1 else float("nan")

    def frame(self, columns: Sequence[str] = ()) -> "pd.DataFrame":
        """Return a row a path and step.

        Parameters
        ----------
        columns : sequence of str
            Of `StageModel.columns`, whose values are wanted too: ``thermal`` becomes ``thermal[0]``, ...

        Returns
        -------
        DataFrame
            ``path, step, node, noise, stage_cost, discount``, and ``state[i]`` at the end of the stage.
        """
        import pandas as pd

        blocks = [self._block(visit, columns) for visit in self.visits]
        if not blocks:
            return pd.DataFrame()
        return pd.concat(blocks, ignore_index=True).sort_values(["path", "step"], ignore_index=True)

    def _block(self, visit: Visit, columns: Sequence[str]) -> "pd.DataFrame":
        import pandas as pd

        node = self.policy.graph.nodes[visit.node]
        data: dict[str, Any] = {
            "path": visit.path, "step": visit.step, "node": node.name, "noise": visit.noise,
            "stage_cost": visit.stage_cost, "discount": visit.factor,
        }  # fmt: skip
        data |= {f"state[{i}]": visit.state_out[:, i] for i in range(visit.state_out.shape[1])}
        for key in columns:
            if key not in node.model.columns:
                raise OptionError(
                    f"the stage has no columns {key!r}; it has: {', '.join(node.model.columns) or 'none'}"
                )
            assert visit.x is not None
            data |= {f"{key}[{i}]": visit.x[:, j] for i, j in enumerate(node.model.columns[key].tolist())}
        return pd.DataFrame(data)

    def __repr__(self) -> str:
        return f"<Simulation of {len(self.cost)} paths: {self.mean:.8g} +- {1.96 * self.standard_error:.3g} (95 %)>"


def simulate(policy: Policy, count: int, seed: int = 0) -> Simulation:
    """Decide `count` drawn paths; what is drawn for path i depends on (seed, i) alone, not on risk measures.

    Where the graph has cycles, paths are cut off at the `depth` of the policy's options.
    """
    if count < 1:
        raise OptionError(f"count must be at least 1, not {count}")
    depth = policy.options.depth if not policy.graph.is_acyclic else len(policy.graph.nodes)
    drawn = Paths.drawn(count, depth, (seed, _STREAM))
    cost, visits = np.zeros(count), []
    for first in range(0, count, MOST_AT_ONCE):
        part = Paths(drawn.uniform[first : first + MOST_AT_ONCE])
        found = walk(policy.graph, policy.solvers, part, wants_x=True)
        cost[first : first + MOST_AT_ONCE] = path_costs(found, len(part.uniform))
        visits += [_shifted(visit, first) for visit in found]
    return Simulation(policy, cost, tuple(visits))


def simulate_noises(policy: Policy, noise: FloatArray) -> Simulation:
    """Decide along given noises, float64 [P, T, W], in or out of sample, where each node is followed by at most one.

    Raises
    ------
    InstanceError
        If a node has several arcs, so that noises alone do not say where a path goes, or T is more than there are.
    """
    graph = policy.graph
    noise = np.asarray(noise, np.float64)
    if noise.ndim != 3 or len(graph.root) > 1 or any(len(node.arcs) > 1 for node in graph.nodes):
        raise InstanceError(
            "noises alone make a path only of a chain of nodes: expected an array [paths, steps, noises]"
        )
    paths, steps, _ = noise.shape
    state, factor, at = np.tile(graph.initial_state, (paths, 1)), np.ones(paths), graph.root[0][0]
    visits = []
    for step in range(steps):
        node = graph.nodes[at]
        found = policy.solvers[at].solve(state, noise[:, step], wants_x=True)
        visits.append(Visit(step, at, np.arange(paths), np.full(paths, -1), state, found.state_out, found.stage_cost,
                            factor, found.x))  # fmt: skip
        state, factor = found.state_out, factor * node.discount
        if not node.arcs and step + 1 < steps:
            raise InstanceError(f"the graph ends after {step + 1} steps, the noises have {steps}")
        at = node.arcs[0][0] if node.arcs else at
    return Simulation(policy, path_costs(visits, paths), tuple(visits))


def _shifted(visit: Visit, first: int) -> Visit:
    return Visit(visit.step, visit.node, visit.path + first, visit.noise, visit.state_in, visit.state_out,
                 visit.stage_cost, visit.factor, visit.x)  # fmt: skip
