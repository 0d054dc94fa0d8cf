"""Print a table of the routing benchmarks as Markdown: methods and limits down, groups across, mean gaps in percent.

python benchmarks/routing_table.py benchmarks/results/routing_sizes.csv [tsp] [--intervals]

A method that ends by itself has its mean CPU seconds in brackets; one that runs until it is stopped has its limit.
"""

import argparse
import statistics
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from routing_rows import Row, read

from counterpoint.opt.evaluation.statistics import bootstrap_interval

SLACK = 0.8  # of its limit: who takes less has ended by itself


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("problem", nargs="?", default="")
    parser.add_argument("--intervals", action="store_true", help="95 %% intervals of the means")
    chosen = parser.parse_args(arguments)
    rows = [row for row in read(chosen.table) if chosen.problem in ("", row["problem"])]
    groups = list(dict.fromkeys(row["group"] for row in rows))
    sizes = [len({row["instance"] for row in rows if row["group"] == group}) for group in groups]
    heads = " | ".join(f"{group} ({size})" for group, size in zip(groups, sizes, strict=True))
    print(f"| method | limit | {heads} |\n|{'---|' * (len(groups) + 2)}")
    for method, limit in dict.fromkeys((row["method"], row["limit"]) for row in rows):
        cells = []
        for group in groups:
            mine = [row for row in rows if (row["method"], row["limit"], row["group"]) == (method, limit, group)]
            cells.append(_cell(mine, chosen.intervals))
        print(f"| `{method}` | {limit.replace('cpu_s=', '')} | {' | '.join(cells)} |")
    return 0


def _cell(rows: Sequence[Row], with_interval: bool) -> str:
    gaps = [row["gap_percent"] for row in rows]
    if not rows or None in gaps:
        return "-"
    cell = f"{statistics.mean(gaps):.2f}"
    if with_interval:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few instances: their number stands in the head
            interval = bootstrap_interval(gaps)
        cell += f" [{interval.low:.2f}, {interval.high:.2f}]"
    cpu = statistics.mean(row["cpu_s"] for row in rows)
    limit = rows[0]["limit"]
    ended = limit.startswith("cpu_s=") and cpu < SLACK * float(limit.removeprefix("cpu_s="))
    return f"{cell} ({cpu:.2g})" if ended or not limit.startswith("cpu_s=") else cell


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
