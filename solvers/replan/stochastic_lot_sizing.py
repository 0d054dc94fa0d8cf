"""Replanning MIPs for the plant of parallel machines: a model of the next periods, solved anew in every period.

``rolling-mip`` plans for mean demand; ``tree-mip`` for a scenario tree drawn afresh each time (multistage stochastic
programming; Birge and Louveaux 2011, Introduction to Stochastic Programming). Only the decisions of the present are
carried out. Where HiGHS holds nothing in its time, machines go on with what they are set up for.
"""

import math
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.stochastic_lot_sizing import tree_model
from counterpoint.solvers.replan.scenario_tree import Tree, path, sampled_tree
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
    branching : tuple of int
        Children per node, of the first periods.
    tail : int
        Periods of mean demand after them.
    samples : int
        Drawn per node, of which as many are kept as there are children.
    time_limit_s : float
        Wall seconds per period.
    gap : float
    """

    branching: tuple[int, ...] = (4, 2, 2)
    tail: int = 3
    samples: int = 100
    time_limit_s: float = 2.0
    gap: float = 0.05

    def __post_init__(self) -> None:
        _check(self.time_limit_s, self.gap)
        if not self.branching or min(self.branching) < 1 or math.prod(self.branching) > 10_000:
            raise OptionError(f"branching must be numbers of at least 1 and 10000 leaves, not {self.branching}")
        if self.tail < 0 or self.samples < 1:
            raise OptionError("tail must be at least 0 and samples at least 1")


def rolling_mip(instance: StochasticLotSizing, seed: int, options: RollingOptions) -> "Replanning":
    """Build the policy that plans for mean demand."""
    return Replanning(instance, seed, options)


def tree_mip(instance: StochasticLotSizing, seed: int, options: TreeOptions) -> "Replanning":
    """Build the policy that plans for a scenario tree."""
    return Replanning(instance, seed, options)


class Replanning:
    """The policy; `failed` counts the periods in which HiGHS held nothing, `late` those it did not finish."""

    def __init__(self, instance: StochasticLotSizing, seed: int, options: RollingOptions | TreeOptions) -> None:
        self.instance, self.seed, self.options = instance, seed, options
        self.keep = KeepSetup(instance)
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario; trees are drawn with random numbers of its own."""
        self.rng = np.random.default_rng([self.seed, episode, STREAM])
        self.failed, self.late = 0, 0

    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine: the first decisions of the plan."""
        built = tree_model(
            self.instance, self._tree(self.instance.horizon - observation.period), observation.inventory,
            observation.setup,
        )  # fmt: skip
        keeping = self.keep.act(observation)
        found = solve_model(
            built.model,
            time_limit_s=self.options.time_limit_s,
            gap=self.options.gap,
            seed=self.seed,
            start=built.keeping(keeping),
        )
        if found.is_interrupted:
            raise KeyboardInterrupt
        self.late += found.termination is Termination.TIME
        if found.values is None:
            self.failed += 1
            return keeping
        return built.choice(found.values, self.instance.num_machines)

    def _tree(self, left: int) -> Tree:
        options, instance = self.options, self.instance
        if isinstance(options, RollingOptions):
            return path(np.tile(instance.mean_demand, (min(options.periods, left), 1)))
        branching = options.branching[:left]
        tail = min(options.tail, left - len(branching))
        return sampled_tree(instance.demand_probability, branching, tail, options.samples, self.rng)


def _check(time_limit_s: float, gap: float) -> None:
    if not 0 < time_limit_s < math.inf:
        raise OptionError(f"time_limit_s must be a positive number of seconds, not {time_limit_s}")
    if not 0 <= gap < math.inf:
        raise OptionError(f"gap must be at least 0, not {gap}")
