"""Small folders of the two formats, for tests to write and to damage."""

import json
from pathlib import Path
from typing import Any

MONTHS = "YEAR;JAN;FEB;MAR;APR;MAY;JUN;JUL;AUG;SEP;OCT;NOV;DEC"


def grid() -> dict[str, Any]:
    """Three buses (not in order), a plant, two thermal generators, two lines, and things out of service."""
    return {
        "name": "tiny",
        "per_unit": True,
        "baseMVA": 100,
        "cost_deficit": 60,
        "bus": {
            "10": {"index": 10, "bus_i": 10, "bus_type": 1, "vmin": 0.95, "vmax": 1.05, "name": "LAST  "},
            "2": {"index": 2, "bus_i": 2, "bus_type": 3, "vmin": 0.9, "vmax": 1.1},
            "7": {"index": 7, "bus_i": 7, "bus_type": 2, "vmin": 0.9, "vmax": 1.1},
            "8": {"index": 8, "bus_i": 8, "bus_type": 4, "vmin": 0.9, "vmax": 1.1},
        },
        "gen": {
            "1": gen(2, [1500, 0], 0.5),
            "2": gen(7, [10, 0], 0.4),
            "3": gen(10, [], 0.3),
            "4": gen(10, [900, 0], 9.0, gen_status=0),
            "5": gen(8, [900, 0], 9.0),
        },
        "branch": {
            "1": branch(2, 7, 0.01, 0.1, 0.5),
            "2": branch(7, 10, 0.02, 0.2, 0, tap=0, b_fr=0.1, b_to=0.15),
            "3": branch(2, 10, 0.02, 0.2, 0.1, br_status=0),
            "4": branch(2, 8, 0.02, 0.2, 0.1),
        },
        "load": {
            "1": {"load_bus": 10, "pd": 0.5, "qd": 0.1, "status": 1},
            "2": {"load_bus": 10, "pd": 0.25, "qd": 0.05, "status": 1},
            "3": {"load_bus": 2, "pd": 1.0, "qd": 1.0, "status": 0},
        },
        "shunt": {"1": {"shunt_bus": 7, "gs": 0.01, "bs": 0.2, "status": 1}},
        "dcline": {},
        "storage": {},
        "switch": {},
    }


def gen(bus: int, cost: list[float], pmax: float, **others: Any) -> dict[str, Any]:
    """A generator."""
    shared = {"model": 2, "ncost": len(cost), "pmin": 0, "qmin": -0.5, "qmax": 0.5, "gen_status": 1}
    return {"gen_bus": bus, "cost": cost, "pmax": pmax, **shared, **others}


def branch(start: int, end: int, r: float, x: float, rate: float, **others: Any) -> dict[str, Any]:
    """A line."""
    shared = {"br_status": 1, "tap": 1, "shift": 0, "angmin": -1.0472, "angmax": 1.0472}
    return {"f_bus": start, "t_bus": end, "br_r": r, "br_x": x, "rate_a": rate, **shared, **others}


def hydro() -> dict[str, Any]:
    """Two plants, the second below the first; their indices are not their places."""
    return {
        "Hydrogenerators": [
            plant(40, 3, max_volume=12.0, initial_volume=9.2e-316, downstream_turn=[7], downstream_spill=[7],
                  name="UP "),
            plant(7, 2, max_volume=0, production_factor=2.5, spill_cost=6e-316, min_turn=0.5,
                  minimal_outflow_violation_cost=3),
        ],
        "stage_hours": 168,
    }  # fmt: skip


def plant(index: int, generator: int, **others: Any) -> dict[str, Any]:
    """A reservoir with its plant."""
    shared = {"min_volume": 0, "max_turn": 30, "min_turn": 0, "initial_volume": 0.0, "final_volume": 0.0,
              "production_factor": 1, "spill_cost": 0, "downstream_turn": [], "downstream_spill": []}  # fmt: skip
    return {"index": index, "index_grid": generator, **shared, **others}


INFLOWS = "1,2,3,10,20,30\n4,5,6,40,50,60\n"  # 2 stages; plant by plant, 3 scenarios each


def put_case(folder: Path, *, grid_: Any = None, hydro_: Any = None, **files: str | None) -> Path:
    """Write a case; `files` are texts by name without suffix (inflows, scenarioprobability, case), None: none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "PowerModels.json").write_text(json.dumps(grid() if grid_ is None else grid_, indent=1))
    (folder / "hydro.json").write_text(json.dumps(hydro() if hydro_ is None else hydro_, indent=1))
    for name, text in {"inflows": INFLOWS, **files}.items():
        if text is not None:
            (folder / f"{name}.{'toml' if name == 'case' else 'csv'}").write_text(text)
    return folder


SUBSYSTEMS = {
    "hydro.csv": ",UB,INITIAL\nStoredEnergy_0,100.5,40\nStoredEnergy_1,60,10\ninflow_0,0,25\ninflow_1,0,10\n"
    "hydro_0,50,0\nhydro_1,30,0\n",
    "demand.csv": ",0,1\n" + "".join(f"{m},{40 + m},{30 - m}\n" for m in range(12)),
    "deficit.csv": ",OBJ,DEPTH\n0,200,0.1\n1,500,0.9\n",
    "exchange.csv": ",0,1,2\n0,0,8,4\n1,5,0,0\n2,0,3,0\n",
    "exchange_cost.csv": ",0,1,2\n0,0.001,0.001,0.0005\n1,0.001,0.001,0.0005\n2,0.0005,0.0005,0.0005\n",
    "thermal_0.csv": ",LB,UB,OBJ\n0,2,15,20.5\n",
    "thermal_1.csv": ",LB,UB,OBJ\n0,0,10,35\n1,0,5,80\n",
    "hist_0.csv": f"{MONTHS}\n" + "".join(f"{y};" + ";".join(str(y % 100 + m) for m in range(12)) + "\n"
                                          for y in (1990, 1991, 1992)),
    "hist_1.csv": f"{MONTHS}\n" + "".join(
        f"{y};" + ";".join("NA" if y == 1991 else str(y % 10 + m / 2) for m in range(12)) + "\n"
        for y in (1990, 1991, 1992)
    ),
}  # fmt: skip


def put_subsystems(folder: Path, **changes: str | None) -> Path:
    """Write a folder of two regions; `changes` are texts by name without suffix, None: not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**SUBSYSTEMS, **{f"{key}.csv": text for key, text in changes.items()}}.items():
        if text is not None:
            (folder / name).write_text(text)
    return folder
