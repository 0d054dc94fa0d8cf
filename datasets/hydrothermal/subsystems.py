"""Regions that exchange energy: the four Brazilian subsystems, and folders of CSV files laid out like theirs.

Model: Shapiro, Tekaya, da Costa and Soares 2013 (EJOR 224:375-391). Layout: the examples of msppy (BSD-3): hydro.csv
(rows StoredEnergy_i, inflow_i, hydro_i; columns UB, INITIAL), demand.csv (months x regions), deficit.csv (OBJ, DEPTH),
exchange.csv and exchange_cost.csv (regions and a node without demand, from row to column), thermal_i.csv (LB, UB, OBJ)
and hist_i.csv (years x months of inflow, separated by semicolons; a year that misses a region is left out for all).

Water and power are both energy of a month (K = 1). The inflow of the first stage is known.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from counterpoint.datasets.hydrothermal.tables import folder_text, table
from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, Generators, Inflows, Network, Reservoirs

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True, eq=False)
class Subsystems:
    """What the files say; R regions, and a node R through which energy may go.

    Parameters
    ----------
    max_stored, initial_stored, initial_inflow, max_hydro : float64 array [R]
    thermal : tuple of float64 array [n, 3]
        Of each region: least, greatest, cost.
    exchange, exchange_cost : float64 array [R + 1, R + 1]
        Limit and cost from row to column; where the limit is 0 there is no line.
    deficit_cost, deficit_depth : float64 array [L]
        Of each level, per unit; which share of the demand it may be.
    demand : float64 array [12, R]
    history : float64 array [12, N, R]
        Inflows by month and year.
    regions : tuple of str
    """

    max_stored: FloatArray
    initial_stored: FloatArray
    initial_inflow: FloatArray
    max_hydro: FloatArray
    thermal: tuple[FloatArray, ...]
    exchange: FloatArray
    exchange_cost: FloatArray
    deficit_cost: FloatArray
    deficit_depth: FloatArray
    demand: FloatArray
    history: FloatArray
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubsystemOptions:
    """What the files leave open; the defaults are msppy's.

    Parameters
    ----------
    horizon : int
        Months.
    reported_stages : int, optional
        Default: all.
    discount : float
    spill_cost : float
        Per unit of energy spilled.
    inflow_lag : {0, 1}
        Months by which inflows lag behind demand: stage t (from 0) has the demand of month t mod 12 and the inflows of
        month (t - lag) mod 12. msppy's notebooks have no lag; SDDP.jl's port, and with it its published bounds, has 1.
    deficit_prices : {"levels", "regions"}
        Whether deficit price i is that of level i, as in msppy, or of region i, as in SDDP.jl's port.
    deficit_weight, thermal_weight, exchange_weight : float
        Factors on those costs.
    """

    horizon: int = 120
    reported_stages: int | None = None
    discount: float = 0.9906
    spill_cost: float = 0.001
    inflow_lag: int = 0
    deficit_prices: Literal["levels", "regions"] = "levels"
    deficit_weight: float = 1.0
    thermal_weight: float = 1.0
    exchange_weight: float = 1.0

    def __post_init__(self) -> None:
        if self.inflow_lag not in (0, 1):
            raise OptionError(f"inflow_lag: expected 0 or 1, not {self.inflow_lag!r}")
        if self.deficit_prices not in ("levels", "regions"):
            raise OptionError(f"deficit_prices: expected levels or regions, not {self.deficit_prices!r}")
        for key in ("spill_cost", "deficit_weight", "thermal_weight", "exchange_weight"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
                raise OptionError(f"{key}: expected a number of at least 0, not {value!r}")


def read_subsystems(
    folder: str | os.PathLike[str], *, name: str | None = None, options: SubsystemOptions | None = None
) -> Hydrothermal:
    """Read a folder; InstanceError with file, line and what was expected."""
    path = Path(folder)
    found = _read(path)
    try:
        return system_of(name or path.resolve().name, found, options or SubsystemOptions())
    except InstanceError as error:
        raise error.at(str(path)) from None


def system_of(name: str, found: Subsystems, options: SubsystemOptions) -> Hydrothermal:
    """Put a system together: regions are buses with a reservoir each, the node of exchange is the last bus."""
    regions = len(found.regions)
    zeros = np.zeros(regions)
    reservoirs = Reservoirs(
        names=found.regions,
        min_volume=zeros,
        max_volume=found.max_stored,
        initial_volume=found.initial_stored,
        min_turbined=zeros,
        max_turbined=found.max_hydro,
        min_volume_cost=zeros,
        min_turbined_cost=zeros,
        spill_cost=zeros + options.spill_cost,
        production=zeros + 1.0,
        generator=np.arange(regions),
        turbined_to=np.zeros((regions, regions), bool),
        spilled_to=np.zeros((regions, regions), bool),
    )
    shift = np.roll(found.history, options.inflow_lag, axis=0)
    return Hydrothermal(
        name=name,
        horizon=options.horizon,
        reported_stages=options.horizon if options.reported_stages is None else options.reported_stages,
        network_kind="transport",
        reservoirs=reservoirs,
        generators=_generators(found, options.thermal_weight),
        network=_network(found, options),
        inflows=Inflows(shift, np.full(shift.shape[:2], 1.0 / shift.shape[1]), found.initial_inflow),
        volume_per_flow=1.0,
        stage_hours=0.0,
        discount=options.discount,
    )


def _generators(found: Subsystems, weight: float) -> Generators:
    regions = len(found.regions)
    plants = [(i, *row) for i, rows in enumerate(found.thermal) for row in rows.tolist()]
    names = [f"{found.regions[i]} thermal {n}" for i, rows in enumerate(found.thermal) for n in range(len(rows))]
    bus, low, high, cost = (list(column) for column in zip(*plants, strict=True)) if plants else ([], [], [], [])
    nothing = np.zeros(regions + len(plants))
    return Generators(
        names=(*(f"{region} hydro" for region in found.regions), *names),
        bus=np.array([*range(regions), *bus], np.int64),
        cost=np.array([*[0.0] * regions, *(weight * c for c in cost)]),
        min_power=np.array([*[0.0] * regions, *low]),
        max_power=np.array([*found.max_hydro.tolist(), *high]),
        min_reactive=nothing,
        max_reactive=nothing,
    )


def _network(found: Subsystems, options: SubsystemOptions) -> Network:
    regions = len(found.regions)
    demand = np.column_stack([found.demand, np.zeros(len(found.demand))])
    from_bus, to_bus = np.nonzero(found.exchange)
    rating, nothing = found.exchange[from_bus, to_bus], np.zeros(len(from_bus))
    at_buses = np.zeros(regions + 1)
    if options.deficit_prices == "levels":
        price = np.tile(found.deficit_cost, (regions + 1, 1))
    elif len(found.deficit_cost) != regions:
        raise InstanceError(f"expected a deficit price for each of {regions} regions, not {len(found.deficit_cost)}")
    else:
        price = np.tile(np.append(found.deficit_cost, 0.0)[:, None], (1, len(found.deficit_depth)))
    return Network(
        names=(*found.regions, "exchange"),
        demand=demand,
        reactive_demand=np.zeros_like(demand),
        deficit_cost=options.deficit_weight * price,
        deficit_limit=demand[:, :, None] * found.deficit_depth,
        shunt_conductance=at_buses,
        shunt_susceptance=at_buses,
        min_voltage=at_buses + 1.0,
        max_voltage=at_buses + 1.0,
        reference=0,
        from_bus=from_bus,
        to_bus=to_bus,
        rating=rating,
        reverse_rating=nothing,
        flow_cost=options.exchange_weight * found.exchange_cost[from_bus, to_bus],
        resistance=nothing,
        reactance=nothing,
        from_conductance=nothing,
        from_susceptance=nothing,
        to_conductance=nothing,
        to_susceptance=nothing,
        tap=nothing + 1.0,
        shift=nothing,
        min_angle=nothing,
        max_angle=nothing,
    )


def _read(folder: Path) -> Subsystems:
    stored, inflow, hydro = _hydro(folder)
    regions = len(stored)
    demand = _table(folder, "demand.csv")
    if demand.shape != (12, regions):
        raise _wrong(folder, "demand.csv", f"12 months of {regions} regions")
    deficit = _table(folder, "deficit.csv", ("OBJ", "DEPTH"))
    square = (regions + 1, regions + 1)
    exchange = _table(folder, "exchange.csv")
    cost = _table(folder, "exchange_cost.csv") if os.path.lexists(folder / "exchange_cost.csv") else np.zeros(square)
    for found, file in ((exchange, "exchange.csv"), (cost, "exchange_cost.csv")):
        if found.shape != square:
            raise _wrong(folder, file, f"{regions + 1} rows and columns: the regions and the node of exchange")
    if exchange.diagonal().any():
        raise _wrong(folder, "exchange.csv", "no exchange of a region with itself")
    return Subsystems(
        max_stored=stored[:, 0],
        initial_stored=stored[:, 1],
        initial_inflow=inflow[:, 1],
        max_hydro=hydro[:, 0],
        thermal=tuple(_table(folder, f"thermal_{i}.csv", ("LB", "UB", "OBJ")) for i in range(regions)),
        exchange=exchange,
        exchange_cost=cost,
        deficit_cost=deficit[:, 0],
        deficit_depth=deficit[:, 1],
        demand=demand,
        history=_history(folder, regions),
        regions=tuple(f"region {i}" for i in range(regions)),
    )


def _hydro(folder: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    file = str(folder / "hydro.csv")
    labels, numbers = table(folder_text(folder, "hydro.csv"), file, names=("UB", "INITIAL"), has_index=True)
    rows = dict(zip(labels, numbers, strict=True))
    kinds = ("StoredEnergy", "inflow", "hydro")
    regions = len(labels) // 3
    wanted = {f"{kind}_{i}" for kind in kinds for i in range(regions)}
    if set(labels) != wanted or len(labels) != len(wanted) or not regions:
        raise InstanceError("expected the rows StoredEnergy_i, inflow_i and hydro_i, i from 0", file=file, line=1)
    stored, inflow, hydro = (np.array([rows[f"{kind}_{i}"] for i in range(regions)]) for kind in kinds)
    return stored, inflow, hydro


def _history(folder: Path, regions: int) -> FloatArray:
    """Return inflows by month, year and region; years must be the same in all files."""
    years: list[str] = []
    found = []
    for i in range(regions):
        name = f"hist_{i}.csv"
        labels, numbers = table(
            folder_text(folder, name), str(folder / name), delimiter=";", names=MONTHS, has_index=True,
            missing=("NA", ""),
        )  # fmt: skip
        if len(set(labels)) < len(labels):
            raise _wrong(folder, name, "every year once")
        if i and labels != years:
            raise _wrong(folder, name, "the years of hist_0.csv")
        if bad := [year for year in labels if not re.fullmatch(r"[0-9]{1,6}", year)]:
            raise _wrong(folder, name, f"a year, not {bad[0][:20]!r}")
        years = labels
        found.append(numbers)
    history = np.stack(found, axis=2).transpose(1, 0, 2)
    whole = np.ascontiguousarray(history[:, ~np.isnan(history).any((0, 2))])
    if not whole.size:
        raise _wrong(folder, "hist_0.csv", "a year that misses no region")
    return whole


def _table(folder: Path, name: str, names: Sequence[str] = ()) -> FloatArray:
    return table(folder_text(folder, name), str(folder / name), names=names, has_index=True)[1]


def _wrong(folder: Path, name: str, expected: str) -> InstanceError:
    return InstanceError(f"expected {expected}", file=str(folder / name), line=1)
