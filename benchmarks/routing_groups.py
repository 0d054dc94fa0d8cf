"""Public instances by group: TSPLIB by size and CVRPLIB by set, gaps to published values, at equal time.

    python benchmarks/routing_groups.py [--full] [--data FOLDER] [--seconds 1] [--methods "all|classical|learned|a;b"] \
        [--groups "TSPLIB 200-500;TSPLIB >1k"] [--most 6]

Reads every .tsp, .atsp and .vrp below FOLDER (default ``$COUNTERPOINT_DATA/routing``, ``../shared/data/routing``) whose
best value is known; without it the shipped instances alone, saying so. The groups of TSPLIB are those of published
tables (EUC_2D by size); other metrics, matrices and asymmetric matrices stand apart. Each method has the same processor
seconds on an instance (see `routing_rows`); rules and greedy policies end by themselves. Quick (default): 0.2 s, up to
500 places, into routing_groups_quick.csv; --full: 1 s, up to 2,500, into routing_groups.csv, some 10 minutes on a
machine of its own. Rows of runs that are not made again are kept. Where the time does not suffice for all, --most takes
so many instances of each group, at even steps through its order by size, the smallest and the largest among them.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from routing_rows import DATA, RESULTS, merge, run, show, warm_up

import counterpoint as ct
from counterpoint.datasets.generators import cvrp, tsp
from counterpoint.datasets.registry import best_known
from counterpoint.opt.errors import InstanceError

LEARNED = ("bq:reconstructions=0", "bq:reconstructions=0,width=16", "bq")
METHODS = {
    "tsp": ("nearest-neighbour", "farthest-insertion", "local-search", "fast-tsp", "or-tools-routing", *LEARNED),
    "cvrp": ("savings", "sweep", "local-search", "hygese", "pyvrp", "or-tools-routing", *LEARNED),
}
SIZES = ((100, "<100"), (200, "100-200"), (500, "200-500"), (1000, "500-1k"), (10**9, ">1k"))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--problems", default="tsp,cvrp")
    parser.add_argument("--methods", default="all")
    parser.add_argument("--seconds", type=float, help="default 1 with --full, else 0.2")
    parser.add_argument("--largest", type=int, help="places; default 2500 with --full, else 500")
    parser.add_argument("--groups", default="", help="names with ; between them; default: all")
    parser.add_argument("--most", type=int, default=10**9, help="instances of a group")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    out = chosen.out or RESULTS / ("routing_groups.csv" if chosen.full else "routing_groups_quick.csv")
    seconds = chosen.seconds or (1.0 if chosen.full else 0.2)
    largest = chosen.largest or (2500 if chosen.full else 500)
    pieces = sorted(
        ((group_of(instance), instance) for instance in public(chosen.data) if len(instance.places) <= largest),
        key=lambda pair: (pair[1].problem, len(pair[1].places), pair[1].name),
    )
    for problem in chosen.problems.split(","):
        methods = _chosen(chosen.methods, METHODS[problem])
        small = tsp.uniform(places=30) if problem == "tsp" else cvrp.uniform(customers=30)
        warm_up((small, method) for method in methods)
        mine = [(group, instance) for group, instance in pieces if instance.problem == problem]
        for name in dict.fromkeys(group for group, _ in mine):
            if chosen.groups and name not in chosen.groups.split(";"):
                continue
            for instance in spread([instance for group, instance in mine if group == name], chosen.most):
                rows = [run(name, instance, method, seconds) for method in methods if takes(instance, method)]
                table = merge(out, [row for row in rows if row is not None])
            show([row for row in table if row["group"] == name])
            sys.stdout.flush()
    return 0


def public(data: Path) -> Iterator[Any]:
    """Yield the instances of a folder whose best values are known, else those that are shipped."""
    files = sorted(path for path in data.rglob("*") if path.suffix in (".tsp", ".atsp", ".vrp"))
    if not files:
        print(f"no instances in {data} (--data): the shipped ones alone", flush=True)
        yield from (ct.benchmark(name) for problem in METHODS for name in ct.benchmarks(problem=problem))
    for path in files:
        try:
            instance = ct.read(path)
        except InstanceError as error:
            print(f"left out: {error}", flush=True)
            continue
        if best_known(instance) is not None:
            yield instance


def group_of(instance: Any) -> str:
    """Return the group that a published table would put an instance in."""
    size = next(name for most, name in SIZES if len(instance.places) < most)
    if instance.problem == "cvrp":
        return f"CVRPLIB {instance.name[:1].upper()} {size}"
    if "asymmetric" in instance.features:
        return "TSPLIB asymmetric"
    if instance.places.points is None:
        return "TSPLIB matrices"
    return f"TSPLIB {size}" if instance.places.metric == "euc-2d" else "TSPLIB other metrics"


def spread(instances: Sequence[Any], most: int) -> list[Any]:
    """Return at most so many of them, at even steps, the first and the last among them."""
    count = min(most, len(instances))
    return [instances[round(k * (len(instances) - 1) / max(1, count - 1))] for k in range(count)]


def takes(instance: Any, method: str) -> bool:
    """Return whether to ask a method at all: a rule by angles needs points."""
    return instance.places.points is not None or not method.startswith("sweep")


def _chosen(methods: str, names: Sequence[str]) -> list[str]:
    if methods == "all":
        return list(names)
    if methods in ("classical", "learned"):
        return [name for name in names if name.startswith("bq") == (methods == "learned")]
    return [name for name in methods.split(";") if name in names or name.startswith("bq")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
