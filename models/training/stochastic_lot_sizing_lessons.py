"""Plants to learn from, each with a teacher, the policy from the items' value functions: asked in any state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.networks.stochastic_lot_sizing_features import Tables, View
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Scenario, StochasticLotSizing
from counterpoint.solvers.lagrangian import stochastic_lot_sizing as lagrangian
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs

Act = Callable[[int, IntArray, IntArray], IntArray]


class Lesson(NamedTuple):
    """N states of plants of one size and what the teacher chose in them.

    Parameters
    ----------
    plant : int64 tensor [N]
        Its number in the group.
    stock : float tensor [N, I]
    setup : int64 tensor [N, M]
    left : float tensor [N]
    choice : int64 tensor [N, M]
    """

    plant: Tensor
    stock: Tensor
    setup: Tensor
    left: Tensor
    choice: Tensor

    def select(self, rows: Tensor) -> "Lesson":
        """Return some rows."""
        return Lesson(*(tensor[rows] for tensor in self))

    def view(self, tables: Tables) -> View:
        """Return what a network sees of it."""
        return View(tables if len(tables.limit) == 1 else tables.select(self.plant), self.stock, self.setup, self.left)


@dataclass(frozen=True, slots=True)
class Group:
    """Plants of one size, their teachers and their tables."""

    plants: tuple[StochasticLotSizing, ...]
    teachers: tuple[lagrangian.Lagrangian, ...]
    tables: Tables

    @classmethod
    def of(cls, plants: Sequence[StochasticLotSizing], options: lagrangian.Options) -> "Group":
        """Return the plants with their teachers: 3 CPU seconds for one of 12 items on 6 machines, 60 for 20 on 10."""
        teachers = tuple(lagrangian.policy(plant, 0, options) for plant in plants)
        return cls(tuple(plants), teachers, Tables.of(plants))


def played(
    number: int, plant: StochasticLotSizing, teacher: Act, learner: Act, scenarios: Sequence[Scenario], led: int
) -> Lesson:
    """Return all states of the scenarios with the teacher's choice; it leads in the first `led`, else the learner.

    The learner's own states are what its mistakes lead to (Ross, Gordon, Bagnell 2011, AISTATS: DAgger).
    """
    held: list[tuple[Any, ...]] = []
    leads = (np.arange(len(scenarios)) < led)[:, None]

    def act(period: int, stock: IntArray, setup: IntArray) -> IntArray:
        choice = teacher(period, stock, setup)
        held.append((stock, setup, np.full(len(stock), plant.horizon - period), choice))
        if led == len(scenarios):
            return choice
        return np.where(leads, choice, learner(period, stock, setup))

    total_costs(plant, scenarios, act)
    stock, setup, left, choice = (torch.tensor(np.concatenate(column)) for column in zip(*held, strict=True))
    return Lesson(torch.full((len(left),), number), stock.float(), setup, left.float(), choice)


def joined(lessons: Sequence[Lesson]) -> Lesson:
    """Return the lessons of plants of one size, one after the other."""
    return Lesson(*(torch.cat(column) for column in zip(*lessons, strict=True)))


def varied(items: int, machines: int, seed: int) -> StochasticLotSizing:
    """Return a random plant; of four seeds in a row two are by the published rules, two have cheap setups.

    Of these one has every item's lost sales equally dear, as `plant-25x10` has, and one small stocks and rare demand,
    as `plant-10x5` has.
    """
    from counterpoint.datasets.generators.stochastic_lot_sizing import published

    if seed % 4 < 2:
        return published(items=items, machines=machines, seed=seed)
    rng = np.random.default_rng([seed, 21])
    cheap = {
        "setup_cost": rng.integers(1, 3, (machines, items)).astype(float),
        "setup_loss": np.ones((machines, items), np.int64),
    }
    if seed % 4 == 2:
        plant = published(items=items, machines=machines, seed=seed)
        return replace(plant, name=f"{plant.name}-cheap", lost_sales_cost=np.full(items, 0.2), **cheap)
    small = {"max_production": 4, "max_inventory": 10, "holding_cost": 0.1, "demand_trials": 4}
    plant = published(items=items, machines=machines, seed=seed, **small)  # type: ignore[arg-type]
    lost_sales_cost = rng.integers(1, 4, items).astype(float)
    return replace(plant, name=f"{plant.name}-small", lost_sales_cost=lost_sales_cost, **cheap)
