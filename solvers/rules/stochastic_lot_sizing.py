"""Rules for the plant of parallel machines: idle, keep-setup, random, priority with hysteresis, static assignment.

The first three are what every other policy must beat. The last, one machine for ever for each item that is worth it, is
hard to beat where there are machines enough: a change costs a multiple of what holding a full store costs.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import (
    IDLE,
    FloatArray,
    IntArray,
    Observation,
    StochasticLotSizing,
)

STREAM = 1  # apart from the scenarios, which are drawn from [seed, number]
HOLDING_SHARE = 0.95  # of the limit: about where the stock of an item made without a break stays


@dataclass(frozen=True, slots=True)
class PriorityOptions:
    """Options of the priority rule.

    Parameters
    ----------
    low, high : float
        Stock, in mean demands of a period, below which an item asks for a machine, and from which it gives one back if
        others ask.
    """

    low: float = 1.0
    high: float = 12.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise OptionError(f"expected 0 <= low <= high, not {self.low} and {self.high}")


@dataclass(frozen=True, slots=True)
class AssignmentOptions:
    """Options of the static assignment.

    Parameters
    ----------
    values : {"rule-of-thumb", "exact"}
        What a machine is worth to an item: lost sales avoided less the holding of an almost full store; or the
        expected cost over the horizon, computed exactly.
    """

    values: Literal["rule-of-thumb", "exact"] = "rule-of-thumb"


def idle(instance: StochasticLotSizing, seed: int, options: None) -> "Fixed":
    """Build the policy that makes nothing."""
    return Fixed(np.zeros(instance.num_machines, np.int64))


def keep_setup(instance: StochasticLotSizing, seed: int, options: None) -> "KeepSetup":
    """Build the policy that goes on with whatever it finds set up."""
    return KeepSetup(instance)


def random(instance: StochasticLotSizing, seed: int, options: None) -> "Random":
    """Build the policy that draws among a machine's choices, idle included, afresh every period."""
    return Random(instance, seed)


def priority(instance: StochasticLotSizing, seed: int, options: PriorityOptions) -> "Priority":
    """Build the priority rule."""
    return Priority(instance, options)


def static_assignment(instance: StochasticLotSizing, seed: int, options: AssignmentOptions) -> "Fixed":
    """Build the policy that never changes the assignment of most value."""
    return Fixed(assignment(values(instance) if options.values == "rule-of-thumb" else exact_values(instance)))


class Fixed:
    """Always the same choice, int64 [M]."""

    def __init__(self, choice: IntArray) -> None:
        self.choice = choice

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> IntArray:
        """Return the choice."""
        return self.choice


class KeepSetup:
    """Goes on with what it finds set up, if the machine can make it."""

    def __init__(self, instance: StochasticLotSizing) -> None:
        self.can_choose = instance.can_choose
        self.machines = np.arange(instance.num_machines)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> IntArray:
        """Return the setups."""
        return np.where(self.can_choose[self.machines, observation.setup], observation.setup, IDLE)


class Random:
    """Draws every choice."""

    def __init__(self, instance: StochasticLotSizing, seed: int) -> None:
        self.choices = [np.flatnonzero(row) for row in instance.can_choose]
        self.seed = seed
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario, with random numbers of its own."""
        self.rng = np.random.default_rng([self.seed, episode, STREAM])

    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine."""
        return np.array([self.rng.choice(able) for able in self.choices])


class Priority:
    """Machines go to the items that ask, the costliest lost sales first; ties go to the lower item, then machine.

    An item that nobody makes asks for a machine when its stock is low. It gets the idle machine that makes most of it
    (no more than its mean demand counts), or else one that makes an item whose stock is high. Items whose lost sales
    of a period cost less than holding a full store do not ask.
    """

    def __init__(self, instance: StochasticLotSizing, options: PriorityOptions) -> None:
        demand = instance.mean_demand
        self.low, self.high = options.low * demand, np.minimum(options.high * demand, instance.max_inventory)
        loss = instance.lost_sales_cost * demand
        worthwhile = loss > instance.holding_cost * instance.max_inventory
        self.order = [int(i) for i in np.argsort(-loss, kind="stable") if worthwhile[i]]
        self.rate = np.minimum(instance.production, demand)
        self.can_choose = instance.can_choose
        self.machines = np.arange(instance.num_machines)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine."""
        stock = observation.inventory
        choice = np.where(self.can_choose[self.machines, observation.setup], observation.setup, IDLE)
        may_go = (choice == IDLE) | np.r_[True, stock >= self.high][choice]
        for item in self.order:
            if stock[item] >= self.low[item] or (choice == item + 1).any():
                continue
            gain = np.where(may_go, self.rate[:, item], 0.0)
            gain = gain + 1e-6 * (gain > 0) * (choice == IDLE)
            machine = int(gain.argmax())
            if gain[machine] > 0:
                choice[machine], may_go[machine] = item + 1, False
        return choice


def values(instance: StochasticLotSizing) -> FloatArray:
    """Return what a machine is worth to an item per period, by a rule of thumb, float64 [M, I].

    Lost sales avoided, less the cost of a store that fills up if more is made than is sold.
    """
    demand = instance.mean_demand
    full = HOLDING_SHARE * instance.holding_cost * instance.max_inventory
    worth: FloatArray = instance.lost_sales_cost * np.minimum(instance.production, demand)
    return worth - full * (instance.production > demand)


def exact_values(instance: StochasticLotSizing) -> FloatArray:
    """Return what a machine that makes nothing else is worth to an item over the horizon, float64 [M, I].

    The expected cost of lost sales and holding without it, less the same and the setup with it; by the distribution of
    the stock period by period, from where scenarios start. O(M I T S D) for stocks up to S.
    """
    rows = np.vstack([np.zeros((1, instance.num_items), np.int64), instance.production])  # row 0: nothing is made
    cost = np.array([[_expected_cost(instance, i, int(made)) for i, made in enumerate(row)] for row in rows])
    worth: FloatArray = cost[0] - cost[1:] - instance.setup_cost
    return np.where(instance.production > 0, worth, -1.0)


def assignment(worth: FloatArray) -> IntArray:
    """Return the choice of most value, one machine per item at most; machines worth nothing stay idle; int64 [M]."""
    from scipy.optimize import linear_sum_assignment

    gain = np.maximum(worth, 0.0)
    machine, item = linear_sum_assignment(gain, maximize=True)
    choice = np.zeros(len(worth), np.int64)
    choice[machine] = np.where(gain[machine, item] > 0, item + 1, IDLE)
    return choice


def _expected_cost(instance: StochasticLotSizing, item: int, made: int) -> float:
    limit = int(instance.max_inventory[item])
    probability = instance.demand_probability[item]
    stock = np.zeros(limit + 1)
    if instance.is_random_start:
        stock[:limit] = 1 / limit
    else:
        stock[instance.initial_inventory[item]] = 1
    left = np.arange(limit + 1)[:, None] + made - np.arange(len(probability))  # [S, D]
    after = np.clip(left, 0, limit)
    paid = (
        instance.lost_sales_cost[item] * np.maximum(-left, 0) + instance.holding_cost[item] * after
    ) @ probability  # [S]
    move = np.zeros((limit + 1, limit + 1))
    np.add.at(move, (np.arange(limit + 1)[:, None], after), probability)
    total = 0.0
    for _ in range(instance.horizon):
        total += float(stock @ paid)
        stock = stock @ move
    return total
