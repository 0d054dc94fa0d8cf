"""Rules for hydrothermal systems: myopic, hoard, keep-level, random, water-value; what every other policy must beat.

All act through `simulators.stage.operate.Operator`: the cheapest operation of the stage that ends with a storage, or
with water worth a constant price. Constant water values are the oldest rule of hydropower (Massé 1946, Les réserves et
la régulation de l'avenir; Little 1955, Operations Research 3:187-197, improved on them by a table).
"""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from counterpoint.opt.errors import MissingPackageError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation
from counterpoint.simulators.stage.cascade import cascade_of, energy_per_volume
from counterpoint.simulators.stage.hydrothermal import thermal_generators
from counterpoint.simulators.stage.operate import Cuts, Operator

STREAM = 1  # apart from the scenarios, which are drawn from [seed, number]
KEEPING = 1e-6  # of the dearest power: what water of no use is worth under ac, where the operator breaks no ties


@dataclass(frozen=True, slots=True)
class WaterValueOptions:
    """Options of ``water-value``.

    Parameters
    ----------
    price : float
        Of a unit of power over a stage that stored water can give on its way down, in the instance's money; negative:
        half of the dearest thermal cost.
    """

    price: float = -1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.price):
            raise OptionError(f"price must be a number, not {self.price}")


def myopic(instance: Hydrothermal, seed: int, options: None) -> "Valued":
    """Build the policy of least cost now: water costs nothing, and is kept only if it is of no use."""
    return Valued(instance, 0.0)


def water_value(instance: Hydrothermal, seed: int, options: WaterValueOptions) -> "Valued":
    """Build the policy to which stored energy has a constant price."""
    return Valued(instance, options.price if options.price >= 0 else dearest(instance) / 2)


def hoard(instance: Hydrothermal, seed: int, options: None) -> "Hoard":
    """Build the policy that keeps as much water as it can, upstream first."""
    return Hoard(instance)


def keep_level(instance: Hydrothermal, seed: int, options: None) -> "KeepLevel":
    """Build the policy that holds storages where they are: run-of-river."""
    return KeepLevel(instance)


def random(instance: Hydrothermal, seed: int, options: None) -> "Random":
    """Build the policy that lets each plant turbine a uniform share of what it could."""
    return Random(instance, seed)


class Valued:
    """The cheapest operation if stored energy is worth `price`."""

    def __init__(self, instance: Hydrothermal, price: float) -> None:
        self.operator = operator_of(instance)
        if not price and instance.network_kind == "ac":
            price = KEEPING * dearest(instance)
        self.cuts = linear_value(instance, price) if price else None

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation."""
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow, cuts=self.cuts)


class Hoard:
    """Ends every stage with full reservoirs, or as full as the inflow makes them."""

    def __init__(self, instance: Hydrothermal) -> None:
        self.operator = operator_of(instance)
        self.target = instance.reservoirs.max_volume

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation."""
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow, target=self.target)


class KeepLevel:
    """Ends every stage with the storages it found."""

    def __init__(self, instance: Hydrothermal) -> None:
        self.operator = operator_of(instance)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation."""
        storage = observation.storage
        return self.operator.dispatch(observation.stage, storage, observation.inflow, target=storage)


class Random:
    """Draws where storages go, between turbining all and nothing."""

    def __init__(self, instance: Hydrothermal, seed: int) -> None:
        self.operator = operator_of(instance)
        self.cascade = cascade_of(instance)
        self.seed = seed
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario, with random numbers of its own."""
        self.rng = np.random.default_rng([self.seed, episode, STREAM])

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation."""
        storage, inflow = observation.storage, observation.inflow
        share = self.rng.random((1, len(storage)))
        target = self.cascade.shares(storage[None], inflow[None], share)[0]
        return self.operator.dispatch(observation.stage, storage, inflow, target=target)


def operator_of(instance: Hydrothermal) -> Operator:
    """Return who operates the system; MissingPackageError if nobody can, under ``ac`` without CasADi."""
    if instance.network_kind == "ac" and find_spec("casadi") is None:
        raise MissingPackageError("operating under ac needs casadi: pip install 'counterpoint[power]'")
    return Operator(instance)


def dearest(instance: Hydrothermal) -> float:
    """Return the cost of a unit of the dearest power that no water gives; of the dearest deficit without such power."""
    thermal = thermal_generators(instance)
    able = thermal[instance.generators.max_power[thermal] > 0]
    costs = instance.generators.cost[able] if len(able) else instance.network.deficit_cost
    return max(float(costs.max()), 0.0)


def linear_value(instance: Hydrothermal, price: float) -> Cuts:
    """Return the cut by which stored energy is worth `price` a unit, on its whole way down."""
    slope: FloatArray = -price * energy_per_volume(instance)
    return np.zeros(1), slope[None], float(slope @ instance.reservoirs.max_volume)
