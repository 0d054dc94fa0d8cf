"""Discrete lot-sizing on parallel machines under random demand: a sequential problem.

Source: Felizardo, Fadda, Brandimarte, Del-Moral-Hernandez and Nascimento, "A Reinforcement Learning Method for
Environments with Stochastic Variables: Post-Decision Proximal Policy Optimization with Dual Critic Networks" (IJCNN
2025, arXiv 2504.05150), and its predecessor (Expert Systems with Applications 246, 2024, 123036).

I items, M machines, T periods, everything in whole units. A machine is set up for one item or idle. A period is:

1. every machine is given an item or none. Given another item than it is set up for, it changes over: the setup cost is
   paid, and it makes its production of that item less the setup loss (which may even take units from the stock); given
   the same item it makes its full production. Given none it forgets its setup, at no cost. Several machines may make
   the same item. What follows is the post-decision state;
2. demand comes. What is in stock is sold, the rest is lost at the lost-sales cost per unit; a stock above its limit is
   cut to the limit, at no cost (after demand, not before);
3. what is left costs holding per unit.

A machine whose production of an item is zero cannot make it. The published environment lets it be chosen all the same,
which takes the setup loss from the stock; the simulators do so with ``is_faithful``.

The objective is the total cost of setups, lost sales and holding over T periods, undiscounted.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError, printable

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

IDLE = 0  # the choice of no item; item i is the choice i + 1
MAX_UNITS = 10_000
MAX_CHOICES = 2**20  # machines x items
MAX_HORIZON = 100_000
MAX_COST = 1e9


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StochasticLotSizing:
    """A plant of parallel machines.

    Parameters
    ----------
    name : str
    production : int64 array [M, I]
        Units a machine makes of an item in a period; 0: it cannot.
    setup_cost : float64 array [M, I]
    setup_loss : int64 array [M, I]
        Units less in the period of the changeover.
    holding_cost, lost_sales_cost : float64 array [I]
        Per unit.
    max_inventory : int64 array [I]
        At least 1.
    demand_probability : float64 array [I, D + 1]
        Probability of each demand 0..D of an item in a period, independent of everything.
    horizon : int
        T.
    initial_inventory : int64 array [I], optional
        Default: nothing.
    initial_setup : int64 array [M], optional
        0 idle, i + 1 set up for item i; default: idle.
    is_random_start : bool
        Every scenario starts with inventories U{0..max_inventory - 1} and setups uniform over what each machine can
        make, as the published environment does; else with `initial_inventory` and `initial_setup`.

    Raises
    ------
    InstanceError
        If the arrays do not describe a plant.

    Examples
    --------
    >>> StochasticLotSizing("tiny", [[3, 3]], [[1, 1]], [[1, 1]], [0.1, 0.1], [2, 2], [5, 5], [[0.5, 0.5]] * 2, 10)
    <StochasticLotSizing 'tiny': 2 items, 1 machine, 10 periods>
    """

    problem: ClassVar[str] = "stochastic-lot-sizing"

    name: str
    production: IntArray
    setup_cost: FloatArray
    setup_loss: IntArray
    holding_cost: FloatArray
    lost_sales_cost: FloatArray
    max_inventory: IntArray
    demand_probability: FloatArray
    horizon: int
    initial_inventory: IntArray = None  # type: ignore[assignment]  # filled in below
    initial_setup: IntArray = None  # type: ignore[assignment]
    is_random_start: bool = False

    def __post_init__(self) -> None:
        production = whole_array(self.production, "production", 2)
        machines, items = production.shape
        defaults = {"initial_inventory": np.zeros(items, np.int64), "initial_setup": np.zeros(machines, np.int64)}
        for key, default in defaults.items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, default)
        for key, ndim in (
            ("production", 2), ("setup_loss", 2), ("max_inventory", 1), ("initial_inventory", 1), ("initial_setup", 1),
        ):  # fmt: skip
            object.__setattr__(self, key, whole_array(getattr(self, key), key, ndim))
        for key, ndim in (("setup_cost", 2), ("holding_cost", 1), ("lost_sales_cost", 1), ("demand_probability", 2)):
            object.__setattr__(self, key, _float_array(getattr(self, key), key, ndim))
        _validate(self)

    @property
    def num_machines(self) -> int:
        """Number of machines M."""
        return int(self.production.shape[0])

    @property
    def num_items(self) -> int:
        """Number of items I."""
        return int(self.production.shape[1])

    @property
    def max_demand(self) -> int:
        """The largest demand D that the probabilities have a place for."""
        return int(self.demand_probability.shape[1]) - 1

    @property
    def mean_demand(self) -> FloatArray:
        """Mean demand of each item in a period, float64 [I]."""
        mean: FloatArray = self.demand_probability @ np.arange(self.max_demand + 1)
        return mean

    @property
    def can_choose(self) -> BoolArray:
        """Which choices a machine has: idle, and the items it can make; bool [M, I + 1]."""
        return np.hstack([np.ones((self.num_machines, 1), bool), self.production > 0])

    @property
    def features(self) -> frozenset[str]:
        """Nothing special: every method handles every plant."""
        return frozenset()

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        digest = hashlib.sha256(b"stochastic-lot-sizing/1")
        for key in ARRAYS:
            array = getattr(self, key)
            digest.update(f"/{key}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        digest.update(f"/{self.horizon}/{self.is_random_start}".encode())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StochasticLotSizing) and (self.name, self.content_hash) == (
            other.name,
            other.content_hash,
        )

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        machines = f"{self.num_machines} machine{'' if self.num_machines == 1 else 's'}"
        size = f"{self.num_items} items, {machines}, {self.horizon} periods"
        start = ", random start" if self.is_random_start else ""
        return f"<StochasticLotSizing {printable(self.name)!r}: {size}{start}>"


ARRAYS = (
    "production", "setup_cost", "setup_loss", "holding_cost", "lost_sales_cost", "max_inventory", "demand_probability",
    "initial_inventory", "initial_setup",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What is random, drawn before anything is decided.

    Parameters
    ----------
    inventory : int64 array [I]
        Units in stock at the start.
    setup : int64 array [M]
        0 idle, i + 1 set up for item i.
    demand : int64 array [T, I]

    Raises
    ------
    InstanceError
        If an array is of the wrong shape or holds anything negative.
    """

    inventory: IntArray
    setup: IntArray
    demand: IntArray

    def __post_init__(self) -> None:
        for key, ndim in (("inventory", 1), ("setup", 1), ("demand", 2)):
            object.__setattr__(self, key, whole_array(getattr(self, key), key, ndim))
        if self.demand.shape[1] != len(self.inventory):
            raise InstanceError(f"demand is of {self.demand.shape[1]} items, the stock of {len(self.inventory)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and all(
            np.array_equal(getattr(self, key), getattr(other, key)) for key in ("inventory", "setup", "demand")
        )

    def __hash__(self) -> int:
        return hash((self.inventory.tobytes(), self.setup.tobytes(), self.demand.tobytes()))


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One scenario as it was run.

    Parameters
    ----------
    cost : float
        Setups, lost sales and holding.
    choice : int64 array [T, M]
        What each machine was given: 0 nothing, i + 1 item i.
    inventory, lost, scrapped : int64 array [T, I]
        Units left at the end of each period, lost in it, and cut off at the limit.
    costs : mapping of str to float
        ``setup``, ``lost sales`` and ``holding``.
    """

    cost: float
    choice: IntArray
    inventory: IntArray
    lost: IntArray
    scrapped: IntArray
    costs: dict[str, float]

    @property
    def events(self) -> tuple[tuple[int | str, ...], ...]:
        """The log: ``(period, "give", machine, item)``, ``(period, "lose" or "scrap" or "hold", item, units)``."""
        found: list[tuple[int | str, ...]] = []
        for t in range(len(self.choice)):
            found += [(t, "give", m, c - 1) for m, c in enumerate(self.choice[t].tolist()) if c != IDLE]
            for kind, units in (("lose", self.lost), ("scrap", self.scrapped), ("hold", self.inventory)):
                found += [(t, kind, i, u) for i, u in enumerate(units[t].tolist()) if u]
        return tuple(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trajectory) and (self.cost, self.events) == (other.cost, other.events)

    def __hash__(self) -> int:
        return hash((self.cost, self.choice.tobytes()))


@dataclass(frozen=True, slots=True)
class Observation:
    """What a policy sees at the start of a period; its arrays are not to be written to.

    Parameters
    ----------
    period : int
        From 0.
    inventory : int64 array [I]
    setup : int64 array [M]
        0 idle, i + 1 set up for item i.
    """

    period: int
    inventory: IntArray
    setup: IntArray


def draw_scenarios(instance: StochasticLotSizing, count: int, seed: int) -> tuple[Scenario, ...]:
    """Draw demand paths and, with a random start, where they begin.

    Scenario i depends on (instance, seed, i) alone, whatever `count` is.
    """
    if seed < 0 or count < 0:
        raise InstanceError(f"seed and count must be at least 0, not {seed} and {count}")
    cumulative = np.cumsum(instance.demand_probability, axis=1)[:, :-1]
    drawn = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        inventory, setup = instance.initial_inventory, instance.initial_setup
        if instance.is_random_start:
            inventory, setup = _random_start(instance, rng)
        uniform = rng.random((instance.horizon, instance.num_items))
        demand = (uniform[:, :, None] >= cumulative).sum(2)
        drawn.append(Scenario(inventory, setup, demand))
    return tuple(drawn)


def whole_array(values: Any, key: str, ndim: int) -> IntArray:
    """Return a read-only int64 array of so many dimensions with nothing negative; InstanceError otherwise."""
    try:
        given = np.array(values)
    except ValueError:  # ragged
        given = np.array(None)
    is_whole = given.dtype.kind in "iu" or (given.dtype.kind == "f" and bool(np.all(given == np.floor(given))))
    if given.ndim != ndim or not (is_whole or given.size == 0):
        raise InstanceError(f"expected whole numbers in {ndim} dimension{'s' if ndim > 1 else ''}", place=(key,))
    if given.size and not (given.min() >= 0 and given.max() <= MAX_UNITS):
        raise InstanceError(f"expected whole numbers in 0..{MAX_UNITS}", place=(key,))
    array = given.astype(np.int64)
    array.setflags(write=False)
    return array


def _float_array(values: Any, key: str, ndim: int) -> FloatArray:
    try:
        given = np.array(values, np.float64)
    except (ValueError, TypeError):
        given = np.array(None, np.float64)
    if given.ndim != ndim:
        raise InstanceError(f"expected numbers in {ndim} dimension{'s' if ndim > 1 else ''}", place=(key,))
    if given.size and not (given.min() >= 0 and given.max() <= MAX_COST):  # also refuses NaN
        raise InstanceError(f"expected numbers in 0..{MAX_COST:g}", place=(key,))
    given.setflags(write=False)
    return given


def _random_start(instance: StochasticLotSizing, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    inventory = rng.integers(0, instance.max_inventory)
    setup = [int(rng.choice(able)) + 1 if len(able := np.flatnonzero(row)) else IDLE for row in instance.production > 0]
    return inventory, np.array(setup, np.int64)


def _validate(plant: StochasticLotSizing) -> None:
    machines, items = plant.production.shape
    if machines < 1 or items < 1 or machines * items > MAX_CHOICES:
        raise InstanceError(
            f"expected at least one machine and item, at most {MAX_CHOICES} pairs of them, not {machines} x {items}",
            place=("production",),
        )
    shapes = {
        "setup_cost": (machines, items), "setup_loss": (machines, items), "holding_cost": (items,),
        "lost_sales_cost": (items,), "max_inventory": (items,), "initial_inventory": (items,),
        "initial_setup": (machines,), "demand_probability": (items, plant.demand_probability.shape[1]),
    }  # fmt: skip
    for key, shape in shapes.items():
        if getattr(plant, key).shape != shape:
            raise InstanceError(f"expected shape {shape}, not {getattr(plant, key).shape}", place=(key,))
    if plant.max_inventory.min() < 1:
        raise InstanceError("expected limits of at least 1", place=("max_inventory",))
    if (plant.initial_inventory > plant.max_inventory).any():
        raise InstanceError("a stock is above its limit", place=("initial_inventory",))
    if plant.initial_setup.max() > items:
        raise InstanceError(f"expected 0 (idle) or an item 1..{items}", place=("initial_setup",))
    if plant.demand_probability.shape[1] < 1 or np.abs(plant.demand_probability.sum(1) - 1).max() > 1e-9:
        raise InstanceError("expected probabilities that add up to 1 for every item", place=("demand_probability",))
    horizon: Any = plant.horizon
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or not 1 <= horizon <= MAX_HORIZON:
        raise InstanceError(f"expected a whole number in 1..{MAX_HORIZON}, not {horizon!r}", place=("horizon",))
    if not isinstance(plant.is_random_start, bool):
        raise InstanceError("expected true or false", place=("is_random_start",))
