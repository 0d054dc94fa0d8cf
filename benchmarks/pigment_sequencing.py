"""The exact methods of pigment sequencing beside the rules: same instances, same wall seconds, one thread each.

Gap: to the best known value (percent), which four files of CSPLib 058 misstate (datasets/figures/README.md). A run is
worth what it says only on a machine that does nothing else; CPU seconds stand beside the wall seconds so that a
disturbed run shows itself.

    python benchmarks/pigment_sequencing.py [--instances "pigment*,psp-100-*"] [--seconds 60] [--seed 0] \
        [--methods dp-lagrangian,mip-changeover-flow,cp-sat,simulated-annealing,edd,nearest] \
        [--out benchmarks/results/pigment_sequencing.csv]

An instance is a name, a pattern or a file. Rows are written as they come, over those of an older run.
"""

import argparse
import csv
import statistics
import sys
from pathlib import Path
from typing import Any

import counterpoint as ct
from counterpoint.datasets.registry import best_known

RESULTS = Path(__file__).parent / "results" / "pigment_sequencing.csv"
METHODS = "dp-lagrangian,mip-changeover-flow,cp-sat,simulated-annealing,edd,nearest"
WARM_UP = "pigment15a"  # compiles what is to be compiled


def main(arguments: list[str]) -> int:
    """Run every method on every instance; print a line per run and the means per method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", default="pigment*,psp-*")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    methods = chosen.methods.split(",")
    rows: list[dict[str, object]] = []
    chosen.out.parent.mkdir(exist_ok=True)
    with chosen.out.open("w", newline="") as file:
        writer = csv.writer(file)
        for method in methods:
            ct.solve(ct.benchmark(WARM_UP), method, time_limit=1, threads=1)
            for instance in _instances(chosen.instances):
                row = _run(instance, method, chosen.seconds, chosen.seed)
                writer.writerows([row.values()] if rows else [row.keys(), row.values()])
                file.flush()
                rows.append(row)
                print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    for method in methods:
        of = [row for row in rows if row["method"] == method]
        gaps = [float(str(row["gap_percent"])) for row in of if row["gap_percent"] != ""]
        proved = sum(row["status"] == "proven optimal" for row in of)
        cpu = sum(float(str(row["cpu_s"])) for row in of)
        mean = f"{statistics.mean(gaps):6.2f} %" if gaps else "-"
        print(f"{method:20} mean gap {mean}   proved {proved} of {len(of)}   {cpu:.1f} CPU s")
    return 0


def _instances(chosen: str) -> list[Any]:
    """Return the instances of a list of names, patterns and files."""
    found: list[Any] = []
    for part in chosen.split(","):
        names = ct.benchmarks(part, problem="pigment-sequencing")
        found += [ct.benchmark(name) for name in names] if names else [ct.read(part)]
    return found


def _run(instance: Any, method: str, seconds: float, seed: int) -> dict[str, object]:
    result = ct.solve(instance, method, time_limit=seconds, threads=1, seed=seed)
    if result.objective is None:
        raise RuntimeError(f"nothing found on {instance.name}: {result}, {result.message}")
    known = best_known(instance)
    best = None if known is None else known.upper_bound
    return {
        "instance": instance.name,
        "method": method,
        "seed": seed,
        "time_limit_s": seconds,
        "threads": 1,
        "objective": result.objective,
        "bound": "" if result.bound is None else result.bound,
        "best_known": "" if best is None else best,
        "gap_percent": "" if best is None else round(100 * (result.objective / best - 1), 3),
        "status": str(result.solution_status),
        "termination": str(result.termination),
        "time_to_best_s": round(next(p.wall_s for p in result.trace if p.objective == result.objective), 2),
        "wall_s": round(result.wall_s, 2),
        "cpu_s": round(result.cpu_s, 2),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
