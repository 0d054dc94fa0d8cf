"""Sizes: how rules, solvers and the learned policies of routing and packing fare as instances grow, at equal time.

    python benchmarks/routing_sizes.py [--full] [--problems tsp,cvrp] [--sizes 100] \
        [--methods "all|classical|learned|local-search;bq:width=16"]

Random instances of the published distributions (see `datasets/generators`), one thread. Methods that run until they
are stopped get each of the limits; those that end by themselves run once, with the largest limit, and their CPU
seconds say which columns they belong to. Limits are processor seconds (see `routing_rows`). Quick (default): 4
instances of a size, 0.1 and 0.5 s, into routing_sizes_quick.csv; --full: 8 instances, 0.1, 1 and 10 s, into
routing_sizes.csv, about an hour on a machine of its own. Rows of runs that are not made again are kept. Gaps: to the
best value found on the instance by any row of the table.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routing_rows import RESULTS, Row, merge, run, show, warm_up

from counterpoint.datasets.generators import cvrp, knapsack, orienteering, tsp

FIRST_SEED = 900_000  # far from what anything is trained on


@dataclass(frozen=True)
class Subject:
    """A problem: its instances by size and seed, and its methods.

    `once` end by themselves; `limited` run until they are stopped. Those that are called bq are learned.
    """

    make: Callable[[int, int], Any]
    sizes: tuple[int, ...]
    once: tuple[str, ...]
    limited: tuple[str, ...]


BUILT = ("bq:reconstructions=0", "bq:reconstructions=0,width=16")
REBUILT = ("bq",)
SUBJECTS = {
    "tsp": Subject(
        lambda size, seed: tsp.uniform(places=size, seed=seed),
        (100, 200, 500, 1000),
        ("nearest-neighbour", "farthest-insertion", *BUILT),
        ("local-search", "fast-tsp", "or-tools-routing", *REBUILT),
    ),
    "atsp": Subject(
        lambda size, seed: tsp.matrix(places=size, seed=seed),
        (50, 100),
        ("nearest-neighbour", "farthest-insertion", *BUILT),
        ("local-search", "fast-tsp", "or-tools-routing", *REBUILT),
    ),
    "cvrp": Subject(
        lambda size, seed: cvrp.uniform(customers=size, seed=seed),
        (100, 200, 500),
        ("nearest-neighbour", "sweep", "savings", *BUILT),
        ("local-search", "hygese", "pyvrp", "or-tools-routing", *REBUILT),
    ),
    "orienteering": Subject(
        lambda size, seed: orienteering.uniform(places=size, seed=seed),
        (50, 100, 200),
        ("greedy-insertion", *BUILT),
        ("local-search", "pyvrp", *REBUILT),
    ),
    "knapsack": Subject(
        lambda size, seed: knapsack.uniform(items=size, seed=seed),
        (50, 100, 200),
        ("density-greedy", "dynamic-programming", *BUILT),
        REBUILT,
    ),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--problems", default=",".join(SUBJECTS))
    parser.add_argument("--methods", default="all", help="all, classical, learned, or names with ; between them")
    parser.add_argument("--sizes", default="", help="default: all")
    parser.add_argument("--instances", type=int, help="of each size; default 8 with --full, else 4")
    parser.add_argument("--limits", help="processor seconds; default 0.1,1,10 with --full, else 0.1,0.5")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    out = chosen.out or RESULTS / ("routing_sizes.csv" if chosen.full else "routing_sizes_quick.csv")
    limits = [float(limit) for limit in (chosen.limits or ("0.1,1,10" if chosen.full else "0.1,0.5")).split(",")]
    count = chosen.instances or (8 if chosen.full else 4)
    for name in chosen.problems.split(","):
        subject = SUBJECTS[name]
        once, limited = (_chosen(chosen.methods, names) for names in (subject.once, subject.limited))
        warm_up((subject.make(30, 0), method) for method in once + limited)
        for size in map(int, chosen.sizes.split(",") if chosen.sizes else subject.sizes):
            for k in range(count):
                instance = subject.make(size, FIRST_SEED + k)
                rows: list[Row | None] = [run(f"{name}-{size}", instance, method, limits[-1]) for method in once]
                rows += [run(f"{name}-{size}", instance, method, limit) for method in limited for limit in limits]
                table = merge(out, [row for row in rows if row is not None])
            show([row for row in table if row["group"] == f"{name}-{size}"])
            sys.stdout.flush()
    return 0


def _chosen(methods: str, names: Sequence[str]) -> list[str]:
    """Return those of a subject's methods that the option asks for; learned ones of other options as they are."""
    if methods == "all":
        return list(names)
    if methods in ("classical", "learned"):
        return [name for name in names if name.startswith("bq") == (methods == "learned")]
    listed = methods.split(";")
    rebuilt = "bq" in names
    other = [m for m in listed if m.startswith("bq") and m not in names and ("reconstructions=0" not in m) == rebuilt]
    return [name for name in names if name in listed] + other


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
