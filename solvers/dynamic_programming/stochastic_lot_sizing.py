"""Plants of parallel machines solved exactly, as far as their states can be listed.

A state is the setups of all machines and the stocks of all items, as a period begins. The value after production (the
post-decision state) is averaged over demand item by item, as demands are independent, and then looked up for every
decision. Three criteria: the total over the horizon by backward induction, and for ever the discounted total and the
average per period, by value iteration (Puterman 1994, Markov Decision Processes, sections 6.3 and 8.5).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.solvers.bounds.stochastic_lot_sizing_item import Array, IntArray, items_of

MAX_STATES = 2_000_000
MAX_WORK = 1_000_000_000  # states x decisions
LAZY = 0.9  # share of each step that is taken, against plants that go round in cycles


class Model:
    """A plant's tables.

    Parameters
    ----------
    instance : StochasticLotSizing

    Raises
    ------
    UnsupportedError
        If there are too many states.

    Attributes
    ----------
    setups : int64 array [Z, M]
        Every choice of all machines: 0 idle, i + 1 item i.
    shape : tuple of int
        Z, and the number of stocks of each item: that of tables of values.
    """

    def __init__(self, instance: StochasticLotSizing) -> None:
        able = [np.flatnonzero(row).tolist() for row in instance.can_choose]
        stocks = (instance.max_inventory + 1).tolist()
        decisions = float(np.prod([float(len(row)) for row in able]))
        states = decisions * float(np.prod(np.array(stocks, np.float64)))
        if states > MAX_STATES or states * decisions > MAX_WORK:
            raise UnsupportedError(
                f"the plant has {states:.3g} states and {decisions:.3g} decisions: too many to list"
                f" (at most {MAX_STATES:,} states, and {MAX_WORK:,} of both multiplied)"
            )
        self.instance = instance
        self.setups: IntArray = np.array(list(itertools.product(*able)), np.int64)
        self.shape: tuple[int, ...] = (len(self.setups), *stocks)
        self.items = items_of(instance)
        self.demand = [_after_demand(i.chance[0], i.limit, i.below) for i in self.items]
        self.stage: Array = np.zeros(())
        for item in self.items:
            self.stage = self.stage[..., None] + item.stage[0]

    def after_production(self, value: Array, discount: float = 1.0) -> Array:
        """Return the expected cost of a period and `discount` times `value` after it, by setup and stock produced."""
        for axis, matrix in enumerate(self.demand, 1):
            value = np.moveaxis(np.tensordot(matrix, value, (1, axis)), 0, axis)
        expected: Array = self.stage + discount * value
        return expected

    def decide(self, post: Array) -> tuple[Array, NDArray[np.int32]]:
        """Return the least cost, and the decision (its number in `setups`), in every state; `post` is after production.

        Of decisions that cost the same, the first.
        """
        value, best = np.full(self.shape, np.inf), np.zeros(self.shape, np.int32)
        for number, setup in enumerate(self.setups):
            for choice, (cost, at) in enumerate(self.outcomes(setup)):
                total = cost + post[choice][at]
                is_less = total < value[number] - 1e-12
                value[number][is_less] = total[is_less]
                best[number][is_less] = choice
        return value, best

    def outcomes(self, setup: IntArray) -> Iterator[tuple[float, tuple[IntArray, ...]]]:
        """Yield for every decision the setup cost, and where each stock lies after production, an open mesh."""
        plant, machine = self.instance, np.arange(self.instance.num_machines)
        for choice in self.setups:
            is_on = choice > 0
            is_new, item = choice != setup, choice - 1
            made = plant.production[machine, item] - plant.setup_loss[machine, item] * is_new
            total = np.bincount(item[is_on], made[is_on], plant.num_items).astype(np.int64)
            cost = float(plant.setup_cost[machine, item][is_on & is_new].sum())
            at = (np.arange(i.limit + 1) + i.below + total[i.number] for i in self.items)
            yield cost, np.ix_(*(np.minimum(a, size - 1) for a, size in zip(at, self.stage.shape, strict=True)))

    def number(self, setup: IntArray) -> int:
        """Return where a setup [M] stands in `setups`; one that a machine cannot have counts as idle."""
        able = self.instance.can_choose
        held = np.where(able[np.arange(len(setup)), setup], setup, 0)
        return int(np.flatnonzero((self.setups == held).all(1))[0])

    def at_start(self, value: Array) -> float:
        """Return the expected value where scenarios of the plant start."""
        plant = self.instance
        if not plant.is_random_start:
            return float(value[(self.number(plant.initial_setup), *plant.initial_inventory)])
        is_busy = ((self.setups > 0) | ~plant.can_choose[:, 1:].any(1)).all(1)
        return float(value[(is_busy, *(slice(0, n - 1) for n in self.shape[1:]))].mean())


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Values and decisions.

    Parameters
    ----------
    value : float array [Z, X_1, ..., X_I]
        Cost from each state on; with the average criterion, relative to the first state.
    best : int32 array [Z, X_1, ..., X_I]
        The best decision's number in `Model.setups`.
    average : float
        Cost per period; NaN with other criteria.
    """

    value: Array
    best: NDArray[np.int32]
    average: float = float("nan")


def backward(model: Model) -> Iterator[Solution]:
    """Yield the solutions of the last period, the one before it, and so on to the first."""
    value = np.zeros(model.shape)
    for _ in range(model.instance.horizon):
        value, best = model.decide(model.after_production(value))
        yield Solution(value, best)


def discounted(model: Model, discount: float, tolerance: float = 1e-9) -> Solution:
    """Return the least discounted cost, each value within `tolerance`."""
    value = np.zeros(model.shape)
    while True:
        new, best = model.decide(model.after_production(value, discount))
        change = new - value
        low, high = change.min() * discount / (1 - discount), change.max() * discount / (1 - discount)
        value = new
        if high - low <= tolerance:  # MacQueen's bounds
            return Solution(value + (low + high) / 2, best)


def average(model: Model, tolerance: float = 1e-9) -> Solution:
    """Return the least average cost per period, within `tolerance`."""
    value = np.zeros(model.shape)
    while True:
        new, best = model.decide(model.after_production(value))
        change = new - value
        if change.max() - change.min() <= tolerance:
            return Solution(value - value.flat[0], best, float(change.max() + change.min()) / 2)
        value += LAZY * change
        value -= value.flat[0]


def _after_demand(chance: Array, limit: int, below: int) -> Array:
    """Return the probability of each stock after demand, [Y, limit + 1], from each stock before it."""
    before = np.arange(-below, limit + len(chance) + below)
    matrix = np.zeros((len(before), limit + 1))
    for d, p in enumerate(chance):
        np.add.at(matrix, (np.arange(len(before)), np.clip(before - d, 0, limit)), p)
    return matrix
