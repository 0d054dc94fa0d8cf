"""Rules, the randomised rule and the shifting bottleneck on Taillard's instances: quality and speed.

Quality is the gap to the best known makespan, mean of ten instances per size, in percent, beside the published
or independently measured figure (shared reference, table 2.1). Every schedule is judged by the checker.
Speed is operations dispatched per CPU second, schedule object included, beside job_shop_lib's rule solver where
COUNTERPOINT_JOB_SHOP_LIB_PYTHON names a Python that has it (job-shop-lib==1.7.2; else those rows are left out).

    python benchmarks/rules.py            # about two minutes
    python benchmarks/rules.py --quick    # two instances per size
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

import counterpoint as ct
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.rules.job_shop import schedule

SIZES = ("15x15", "20x15", "20x20", "30x15", "30x20", "50x15", "50x20", "100x20")
# method with options, iterations, published row of table 2.1 (percent); "other SGS" rows are for 15x15 only
QUALITY: tuple[tuple[str, int | None, tuple[float, ...]], ...] = (
    ("spt", None, (25.9, 32.8, 27.8, 35.3, 34.5, 24.1, 25.5, 14.4, 27.5)),
    ("fifo", None, (23.9, 31.4, 27.4, 31.2, 31.2, 20.7, 23.9, 13.6, 25.4)),
    ("mwkr", None, (19.2, 23.4, 21.8, 23.9, 25.2, 16.9, 17.9, 8.3, 19.6)),
    ("mopnr", None, (20.5, 23.6, 21.7, 22.8, 25.0, 17.4, 17.7, 9.2, 19.7)),
    ("fdd-mwkr", None, (17.7, 21.3, 19.9, 21.7, 24.1, 15.3, 16.3, 7.6, 18.0)),
    ("lrm", None, (19.5, 20.0, 17.7, 20.3, 23.8, 14.3, 15.2, 6.5, 17.2)),
    ("lpt", None, (41.2, 46.2, 40.9, 49.1, 50.3, 41.2, 43.7, 31.9, 43.1)),
    ("lwkr", None, (47.7, 47.0, 47.7, 49.9, 59.2, 38.5, 46.6, 28.9, 45.7)),
    ("srm", None, ()),
    ("random", None, (30.8, 35.2, 32.7, 35.7, 39.0, 24.4, 29.7, 16.5, 30.5)),
    ("randomised:rule=random", 32, (17.7, 22.6, 21.2, 25.0, 28.0, 16.3, 21.0, 11.4, 20.4)),
    ("randomised:rule=random", 1024, (13.6, 17.5, 17.1, 20.4, 23.5, 13.9, 17.7, 9.1, 16.6)),
    ("randomised:rule=mopnr", 128, (12.5, 16.4, 14.7, 17.3, 20.5, 13.5, 14.0, 7.1, 14.5)),
    ("randomised", 32, ()),
    ("randomised", 128, (12.5, 16.4, 14.7, 17.3, 20.5, 13.5, 14.0, 7.1, 14.5)),
    ("randomised", 1024, ()),
    ("shifting-bottleneck", None, (11.5, 11.0, 13.6, 15.1, 17.8, 13.2, 20.8, 15.6, 14.8)),
    ("spt:scheme=active", None, (58.4,)),
    ("spt:scheme=append", None, (416.9,)),
    ("spt:scheme=insert", None, (56.9,)),
    ("mwkr:scheme=active", None, (26.9,)),
    ("mwkr:scheme=append", None, (54.3,)),
    ("mwkr:scheme=insert", None, (27.0,)),
    ("mopnr:scheme=active", None, (26.8,)),
    ("mopnr:scheme=append", None, (41.4,)),
    ("mopnr:scheme=insert", None, (26.2,)),
    ("fdd-mwkr:scheme=active", None, (25.9,)),
    ("fdd-mwkr:scheme=append", None, (41.2,)),
    ("fdd-mwkr:scheme=insert", None, (24.9,)),
    ("fifo:scheme=active", None, (23.9,)),
    ("fifo:scheme=append", None, (23.9,)),
    ("fifo:scheme=insert", None, (23.9,)),
)
SPEED_INSTANCES = ("ta01", "ta41", "ta71")
SPEED_RULES = ("spt", "mwkr", "mopnr")
Row = dict[str, str | int | float]


def main(argv: Sequence[str] | None = None) -> int:
    """Print both tables and write benchmarks/results/rules.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two instances per size, nothing written")
    chosen = parser.parse_args(argv)
    rows = [*quality(2 if chosen.quick else 10), *speed()]
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "rules.csv"
        target.parent.mkdir(exist_ok=True)
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["table", "method", "where", "value", "published", "unit"])
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {target}")
    return 0


def quality(per_size: int) -> Iterator[Row]:
    """Mean gap per size of each method, seed 0."""
    print(f"gap to best known, percent, mean of {per_size} per size; in brackets the published row")
    print(f"{'method':34}", *(f"{size:>8}" for size in SIZES), f"{'all':>8}   CPU-s")
    for spec, iterations, published in QUALITY:
        ct.solve(ct.benchmark("ta01"), spec, iterations=iterations)  # compile outside the measurement
        results = [
            [ct.solve(ct.benchmark(f"ta{10 * k + i + 1:02d}"), spec, iterations=iterations) for i in range(per_size)]
            for k in range(len(SIZES))
        ]
        gaps = [float(np.mean([_gap(r) for r in row])) for row in results]
        cpu = sum(r.cpu_s for row in results for r in row)
        label = f"{spec} best of {iterations}" if iterations else spec
        print(f"{label:34}", *(f"{g:8.1f}" for g in gaps), f"{np.mean(gaps):8.1f} {cpu:7.2f}")
        if published:
            print(f"{'':34}", *(f"{f'({g:.1f})':>8}" for g in published))
        for where, value, known in zip([*SIZES, "all"], [*gaps, float(np.mean(gaps))], _padded(published), strict=True):
            yield _row("quality", label, where, round(value, 2), known, "% above best known")
        yield _row("quality", label, "cpu", round(cpu / (per_size * len(SIZES)), 5), "", "CPU s per instance")


def speed() -> Iterator[Row]:
    """Operations dispatched per CPU second, ours and job_shop_lib's."""
    peer = os.environ.get("COUNTERPOINT_JOB_SHOP_LIB_PYTHON")
    theirs = _peer(peer) if peer else {}
    if not peer:
        print("\nCOUNTERPOINT_JOB_SHOP_LIB_PYTHON is not set: job_shop_lib's rows are left out")
    print(f"\n{'operations per CPU second':34} {'ours':>12} {'job_shop_lib':>12} {'ratio':>8}   makespans")
    for name in SPEED_INSTANCES:
        shop = ct.benchmark(name)
        for rule in SPEED_RULES:
            ours = _steps_per_cpu_s(lambda shop=shop, rule=rule: schedule(shop, rule), shop.num_operations)
            makespan = schedule(shop, rule).makespan
            yield _row("speed", rule, name, round(ours), "", "operations per CPU s")
            line = f"{name} {rule} nondelay"
            if (name, rule) in theirs:
                steps, peer_makespan = theirs[name, rule]
                yield _row("speed", f"job_shop_lib 1.7.2 {rule}", name, round(steps), "", "operations per CPU s")
                print(f"{line:34} {ours:12,.0f} {steps:12,.0f} {ours / steps:8.0f}   {makespan} / {peer_makespan}")
            else:
                print(f"{line:34} {ours:12,.0f} {'-':>12} {'-':>8}   {makespan}")


def _gap(result: ct.Result) -> float:
    """Percent above the best known makespan; raises if the run went wrong."""
    from counterpoint.datasets.registry import best_known

    known = best_known(result.instance)
    if result.objective is None or known is None or known.upper_bound is None or result.termination == "error":
        raise RuntimeError(f"{result!r}: {result.message}")
    return 100 * (result.objective / known.upper_bound - 1)


def _steps_per_cpu_s(build: Callable[[], object], steps: int) -> float:
    build()
    started, runs = time.process_time(), 0
    while runs == 0 or time.process_time() - started < 0.2:
        build()
        runs += 1
    return runs * steps / (time.process_time() - started)


def _peer(python: str) -> dict[tuple[str, str], tuple[float, int]]:
    """Speed and makespan of job_shop_lib by (instance, rule)."""
    shops: dict[str, JobShop] = {name: ct.benchmark(name) for name in SPEED_INSTANCES}
    jobs = {
        name: [
            np.column_stack([shop.machine[a:b], shop.duration[a:b]]).tolist()
            for a, b in zip(shop.job_offsets, shop.job_offsets[1:], strict=False)
        ]
        for name, shop in shops.items()
    }
    script = Path(__file__).with_name("rules_peer.py")
    done = subprocess.run([python, script], input=json.dumps(jobs), capture_output=True, text=True, check=True)
    return {(r["instance"], r["rule"]): (r["steps_per_cpu_s"], r["makespan"]) for r in json.loads(done.stdout)}


def _padded(published: tuple[float, ...]) -> list[float | str]:
    return [*published, *[""] * (len(SIZES) + 1 - len(published))]


def _row(table: str, method: str, where: str, value: float, published: float | str, unit: str) -> Row:
    return {"table": table, "method": method, "where": where, "value": value, "published": published, "unit": unit}


if __name__ == "__main__":
    sys.exit(main())
