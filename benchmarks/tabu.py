"""How good the tabu search is after so many CPU seconds on one core, class by class, beside what was asked of it.

Gaps are to the best known makespan (per cent); a run ends early when it meets that. Time is CPU time of this
process, compilation excluded, so that a busy machine does not count; every schedule is judged by the checker.
Rows are added to (or replace those of the same instance, seed and limit in) benchmarks/results/tabu.csv as they come.

    python benchmarks/tabu.py [CLASS ...] [--seconds 30] [--seeds 1] [--instances 10]

The published row for comparison is the mean of TS/PR (Peng, Lue and Cheng 2015) at far longer runs.
"""

import argparse
import csv
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import counterpoint as ct
from counterpoint.datasets.registry import best_known
from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.local_search.job_shop import Options, improve
from counterpoint.solvers.local_search.job_shop_starts import best_rule_schedule
from counterpoint.solvers.warm_up import job_shop as warm_up

RESULTS = Path(__file__).parent / "results" / "tabu.csv"
COLUMNS = (
    "class", "instance", "seed", "limit_cpu_s", "makespan", "best_known", "bound", "gap_percent", "best_cpu_s",
    "cpu_s", "moves", "thousand_moves_per_cpu_s", "termination",
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A class of instances, the mean gap asked for at so many CPU seconds, and TS/PR's published mean gap."""

    instances: tuple[str, ...]
    asked: float
    seconds: float
    published: float | None = None


def _names(prefix: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{k:02d}" for k in range(first, last + 1))


FAMILIES = {
    "ft10": Family(("ft10",), 0.0, 60),
    "ta01-10": Family(_names("ta", 1, 10), 0.5, 30, 0.01),
    "ta11-20": Family(_names("ta", 11, 20), 1.5, 30, 0.24),
    "ta21-30": Family(_names("ta", 21, 30), 1.5, 30, 0.31),
    "ta31-40": Family(_names("ta", 31, 40), 1.5, 30, 0.23),
    "ta41-50": Family(_names("ta", 41, 50), 3.0, 30, 0.70),
    "ta51-60": Family(_names("ta", 51, 60), 0.4, 6),
    "ta61-70": Family(_names("ta", 61, 70), 0.4, 6),
    "ta71-80": Family(_names("ta", 71, 80), 0.0, 2),
    "dmu01-05": Family(_names("dmu", 1, 5), 1.0, 60),
    "dmu41-45": Family(_names("dmu", 41, 45), 4.0, 60),
    "dmu51-55": Family(_names("dmu", 51, 55), 6.0, 60),
}


class CpuClock(Clock):
    """A clock that counts CPU seconds of this process."""

    def elapsed_s(self) -> float:
        """CPU seconds since the start."""
        return time.process_time() - self.started


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", nargs="*", metavar="CLASS", help=", ".join(FAMILIES))
    parser.add_argument("--seconds", type=float, help="CPU seconds per run; default: the class's own")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--instances", type=int, default=10, help="at most so many of each class")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.classes if name not in FAMILIES]
    if unknown:
        parser.error(f"unknown class {unknown[0]}; choose from {', '.join(FAMILIES)}")
    warm_up.tabu()  # compiles all of it; a run on an easy instance ends before any relinking
    for name in chosen.classes or FAMILIES:
        family = FAMILIES[name]
        seconds = chosen.seconds or family.seconds
        rows = []
        for instance in family.instances[: chosen.instances]:
            for seed in range(chosen.seeds):
                rows.append({"class": name, **run(ct.benchmark(instance), seed, seconds)})
                _record(rows[-1])
                print("  ", *(f"{key}={rows[-1][key]}" for key in COLUMNS[1:]), flush=True)
        gaps = [float(str(row["gap_percent"])) for row in rows]
        met = sum(gap == 0 for gap in gaps)
        print(
            f"{name}: mean gap {statistics.mean(gaps):.2f} % at {seconds:g} CPU-s over {len(gaps)} runs, {met} at the "
            f"best known; asked {family.asked} % at {family.seconds:g} CPU-s; TS/PR {family.published}",
            flush=True,
        )
    return 0


def run(instance: JobShop, seed: int, seconds: float) -> dict[str, object]:
    """Return one row of the table."""
    known = best_known(instance)
    assert known is not None
    improvements: list[float] = []
    clock = CpuClock(Budget(time_limit_s=seconds, target=known.upper_bound), time.process_time())

    def report(solution: Schedule | None = None, *, bound: float | None = None) -> None:
        improvements.append(clock.elapsed_s())

    bound = best_bound(instance)
    outcome = improve(instance, best_rule_schedule(instance), clock, seed, report, options=Options(), bound=bound)
    spent = clock.elapsed_s()
    verdict = check(instance, outcome.solution)
    assert verdict.is_feasible
    assert verdict.objective == outcome.objective
    assert outcome.iterations is not None
    return {
        "instance": instance.name,
        "seed": seed,
        "limit_cpu_s": seconds,
        "makespan": int(verdict.objective),
        "best_known": int(known.upper_bound),
        "bound": bound,
        "gap_percent": round(100 * (verdict.objective / known.upper_bound - 1), 3),
        "best_cpu_s": round(improvements[-1], 2),
        "cpu_s": round(spent, 2),
        "moves": outcome.iterations,
        "thousand_moves_per_cpu_s": round(outcome.iterations / spent / 1000),
        "termination": str(outcome.termination),
    }


def _record(row: dict[str, object]) -> None:
    """Put a row into the file, in place of an older one of the same case."""

    def key(entry: dict[str, object]) -> tuple[str, ...]:
        return str(entry["instance"]), str(entry["seed"]), f"{float(str(entry['limit_cpu_s'])):g}"

    rows: list[dict[str, object]] = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            rows = [dict(old) for old in csv.DictReader(file) if key(dict(old)) != key(row)]
    order = list(FAMILIES)
    rows = sorted([*rows, row], key=lambda entry: (order.index(str(entry["class"])), *key(entry)))
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
