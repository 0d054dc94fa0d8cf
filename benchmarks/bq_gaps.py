"""What the learned method `bq` is worth, by every way of decoding, beside the best rule and local search.

    python benchmarks/bq_gaps.py [--quick] [--only tsp,cvrp] [--sizes 20] [--instances 8]

Instances of the generators of `routing_sizes`, seeds that nothing was trained or chosen on; one thread, limits in
processor seconds (see `routing_rows`). Decoded greedily, by a beam of 16, as the best of 16 drawn (with both, the
greedy solution is made too, and may be the better), and rebuilt until a limit. Gaps: to the best value that any row
holds for the instance, in most cases that of the longer run of local search (or HGS; knapsacks: the optimum). About
five processor minutes, what is small first; --quick: two instances of the smallest size.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from routing_rows import RESULTS, merge, run, show, warm_up
from routing_sizes import BUILT, SUBJECTS

FIRST_SEED = 940_000  # far from what anything is trained on, and not those of the other tables of gaps
DECODED = (*BUILT, "bq:reconstructions=0,samples=16")
QUICKLY_S = 0.02  # of local search: less than the greedy solution takes
QUICK = 2, 0.1


@dataclass(frozen=True)
class Beside:
    """What stands beside the learned method, a rule, a quick method and long runs, and on what.

    `sizes`: instances of a size, and seconds of each long run and of rebuilding.
    """

    rule: str
    quick: str
    long: tuple[str, ...]
    sizes: dict[int, tuple[int, float]]


BESIDE = {
    "tsp": Beside(
        "farthest-insertion", "local-search", ("local-search",), {20: (100, 0.1), 50: (16, 0.5), 100: (6, 1)}
    ),
    "atsp": Beside(
        "farthest-insertion", "local-search", ("local-search",), {20: (30, 0.1), 50: (12, 0.5), 100: (4, 1)}
    ),
    "cvrp": Beside("savings", "local-search", ("local-search", "hygese"), {20: (26, 0.1), 50: (12, 0.5), 100: (4, 1)}),
    "orienteering": Beside(
        "greedy-insertion", "local-search", ("local-search",), {20: (20, 0.1), 50: (20, 0.5), 100: (5, 1)}
    ),
    "knapsack": Beside("density-greedy", "dynamic-programming", (), {100: (60, 0.3)}),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(BESIDE), help="problems")
    parser.add_argument("--sizes", help="default: all")
    parser.add_argument("--instances", type=int, help="of each size")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    out = chosen.out or RESULTS / ("bq_gaps_quick.csv" if chosen.quick else "bq_gaps.csv")
    names = chosen.only.split(",")
    warm_up((SUBJECTS[name].make(30, 0), method) for name in names for method in _once(name) + list(_long(name)))
    groups = [(size, name) for name in names for size in BESIDE[name].sizes]
    for size, name in sorted(groups, key=lambda group: group[0]):  # what is quick first
        if chosen.sizes and str(size) not in chosen.sizes.split(","):
            continue
        count, seconds = QUICK if chosen.quick else BESIDE[name].sizes[size]
        asked = [(method, None) for method in _once(name)] + [(BESIDE[name].quick, QUICKLY_S)]
        asked += [(method, seconds) for method in _long(name)]
        for k in range(chosen.instances or count):
            instance = SUBJECTS[name].make(size, FIRST_SEED + k)
            rows = [run(f"{name}-{size}", instance, method, limit) for method, limit in asked]
            table = merge(out, [row for row in rows if row is not None])
        show([row for row in table if row["group"] == f"{name}-{size}"])
        sys.stdout.flush()
    return 0


def _once(name: str) -> list[str]:
    """Return what ends by itself."""
    return [*DECODED, BESIDE[name].rule]


def _long(name: str) -> tuple[str, ...]:
    """Return what runs until it is stopped."""
    return ("bq", *BESIDE[name].long)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
