"""The Bolivian system under AC on the published panel of ten columns: what nobody can beat, foresight, water values.

Three tables in benchmarks/results: `hydrothermal_ac_stages.csv`, milliseconds of CPU for a stage by each back end and
how far below the AC optimum it is; `hydrothermal_ac.csv`, for each column the bound by cones, perfect foresight (two
starts for columns 2 and 39), and operation under AC by cuts of DC and of the cones' tangents, each checked by the
family's checker; `hydrothermal_ac_policies.csv`, the means beside the published ones.

    OMP_NUM_THREADS=1 python benchmarks/hydrothermal_ac.py       # about ten minutes of one core
    python benchmarks/hydrothermal_ac.py --columns 2,39 --iterations 20 --out /tmp
    python benchmarks/hydrothermal_ac.py --soc-cuts cuts.json    # instead of training: SDDP's cuts of the cones
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.datasets.hydrothermal.public import build
from counterpoint.opt.problems.hydrothermal_check import check
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.stage.ac import AcStage
from counterpoint.simulators.stage.clarabel import ClarabelStage
from counterpoint.simulators.stage.cones import conic_models
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.tangents import tangent_models
from counterpoint.solvers.bounds.hydrothermal_soc import soc_bound
from counterpoint.solvers.nlp.hydrothermal import perfect_foresight_ac
from counterpoint.solvers.sddp.hydrothermal import Options, WaterValues, train_values

SEED = 20260706  # the protocol's
PANEL = (2, 39, 81, 119, 130, 156, 200, 206, 378, 493)  # the authors' columns for selection
TWICE = (2, 39)  # columns whose foresight is worked out from two starts
PUBLISHED = {"dc cuts": 317067.0, "soc cuts": 313331.56, "perfect foresight": 312720.0}  # the reference, 2.1 and 2.3
RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables and write them; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", default=",".join(map(str, PANEL)))
    parser.add_argument("--iterations", type=int, default=60, help="of SDDP, for each kind of cuts")
    parser.add_argument("--stages", type=int, default=200, help="random stages that back ends are timed on")
    parser.add_argument("--soc-cuts", default="", help="a file of cuts to take instead of training")
    parser.add_argument("--out", default=str(RESULTS))
    chosen = parser.parse_args(argv)
    system, out = build("bolivia-ac"), Path(chosen.out)
    columns = [int(c) for c in chosen.columns.split(",")]
    _write(out / "hydrothermal_ac_stages.csv", stage_rows(system, chosen.stages))
    rows = [{"column": column} for column in columns]
    drawn = draw_scenarios(system, max(columns), SEED)
    scenarios = [drawn[column - 1] for column in columns]
    foresight(system, scenarios, rows)
    policies = []
    for name, kind in (("dc cuts", "dc"), ("soc cuts", "soc")):
        began = time.process_time()
        loaded = chosen.soc_cuts if kind == "soc" else ""
        trained = train_values(system, 0, Options(iterations=0 if loaded else chosen.iterations, time_limit_s=1e5,
                                                  cuts=loaded, network_kind=kind, lanes=1))  # fmt: skip
        training_s = time.process_time() - began
        began = time.process_time()
        retried = operate(system, WaterValues(system, trained), scenarios, rows, name)
        policies.append({"policy": name, "training_cpu_s": "" if loaded else round(training_s, 1), "retried": retried,
                         "operating_cpu_s": round(time.process_time() - began, 1),
                         "bound_126": round(trained.bound(), 2) if kind == "soc" else ""})  # fmt: skip
    _write(out / "hydrothermal_ac.csv", rows)
    policies += [{"policy": "perfect foresight"}, {"policy": "bound by cones"}]
    for row in policies:
        costs = np.array([found[row["policy"]] for found in rows])
        row |= {"columns": len(costs), "mean": round(float(costs.mean()), 2)}
        row["published"] = PUBLISHED.get(row["policy"], "") if tuple(columns) == PANEL else ""
    _write(out / "hydrothermal_ac_policies.csv", policies)
    return 0


def stage_rows(system: Any, count: int) -> list[dict[str, Any]]:
    """Time back ends on random stages, and how far below the AC optimum they are on average."""
    random = np.random.default_rng(SEED)
    state = random.random((count, system.num_reservoirs)) * system.reservoirs.max_volume
    cycle, opening = (random.integers(size, size=count) for size in system.inflows.rows.shape[:2])
    noise = system.inflows.rows[cycle, opening]
    ways = (
        ("ac", AcStage(system)),
        ("cones", ClarabelStage(conic_models(system)[0])),
        ("tangents", HighsStage(tangent_models(system)[0])),
        ("dc", HighsStage(stage_models(system, "dc")[0])),
        ("single bus", HighsStage(stage_models(system, "single-bus")[0])),
    )
    rows: list[dict[str, Any]] = []
    best = np.zeros(count)
    for name, stage in ways:
        stage.solve_many(state[:2], noise[:2])
        began = time.process_time()
        found = stage.solve_many(state, noise)
        used = time.process_time() - began
        assert (found.status == 0).all(), name
        best = found.objective if name == "ac" else best
        if name in ("cones", "tangents", "single bus"):
            assert (found.objective <= best * (1 + 1e-7)).all(), name
        rows.append({"network": name, "rows": stage.model.num_rows, "stages": count,
                     "cpu_ms": round(1e3 * used / count, 3),
                     "below_ac_share": round(float((1 - found.objective / best).mean()), 6)})  # fmt: skip
    return rows


def foresight(system: Any, scenarios: Sequence[Any], rows: list[dict[str, Any]]) -> None:
    """Fill in bounds and perfect foresight, of the reported stages (96) and of all (126)."""
    for row, scenario in zip(rows, scenarios, strict=True):
        row["bound by cones"] = round(soc_bound(system, scenario, 600.0), 2)
        row["bound by cones 126"] = round(soc_bound(system, scenario, 600.0, system.horizon), 2)
        found = perfect_foresight_ac(system, scenario)
        row |= {"perfect foresight": round(found.reported, 2), "perfect foresight 126": round(found.cost, 2)}
        row["other start 126"] = ""
        if row["column"] in TWICE:
            other = perfect_foresight_ac(system, scenario, start=1).cost
            assert abs(other - found.cost) <= 1e-6 * found.cost, row["column"]
            row["other start 126"] = round(other, 2)
        print(row, flush=True)


def operate(system: Any, policy: Any, scenarios: Sequence[Any], rows: list[dict[str, Any]], name: str) -> int:
    """Fill in what a policy pays; assert that it is feasible, without deficit and above the bound; return retries."""
    for row, scenario in zip(rows, scenarios, strict=True):
        run = simulate(system, scenario, policy)
        judged = check(system, scenario, run)
        assert judged.is_feasible, judged
        assert sum(float(dispatch.deficit.sum()) for dispatch in run.dispatch) < 1e-6
        assert run.cost >= row["bound by cones"]
        row[name] = round(run.cost, 2)
        print(row["column"], name, row[name], flush=True)
    return sum(solver.retried for solver, _ in policy.operator._solvers.values())


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV and print them."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    print(f"written: {path}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
