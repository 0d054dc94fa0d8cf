"""Hydrothermal dispatch: reservoirs, thermal plants and a network, under uncertain inflows; a sequential problem.

Sources: Pereira and Pinto 1991 (Math. Prog. 52:359-375); Rosemberg, Street, Garcia, Valladao, Silva and Dowson 2022
(IEEE Trans. Power Syst. 37(1)), whose file format and units are kept; Shapiro, Tekaya, da Costa and Soares 2013 (EJOR
224:375-391) for the Brazilian system.

H reservoirs, G generators, B buses, E branches, T stages. In stage t, with storage v at its start:

1. the inflow w of the stage becomes known (hazard-decision);
2. the operator turbines q, spills s, and runs the generators so that every bus is supplied, or supplied in part: what
   is not is the deficit. A plant's generator gives ``production * q / base_power``;
3. ``v' = v + K (w - q) - s + sum of spills from upstream + K * sum of turbined flows from upstream``, within
   [0, max_volume]. K, `volume_per_flow`, is 0.0036 x stage hours: hm3 that 1 m3/s brings in a stage. Spill is a volume.

The stage's cost is generation at the generators' costs, deficits, spill, flows, and what falls short of minimum
storages and flows. The objective is the expected discounted cost of the first `reported_stages`; policies plan for all
`horizon` stages, so that no reservoir is emptied because the books close.

The network that operation must obey is one of

- ``single-bus``: everything at one place;
- ``transport``: a balance at every bus, flows within limits at `flow_cost`;
- ``dc``: lossless, ``flow = x / (r^2 + x^2) * (angle_from - angle_to)``; taps and shifts do not count (DCPPowerModel);
- ``ac``: the full equations in polar coordinates (ACPPowerModel).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.hydrothermal_parts import (
    FloatArray,
    Generators,
    Inflows,
    Network,
    Reservoirs,
    arrays_of,
)

NetworkKind = Literal["single-bus", "transport", "dc", "ac"]
Sampler = Literal["pcg64", "stablerng-lehmer"]
NETWORKS: tuple[str, ...] = get_args(NetworkKind)
SAMPLERS: tuple[str, ...] = get_args(Sampler)
HM3_PER_HOUR = 0.0036  # that 1 m3/s brings
MAX_HORIZON = 100_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Hydrothermal:
    """A hydrothermal system and how it is to be operated.

    Parameters
    ----------
    name : str
    horizon : int
        T, stages to plan for.
    reported_stages : int
        The first stages, which are simulated and paid for; at most `horizon`.
    network_kind : {"single-bus", "transport", "dc", "ac"}
    reservoirs : Reservoirs
    generators : Generators
    network : Network
    inflows : Inflows
    volume_per_flow : float
        K.
    stage_hours : float
        Hours of a stage, from which K must follow; 0 where volumes and flows are both counted in energy, and K is 1.
    base_power : float
        MW per unit of power.
    discount : float
        Factor from one stage to the next, in (0, 1].
    sampler : {"pcg64", "stablerng-lehmer"}
        How `draw_scenarios` draws: by NumPy, or as the published protocol of the Bolivian case does.

    Raises
    ------
    InstanceError
        If the parts do not fit together.
    """

    problem: ClassVar[str] = "hydrothermal"

    name: str
    horizon: int
    reported_stages: int
    network_kind: NetworkKind
    reservoirs: Reservoirs
    generators: Generators
    network: Network
    inflows: Inflows
    volume_per_flow: float
    stage_hours: float
    base_power: float = 1.0
    discount: float = 1.0
    sampler: Sampler = "pcg64"

    def __post_init__(self) -> None:
        _validate(self)

    @property
    def num_reservoirs(self) -> int:
        """H."""
        return len(self.reservoirs.names)

    @property
    def num_generators(self) -> int:
        """G, those that water drives included."""
        return len(self.generators.names)

    @property
    def num_buses(self) -> int:
        """B."""
        return len(self.network.names)

    @property
    def num_branches(self) -> int:
        """E."""
        return len(self.network.from_bus)

    @property
    def power_per_flow(self) -> FloatArray:
        """Units of power that a unit of turbined flow gives, float64 [H]."""
        power: FloatArray = self.reservoirs.production / self.base_power
        return power

    @property
    def features(self) -> frozenset[str]:
        """``ac`` where operation obeys the full network equations, which not every method can plan for."""
        return frozenset({"ac"}) if self.network_kind == "ac" else frozenset()

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        digest = hashlib.sha256(b"hydrothermal/1")
        for key, value in _facts(self):
            data = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            shape = value.shape if isinstance(value, np.ndarray) else ()
            digest.update(f"/{key}{shape}=".encode() + data)
        return digest.hexdigest()

    def demand(self, stage: int) -> FloatArray:
        """Active demand of a stage (from 0), float64 [B]."""
        demand: FloatArray = self.network.demand[stage % len(self.network.demand)]
        return demand

    def openings(self, stage: int) -> tuple[FloatArray, FloatArray]:
        """What may flow in in a stage (from 0), float64 [N, H], and how likely, float64 [N]."""
        if stage == 0 and self.inflows.first is not None:
            return self.inflows.first[None], np.ones(1)
        at = stage % len(self.inflows.rows)
        return self.inflows.rows[at], self.inflows.probability[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hydrothermal) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        size = f"{self.num_reservoirs} reservoirs, {self.num_generators} generators, {self.num_buses} buses"
        return f"<Hydrothermal {printable(self.name)!r}: {size}, {self.network_kind}, {self.horizon} stages>"


PARTS = ("reservoirs", "generators", "network", "inflows")
SCALARS = (
    "horizon", "reported_stages", "network_kind", "volume_per_flow", "stage_hours", "base_power", "discount", "sampler",
)  # fmt: skip


def _facts(instance: Hydrothermal) -> Iterator[tuple[str, Any]]:
    for key in SCALARS:
        yield key, getattr(instance, key)
    for part in PARTS:
        for key, value in arrays_of(getattr(instance, part)).items():
            yield f"{part}.{key}", value


def _validate(system: Hydrothermal) -> None:
    for key, high in (("horizon", MAX_HORIZON), ("reported_stages", system.horizon)):
        value: Any = getattr(system, key)
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= high:
            raise InstanceError(f"expected a whole number in 1..{high}, not {value!r}", place=(key,))
        object.__setattr__(system, key, int(value))
    for key, known in (("network_kind", NETWORKS), ("sampler", SAMPLERS)):
        if getattr(system, key) not in known:
            raise InstanceError(f"expected one of {', '.join(known)}, not {getattr(system, key)!r}", place=(key,))
    for key, low in (("volume_per_flow", 0.0), ("stage_hours", -1e-300), ("base_power", 0.0), ("discount", 0.0)):
        value = getattr(system, key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < 1e9:
            raise InstanceError(f"expected a positive number, not {value!r}", place=(key,))
        object.__setattr__(system, key, float(value))
    if system.discount > 1.0:
        raise InstanceError(f"expected a factor in (0, 1], not {system.discount}", place=("discount",))
    expected = HM3_PER_HOUR * system.stage_hours if system.stage_hours else 1.0
    if abs(system.volume_per_flow - expected) > 1e-9 * expected:
        why = f"0.0036 x {system.stage_hours:g} stage hours" if system.stage_hours else "flows and volumes of one unit"
        raise InstanceError(
            f"{why} make {expected:g}, not {system.volume_per_flow:g}: a week must not be modelled as an hour",
            place=("volume_per_flow",),
        )
    _validate_fit(system)


def _validate_fit(system: Hydrothermal) -> None:
    """Check what is said in one part against another."""
    h, g, b = system.num_reservoirs, system.num_generators, system.num_buses
    if bad := np.flatnonzero(system.reservoirs.generator >= g).tolist():
        raise InstanceError(f"expected a generator in 0..{g - 1}", place=("reservoirs", "generator", bad[0]))
    if bad := np.flatnonzero(system.generators.bus >= b).tolist():
        raise InstanceError(f"expected a bus in 0..{b - 1}", place=("generators", "bus", bad[0]))
    if system.inflows.rows.shape[2] != h:
        raise InstanceError(
            f"expected inflows of {h} reservoirs, not {system.inflows.rows.shape[2]}", place=("inflows", "rows")
        )
    driven = system.generators.min_power[system.reservoirs.generator]
    if bad := np.flatnonzero(driven > 0).tolist():
        raise InstanceError(
            "a generator that water drives must be allowed to stand still (min_power 0): use min_turbined",
            place=("generators", "min_power", int(system.reservoirs.generator[bad[0]])),
        )
    if system.network_kind in ("dc", "ac"):
        both_zero = (system.network.resistance == 0) & (system.network.reactance == 0)
        if bad := np.flatnonzero(both_zero).tolist():
            raise InstanceError("a branch without impedance", place=("network", "reactance", bad[0]))
        if system.network_kind == "dc" and (bad := np.flatnonzero(system.network.reactance == 0).tolist()):
            raise InstanceError("a branch without reactance carries nothing under dc",
                                place=("network", "reactance", bad[0]))  # fmt: skip
    costly = (system.network.flow_cost != 0) & (system.network.reverse_rating != 0)
    if system.network_kind == "transport" and (bad := np.flatnonzero(costly).tolist()):
        raise InstanceError("a branch with a flow cost must go one way: give each direction a branch",
                            place=("network", "flow_cost", bad[0]))  # fmt: skip
    if system.sampler == "stablerng-lehmer" and np.ptp(system.inflows.probability) > 1e-12:
        raise InstanceError("the published protocol draws with equal probabilities", place=("sampler",))
