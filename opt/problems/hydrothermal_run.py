"""What happens in a hydrothermal system: scenarios, what a policy sees and decides, and a run. See `hydrothermal`."""

from dataclasses import dataclass, fields

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.opt.problems.hydrothermal_stablerng import draws


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What is random, drawn before anything is decided.

    Parameters
    ----------
    opening : int64 array [T]
        Which row of the stage's inflows came; -1 for inflows that are none of them (history, other models).
    inflow : float64 array [T, H]
    """

    opening: IntArray
    inflow: FloatArray

    def __post_init__(self) -> None:
        opening, inflow = np.array(self.opening, np.int64), np.array(self.inflow, np.float64)
        if opening.ndim != 1 or inflow.ndim != 2 or len(opening) != len(inflow) or not np.isfinite(inflow).all():
            raise InstanceError("expected a finite row of inflows, and its number, for every stage")
        for key, array in (("opening", opening), ("inflow", inflow)):
            array.setflags(write=False)
            object.__setattr__(self, key, array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and all(
            np.array_equal(getattr(self, key), getattr(other, key)) for key in ("opening", "inflow")
        )

    def __hash__(self) -> int:
        return hash(self.inflow.tobytes())


@dataclass(frozen=True, slots=True)
class Observation:
    """What a policy sees in a stage, after the inflow is known; its arrays are not to be written to.

    Parameters
    ----------
    stage : int
        From 0.
    storage : float64 array [H]
        At the start of the stage.
    inflow : float64 array [H]
    """

    stage: int
    storage: FloatArray
    inflow: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Dispatch:
    """How a system is operated in a stage: decisions only; the simulator works out what follows.

    Parameters
    ----------
    turbined : float64 array [H]
        Units of flow.
    spilled : float64 array [H]
        Units of volume.
    generation : float64 array [G]
        Units of power, of plants of reservoirs too.
    deficit : float64 array [B, L]
        Units of power.
    flow : float64 array [E], optional
        Units of power from `from_bus`; ``transport`` only.
    angle : float64 array [B], optional
        Radians; ``dc`` and ``ac``.
    voltage : float64 array [B], optional
        Per unit; ``ac``.
    reactive : float64 array [G], optional
        Units of power; ``ac``.
    """

    turbined: FloatArray
    spilled: FloatArray
    generation: FloatArray
    deficit: FloatArray
    flow: FloatArray | None = None
    angle: FloatArray | None = None
    voltage: FloatArray | None = None
    reactive: FloatArray | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dispatch) and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    def __hash__(self) -> int:
        return hash(self.turbined.tobytes())


COSTS = ("generation", "deficit", "spill", "flow", "shortfall")  # the parts of a stage's cost


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One scenario as it was run, over the reported stages T.

    Parameters
    ----------
    cost : float
        Discounted.
    storage : float64 array [T, H]
        At the end of each stage.
    dispatch : tuple of Dispatch
        One a stage.
    stage_cost : float64 array [T, 5]
        Of each stage, undiscounted, by `COSTS`.
    costs : mapping of str to float
        The discounted cost by `COSTS`.
    events : tuple of tuple
        The log: ``(stage, "inflow" | "store" | "spill", reservoir, amount as text)`` and
        ``(stage, "deficit", bus, amount as text)``.
    """

    cost: float
    storage: FloatArray
    dispatch: tuple[Dispatch, ...]
    stage_cost: FloatArray
    costs: dict[str, float]
    events: tuple[tuple[int | str, ...], ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trajectory) and (self.cost, self.dispatch) == (other.cost, other.dispatch)

    def __hash__(self) -> int:
        return hash((self.cost, self.storage.tobytes()))


def draw_scenarios(instance: Hydrothermal, count: int, seed: int) -> tuple[Scenario, ...]:
    """Draw inflow paths over the whole horizon.

    Scenario i depends on (instance, seed, i) alone, whatever `count` is. With the sampler ``stablerng-lehmer`` and seed
    20260706, scenario i of the Bolivian case is column i + 1 of the published protocol.
    """
    if seed < 0 or count < 0:
        raise InstanceError(f"seed and count must be at least 0, not {seed} and {count}")
    if instance.sampler == "stablerng-lehmer":
        openings = draws(seed, instance.inflows.rows.shape[1], count * instance.horizon)
        openings = openings.reshape(count, instance.horizon)
        return tuple(scenario_of(instance, row) for row in openings)
    cumulative = np.cumsum(instance.inflows.probability, axis=1)[:, :-1]
    at = np.arange(instance.horizon) % len(cumulative)
    drawn = []
    for number in range(count):
        uniform = np.random.default_rng([seed, number]).random(instance.horizon)
        drawn.append(scenario_of(instance, (uniform[:, None] >= cumulative[at]).sum(1)))
    return tuple(drawn)


def scenario_of(instance: Hydrothermal, opening: IntArray) -> Scenario:
    """Return the scenario in which these rows, int64 [T], of the stages' inflows come; InstanceError if none does."""
    opening = np.array(opening, np.int64)
    count = instance.inflows.rows.shape[1]
    if opening.ndim != 1 or not ((opening >= 0) & (opening < count)).all():
        raise InstanceError(f"expected a number in 0..{count - 1} for every stage", place=("opening",))
    at = np.arange(len(opening)) % len(instance.inflows.rows)
    inflow = instance.inflows.rows[at, opening]
    if instance.inflows.first is not None and len(opening):
        opening[0], inflow[0] = 0, instance.inflows.first
    return Scenario(opening, inflow)
