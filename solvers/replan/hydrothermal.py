"""Replanning linear programs for hydrothermal systems: the next stages, solved anew in every stage.

``rolling-lp`` plans for mean inflows (certainty equivalence; the deterministic model predictive control of reservoirs);
``tree-lp`` for a scenario tree over the next few stages and mean inflows afterwards (multistage stochastic programming;
Birge and Louveaux 2011). Both know the inflow of the present. Only the storage at its end is carried out, under the
network that counts; of plans that cost the same it is one that keeps more of it. Under ``ac`` the plan is made by the
lossless DC equations, with demand raised for the losses.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.operate import tie_breaks
from counterpoint.solvers.mip.hydrothermal_tree import Tree, TreeProgram
from counterpoint.solvers.replan.inflow_tree import inflow_tree
from counterpoint.solvers.rules.hydrothermal import operator_of

MAX_NODES = 20_000


@dataclass(frozen=True, slots=True)
class RollingOptions:
    """Options of ``rolling-lp``.

    Parameters
    ----------
    stages : int
        That it looks at, the present among them; what comes later is worth nothing to it.
    losses : float
        Share of demand that is added in planning for ``ac``, which loses power where the DC equations do not.
    """

    stages: int = 24
    losses: float = 0.0

    def __post_init__(self) -> None:
        _check(self.stages, self.losses)


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """Options of ``tree-lp``.

    Parameters
    ----------
    branching : tuple of int
        Children per node, of the first stages: representatives of the stage's inflows.
    stages : int
        That it looks at, the present and those of mean inflows among them.
    losses : float
        As in ``rolling-lp``.
    """

    branching: tuple[int, ...] = (4, 2)
    stages: int = 24
    losses: float = 0.0

    def __post_init__(self) -> None:
        _check(self.stages, self.losses)
        if not self.branching or min(self.branching) < 1:
            raise OptionError(f"branching must be numbers of at least 1, not {self.branching}")
        if math.prod(self.branching) * self.stages > MAX_NODES:
            raise OptionError(f"branching makes a tree of more than {MAX_NODES} nodes: {self.branching}")


def rolling_lp(instance: Hydrothermal, seed: int, options: RollingOptions) -> "Replanning":
    """Build the policy that plans for mean inflows."""
    return Replanning(instance, options.stages, (), options.losses)


def tree_lp(instance: Hydrothermal, seed: int, options: TreeOptions) -> "Replanning":
    """Build the policy that plans for a scenario tree."""
    return Replanning(instance, options.stages, options.branching, options.losses)


class Replanning:
    """The policy; a stage costs a warm solve of a linear program of as many stage problems as the tree has nodes."""

    def __init__(self, instance: Hydrothermal, stages: int, branching: tuple[int, ...], losses: float) -> None:
        self.instance, self.stages, self.branching = instance, stages, branching
        self.operator = operator_of(instance)
        self.models = stage_models(*planned(instance, losses))
        self.programs: dict[bytes, TreeProgram] = {}  # by the tree's shape, which changes where the horizon is near
        self.trees: dict[int, Tree] = {}
        self.root_value = tie_breaks(instance)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept, not even where solvers stood: optima may be several."""
        for program in self.programs.values():
            program.forget()

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation that ends with the storage that is planned."""
        stage, storage, inflow = observation.stage, observation.storage, observation.inflow
        tree = self._tree(stage)
        program = self.programs.get(tree.parent.tobytes())
        if program is None:
            program = self.programs[tree.parent.tobytes()] = TreeProgram(self.models[0], tree.parent)
        noise = np.vstack([inflow, tree.noise[1:]])
        models = [self.models[(stage + int(d)) % len(self.models)] for d in tree.depth]
        held = np.clip(storage, 0.0, self.instance.reservoirs.max_volume)
        plan = program.solve(models, tree.weight, held, noise, root_value=self.root_value)
        return self.operator.dispatch(stage, storage, inflow, target=plan[0, self.models[0].state_out])

    def _tree(self, stage: int) -> Tree:
        if stage not in self.trees:
            self.trees[stage] = inflow_tree(self.instance, stage, self.stages, self.branching)
        return self.trees[stage]


def planned(instance: Hydrothermal, losses: float) -> tuple[Hydrothermal, str]:
    """Return the system as it is planned for, and its network."""
    if instance.network_kind != "ac":
        return instance, instance.network_kind
    network = replace(instance.network, demand=instance.network.demand * (1.0 + losses))
    return replace(instance, network=network), "dc"


def _check(stages: int, losses: float) -> None:
    if stages < 1:
        raise OptionError(f"stages must be at least 1, not {stages}")
    if not 0.0 <= losses < 1.0:
        raise OptionError(f"losses must be a share of demand, from 0 to below 1, not {losses}")
