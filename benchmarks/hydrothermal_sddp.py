"""SDDP on the public hydrothermal systems: bounds against published ones, costs of the policies, problems a second.

Every row is one training with one seed. ``bound`` is a lower bound on the expected cost over the whole horizon, beside
what is published at that number of iterations (SDDP.jl's log, 2021, with Gurobi: reference, section 4.1) or as the
optimum; ``cost`` is the mean over simulated paths of the training's own distribution (Bolivia: the first 96 stages on
columns 1 to 100 of the published protocol), with its standard error. CPU seconds are of this process and count
training alone, as do the problems.

After 60 iterations the Bolivian cost is not settled: trainings with equal bounds, which differ in the choice among
equal optima alone, are up to one per cent apart in the first 96 stages, by what they leave in the reservoirs.

    python benchmarks/hydrothermal_sddp.py            # about two minutes on a quiet core
    python benchmarks/hydrothermal_sddp.py --quick    # a few iterations, nothing written
"""

import argparse
import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import counterpoint as ct
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.stage.dual_simplex import linear_stage
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.solvers.sddp.hydrothermal import graph_of
from counterpoint.solvers.sddp.policy import Options, Policy
from counterpoint.solvers.sddp.simulate import simulate, simulate_noises
from counterpoint.solvers.sddp.stopping import iterations
from counterpoint.solvers.sddp.train import train

PUBLISHED = {
    ("brazil-3", 150): 782_309.1878,  # msppy, extensive form
    ("brazil-60", 10): 64_657.0, ("brazil-60", 30): 69_640.0, ("brazil-60", 118): 71_603.47,  # SDDP.jl's log
    ("bolivia-dc", 60): 380_098.0,  # the reference's own
}  # fmt: skip
CASES = (("brazil-3", 150), ("brazil-60", 118), ("bolivia-dc", 60))
WAYS: tuple[tuple[str, Any, Options], ...] = (
    ("own dual simplex", linear_stage, Options()),
    ("HiGHS, warm", HighsStage, Options()),
    ("own, 2 lanes, 2 threads", linear_stage, Options(lanes=2, workers=2)),
    ("own, all cuts", linear_stage, Options(selects_cuts=False)),
    ("own, 4 paths", linear_stage, Options(forward_passes=4)),
    ("own, a cut an outcome", linear_stage, Options(cuts="multi")),
)
SEED, PATHS, PROTOCOL_SEED = 0, 200, 20260706
FIELDS = ("system", "way", "iterations", "bound", "published", "problems", "cuts", "active", "cpu_s", "wall_s",
          "per_cpu_s", "cost", "standard_error", "load")  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/hydrothermal_sddp.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few iterations, nothing written")
    parser.add_argument("--only", default="", help="one system; the others' rows in the table stay")
    chosen = parser.parse_args(argv)
    rows = []
    for name, limit in CASES:
        if chosen.only in ("", name):
            for way, make_solver, options in WAYS:
                if name != "brazil-3" and options.cuts == "multi":
                    continue  # thousands of cuts an iteration
                rows += measure(name, 3 if chosen.quick else limit, way, make_solver, options)
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "hydrothermal_sddp.csv"
        if chosen.only and target.exists():
            with target.open() as file:
                rows = [row for row in csv.DictReader(file) if row["system"] != chosen.only] + rows
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return 0


def measure(name: str, limit: int, way: str, make_solver: Any, options: Options) -> list[dict[str, Any]]:
    """Train once; return a row at each number of iterations that something is published for, and at the end."""
    instance = ct.benchmark(name)
    graph, _ = graph_of(instance)
    train(graph, iterations(1), SEED, options, make_solver=make_solver)  # compiles
    begun = time.process_time()
    clock = []
    policy = train(graph, iterations(limit), SEED, options, make_solver=make_solver,
                   on_iteration=lambda _: clock.append(time.process_time() - begun))  # fmt: skip
    rows = []
    for progress, cpu_s in zip(policy.progress, clock, strict=True):
        published = PUBLISHED.get((name, progress.iteration))
        if published is None and progress.iteration != limit:
            continue
        cost, error = costs(instance, policy) if progress.iteration == limit else ("", "")
        rows.append(
            {
                "system": name, "way": way, "iterations": progress.iteration, "bound": f"{progress.bound:.2f}",
                "published": "" if published is None else published, "problems": progress.problems,
                "cuts": progress.cuts, "active": progress.active, "cpu_s": f"{cpu_s:.2f}",
                "wall_s": f"{progress.seconds:.2f}", "per_cpu_s": round(progress.problems / cpu_s), "cost": cost,
                "standard_error": error, "load": f"{os.getloadavg()[0]:.1f}",
            }
        )  # fmt: skip
        print(" ".join(f"{key}={value}" for key, value in rows[-1].items() if value != ""), flush=True)
    return rows


def costs(instance: Hydrothermal, policy: Policy) -> tuple[str, str]:
    """Return the mean cost of the policy and its standard error."""
    if instance.reported_stages == instance.horizon:
        cost = simulate(policy, PATHS, seed=1).cost
    else:
        inflow = np.array([scenario.inflow for scenario in draw_scenarios(instance, 100, PROTOCOL_SEED)])
        visits = simulate_noises(policy, inflow).visits
        cost = sum((np.bincount(v.path, v.factor * v.stage_cost, len(inflow)) for v in visits
                    if v.step < instance.reported_stages), np.zeros(len(inflow)))  # fmt: skip
    return f"{cost.mean():.2f}", f"{cost.std(ddof=1) / np.sqrt(len(cost)):.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
