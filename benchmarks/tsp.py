"""The methods of the travelling salesman side by side: same instances, same wall seconds, one thread each.

Gap: to the best tour that any method of this run found on the instance (percent), so that a table without a strong
method flatters. A run is worth what it says only on a machine that does nothing else; CPU seconds and the load of the
machine stand beside the wall seconds so that a disturbed run shows itself.

    python benchmarks/tsp.py [--sizes 50,100,200,500,1000] [--instances 16] [--seconds 1] [--seed 0] \
        [--methods nearest-neighbour,farthest-insertion,local-search,fast-tsp,or-tools-routing,cp-sat] \
        [--files "a280.tsp,ry48p.atsp"] [--out benchmarks/results/tsp.csv]

Uniform instances in the unit square, fractions; with --files these instead.
"""

import argparse
import csv
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import counterpoint as ct
from counterpoint.datasets.generators.tsp import uniform

RESULTS = Path(__file__).parent / "results" / "tsp.csv"
METHODS = "nearest-neighbour,farthest-insertion,local-search,fast-tsp,or-tools-routing,cp-sat"


def main(arguments: list[str]) -> int:
    """Run every method on every instance; write a row per run and print the means per group and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="50,100,200,500,1000")
    parser.add_argument("--instances", type=int, default=16, help="of each size")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--files", default="")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    groups = _files(chosen.files) if chosen.files else _uniform(chosen.sizes, chosen.instances, chosen.seed)
    methods = chosen.methods.split(",")
    for method in methods:
        ct.solve(uniform(places=12), method, time_limit=0.1, threads=1)  # compiles what is to be compiled
    rows: list[dict[str, Any]] = []
    for group, instances in groups.items():
        for instance in instances:
            found = [_run(group, instance, method, chosen.seconds, chosen.seed) for method in methods]
            best = min(row["objective"] for row in found)
            for row in found:
                row["gap_percent"] = round(100 * (row["objective"] / best - 1), 4) if best > 0 else 0.0
            rows += found
            _write(chosen.out, rows)
        for method in methods:
            of = [row for row in rows if row["group"] == group and row["method"] == method]
            gap, cpu = (statistics.mean(row[key] for row in of) for key in ("gap_percent", "cpu_s"))
            at_best = sum(row["gap_percent"] < 1e-4 for row in of)
            print(f"{group:10} {method:20} mean gap {gap:8.4f} %   best {at_best} of {len(of)}   {cpu:.3f} CPU s each")
    return 0


def _uniform(sizes: str, count: int, seed: int) -> dict[str, list[Any]]:
    return {
        f"uniform-{n}": [uniform(places=n, seed=seed * 1000 + k) for k in range(count)]
        for n in map(int, sizes.split(","))
    }


def _files(files: str) -> dict[str, list[Any]]:
    return {Path(file).stem: [ct.read(file)] for file in files.split(",")}


def _run(group: str, instance: Any, method: str, seconds: float, seed: int) -> dict[str, Any]:
    result = ct.solve(instance, method, time_limit=seconds, threads=1, seed=seed)
    if result.objective is None:
        raise RuntimeError(f"nothing found on {instance.name}: {result}, {result.message}")
    return {
        "group": group,
        "instance": instance.name,
        "method": method,
        "seed": seed,
        "time_limit_s": seconds,
        "objective": result.objective,
        "bound": "" if result.bound is None else result.bound,
        "status": result.solution_status.value,
        "wall_s": round(result.wall_s, 4),
        "cpu_s": round(result.cpu_s, 4),
        "load": round(os.getloadavg()[0], 2),
    }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
