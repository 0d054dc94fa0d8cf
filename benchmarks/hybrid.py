"""The hybrid beside its parts: same instances, same wall seconds, same threads, one process after the other.

Gap: to the best known value (percent). A run is worth what it says only on a machine that does nothing else; CPU
seconds stand beside the wall seconds so that a disturbed run shows itself.

    python benchmarks/hybrid.py [--classes ta11-20,ta31-40] [--seconds 60] [--threads 2] [--seeds 1] \
        [--methods hybrid,cp-sat,tabu] [--take 10] [--out benchmarks/results/hybrid.csv]

Rows are written as they come, over those of an older run.
"""

import argparse
import csv
import itertools
import statistics
import sys
from pathlib import Path

import counterpoint as ct
from counterpoint.datasets.registry import best_known

RESULTS = Path(__file__).parent / "results" / "hybrid.csv"
WARM_UP = "ft06"  # compiles what is to be compiled


def main(arguments: list[str]) -> int:
    """Run every method on every instance; print a line per run and the means per class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default="ta11-20,ta31-40")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--methods", default="hybrid,cp-sat,tabu")
    parser.add_argument("--take", type=int, help="only the first instances of each class")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    methods = chosen.methods.split(",")
    for method in methods:
        ct.solve(ct.benchmark(WARM_UP), method, time_limit=1, threads=chosen.threads)
    rows: list[dict[str, object]] = []
    chosen.out.parent.mkdir(exist_ok=True)
    with chosen.out.open("w", newline="") as file:
        writer = csv.writer(file)
        for group in chosen.classes.split(","):
            for name, method, seed in itertools.product(_names(group)[: chosen.take], methods, range(chosen.seeds)):
                row = {"class": group, **_run(name, method, chosen.seconds, chosen.threads, seed)}
                writer.writerows([row.values()] if rows else [row.keys(), row.values()])
                file.flush()
                rows.append(row)
                print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    for group in chosen.classes.split(","):
        for method in methods:
            of = [row for row in rows if (row["class"], row["method"]) == (group, method)]
            gap = statistics.mean(float(str(row["gap_percent"])) for row in of)
            proved = sum(row["status"] == "proven optimal" for row in of)
            print(f"{group:10} {method:10} mean gap {gap:6.2f} %   proved {proved} of {len(of)}")
    return 0


def _names(group: str) -> list[str]:
    """``ta11-20`` -> ta11 .. ta20; a single name stays."""
    first, dash, last = group.partition("-")
    if not dash:
        return [first]
    stem = first.rstrip("0123456789")
    digits = first[len(stem) :]
    return [f"{stem}{k:0{len(digits)}}" for k in range(int(digits), int(last) + 1)]


def _run(name: str, method: str, seconds: float, threads: int, seed: int) -> dict[str, object]:
    shop = ct.benchmark(name)
    result = ct.solve(shop, method, time_limit=seconds, threads=threads, seed=seed)
    reference = best_known(shop)
    if result.objective is None or reference is None or reference.upper_bound is None:
        raise RuntimeError(f"nothing to compare on {name}: {result}, {result.message}")
    return {
        "instance": name,
        "method": method,
        "seed": seed,
        "time_limit_s": seconds,
        "threads": threads,
        "objective": result.objective,
        "bound": result.bound,
        "best_known": reference.upper_bound,
        "gap_percent": round(100 * (result.objective / reference.upper_bound - 1), 3),
        "status": str(result.solution_status),
        "termination": str(result.termination),
        "time_to_best_s": round(next(p.wall_s for p in result.trace if p.objective == result.objective), 2),
        "wall_s": round(result.wall_s, 2),
        "cpu_s": round(result.cpu_s, 2),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
