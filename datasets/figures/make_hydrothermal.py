"""Make `hydrothermal.json`; run by hand when its sources change.

    python -m counterpoint.datasets.figures.make_hydrothermal FOLDER

FOLDER holds ``bolivia`` (github.com/LearningToOptimize/DecisionRules.jl, ``examples/HydroPowerModels/bolivia``, MIT)
and ``case3`` (github.com/LAMPSPUC/HydroPowerModels.jl, ``testcases/case3``, MIT, whose ``cost_deficit`` is 1000) in
HydroPowerModels.jl's format, and ``brazil4.json``: the tables of github.com/lingquant/msppy,
``doc/source/examples/hydro_thermal/data`` (BSD-3), the year 1983 left out. What no reader looks at is left out, and
numbers are written so that they read back as the same.
"""

import json
import sys
from pathlib import Path
from typing import Any

from counterpoint.datasets.hydrothermal.tables import TINY, table

KEPT = {
    "bus": ("bus_type", "vmin", "vmax", "name"),
    "gen": ("gen_bus", "cost", "ncost", "pmin", "pmax", "qmin", "qmax", "name"),
    "branch": ("f_bus", "t_bus", "br_r", "br_x", "g_fr", "b_fr", "g_to", "b_to", "rate_a", "tap", "shift", "angmin",
               "angmax"),
    "load": ("load_bus", "pd", "qd"),
}  # fmt: skip
PLANT = ("index", "index_grid", "name", "max_volume", "initial_volume", "max_turn", "production_factor", "spill_cost",
         "downstream_turn", "downstream_spill")  # fmt: skip
DROPPED_IF_0 = ("min_volume", "min_turn", "final_volume", "minimal_outflow_violation_cost",
                "minimal_volume_violation_cost")  # fmt: skip


def _case(folder: Path, cost_deficit: float | None = None) -> dict[str, Any]:
    """Return what a reader looks at."""
    grid = json.loads((folder / "PowerModels.json").read_text())
    hydro = json.loads((folder / "hydro.json").read_text())
    states = [
        grid[k][i][s] for k, s in (("gen", "gen_status"), ("branch", "br_status"), ("load", "status")) for i in grid[k]
    ]
    if set(states) != {1} or grid["shunt"] or any(p[key] for p in hydro["Hydrogenerators"] for key in DROPPED_IF_0):
        raise ValueError(f"{folder}: something that is left out here says something")
    tables = {
        kind: {i: {key: _clean(element[key]) for key in keys if key in element} for i, element in grid[kind].items()}
        for kind, keys in KEPT.items()
    }
    plants = [{key: _clean(plant[key]) for key in PLANT if key in plant} for plant in hydro["Hydrogenerators"]]
    found = {
        "grid": {
            "per_unit": True,
            "baseMVA": grid["baseMVA"],
            "cost_deficit": grid["cost_deficit"] if cost_deficit is None else cost_deficit,
            **tables,
        },
        "hydro": {"Hydrogenerators": plants, "stage_hours": hydro["stage_hours"]},
        "inflows": table((folder / "inflows.csv").read_bytes(), "inflows.csv")[1].tolist(),
    }
    if (folder / "scenarioprobability.csv").exists():
        found["probability"] = table((folder / "scenarioprobability.csv").read_bytes(), "probability")[1].tolist()
    return found


def _clean(value: Any) -> Any:
    if isinstance(value, float) and abs(value) < TINY:
        return 0.0
    return value.strip() if isinstance(value, str) else value


def _brazil(tables: dict[str, Any]) -> dict[str, Any]:
    thermal = [
        [list(row) for row in zip(low[:n], high[:n], cost[:n], strict=True)]
        for low, high, cost, n in zip(
            tables["thermal_lb"],
            tables["thermal_ub"],
            tables["thermal_obj"],
            map(int, tables["N_THERMAL"]),
            strict=True,
        )
    ]
    keys = ("storedEnergy_ub", "storedEnergy_initial", "inflow_initial", "hydro_ub", "exchange_ub", "deficit_obj",
            "deficit_ub", "demand", "scenarios")  # fmt: skip
    return {**{key: tables[key] for key in keys}, "thermal": thermal}


if __name__ == "__main__":
    sources = Path(sys.argv[1])
    found = {
        "bolivia": _case(sources / "bolivia"),
        "case3": _case(sources / "case3", cost_deficit=1000),
        "brazil": _brazil(json.loads((sources / "brazil4.json").read_text())),
    }
    lines = (f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in found.items())
    Path(__file__).with_name("hydrothermal.json").write_text("{" + ",\n".join(lines) + "}\n")
