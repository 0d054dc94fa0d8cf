"""A policy for plants of parallel machines from the value functions of single items.

The relaxation behind the plant's bound (`bounds/stochastic_lot_sizing_relaxation`) prices the machines and gives every
item a value of its stock and of the machines set up for it. Every period the policy assigns the machines so that setups
now plus the items' expected costs to come are least (Hawkins 2003; Adelman and Mersereau 2008): the machines' limit is
kept now, and priced later. As several items in need at once cost more than the prices say, a margin on the prices may
help: the policy tries some on demands of its own, first the same for all machines, then one for each. With `rollouts`
it also plays on from some assignments before it chooses (`stochastic_lot_sizing_rollout`).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing, draw_scenarios
from counterpoint.solvers.bounds.stochastic_lot_sizing import Priced, expected_cost
from counterpoint.solvers.bounds.stochastic_lot_sizing_item import Array, Item
from counterpoint.solvers.bounds.stochastic_lot_sizing_relaxation import Relaxation
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_kernels import Tables, decide
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_rollout import Plant, decide_by_rollout
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
        On how many the margins are chosen; 0: no margins.
    tries : int
        How many changes of the margins are tried, after the same ones for all machines.
    rollouts : int
        Demand paths along which assignments are played on before one is chosen; 0: none. At most 12 machines.
    lookahead : int
        How many periods they are played on.
    """

    steps: int = 60
    scenarios: int = 48
    tries: int = 20
    rollouts: int = 0
    lookahead: int = 12

    def __post_init__(self) -> None:
        for key in ("steps", "scenarios", "tries", "rollouts"):
            if getattr(self, key) < 0:
                raise OptionError(f"{key} must be at least 0, not {getattr(self, key)}")
        if self.lookahead < 1:
            raise OptionError(f"lookahead must be at least 1, not {self.lookahead}")


def policy(instance: StochasticLotSizing, seed: int, options: Options) -> "Lagrangian":
    """Build the policy: find prices, and the margins on them that cost least on scenarios of its own.

    Raises
    ------
    UnsupportedError
        If rollouts are asked for on a plant of too many machines.
    """
    if options.rollouts and instance.num_machines > MOST_EXACT:
        raise UnsupportedError(f"rollouts are for at most {MOST_EXACT} machines, not {instance.num_machines}")
    near = replace(instance, horizon=table_periods(instance))
    priced = expected_cost(near, steps=options.steps)
    margin = best_margin(near, priced, seed, options) if options.scenarios else np.zeros(instance.num_machines)
    return Lagrangian(instance, with_margin(priced, margin), options.rollouts, options.lookahead, seed)


def best_margin(instance: StochasticLotSizing, priced: Priced, seed: int, options: Options) -> Array:
    """Return the margin of each machine, [M], that costs least on drawn scenarios.

    The best of `MARGINS`, then random changes of what is best so far, of a size that grows with success and shrinks
    without (Rechenberg's (1+1) evolution strategy).
    """
    scenarios = draw_scenarios(instance, options.scenarios, SEED + seed)

    def cost(margin: Array) -> float:
        made = Lagrangian(instance, with_margin(priced, margin))
        return float(total_costs(instance, scenarios, made.act_all).mean())

    tried = [np.full(instance.num_machines, margin) for margin in MARGINS]
    costs = [cost(margin) for margin in tried]
    best, least = tried[int(np.argmin(costs))], min(costs)
    rng, size = np.random.default_rng([SEED, seed]), 0.25
    for _ in range(options.tries):
        near = best + size * rng.standard_normal(len(best))
        found = cost(near)
        size *= 1.3 if found < least else 0.93
        if found < least:
            best, least = near, found
    return best


def with_margin(priced: Priced, margin: Array) -> Priced:
    """Return prices to which so many means of all prices are added, machine by machine; the bound stays the old one."""
    return replace(priced, prices=np.maximum(priced.prices + margin * priced.prices.mean(), 0.0))


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
    rollouts, lookahead, seed : int
        Demand paths (0: none) and periods to play on, and what the paths are drawn from; the same in every scenario.

    Attributes
    ----------
    bound : float
        Where the horizon is no longer than the tables: no policy has a lower expected cost. Else that of a shorter one.
    """

    def __init__(
        self, instance: StochasticLotSizing, priced: Priced, rollouts: int = 0, lookahead: int = 1, seed: int = 0
    ) -> None:
        near = replace(instance, horizon=len(priced.prices))
        relaxation = Relaxation.expected(near)
        self.bound, self.horizon, self.periods = priced.bound, instance.horizon, len(priced.prices)
        self.is_exact = instance.num_machines <= MOST_EXACT
        self.tables = tables_of(relaxation.items, relaxation.posts(priced.prices))
        self.instance, self.rollouts, self.lookahead, self.seed = instance, rollouts, lookahead, seed
        self.plant = Plant(*(getattr(instance, key) for key in Plant._fields))

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
        if self.rollouts:
            ahead = min(self.lookahead, self.horizon - period)
            periods = [self.table(t) if t < self.horizon else -1 for t in range(period, period + ahead + 1)]
            demand = self.demands(period, ahead)
            decide_by_rollout(self.tables, self.plant, np.array(periods), stock, held, demand, choice)
        else:
            decide(self.tables, self.table(period), stock, held, self.is_exact, choice)
        return choice

    def demands(self, period: int, ahead: int) -> IntArray:
        """Draw demand paths from a period on, int64 [S, H, I]."""
        rng = np.random.default_rng([SEED, self.seed, period])
        cumulative = np.cumsum(self.instance.demand_probability, axis=1)[:, :-1]
        uniform = rng.random((self.rollouts, ahead, self.instance.num_items))
        drawn: IntArray = (uniform[..., None] >= cumulative).sum(3)
        return drawn

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
    policy(tiny, 0, Options(steps=1, scenarios=1, tries=0)).act(Observation(0, whole[0], whole[0]))
    policy(tiny, 0, Options(steps=1, scenarios=0, rollouts=1)).act(Observation(0, whole[0], whole[0]))
