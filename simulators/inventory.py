"""A single item with lost sales, the smallest sequential problem with two costs: its data, and its SimPy reference.

Each period an order of a units is paid for and arrives at once; what does not fit in the store is lost. Then demand
comes: what is in stock is sold, the rest is lost. Two rewards, both at most 0: minus the cost of holding what is left
over, of ordering at all and per unit; and minus the sales lost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.interfaces import Policy


@dataclass(frozen=True, slots=True)
class Inventory:
    """The data of one case.

    Parameters
    ----------
    capacity, max_order, start : int
        Units.
    demand_mean : float
        Of a Poisson variable, cut off after `max_demand` and normalised.
    max_demand : int
    holding, fixed, unit : float
        Cost per unit left over, per order and per unit ordered.
    discount : float
        Per period.
    """

    capacity: int = 20
    max_order: int = 10
    start: int = 5
    demand_mean: float = 4.0
    max_demand: int = 15
    holding: float = 0.1
    fixed: float = 1.0
    unit: float = 0.05
    discount: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.capacity or self.max_order < 1 or self.max_demand < 1:
            raise InstanceError("expected 0 <= start <= capacity, max_order >= 1 and max_demand >= 1")
        if not 0 < self.demand_mean <= 500 or not 0 < self.discount < 1:
            raise InstanceError("expected 0 < demand_mean <= 500 and 0 < discount < 1")
        if not all(0 <= cost < math.inf for cost in (self.holding, self.fixed, self.unit)):
            raise InstanceError("costs must be finite and at least 0")

    @property
    def demand_probability(self) -> np.ndarray:
        """Probability of each demand, float64 [max_demand + 1]."""
        k = range(self.max_demand + 1)
        log = np.array([i * math.log(self.demand_mean) - math.lgamma(i + 1) for i in k])
        weight = np.exp(log - log.max())
        return weight / weight.sum()


@dataclass(frozen=True, slots=True)
class InventoryRun:
    """One scenario as it was run; an `interfaces.Trajectory`.

    Parameters
    ----------
    cost : float
        Discounted cost of holding and ordering.
    lost : float
        Discounted lost sales.
    events : tuple of tuple
        ``("order", period, units)``, ``("reject", period, units)``, ``("sell", period, units)``,
        ``("lose", period, units)``, ``("hold", period, units)``; those of zero units are left out.
    """

    cost: float
    lost: float
    events: tuple[tuple[int | str, ...], ...]


def simulate(inventory: Inventory, demands: Sequence[int], policy: Policy) -> InventoryRun:
    """Run `policy` through the demands of some periods; it sees the stock, and decides how much to order.

    Raises
    ------
    ValueError
        If it orders less than 0 or more than `max_order`.
    """
    import simpy

    world = simpy.Environment()
    store = simpy.Container(world, capacity=inventory.capacity, init=inventory.start)
    events: list[tuple[int | str, ...]] = []
    totals = {"cost": 0.0, "lost": 0.0}

    def note(what: str, units: int) -> None:
        if units:
            events.append((what, int(world.now), units))

    def shop() -> simpy.events.ProcessGenerator:
        for demand in demands:
            worth = inventory.discount ** int(world.now)
            ordered = int(policy.act({"stock": store.level}))
            if not 0 <= ordered <= inventory.max_order:
                raise ValueError(f"ordered {ordered} units, not between 0 and {inventory.max_order}")
            note("order", ordered)
            if ordered:
                totals["cost"] += worth * (inventory.fixed + inventory.unit * ordered)
            room = store.capacity - store.level
            note("reject", max(ordered - room, 0))
            if accepted := min(ordered, room):
                yield store.put(accepted)
            note("sell", sold := min(demand, store.level))
            if sold:
                yield store.get(sold)
            note("lose", demand - sold)
            totals["lost"] += worth * (demand - sold)
            note("hold", store.level)
            totals["cost"] += worth * inventory.holding * store.level
            yield world.timeout(1)

    policy.start(0)
    world.process(shop())
    world.run()
    return InventoryRun(totals["cost"], totals["lost"], tuple(events))
