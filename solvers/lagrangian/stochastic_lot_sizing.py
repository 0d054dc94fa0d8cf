"""A policy for plants of parallel machines from the value functions of single items.

The relaxation behind the plant's bound (`bounds/stochastic_lot_sizing_relaxation`) prices the machines and gives every
item a value of its stock and of the machines set up for it. Every period the policy assigns the machines so that setups
now plus the items' expected costs to come are least (Hawkins 2003; Adelman and Mersereau 2008): the machines' limit is
kept now, and priced later. As several items in need at once cost more than the prices say, a margin on the prices may
help; the policy tries some on demands of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing, draw_scenarios
from counterpoint.solvers.bounds.stochastic_lot_sizing import Priced, expected_cost
from counterpoint.solvers.bounds.stochastic_lot_sizing_item import Item
from counterpoint.solvers.bounds.stochastic_lot_sizing_relaxation import Relaxation
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_kernels import Tables, decide
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs

MARGINS = (0.0, 0.15, 0.3, 0.5, 0.8)  # on all prices, in means of them
SEED = 2**40  # apart from the scenarios that policies are judged on, which start from the user's seed
MOST_EXACT = 12  # machines, up to which the best assignment is found exactly
MOST_PERIODS = 200
MOST_ENTRIES = 120_000_000  # of all tables together


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the policy.

    Parameters
    ----------
    steps : int
        Of the ascent to good prices.
    scenarios : int
        On how many the margin is chosen; 0: no margin.
    """

    steps: int = 60
    scenarios: int = 48

    def __post_init__(self) -> None:
        if self.steps < 0 or self.scenarios < 0:
            raise OptionError(f"steps and scenarios must be at least 0, not {self.steps} and {self.scenarios}")


def policy(instance: StochasticLotSizing, seed: int, options: Options) -> "Lagrangian":
    """Build the policy: find prices, and the margin on them that costs least on scenarios of its own."""
    near = replace(instance, horizon=table_periods(instance))
    priced = expected_cost(near, steps=options.steps)
    if not options.scenarios:
        return Lagrangian(instance, priced)
    scenarios = draw_scenarios(instance, options.scenarios, SEED + seed)
    candidates = (Lagrangian(instance, with_margin(priced, margin)) for margin in MARGINS)
    costs = [(float(total_costs(instance, scenarios, c.act_all).mean()), n) for n, c in enumerate(candidates)]
    return Lagrangian(instance, with_margin(priced, MARGINS[min(costs)[1]]))


def with_margin(priced: Priced, margin: float) -> Priced:
    """Return prices with so many means added to each; the bound stays that of the old ones."""
    return replace(priced, prices=priced.prices + margin * priced.prices.mean())


def table_periods(instance: StochasticLotSizing) -> int:
    """Return for how many periods values are kept; in longer horizons the middle one stands for many."""
    items = Relaxation.expected(instance).items
    entries = sum(item.rows * item.stage.shape[1] for item in items)
    return int(min(instance.horizon, MOST_PERIODS, max(MOST_ENTRIES // entries, 2)))


class Lagrangian:
    """The policy; it needs no scenario and keeps nothing.

    Parameters
    ----------
    instance : StochasticLotSizing
    priced : Priced
        Prices for `table_periods` periods.

    Attributes
    ----------
    bound : float
        Where the horizon is no longer than the tables: no policy has a lower expected cost. Else that of a shorter one.
    """

    def __init__(self, instance: StochasticLotSizing, priced: Priced) -> None:
        near = replace(instance, horizon=len(priced.prices))
        relaxation = Relaxation.expected(near)
        self.bound, self.horizon, self.periods = priced.bound, instance.horizon, len(priced.prices)
        self.is_exact = instance.num_machines <= MOST_EXACT
        self.tables = tables_of(relaxation.items, relaxation.posts(priced.prices))

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine, int64 [M]."""
        choice: IntArray = self.act_all(observation.period, observation.inventory[None], observation.setup[None])[0]
        return choice

    def act_all(self, period: int, inventory: IntArray, setup: IntArray) -> IntArray:
        """Return choices [B, M] for stocks [B, I] and setups [B, M]."""
        choice = np.zeros(setup.shape, np.int64)
        stock, held = np.ascontiguousarray(inventory), np.ascontiguousarray(setup)
        decide(self.tables, self.table(period), stock, held, self.is_exact, choice)
        return choice

    def table(self, period: int) -> int:
        """Return the period of the tables that stands for a period of the horizon."""
        middle = self.periods // 2
        if period < middle or self.periods == self.horizon:
            return period
        return max(middle, self.periods - self.horizon + period)


def tables_of(items: tuple[Item, ...], posts: tuple[NDArray[np.float32], ...]) -> Tables:
    """Return the items' data and values [T, N, Y] in a row."""
    return Tables(
        post=np.concatenate([p.ravel() for p in posts]),
        first_post=np.cumsum([0, *(p.size for p in posts)]),
        first=np.cumsum([0, *(len(i.machines) for i in items)]),
        machine=np.concatenate([i.machines for i in items]),
        made=np.concatenate([i.made for i in items]),
        loss=np.concatenate([i.loss for i in items]),
        setup_cost=np.concatenate([i.setup_cost for i in items]),
        rows=np.array([i.rows for i in items]),
        sizes=np.array([p.shape[2] for p in posts]),
        below=np.array([i.below for i in items]),
    )


def warm_up() -> None:
    """Compile, so that no clock pays for it."""
    whole, real = np.ones((1, 1), np.int64), np.ones((1, 1))
    tiny = StochasticLotSizing("tiny", whole, real, whole, real[0], real[0], whole[0], real, 1)
    policy(tiny, 0, Options(steps=1, scenarios=1))
