"""Public hydrothermal systems by name, from shipped figures.

- ``bolivia-dc``, ``bolivia-ac``: the frozen case of DecisionRules.jl (case_manifest.json of 2026-08-02): 60 % of the
  loads, active and reactive, in every week; 126 weeks of which 96 are reported; empty reservoirs; 15 joint inflows a
  week, tiled yearly; its scenario stream with seed 20260706.
- ``case3``: HydroPowerModels.jl's three buses, 12 stages of an hour, under ``dc``.
- ``brazil-3``, ``brazil-120``: the four subsystems as in msppy: inflows and demand of the same month, deficits priced
  by level, exchange costs, discount 0.9906.
- ``brazil-60``: as in the logs of SDDP.jl's two-objective paper (Dowson, Morton and Downward 2022, Math. Prog.
  196:907-933), with weight 0.5: inflows a month behind demand, deficits priced by region,
  ``0.5 * 0.01 / 60 * deficit cost + 0.5 * 0.1 / 60 * thermal cost``, nothing for exchange and spill, no discount. Build
  other weights with `brazil`.
"""

import json
from functools import cache
from typing import Any

import numpy as np

from counterpoint.datasets.figures import figure_text
from counterpoint.datasets.hydrothermal.grid import grid_of
from counterpoint.datasets.hydrothermal.powermodels import CaseOptions, case_of, inflows_of, reservoirs_of
from counterpoint.datasets.hydrothermal.subsystems import SubsystemOptions, Subsystems, system_of
from counterpoint.opt.errors import OptionError, UnknownNameError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.result import Reference

CASES = {
    "bolivia-dc": ("bolivia", CaseOptions("dc", 126, 96, 0.6, "stablerng-lehmer")),
    "bolivia-ac": ("bolivia", CaseOptions("ac", 126, 96, 0.6, "stablerng-lehmer")),
    "case3": ("case3", CaseOptions("dc")),
}
BRAZIL = {"brazil-3": SubsystemOptions(3), "brazil-60": None, "brazil-120": SubsystemOptions(120)}
EXCHANGE_COST, EXCHANGE_COST_VIA_NODE = 0.001, 0.0005  # of msppy
REGIONS = ("SE", "S", "NE", "N")


def names() -> tuple[str, ...]:
    """Return the names that `build` takes."""
    return (*CASES, *BRAZIL)


@cache
def build(name: str) -> Hydrothermal:
    """Return the system of this name; UnknownNameError otherwise."""
    if name in CASES:
        return case(*CASES[name], name=name)
    if name in BRAZIL:
        options = BRAZIL[name]
        return two_objectives(0.5, name=name) if options is None else system_of(name, brazil(), options)
    raise UnknownNameError("benchmark", name, names())


def case(key: str, options: CaseOptions, *, name: str | None = None) -> Hydrothermal:
    """Build a shipped case of HydroPowerModels.jl's format with other options.

    Parameters
    ----------
    key : {"bolivia", "case3"}
    options : CaseOptions
    name : str, optional
    """
    found = _figures()[key]
    grid = grid_of(found["grid"], load_scale=options.load_scale)
    reservoirs, stage_hours, factor = reservoirs_of(found["hydro"], grid)
    probability = np.array(found["probability"]) if "probability" in found else None
    inflows = inflows_of(np.array(found["inflows"]), len(reservoirs.names), probability)
    return case_of(name or key, grid, reservoirs, inflows, stage_hours, factor, options)


def two_objectives(weight: float, *, horizon: int = 60, name: str | None = None) -> Hydrothermal:
    """Build the Brazilian system whose cost weighs deficits with `weight` and thermal generation with the rest.

    Published bounds of SDDP.jl at 60 stages: weight 0 24508.2582 (exact), 0.5 71603.47.
    """
    if not 0.0 <= weight <= 1.0:
        raise OptionError(f"weight: expected a number in [0, 1], not {weight!r}")
    options = SubsystemOptions(
        horizon=horizon,
        discount=1.0,
        spill_cost=0.0,
        inflow_lag=1,
        deficit_prices="regions",
        deficit_weight=weight * 0.01 / 60,
        thermal_weight=(1 - weight) * 0.1 / 60,
        exchange_weight=0.0,
    )
    return system_of(name or f"brazil-{horizon}-w{weight:g}", brazil(), options)


@cache
def brazil() -> Subsystems:
    """Return the figures of the four Brazilian subsystems: 82 years of monthly inflows (1931 to 2013 without 1983)."""
    found = _figures()["brazil"]
    exchange = np.array(found["exchange_ub"])
    node = len(REGIONS)
    cost = np.full(exchange.shape, EXCHANGE_COST)
    cost[node], cost[:, node] = EXCHANGE_COST_VIA_NODE, EXCHANGE_COST_VIA_NODE
    return Subsystems(
        max_stored=np.array(found["storedEnergy_ub"]),
        initial_stored=np.array(found["storedEnergy_initial"]),
        initial_inflow=np.array(found["inflow_initial"]),
        max_hydro=np.array(found["hydro_ub"]),
        thermal=tuple(np.array(rows) for rows in found["thermal"]),
        exchange=exchange,
        exchange_cost=cost,
        deficit_cost=np.array(found["deficit_obj"]),
        deficit_depth=np.array(found["deficit_ub"]),
        demand=np.array(found["demand"]),
        history=np.array(found["scenarios"]).transpose(1, 2, 0),
        regions=REGIONS,
    )


def references() -> dict[str, Reference]:
    """Return nothing: costs are expected costs, and no optimum is published."""
    return {}


def names_by_content() -> dict[str, str]:
    """Return nothing, as there are no references."""
    return {}


@cache
def _figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(figure_text("hydrothermal.json"))
    return found
