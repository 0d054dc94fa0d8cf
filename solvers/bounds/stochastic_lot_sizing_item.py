"""One item of a plant on its own: what its dynamic programmes need, and where it starts."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
MAX_BITS = 12  # machines whose setups an item keeps in mind, at most: its tables have 2^MAX_BITS rows
MOST_VALUES = 1_000_000  # of all items together, for one period


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An item; k machines can make it, N = 2^bits sets of them are told apart, Y stocks after production.

    Parameters
    ----------
    number : int
    machines : int64 array [k]
        Those that can make it, the ones without a bit last.
    bits : int
        How many have their setups kept in mind; the setups of the others cost nothing, which relaxes.
    made, loss : int64 array [k]
        Production, and what a setup takes of it.
    setup_cost : float array [k]
    below : int
        How far setups may push the stock below 0 (or below what is made) in one period.
    limit : int
    chance : float array [1 or T, D + 1]
        Probability of each demand, in every period or in each.
    holding, lost_sales : float
    """

    number: int
    machines: IntArray
    bits: int
    made: IntArray
    loss: IntArray
    setup_cost: Array
    below: int
    limit: int
    chance: Array
    holding: float
    lost_sales: float

    @property
    def rows(self) -> int:
        """Number of sets N."""
        return int(1 << self.bits)

    @property
    def stage(self) -> Array:
        """Expected cost of lost sales and holding in a period, by stock after production, [1 or T, Y]."""
        stock = np.arange(-self.below, self.limit + self.chance.shape[1] + self.below)
        left = stock[:, None] - np.arange(self.chance.shape[1])
        cost = self.lost_sales * np.maximum(-left, 0) + self.holding * np.clip(left, 0, self.limit)
        expected: Array = self.chance @ cost.T
        return expected

    def known(self, demand: IntArray) -> "Item":
        """Return the item with its demands [T] known."""
        chance = np.zeros((len(demand), int(demand.max(initial=0)) + 1))
        chance[np.arange(len(demand)), demand] = 1.0
        return replace(self, chance=chance)

    def set_of(self, setup: IntArray) -> int:
        """Return the set of machines, among those with a bit, that are set up for the item; `setup` [M]."""
        return int(((setup[self.machines[: self.bits]] == self.number + 1) << np.arange(self.bits)).sum())

    def start(self, inventory: IntArray, setup: IntArray) -> Array:
        """Return the probability of each set and stock, [N, limit + 1], at a start of stocks [I] and setups [M]."""
        mass = np.zeros((self.rows, self.limit + 1))
        mass[self.set_of(setup), inventory[self.number]] = 1.0
        return mass

    def random_start(self, choices: IntArray) -> Array:
        """Return the same of a random start: even stocks below the limit, setups even among `choices` [M] items."""
        sets = np.ones(1)
        for machine in self.machines[: self.bits]:
            sets = np.concatenate([sets * (1 - 1 / choices[machine]), sets / choices[machine]])
        return np.outer(sets, np.r_[np.full(self.limit, 1 / self.limit), 0.0])


def items_of(instance: StochasticLotSizing, max_bits: int | None = None) -> tuple[Item, ...]:
    """Return the items of a plant.

    Of the machines that can make an item, at most `max_bits` have their setups kept in mind: those that make most.
    Default: as many as `MAX_BITS` and `MOST_VALUES` allow.
    """
    if max_bits is None:
        able = np.count_nonzero(instance.production, axis=0)
        stocks = instance.max_inventory + instance.max_demand + 1
        fitting = (b for b in range(MAX_BITS, 0, -1) if (stocks << np.minimum(able, b)).sum() <= MOST_VALUES)
        max_bits = next(fitting, 1)
    found = []
    for number in range(instance.num_items):
        made = instance.production[:, number]
        machines = np.argsort(-made, kind="stable")[: np.count_nonzero(made)]
        loss = instance.setup_loss[machines, number]
        found.append(
            Item(
                number=number,
                machines=machines,
                bits=min(len(machines), max_bits),
                made=made[machines],
                loss=loss,
                setup_cost=instance.setup_cost[machines, number],
                below=int(np.maximum(loss - made[machines], 0).sum()),
                limit=int(instance.max_inventory[number]),
                chance=instance.demand_probability[number : number + 1],
                holding=float(instance.holding_cost[number]),
                lost_sales=float(instance.lost_sales_cost[number]),
            )
        )
    return tuple(found)
