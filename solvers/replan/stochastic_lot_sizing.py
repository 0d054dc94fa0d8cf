"""Replanning MIPs for the plant of parallel machines: a model of the next periods, solved anew in every period.

``rolling-mip`` plans for mean demand; ``tree-mip`` for demand paths drawn afresh each time, one plan of setups for all
of them, or for a scenario tree with decisions at every node (multistage stochastic programming; Birge and Louveaux
2011, Introduction to Stochastic Programming). Only the decisions of the present are carried out. HiGHS starts from a
plan by exchange, so that what is carried out is never worse in the model, however little time there is; that plan
begins with the last period's, and with the machines as they are set up.
"""

import math
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.stochastic_lot_sizing import tree_model
from counterpoint.solvers.replan.scenario_tree import Tree, path, sampled_paths, sampled_tree
from counterpoint.solvers.replan.stochastic_lot_sizing_exchange import exchange
from counterpoint.solvers.rules.stochastic_lot_sizing import KeepSetup

STREAM = 2  # apart from scenarios and rules


@dataclass(frozen=True, slots=True)
class RollingOptions:
    """Options of ``rolling-mip``.

    Parameters
    ----------
    periods : int
        That it looks ahead; what comes later is worth nothing to it.
    time_limit_s : float
        Wall seconds per period.
    gap : float
        Relative, at which it is content.
    """

    periods: int = 6
    time_limit_s: float = 1.0
    gap: float = 0.01

    def __post_init__(self) -> None:
        _check(self.time_limit_s, self.gap)
        if self.periods < 1:
            raise OptionError(f"periods must be at least 1, not {self.periods}")


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """Options of ``tree-mip``.

    Parameters
    ----------
    paths : int
        Of demand, for which one plan of setups is made together: that takes no more whole decisions than a plan for
        mean demand.
    periods : int
        That it looks ahead; what comes later is worth nothing to it.
    branching : tuple of int
        If given, in place of the paths: a tree with so many children per node in the first periods, its setups
        decided at every node by itself. It takes HiGHS much longer.
    tail : int
        Periods of mean demand after those of a tree.
    samples : int
        Drawn per node of a tree, of which as many are kept as there are children.
    time_limit_s : float
        Wall seconds per period.
    gap : float
        Relative, at which it is content.
    """

    paths: int = 40
    periods: int = 6
    branching: tuple[int, ...] = ()
    tail: int = 3
    samples: int = 100
    time_limit_s: float = 1.0
    gap: float = 0.01

    def __post_init__(self) -> None:
        _check(self.time_limit_s, self.gap)
        for key, most in (("paths", 10_000), ("periods", 1000)):
            if not 1 <= getattr(self, key) <= most:
                raise OptionError(f"{key} must lie in 1..{most}, not {getattr(self, key)}")
        if self.branching and (min(self.branching) < 1 or math.prod(self.branching) > 10_000):
            raise OptionError(f"branching must be numbers of at least 1 and 10000 leaves, not {self.branching}")
        if self.tail < 0 or self.samples < 1:
            raise OptionError("tail must be at least 0 and samples at least 1")


def rolling_mip(instance: StochasticLotSizing, seed: int, options: RollingOptions) -> "Replanning":
    """Build the policy that plans for mean demand."""
    return Replanning(instance, seed, options)


def tree_mip(instance: StochasticLotSizing, seed: int, options: TreeOptions) -> "Replanning":
    """Build the policy that plans for demand paths or a scenario tree."""
    return Replanning(instance, seed, options)


class Replanning:
    """The policy; `failed` counts the periods in which HiGHS held nothing, `late` those it did not finish."""

    def __init__(self, instance: StochasticLotSizing, seed: int, options: RollingOptions | TreeOptions) -> None:
        self.instance, self.seed, self.options = instance, seed, options
        self.keep = KeepSetup(instance)
        self.is_common = isinstance(options, TreeOptions) and not options.branching
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario; trees are drawn with random numbers of its own."""
        self.rng = np.random.default_rng([self.seed, episode, STREAM])
        self.failed, self.late = 0, 0
        self.last: IntArray | None = None  # plan of the last period, [H, M]

    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine: the first decisions of the plan."""
        instance, state = self.instance, (observation.inventory, observation.setup)
        tree = self._tree(instance.horizon - observation.period)
        plan, cost = self._first_plan(tree, observation)
        built = tree_model(instance, tree, *state, is_common=self.is_common)
        found = solve_model(
            built.model,
            time_limit_s=self.options.time_limit_s,
            gap=self.options.gap,
            seed=self.seed,
            start=built.values_of(instance, tree, *state, plan),
        )
        if found.is_interrupted:
            raise KeyboardInterrupt
        self.late += found.termination is Termination.TIME
        self.failed += found.values is None
        if found.values is not None and found.objective is not None and found.objective < cost:
            plan = built.plan(found.values, instance.num_machines)
        self.last = plan
        choice: IntArray = plan[0]
        return choice

    def _first_plan(self, tree: Tree, observation: Observation) -> tuple[IntArray, float]:
        """Return the better plan [H, M] of two exchanges and its cost: from the last plan, and from going on."""
        periods = int(tree.stage.max()) + 1
        starts = [np.tile(self.keep.act(observation), (periods, 1))]
        if self.last is not None:
            later = np.minimum(np.arange(1, periods + 1), len(self.last) - 1)
            starts.append(self.last[later])
        plans = [exchange(self.instance, tree, observation.inventory, observation.setup, start) for start in starts]
        return min(plans, key=lambda found: found[1])

    def _tree(self, left: int) -> Tree:
        options, instance = self.options, self.instance
        if isinstance(options, RollingOptions):
            return path(np.tile(instance.mean_demand, (min(options.periods, left), 1)))
        if not options.branching:
            return sampled_paths(instance.demand_probability, options.paths, min(options.periods, left), self.rng)
        branching = options.branching[:left]
        tail = min(options.tail, left - len(branching))
        return sampled_tree(instance.demand_probability, branching, tail, options.samples, self.rng)


def _check(time_limit_s: float, gap: float) -> None:
    if not 0 < time_limit_s < math.inf:
        raise OptionError(f"time_limit_s must be a positive number of seconds, not {time_limit_s}")
    if not 0 <= gap < math.inf:
        raise OptionError(f"gap must be at least 0, not {gap}")
