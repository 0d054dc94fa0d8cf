"""The reference simulator of the plant of parallel machines in SimPy: one scenario, one policy, readable.

Written from the definitions in `opt/problems/stochastic_lot_sizing`. Every machine is a process that waits for
its order of the period; the plant sells what is demanded after every machine has delivered.
"""

from typing import Any

import numpy as np
import simpy

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.stochastic_lot_sizing import (
    IDLE,
    Observation,
    Scenario,
    StochasticLotSizing,
    Trajectory,
)

Process = simpy.events.ProcessGenerator


def simulate(
    instance: StochasticLotSizing, scenario: Scenario, policy: Policy, *, is_faithful: bool = False
) -> Trajectory:
    """Run `policy` through `scenario`.

    Parameters
    ----------
    instance : StochasticLotSizing
    scenario : Scenario
    policy : Policy
        ``act`` gets an `Observation` and returns a choice per machine, M whole numbers: 0 idle, i + 1 item i.
    is_faithful : bool
        Let a machine be given an item that it cannot make, as the published environment does.

    Returns
    -------
    Trajectory

    Raises
    ------
    OptionError
        If the policy decides what is not allowed.
    """
    shape = (instance.horizon, instance.num_items)
    if scenario.demand.shape != shape or len(scenario.setup) != instance.num_machines:
        raise InstanceError(f"the scenario is of {scenario.demand.shape} periods and items, the plant of {shape}")
    plant = _Plant(instance, scenario, policy, is_faithful)
    plant.world.run(until=plant.world.process(plant.run()))
    return plant.trajectory()


class _Plant:
    """A run in progress."""

    def __init__(self, instance: StochasticLotSizing, scenario: Scenario, policy: Policy, is_faithful: bool) -> None:
        self.instance, self.scenario, self.policy, self.is_faithful = instance, scenario, policy, is_faithful
        self.world = simpy.Environment()
        self.orders = [simpy.Store(self.world) for _ in range(instance.num_machines)]
        self.delivered = simpy.Store(self.world)
        self.stock = scenario.inventory.tolist()
        self.setup = scenario.setup.tolist()
        self.production, self.setup_loss = instance.production.tolist(), instance.setup_loss.tolist()
        self.setup_cost = instance.setup_cost.tolist()
        self.limit = instance.max_inventory.tolist()
        self.spent = 0.0  # on setups
        self.choices: list[list[int]] = []
        self.left: list[list[int]] = []
        self.lost: list[list[int]] = []
        self.scrapped: list[list[int]] = []
        for machine in range(instance.num_machines):
            self.world.process(self.work(machine))

    def run(self) -> Process:
        """Decide, wait for the machines, sell; period after period."""
        for demand in self.scenario.demand.tolist():
            choice = self.decide()
            self.choices.append(choice)
            for machine, item in enumerate(choice):
                yield self.orders[machine].put(item)
            for _ in choice:
                yield self.delivered.get()
            self.sell(demand)
            yield self.world.timeout(1)

    def work(self, machine: int) -> Process:
        """Carry out one order a period."""
        while True:
            choice = yield self.orders[machine].get()
            if choice != IDLE:
                item = choice - 1
                made = self.production[machine][item]
                if self.setup[machine] != choice:
                    self.spent += self.setup_cost[machine][item]
                    made -= self.setup_loss[machine][item]
                self.stock[item] += made
            self.setup[machine] = choice
            yield self.delivered.put(machine)

    def decide(self) -> list[int]:
        """Ask the policy, and refuse what is not allowed."""
        seen = Observation(int(self.world.now), _frozen(self.stock), _frozen(self.setup))
        given: Any = np.asarray(self.policy.act(seen))
        if given.shape != (len(self.setup),) or given.dtype.kind not in "iu":
            raise OptionError(f"a decision is {len(self.setup)} whole numbers, one per machine, not {given!r}")
        choice: list[int] = given.tolist()
        for machine, item in enumerate(choice):
            if not 0 <= item <= len(self.stock):
                raise OptionError(f"machine {machine} is given {item}: expected 0 (idle) or 1..{len(self.stock)}")
            if item != IDLE and not self.is_faithful and self.production[machine][item - 1] == 0:
                raise OptionError(f"machine {machine} cannot make item {item - 1}")
        return choice

    def sell(self, demand: list[int]) -> None:
        """Meet demand, cut the stock to its limits and note what is left."""
        lost, scrapped = [], []
        for item, wanted in enumerate(demand):
            left = self.stock[item] - wanted
            lost.append(max(-left, 0))
            scrapped.append(max(left - self.limit[item], 0))
            self.stock[item] = left + lost[-1] - scrapped[-1]
        self.lost.append(lost)
        self.scrapped.append(scrapped)
        self.left.append(self.stock.copy())

    def trajectory(self) -> Trajectory:
        """Return what happened."""
        left, lost, scrapped, choice = (_frozen(x) for x in (self.left, self.lost, self.scrapped, self.choices))
        costs = {
            "setup": self.spent,
            "lost sales": float((lost * self.instance.lost_sales_cost).sum()),
            "holding": float((left * self.instance.holding_cost).sum()),
        }
        return Trajectory(sum(costs.values()), choice, left, lost, scrapped, costs)


def _frozen(values: Any) -> Any:
    array = np.array(values, np.int64)
    array.setflags(write=False)
    return array
