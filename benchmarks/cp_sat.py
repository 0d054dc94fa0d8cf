"""What our layer over CP-SAT costs, and what CP-SAT proves through it.

Overhead: one and the same search (same model, seed and parameters, one worker, so the same number of branches) by a
bare script of ten lines and by `ct.solve`, first schedule, checks and trace included. CPU seconds of whole runs;
the median of the ratios of neighbouring runs, because other work on the machine changes its speed by the minute.

Proofs: CPU seconds to proof with two workers, beside the optimum that is known.

    python benchmarks/cp_sat.py [--repeats 5] [--limit 60] [--only overhead|proofs]
"""

import argparse
import csv
import dataclasses
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ortools.sat.python import cp_model

import counterpoint as ct
from counterpoint.datasets.registry import best_known
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.cp_sat.job_shop import Options, first_schedule, set_parameters
from counterpoint.solvers.cp_sat.job_shop_model import build

RESULTS = Path(__file__).parent / "results" / "cp_sat.csv"
FIXED_WORK = ("ft10", "orb02", "la16", "abz5")  # a second and more, so that the ratio is not one of milliseconds
CLASSICAL = ("ft06", "ft10", "la01", "la02", "la03", "la04", "la05", "orb01", "orb02", "orb03")
BLOCKING = (("ft06", 63), ("la01", 793), ("la05", 664), ("orb07", 483))
FLEXIBLE = (("Mk01", 40), ("Mk02", 27), ("Mk03", 204), ("Mk08", 523))  # Mk02: at most


def main(arguments: list[str]) -> int:
    """Run both parts and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60.0, help="wall seconds of a proof")
    parser.add_argument("--only", choices=("overhead", "proofs"))
    chosen = parser.parse_args(arguments)
    rows: list[dict[str, object]] = []
    if chosen.only != "proofs":
        rows += [_overhead(name, chosen.repeats) for name in FIXED_WORK]
    if chosen.only != "overhead":
        rows += [_proof(shop, known, chosen.limit) for shop, known in _cases()]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return 0


def _overhead(name: str, repeats: int) -> dict[str, object]:
    shop = ct.benchmark(name)
    ct.solve(shop, "cp-sat", threads=1, time_limit=0)  # compile and import
    pairs = [(_bare(shop), _ours(shop)) for _ in range(repeats)]
    if any(bare[1:] != ours[1:] for bare, ours in pairs):
        raise RuntimeError(f"not the same search: {pairs}")
    ratio = statistics.median(ours[0] / bare[0] for bare, ours in pairs)
    row = {
        "part": "overhead",
        "instance": name,
        "objective": pairs[0][1][1],
        "bare_cpu_s": round(statistics.median(bare[0] for bare, _ in pairs), 3),
        "ours_cpu_s": round(statistics.median(ours[0] for _, ours in pairs), 3),
        "ratio": round(ratio, 4),
        "repeats": repeats,
    }
    print(row, flush=True)
    return row


def _bare(shop: ct.JobShop) -> tuple[float, float]:
    """CPU seconds and objective of the search by itself; the hint is given."""
    known = first_schedule(shop, 0, Budget().start(), _silent)
    value = check(shop, known).objective
    started = time.process_time()
    model = build(shop, known, round(value or 0), best_bound(shop))
    solver = cp_model.CpSolver()
    set_parameters(solver, shop, Budget(threads=1), 0, Options(), 1)
    solver.solve(model.cp)
    return time.process_time() - started, float(round(solver.objective_value))


def _ours(shop: ct.JobShop) -> tuple[float, float | None]:
    started = time.process_time()
    result = ct.solve(shop, "cp-sat", threads=1, seed=0, time_limit=3600)
    return time.process_time() - started, result.objective


def _cases() -> Iterator[tuple[ct.JobShop, float | None]]:
    for name in CLASSICAL:
        shop = ct.benchmark(name)
        reference = best_known(shop)
        yield shop, reference.upper_bound if reference else None
    for name, optimum in BLOCKING:
        yield dataclasses.replace(ct.benchmark(name), blocking="swap"), optimum
    folder = Path(os.environ.get("COUNTERPOINT_DATA", "../shared/data")) / "job_shop" / "fjs"
    for name, optimum in FLEXIBLE:
        if (folder / f"{name}.fjs").exists():
            yield ct.read(folder / f"{name}.fjs"), optimum


def _proof(shop: ct.JobShop, known: float | None, limit: float) -> dict[str, object]:
    result = ct.solve(shop, "cp-sat", threads=2, seed=1, time_limit=limit)
    row = {
        "part": "proof",
        "instance": shop.name,
        "variant": ", ".join(sorted(shop.features)) or "classical",
        "known": known,
        "objective": result.objective,
        "bound": result.bound,
        "status": str(result.solution_status),
        "cpu_s": round(result.cpu_s, 2),
        "wall_s": round(result.wall_s, 2),
    }
    print(row, flush=True)
    return row


def _silent(solution: object = None, *, bound: float | None = None) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
