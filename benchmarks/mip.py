"""MIP models of job shops: building them as arrays against writing them in Pyomo, and what HiGHS makes of both.

Run ``python benchmarks/mip.py`` (about 8 minutes); it writes ``benchmarks/results/mip.csv``. Times are CPU seconds
of this process, builds the least of three; building ends with arrays that can be passed to HiGHS in one call. The
limit of the solves is wall time: on a busy machine read cpu_s beside it. HiGHS runs on one thread; both writings
start from the same schedule. Exporting (``model.write``) is not timed.
"""

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.mip.job_shop_disjunctive import DisjunctiveModel
from counterpoint.solvers.mip.job_shop_frame import Frame, frame_of
from counterpoint.solvers.mip.job_shop_pyomo import build_pyomo
from counterpoint.solvers.mip.job_shop_time_indexed import TimeIndexedModel
from counterpoint.solvers.mip.pyomo_arrays import compile_model

BUILDS = (
    ("ft06", "disjunctive"), ("ft10", "disjunctive"), ("la21", "disjunctive"), ("ta01", "disjunctive"),
    ("ft06", "time-indexed"), ("la01", "time-indexed"), ("ft10", "time-indexed"),
)  # fmt: skip
SOLVES = ("ft06", "la01", "ft10")
METHODS = ("mip-disjunctive", "mip-disjunctive-pyomo", "mip-time-indexed", "mip-time-indexed-pyomo")
FIELDS = (
    "part", "instance", "method", "columns", "rows", "cpu_s", "ratio_to_arrays", "objective", "bound", "termination",
)  # fmt: skip
Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time-limit", type=float, default=30.0, help="wall seconds for each solve")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "mip.csv")
    arguments = parser.parse_args(argv)
    rows = [row for name, formulation in BUILDS for row in build_rows(ct.benchmark(name), formulation)]
    for name in SOLVES:
        rows += [solve_row(ct.benchmark(name), method, arguments.time_limit) for method in METHODS]
    arguments.out.parent.mkdir(exist_ok=True)
    with arguments.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return 0


def build_rows(shop: JobShop, formulation: str) -> list[Row]:
    """Build one model both ways, in turn, around the same first schedule."""
    frame = frame_of(shop, Budget().start(), 0)
    arrays = DisjunctiveModel if formulation == "disjunctive" else TimeIndexedModel
    ways: dict[str, Callable[[JobShop, Frame], Any]] = {
        "arrays": lambda s, f: arrays(s, f).model,
        "pyomo": lambda s, f: compile_model(build_pyomo(s, formulation, f))[0],  # type: ignore[arg-type]
    }
    found: list[Row] = []
    for way, build in ways.items():
        seconds = []
        for _ in range(3):
            begun = time.process_time()
            model = build(shop, frame)
            seconds.append(time.process_time() - begun)
        least = min(seconds)
        ratio = least / found[0]["cpu_s"] if found else 1.0
        found.append({
            "part": "build", "instance": shop.name, "method": f"{formulation}, {way}", "columns": model.num_cols,
            "rows": model.num_rows, "cpu_s": round(least, 4), "ratio_to_arrays": round(ratio, 1),
        })  # fmt: skip
        show(found[-1])
    return found


def solve_row(shop: JobShop, method: str, time_limit: float) -> Row:
    """Solve through the front door, building included."""
    result = ct.solve(shop, method, time_limit=time_limit, threads=1)
    row = {
        "part": f"solve, {time_limit:g} s", "instance": shop.name, "method": method, "cpu_s": round(result.cpu_s, 2),
        "objective": result.objective, "bound": result.bound, "termination": str(result.termination),
    }  # fmt: skip
    show(row)
    return row


def show(row: Row) -> None:
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
