"""Folders of HydroPowerModels.jl: PowerModels.json, hydro.json, inflows.csv, perhaps scenarioprobability.csv.

Format: Rosemberg et al., HydroPowerModels.jl, ``docs/src/inputfiles.md`` (MIT). The inflows have a row for each stage,
tiled cyclically, and a column for each plant and scenario, *plant by plant*: with 15 scenarios the first 15 columns are
the first plant's. Volumes are hm3, flows m3/s, power per unit. What these files leave open may stand in a file
``case.toml`` of ours: network, horizon, reported_stages, load_scale, sampler, discount.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.datasets.hydrothermal.grid import Grid, grid_of, index, number
from counterpoint.datasets.hydrothermal.tables import folder_json, folder_text, in_json_file, table
from counterpoint.opt.codec import expect
from counterpoint.opt.errors import InstanceError, OptionError, printable
from counterpoint.opt.problems.hydrothermal import HM3_PER_HOUR, NETWORKS, SAMPLERS, Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, Inflows, Reservoirs

GRID, HYDRO, INFLOWS, PROBABILITY, CASE = (
    "PowerModels.json", "hydro.json", "inflows.csv", "scenarioprobability.csv", "case.toml"
)  # fmt: skip
FACTORS = ("volume_per_flow", "K")  # names under which a file may state what must follow from stage_hours


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """What the files of a case leave open.

    Parameters
    ----------
    network : {"single-bus", "transport", "dc", "ac"}
    horizon : int, optional
        Stages to plan for; default: the rows of inflows.
    reported_stages : int, optional
        Default: all.
    load_scale : float
        Factor on active and reactive demand.
    sampler : {"pcg64", "stablerng-lehmer"}
    discount : float

    Raises
    ------
    OptionError
        If one of them cannot be.
    """

    network: str = "dc"
    horizon: int | None = None
    reported_stages: int | None = None
    load_scale: float = 1.0
    sampler: str = "pcg64"
    discount: float = 1.0

    def __post_init__(self) -> None:
        for key, known in (("network", NETWORKS), ("sampler", SAMPLERS)):
            if getattr(self, key) not in known:
                raise OptionError(f"{key}: expected one of {', '.join(known)}, not {getattr(self, key)!r}")
        for key in ("horizon", "reported_stages"):
            value = getattr(self, key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise OptionError(f"{key}: expected a whole number of at least 1, not {value!r}")
        for key, low, high in (("load_scale", 0.0, 1e6), ("discount", 1e-12, 1.0)):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise OptionError(f"{key}: expected a number in {low:g}..{high:g}, not {value!r}")


def read_case(
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    network: str | None = None,
    horizon: int | None = None,
    reported_stages: int | None = None,
    load_scale: float | None = None,
    sampler: str | None = None,
    discount: float | None = None,
) -> Hydrothermal:
    """Read a case; what is given here goes before what its ``case.toml`` says.

    Parameters
    ----------
    folder : str or path
    name : str, optional
        Default: the folder's.
    network, horizon, reported_stages, load_scale, sampler, discount
        See `CaseOptions`.

    Raises
    ------
    InstanceError
        With file, line and what was expected.
    OptionError
        If an option cannot be.
    """
    path = Path(folder)
    given: dict[str, Any] = {
        "network": network,
        "horizon": horizon,
        "reported_stages": reported_stages,
        "load_scale": load_scale,
        "sampler": sampler,
        "discount": discount,
    }
    options = replace(_options(path), **{key: value for key, value in given.items() if value is not None})
    grid = _placed(path, GRID, grid_of, folder_json(path, GRID), load_scale=options.load_scale)
    hydro = folder_json(path, HYDRO)
    reservoirs, stage_hours, factor = _placed(path, HYDRO, reservoirs_of, hydro, grid)
    columns = table(folder_text(path, INFLOWS), str(path / INFLOWS))[1]
    probability = None
    if os.path.lexists(path / PROBABILITY):  # a link that leads nowhere is no reason to go on without
        probability = table(folder_text(path, PROBABILITY), str(path / PROBABILITY))[1]
    inflows = _placed(path, INFLOWS, inflows_of, columns, len(reservoirs.names), probability)
    try:
        return case_of(name or path.resolve().name, grid, reservoirs, inflows, stage_hours, factor, options)
    except InstanceError as error:
        raise error.at(str(path)) from None


def case_of(
    name: str, grid: Grid, reservoirs: Reservoirs, inflows: Inflows, stage_hours: float, factor: float,
    options: CaseOptions,
) -> Hydrothermal:  # fmt: skip
    """Put a system together; InstanceError if its parts do not fit, or K does not follow from the stage's hours."""
    horizon = len(inflows.rows) if options.horizon is None else options.horizon
    return Hydrothermal(
        name=name,
        horizon=horizon,
        reported_stages=horizon if options.reported_stages is None else options.reported_stages,
        network_kind=options.network,  # type: ignore[arg-type]  # checked by CaseOptions
        reservoirs=reservoirs,
        generators=grid.generators,
        network=grid.network,
        inflows=inflows,
        volume_per_flow=factor,
        stage_hours=stage_hours,
        base_power=grid.base_power,
        discount=float(options.discount),
        sampler=options.sampler,  # type: ignore[arg-type]  # checked by CaseOptions
    )


def reservoirs_of(data: Any, grid: Grid) -> tuple[Reservoirs, float, float]:
    """Return what a hydro.json says: reservoirs, hours of a stage (1 if it does not say) and K."""
    found = expect(data, dict, "an object")
    hours = number(found, "stage_hours", (), default=1.0, low=1e-9)
    stated = [number(found, key, ()) for key in FACTORS if key in found]
    if "Hydrogenerators" not in found:
        raise InstanceError("expected the list Hydrogenerators")
    plants = expect(found["Hydrogenerators"], list, "a list of plants", ("Hydrogenerators",))
    places = [("Hydrogenerators", n) for n in range(len(plants))]
    for plant, place in zip(plants, places, strict=True):
        expect(plant, dict, "an object", place)
        if number(plant, "final_volume", place, default=0.0):
            raise InstanceError("a volume that must be left has no place here", place=(*place, "final_volume"))
    at = {index(plant, "index", place): n for n, (plant, place) in enumerate(zip(plants, places, strict=True))}
    if len(at) < len(plants):
        raise InstanceError("two plants have one index", place=("Hydrogenerators",))

    def all_of(key: str, default: float | None = None) -> FloatArray:
        return np.array([number(p, key, w, default=default, low=0.0) for p, w in zip(plants, places, strict=True)])

    def downstream(key: str) -> Any:
        into = np.zeros((len(plants), len(plants)), bool)
        for n, (plant, place) in enumerate(zip(plants, places, strict=True)):
            for m, below in enumerate(expect(plant.get(key, []), list, "a list of plants", (*place, key))):
                if isinstance(below, bool) or not isinstance(below, int) or below not in at:
                    raise InstanceError("expected the index of a plant", place=(*place, key, m))
                into[n, at[below]] = True
        return into

    reservoirs = Reservoirs(
        names=_names(plants, places),
        min_volume=all_of("min_volume", 0.0),
        max_volume=all_of("max_volume"),
        initial_volume=all_of("initial_volume"),
        min_turbined=all_of("min_turn", 0.0),
        max_turbined=all_of("max_turn"),
        min_volume_cost=all_of("minimal_volume_violation_cost", 0.0),
        min_turbined_cost=all_of("minimal_outflow_violation_cost", 0.0),
        spill_cost=all_of("spill_cost", 0.0),
        production=all_of("production_factor"),
        generator=np.array([_driven(p, w, grid) for p, w in zip(plants, places, strict=True)], np.int64),
        turbined_to=downstream("downstream_turn"),
        spilled_to=downstream("downstream_spill"),
    )
    return reservoirs, hours, _factor(hours, stated)


def inflows_of(columns: FloatArray, plants: int, probability: FloatArray | None = None) -> Inflows:
    """Return inflows of a table with the columns plant by plant, and a row of probabilities each if given."""
    stages, width = columns.shape
    if width % plants:
        raise InstanceError(f"expected as many columns for each of {plants} plants, not {width} in all")
    rows = columns.reshape(stages, plants, width // plants).transpose(0, 2, 1)
    if probability is None:
        probability = np.full(rows.shape[:2], 1.0 / rows.shape[1])
    elif probability.shape != rows.shape[:2]:
        wanted, found = (" x ".join(map(str, shape)) for shape in (rows.shape[:2], probability.shape))
        raise InstanceError(f"{PROBABILITY} has {found} numbers; expected {wanted}, stages and scenarios")
    return Inflows(np.ascontiguousarray(rows), probability)


def _factor(hours: float, stated: Sequence[float]) -> float:
    """Return the K that a file states, for `Hydrothermal` to refuse a wrong one; by the hours if it states none."""
    wrong = [k for k in stated if abs(k - HM3_PER_HOUR * hours) > 1e-9 * HM3_PER_HOUR * hours]
    return wrong[0] if wrong else HM3_PER_HOUR * hours


def _driven(plant: Mapping[str, Any], place: tuple[str | int, ...], grid: Grid) -> int:
    """Return the place of the generator that a plant drives."""
    key = index(plant, "index_grid", place)
    if key in grid.idle:
        raise InstanceError(f"its generator {key} is out of service", place=(*place, "index_grid"))
    if key not in grid.generator_at:
        raise InstanceError(f"there is no generator {key}", place=(*place, "index_grid"))
    return grid.generator_at[key]


def _names(plants: Sequence[Any], places: Sequence[tuple[str | int, ...]]) -> tuple[str, ...]:
    names = [expect(p.get("name", ""), str, "text", (*w, "name")).strip() for p, w in zip(plants, places, strict=True)]
    return tuple(name or f"reservoir {plant['index']}" for name, plant in zip(names, plants, strict=True))


def _options(folder: Path) -> CaseOptions:
    file = str(folder / CASE)
    if not os.path.lexists(folder / CASE):
        return CaseOptions()
    try:
        found = tomllib.loads(folder_text(folder, CASE).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InstanceError(f"not TOML: {printable(str(error)[:80])}", file=file, line=1) from None
    known = tuple(CaseOptions.__dataclass_fields__)
    for key in found:
        if key not in known:
            raise InstanceError(f"unknown option {printable(key)!r}; known: {', '.join(known)}", file=file, line=1)
    try:
        return CaseOptions(**found)
    except OptionError as error:
        raise InstanceError(str(error), file=file, line=1) from None


def _placed(folder: Path, name: str, build: Any, *arguments: Any, **options: Any) -> Any:
    """Build a part of a case; its errors name the file, and the line where it is a JSON file."""
    try:
        return build(*arguments, **options)
    except InstanceError as error:
        raise in_json_file(error, folder, name) if name.endswith(".json") else error.at(str(folder / name), 1) from None
