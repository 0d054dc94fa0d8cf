"""What the routing benchmarks share: a run as a row, a table that grows, gaps, and means with their intervals.

A run that is made again replaces its row; gaps are computed anew over all rows of a table, to the published best
value where there is one and else to the best value that any row of the table holds for the instance, so that a table
without a strong method flatters.

Limits are processor seconds, so that a crowded machine changes neither the tables nor who wins them; on a machine of
its own they are wall seconds. HGS counts like that by itself, and our clocks do here; fast-tsp and OR-Tools read the
wall clock, so their limit is stretched by what share of a core the run before had.
"""

import csv
import os
import statistics
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import counterpoint as ct
import counterpoint.opt.budget as budgets
from counterpoint.datasets.registry import best_known
from counterpoint.opt.errors import CounterpointError
from counterpoint.opt.evaluation.statistics import bootstrap_interval
from counterpoint.opt.problems.table import problem

DATA = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "routing"
RESULTS = Path(__file__).parent / "results"
FIELDS = (
    "problem", "group", "instance", "method", "limit", "seed", "objective", "bound", "reference", "gap_percent",
    "status", "wall_s", "cpu_s", "load",
)  # fmt: skip
KEY = FIELDS[:6]
Row = dict[str, Any]
WALL_CLOCK = budgets.Clock


class ProcessorClock(budgets.Clock):
    """A clock of processor seconds of this process."""

    def __init__(self, budget: budgets.Budget) -> None:
        super().__init__(budget, time.process_time())

    def elapsed_s(self) -> float:
        """Processor seconds since the start."""
        return time.process_time() - self.started


class _Crowd:
    """How many wall seconds a processor second takes, as of late."""

    wall_per_cpu = 1.0


def run(
    group: str, instance: Any, method: str, seconds: float | None = None, *, seed: int = 0, **budget: Any
) -> Row | None:
    """Return the row of one run on one thread; None, saying why, where the method does not take the instance."""
    if seconds is not None:
        is_by_wall = method.startswith(("fast-tsp", "or-tools"))
        budgets.Clock, budget["time_limit"] = (
            (WALL_CLOCK, seconds * _Crowd.wall_per_cpu) if is_by_wall else (ProcessorClock, seconds)
        )
    try:
        result = ct.solve(instance, method, threads=1, seed=seed, **budget)
    except CounterpointError as error:
        print(f"left out: {method} on {instance.name}: {error}", flush=True)
        return None
    finally:
        budgets.Clock = WALL_CLOCK
    if result.cpu_s > 0.02:
        _Crowd.wall_per_cpu += 0.5 * (max(1.0, result.wall_s / result.cpu_s) - _Crowd.wall_per_cpu)
    if result.objective is None:
        print(f"nothing found: {method} on {instance.name}: {result.message}", flush=True)
    known = best_known(instance)
    budget.pop("time_limit", None)
    limits = ({} if seconds is None else {"cpu_s": seconds}) | budget
    return {
        "problem": instance.problem,
        "group": group,
        "instance": instance.name,
        "method": method,
        "limit": " ".join(f"{what}={amount:g}" for what, amount in limits.items()),
        "seed": seed,
        "objective": result.objective,
        "bound": result.bound,
        "reference": None if known is None else known.upper_bound,
        "gap_percent": None,
        "status": result.solution_status.value,
        "wall_s": round(result.wall_s, 4),
        "cpu_s": round(result.cpu_s, 4),
        "load": round(os.getloadavg()[0], 1),
    }


def warm_up(pairs: Iterable[tuple[Any, str]]) -> None:
    """Compile and load what is to be compiled and loaded, outside of what is measured."""
    for instance, method in pairs:
        run("", instance, method, 0.1)


def merge(path: Path, rows: Sequence[Row]) -> list[Row]:
    """Add rows to a table, in place of those of the same runs; return all of them, with gaps."""
    held = {tuple(str(row[name]) for name in KEY): row for row in read(path)}
    held |= {tuple(str(row[name]) for name in KEY): row for row in rows}
    best: dict[tuple[str, str], float] = {}
    for row in held.values():
        if row["objective"] is not None:
            pick = min if problem(row["problem"]).sense == "min" else max
            place = row["problem"], row["instance"]
            best[place] = pick(best.get(place, row["objective"]), row["objective"])
    for row in held.values():
        known = row["reference"] if is_published(row) else best.get((row["problem"], row["instance"]))
        row["reference"] = known
        if row["objective"] is not None and known:
            sign = 1 if problem(row["problem"]).sense == "min" else -1
            row["gap_percent"] = round(100 * sign * (row["objective"] / known - 1), 5)
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(held.values())
    return list(held.values())


def is_published(row: Row) -> bool:
    """Return whether a row's instance has a published best value."""
    return row["problem"] in ("tsp", "cvrp") and not row["instance"].startswith(("uniform-", "matrix-"))


def read(path: Path) -> list[Row]:
    """Return the rows of a table; none if there is no such file."""
    if not path.is_file():
        return []
    numbers = ("objective", "bound", "reference", "gap_percent", "wall_s", "cpu_s", "load")
    with path.open(newline="") as file:
        return [
            row | {name: float(row[name]) if row[name] else None for name in numbers} for row in csv.DictReader(file)
        ]


def show(rows: Sequence[Row]) -> None:
    """Print a line for each problem, group, method and limit."""
    for head in dict.fromkeys((row["problem"], row["group"], row["method"], row["limit"]) for row in rows):
        mine = [row for row in rows if (row["problem"], row["group"], row["method"], row["limit"]) == head]
        print(f"{head[0]:12} {head[1]:14} {head[2]:32} {head[3]:16} {line(mine)}")


def line(rows: Sequence[Row]) -> str:
    """Return mean gap with its 95 % interval, how often it is below 0.0001 %, CPU seconds, and number of runs."""
    gaps = [row["gap_percent"] for row in rows if row["gap_percent"] is not None]
    if len(gaps) < len(rows):
        return f"no solution in {len(rows) - len(gaps)} of {len(rows)}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few instances: the number stands beside
        interval = bootstrap_interval(gaps)
    cpu = statistics.mean(row["cpu_s"] for row in rows)
    at_best = sum(gap < 1e-4 for gap in gaps)
    span = f"[{interval.low:.3f}, {interval.high:.3f}]"
    return f"{interval.estimate:8.3f} % {span:18} best {at_best:3} of {len(gaps):3}   {cpu:.3f} CPU s"
