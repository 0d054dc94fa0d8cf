"""What a hydrothermal system consists of: reservoirs, generators, a network, inflows. See `hydrothermal`."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_NUMBER = 1e12
MAX_ENTRIES = 20_000_000  # of one array


@dataclass(frozen=True, slots=True, eq=False)
class Reservoirs:
    """H reservoirs with their plants, and which water goes where.

    Parameters
    ----------
    names : tuple of str
    min_volume, max_volume, initial_volume : float64 array [H]
        hm3, or units of energy. A storage below `min_volume` costs `min_volume_cost`; one above the maximum cannot be.
    min_turbined, max_turbined : float64 array [H]
        m3/s, or energy per stage. Turbining less than `min_turbined` costs `min_turbined_cost`.
    min_volume_cost, min_turbined_cost, spill_cost : float64 array [H]
        Per unit of volume, flow and volume.
    production : float64 array [H]
        Power (in the units of the file, MW) per unit of turbined flow.
    generator : int64 array [H]
        The generator that the plant drives; no two drive one.
    turbined_to, spilled_to : bool array [H, H]
        ``[u, d]``: what is turbined or spilled at u flows into d within the stage. No water flows in a circle.

    Raises
    ------
    InstanceError
        If the arrays disagree or hold what cannot be.
    """

    names: tuple[str, ...]
    min_volume: FloatArray
    max_volume: FloatArray
    initial_volume: FloatArray
    min_turbined: FloatArray
    max_turbined: FloatArray
    min_volume_cost: FloatArray
    min_turbined_cost: FloatArray
    spill_cost: FloatArray
    production: FloatArray
    generator: IntArray
    turbined_to: BoolArray
    spilled_to: BoolArray

    def __post_init__(self) -> None:
        names = freeze_names(self, "reservoirs")
        h = len(names)
        if h == 0:
            raise InstanceError("expected at least one reservoir", place=("reservoirs",))
        freeze(self, "reservoirs", dict.fromkeys(RESERVOIR_NUMBERS, (h,)), low=0.0)
        freeze_whole(self, "reservoirs", "generator", (h,))
        for key in ("turbined_to", "spilled_to"):
            freeze_bool(self, "reservoirs", key, (h, h))
        for low, high in (("min_volume", "max_volume"), ("min_turbined", "max_turbined"),
                          ("initial_volume", "max_volume")):  # fmt: skip
            if bad := np.flatnonzero(getattr(self, low) > getattr(self, high)).tolist():
                raise InstanceError(f"{low} exceeds {high} at {names[bad[0]]}", place=("reservoirs", low, bad[0]))
        if len(set(self.generator.tolist())) < h:
            raise InstanceError("two plants drive one generator", place=("reservoirs", "generator"))
        reaches = np.linalg.matrix_power(np.eye(h) + (self.turbined_to | self.spilled_to), h)
        if (self.turbined_to | self.spilled_to).diagonal().any() or ((reaches > 0) & (reaches.T > 0)).sum() > h:
            raise InstanceError("water flows in a circle", place=("reservoirs", "turbined_to"))


@dataclass(frozen=True, slots=True, eq=False)
class Generators:
    """G generators, those that plants of reservoirs drive included.

    Parameters
    ----------
    names : tuple of str
    bus : int64 array [G]
    cost : float64 array [G]
        Per unit of power and stage.
    min_power, max_power, min_reactive, max_reactive : float64 array [G]
        Units of power. The reactive ones count under ``ac`` only.
    """

    names: tuple[str, ...]
    bus: IntArray
    cost: FloatArray
    min_power: FloatArray
    max_power: FloatArray
    min_reactive: FloatArray
    max_reactive: FloatArray

    def __post_init__(self) -> None:
        g = len(freeze_names(self, "generators"))
        freeze_whole(self, "generators", "bus", (g,))
        numbers = ("cost", "min_power", "max_power", "min_reactive", "max_reactive")
        freeze(self, "generators", dict.fromkeys(numbers, (g,)))
        for low, high in (("min_power", "max_power"), ("min_reactive", "max_reactive")):
            if bad := np.flatnonzero(getattr(self, low) > getattr(self, high)).tolist():
                raise InstanceError(f"{low} exceeds {high} at {self.names[bad[0]]}", place=("generators", low, bad[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """B buses and E branches. A system with one bus has no branches.

    Parameters
    ----------
    names : tuple of str
        Of the buses.
    demand, reactive_demand : float64 array [D, B]
        Units of power; stage t (from 0) has row t mod D. Negative demand is a supply that nobody decides on.
    deficit_cost : float64 array [B, L]
        Per unit of power not supplied, in L levels.
    deficit_limit : float64 array [D, B, L]
        Units of power; infinite where there is no limit.
    shunt_conductance, shunt_susceptance : float64 array [B]
        At voltage 1.
    min_voltage, max_voltage : float64 array [B]
        Per unit; under ``ac`` only.
    reference : int
        The bus of angle 0.
    from_bus, to_bus : int64 array [E]
    rating, reverse_rating : float64 array [E]
        Limits of the flow from, and towards, `from_bus`: power, under ``ac`` apparent power (where `rating` holds at
        both ends).
    flow_cost : float64 array [E]
        Per unit of flow in the forward direction; under ``transport`` only, where `reverse_rating` must be 0 if it is
        not 0.
    resistance, reactance : float64 array [E]
        Per unit; not both 0 under ``dc`` and ``ac``.
    from_conductance, from_susceptance, to_conductance, to_susceptance : float64 array [E]
        Of the branch's ends.
    tap, shift : float64 array [E]
        Transformer ratio (1: none) and angle in radians; under ``ac`` only, as in PowerModels' DC model.
    min_angle, max_angle : float64 array [E]
        Radians, of the difference between the ends.
    """

    names: tuple[str, ...]
    demand: FloatArray
    reactive_demand: FloatArray
    deficit_cost: FloatArray
    deficit_limit: FloatArray
    shunt_conductance: FloatArray
    shunt_susceptance: FloatArray
    min_voltage: FloatArray
    max_voltage: FloatArray
    reference: int
    from_bus: IntArray
    to_bus: IntArray
    rating: FloatArray
    reverse_rating: FloatArray
    flow_cost: FloatArray
    resistance: FloatArray
    reactance: FloatArray
    from_conductance: FloatArray
    from_susceptance: FloatArray
    to_conductance: FloatArray
    to_susceptance: FloatArray
    tap: FloatArray
    shift: FloatArray
    min_angle: FloatArray
    max_angle: FloatArray

    def __post_init__(self) -> None:
        b = len(freeze_names(self, "network"))
        if b == 0:
            raise InstanceError("expected at least one bus", place=("network", "names"))
        freeze(self, "network", {"demand": (None, b), "reactive_demand": (None, b)})
        d = len(self.demand)
        if d == 0 or len(self.reactive_demand) != d:
            raise InstanceError("expected as many rows of reactive as of active demand", place=("network", "demand"))
        freeze(self, "network", {"deficit_cost": (b, None)}, low=0.0)
        levels = self.deficit_cost.shape[1]
        freeze(self, "network", {"deficit_limit": (d, b, levels)}, low=0.0, high=np.inf)
        buses = ("shunt_conductance", "shunt_susceptance")
        freeze(self, "network", dict.fromkeys(buses, (b,)))
        freeze(self, "network", dict.fromkeys(("min_voltage", "max_voltage"), (b,)), low=0.0)
        freeze_whole(self, "network", "from_bus", (None,))
        e = len(self.from_bus)
        freeze_whole(self, "network", "to_bus", (e,))
        freeze(self, "network", dict.fromkeys(("rating", "reverse_rating"), (e,)), low=0.0)
        freeze(self, "network", dict.fromkeys(BRANCH_NUMBERS, (e,)))
        freeze(self, "network", {"tap": (e,)}, low=1e-6)
        given: Any = self.reference
        if isinstance(given, bool) or not isinstance(given, int | np.integer) or not 0 <= given < b:
            raise InstanceError(f"expected a bus in 0..{b - 1}", place=("network", "reference"))
        object.__setattr__(self, "reference", int(given))
        for key in ("from_bus", "to_bus"):
            if bad := np.flatnonzero(getattr(self, key) >= b).tolist():
                raise InstanceError(f"expected a bus in 0..{b - 1}", place=("network", key, bad[0]))
        if bad := np.flatnonzero(self.from_bus == self.to_bus).tolist():
            raise InstanceError("a branch must join two buses", place=("network", "to_bus", bad[0]))
        for low, high in (("min_voltage", "max_voltage"), ("min_angle", "max_angle")):
            if bad := np.flatnonzero(getattr(self, low) > getattr(self, high)).tolist():
                raise InstanceError(f"{low} exceeds {high}", place=("network", low, bad[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Inflows:
    """What may flow in: in every stage one joint row for all reservoirs is drawn, independently of other stages.

    Parameters
    ----------
    rows : float64 array [C, N, H]
        m3/s, or energy per stage; stage t (from 0) draws from ``rows[t mod C]``.
    probability : float64 array [C, N]
    first : float64 array [H], optional
        What flows in for certain in the first stage, instead of a draw.
    """

    rows: FloatArray
    probability: FloatArray
    first: FloatArray | None = None

    def __post_init__(self) -> None:
        freeze(self, "inflows", {"rows": (None, None, None)})
        c, n, h = self.rows.shape
        if c == 0 or n == 0:
            raise InstanceError("expected at least one row of inflows", place=("inflows", "rows"))
        freeze(self, "inflows", {"probability": (c, n)}, low=0.0, high=1.0)
        if bad := np.flatnonzero(np.abs(self.probability.sum(1) - 1.0) > 1e-9).tolist():
            raise InstanceError("expected probabilities that add up to 1", place=("inflows", "probability", bad[0]))
        if self.first is not None:
            freeze(self, "inflows", {"first": (h,)})


RESERVOIR_NUMBERS = (
    "min_volume", "max_volume", "initial_volume", "min_turbined", "max_turbined", "min_volume_cost",
    "min_turbined_cost", "spill_cost", "production",
)  # fmt: skip
BRANCH_NUMBERS = (
    "flow_cost", "resistance", "reactance", "from_conductance", "from_susceptance", "to_conductance",
    "to_susceptance", "shift", "min_angle", "max_angle",
)  # fmt: skip


def arrays_of(part: Any) -> dict[str, Any]:
    """Return what a part consists of, by name, in its order."""
    return {f.name: getattr(part, f.name) for f in fields(part)}


def freeze(
    part: Any,
    owner: str,
    shapes: dict[str, tuple[int | None, ...]],
    *,
    low: float = -MAX_NUMBER,
    high: float = MAX_NUMBER,
) -> None:
    """Make these fields of `part` read-only float64 arrays of such shapes (None: any) within [low, high]."""
    for key, shape in shapes.items():
        try:
            given = np.array(getattr(part, key), np.float64)
        except (ValueError, TypeError, OverflowError):
            given = np.array(np.nan)
        _check_shape(given, shape, (owner, key))
        if given.size and not (given.min() >= low and given.max() <= high):  # also refuses NaN
            bad = np.argwhere(~((given >= low) & (given <= high)))[0].tolist()
            what = "at least 0" if low == 0.0 else f"in {low:g}..{high:g}"
            raise InstanceError(f"expected numbers {what}, not {given[tuple(bad)]}", place=(owner, key, *bad))
        given.setflags(write=False)
        object.__setattr__(part, key, given)


def freeze_whole(part: Any, owner: str, key: str, shape: tuple[int | None, ...]) -> None:
    """Make this field a read-only int64 array of numbers of at least 0."""
    try:
        given = np.array(getattr(part, key))
    except ValueError:
        given = np.array(None)
    is_whole = given.dtype.kind in "iu" or given.size == 0
    _check_shape(given, shape, (owner, key))
    if not is_whole or (given.size and not (given.min() >= 0 and given.max() < 2**31)):
        raise InstanceError("expected whole numbers of at least 0", place=(owner, key))
    array = given.astype(np.int64)
    array.setflags(write=False)
    object.__setattr__(part, key, array)


def freeze_bool(part: Any, owner: str, key: str, shape: tuple[int, ...]) -> None:
    """Make this field a read-only bool array."""
    try:
        given = np.array(getattr(part, key))
    except ValueError:
        given = np.array(None)
    _check_shape(given, shape, (owner, key))
    if given.size and not np.isin(given, (0, 1)).all():
        raise InstanceError("expected true or false", place=(owner, key))
    array = given.astype(np.bool_)
    array.setflags(write=False)
    object.__setattr__(part, key, array)


def freeze_names(part: Any, owner: str) -> tuple[str, ...]:
    """Make the names a tuple and return it."""
    names = tuple(part.names)
    if not all(isinstance(name, str) for name in names):
        raise InstanceError("expected names", place=(owner, "names"))
    object.__setattr__(part, "names", names)
    return names


def _check_shape(given: npt.NDArray[Any], shape: tuple[int | None, ...], place: tuple[str | int, ...]) -> None:
    fits = given.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, given.shape, strict=True))
    if not fits or given.size > MAX_ENTRIES:
        wanted = " x ".join("any" if n is None else str(n) for n in shape)
        raise InstanceError(f"expected numbers of shape {wanted}, not {' x '.join(map(str, given.shape))}", place=place)
