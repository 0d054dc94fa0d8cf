"""What a supervised process per case costs, and how soon what must end has ended.

Cases: the rule `spt` on random 10 x 10 job shops, so that nearly all the time is overhead; beside it the same
cases by a spawned process each (multiprocessing's other way to a clean process). Misbehaving methods are those
of tests/opt/studies/bad_methods.py. Writes benchmarks/results/studies.csv.

    python benchmarks/studies.py            # about three minutes
    python benchmarks/studies.py --quick    # fewer tries, no real solvers
"""

import argparse
import csv
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.result import Result, Termination
from counterpoint.opt.solving import solve
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.study import run_study

TESTS = Path(__file__).resolve().parent.parent / "tests" / "opt" / "studies"
RESULTS = Path(__file__).resolve().parent / "results" / "studies.csv"
Row = tuple[str, float, str, str]


def main(argv: Sequence[str]) -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args(argv).quick
    sys.path.insert(0, str(TESTS))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Path(folder), is_quick):
            print(f"{row[0]:58} {row[1]:10.3f} {row[2]:9} {row[3]}", flush=True)
            rows.append(row)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("what", "value", "unit", "note"))
        writer.writerows((what, f"{value:.4g}", unit, note) for what, value, unit, note in rows)
    return 0


def measure(folder: Path, is_quick: bool) -> Iterator[Row]:
    """Yield the rows as they are measured."""
    yield from overhead(folder, 50 if is_quick else 300)
    yield from spawned(5 if is_quick else 20)
    yield from batch_of_twenty()
    yield from deaf_workers(50 if is_quick else 200)
    yield from memory_overshoot(3 if is_quick else 20)
    for name in ("improve", "hang", *(() if is_quick else ("cp-sat", "mip-disjunctive", "tabu"))):
        yield interruption(folder / name, name)


def overhead(folder: Path, count: int) -> Iterator[Row]:
    """One worker at a time; the difference of two sizes takes the start of the fork server out."""
    few, many = count // 5, count
    times = {}
    for size in (few, few, many):  # the first to warm the file cache
        cases = [Case(shop(i), "spt") for i in range(size)]
        times[size] = timed(lambda cases=cases, size=size: run_study(cases, store=folder / f"{size}", workers=1))
        for left in folder.glob(f"{size}*"):
            left.unlink()
    wall, cpu = (1e3 * (m - f) / (many - few) for m, f in zip(times[many], times[few], strict=True))
    yield "a case, warm fork server, stored", wall, "ms wall", f"{many} cases less {few}"
    yield "a case, warm fork server, stored", cpu, "ms CPU", "driver, fork server and workers"
    yield "start and end of a study", 1e3 * times[few][0] - few * wall, "ms wall", "imports and compiled kernels"


def spawned(count: int) -> Iterator[Row]:
    """The same by ``multiprocessing.get_context("spawn")``."""
    context = multiprocessing.get_context("spawn")

    def one(i: int) -> None:
        process = context.Process(target=solve, args=(shop(i), "spt"))
        process.start()
        process.join()

    wall, cpu = timed(lambda: [one(i) for i in range(count)])
    yield "a case, process spawned for it, not stored", 1e3 * wall / count, "ms wall", f"{count} cases"
    yield "a case, process spawned for it, not stored", 1e3 * cpu / count, "ms CPU", ""


def batch_of_twenty() -> Iterator[Row]:
    """17 good cases, a crash, a native hang deaf to SIGINT and SIGTERM, a memory eater; limit 2 s, grace 5 s."""
    cases = [bad("quick", seed) for seed in range(17)]
    for place, name in ((3, "segfault"), (8, "hang"), (12, "eat_memory")):
        cases.insert(place, bad(name, 0, 2.0))
    results: list[Result] = []
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    wall, cpu = timed(lambda: results.extend(run_study(cases, workers=2, memory_limit_mb=300)))
    good = sum(r.termination is Termination.COMPLETED for r in results)
    ends = ", ".join(f"{r.method} {r.termination}" for r in results if r.termination is not Termination.COMPLETED)
    kept = sum(r.objective is not None for r in results)
    yield "batch of 20, limit 2 s + grace 5 s", wall, "s wall", f"{good} good; {ends}; {kept} hold a solution"
    yield "batch of 20, limit 2 s + grace 5 s", cpu, "s CPU", ""
    left = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    yield "processes left behind by it", len(left), "", ""


def deaf_workers(count: int) -> Iterator[Row]:
    """How long after limit + grace a deaf worker is gone."""
    results = run_study([bad("hang", seed, 0.5) for seed in range(count)], workers=25)
    late = [r.wall_s - 5.5 for r in results]
    kept = sum(r.objective is not None and r.termination is Termination.KILLED for r in results)
    yield "deaf worker gone after limit + 5 s grace, worst", max(late), "s", f"{kept} of {count} killed, incumbent kept"
    yield "deaf worker gone after limit + 5 s grace, median", float(np.median(late)), "s", "25 at a time"


def memory_overshoot(count: int) -> Iterator[Row]:
    """How far above its limit a worker's peak was."""
    limit = 500
    results = run_study([bad("eat_memory", seed, 30.0) for seed in range(count)], workers=1, memory_limit_mb=limit)
    peaks = [float(found[1]) for r in results if (found := re.search(r"held (\d+) MB", r.message))]
    ended = sum(r.termination is Termination.MEMORY for r in results)
    worst = 100 * (max(peaks) / limit - 1) if peaks else 0.0
    yield f"memory limit {limit} MB, worst overshoot", worst, "%", f"{ended} of {count} ended as memory"


def interruption(folder: Path, name: str) -> Row:
    """Seconds from Ctrl-C to the end of the driver, with two cases of this method running."""
    folder.mkdir()
    settings = [folder / "store", folder / "log", 3, 0, name, 60]
    driver = subprocess.Popen(
        [sys.executable, TESTS / "drive.py", *map(str, settings)],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # we may be a background job
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    while len(workers(driver.pid)) < 2 and driver.poll() is None:
        time.sleep(0.05)
    time.sleep(4.0)
    began = time.monotonic()
    driver.send_signal(signal.SIGINT)
    out, _ = driver.communicate()
    took = time.monotonic() - began
    rows = json.loads(out)["rows"]
    held = sum(row[2] is not None for row in rows)
    return f"Ctrl-C to the end of the study, {name}", took, "s", f"{held} of {len(rows)} running cases kept their best"


def workers(pid: int) -> list[psutil.Process]:
    """The grandchildren of the driver."""
    return [w for server in psutil.Process(pid).children() for w in server.children()]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, of children that have ended too."""

    def cpu() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(u.ru_utime + u.ru_stime for u in both)

    wall_0, cpu_0 = time.monotonic(), cpu()
    work()
    return time.monotonic() - wall_0, cpu() - cpu_0


def shop(index: int) -> JobShop:
    """A random 10 x 10 job shop."""
    rng = np.random.default_rng(index)
    machines = np.array([rng.permutation(10) for _ in range(10)])
    return JobShop.from_matrices(f"random-{index}", machines, rng.integers(1, 100, (10, 10)))


def bad(name: str, seed: int, time_limit_s: float = 10.0) -> Case:
    """A case of one of the tests' methods."""
    import bad_methods

    return Case(bad_methods.shop(1), bad_methods.method(name), seed, Budget(time_limit_s))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
