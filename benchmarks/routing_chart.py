"""Draw gap against time, one panel for each size, from the table of routing_sizes.py.

python benchmarks/routing_chart.py [--table benchmarks/results/routing_sizes.csv] [--problem tsp] [--out FILE.png]

Both axes are logarithmic; a mean gap below 0.01 % is drawn on the lower edge, as are gaps of 0.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from routing_rows import RESULTS, Row, read

from counterpoint.opt.plots.canvas import PALETTE, tidy, title

FLOOR = 0.01  # percent
IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=RESULTS / "routing_sizes.csv")
    parser.add_argument("--problem", default="tsp")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    mpl.use("Agg")
    rows = [row for row in read(chosen.table) if row["problem"] == chosen.problem]
    if not rows:
        print(f"no rows of {chosen.problem} in {chosen.table}: run benchmarks/routing_sizes.py first", file=sys.stderr)
        return 1
    figure = draw(rows)
    out = chosen.out or IMAGES / f"routing_sizes_{chosen.problem}.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    print(out)
    return 0


def draw(rows: Sequence[Row]) -> Any:
    """Return a figure: mean processor seconds across, mean gap upwards; one line or dot for each method."""
    from matplotlib import pyplot

    groups = list(dict.fromkeys(row["group"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure, panels = pyplot.subplots(
        1, len(groups), figsize=(3.1 * len(groups), 3.9), sharex=True, sharey=True, squeeze=False
    )
    for panel, group in zip(panels[0], groups, strict=True):
        for k, method in enumerate(methods):
            points = _points([row for row in rows if (row["group"], row["method"]) == (group, method)])
            if points:
                is_learned = method.startswith("bq")
                panel.plot(
                    *zip(*points, strict=True), "-" if len(points) > 1 else "", marker="s" if is_learned else "o",
                    markersize=6 if is_learned else 4.5, color=PALETTE[k % len(PALETTE)], label=_name(method),
                    markerfacecolor="white" if k >= len(PALETTE) else None,
                )  # fmt: skip
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_ylim(bottom=0.8 * FLOOR)
        panel.set_xlabel("CPU seconds an instance")
        title(panel, group.replace("-", " "))
        tidy(panel, "both")
    panels[0][0].set_ylabel("mean gap to best found, %")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=min(5, len(labels)), frameon=False, fontsize="small")
    figure.tight_layout(rect=(0, 0.05 + 0.05 * -(-len(labels) // 5), 1, 1))
    return figure


def _points(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Return (CPU seconds, gap) for each limit of a method, means over instances, in order of time."""
    found = []
    for limit in dict.fromkeys(row["limit"] for row in rows):
        mine = [row for row in rows if row["limit"] == limit]
        if all(row["gap_percent"] is not None for row in mine):
            cpu, gap = (statistics.mean(row[name] for row in mine) for name in ("cpu_s", "gap_percent"))
            found.append((max(cpu, 1e-4), max(gap, FLOOR)))
    return sorted(found)


def _name(method: str) -> str:
    """Return how a method is called in the chart: bare `bq` uses its time, others end by themselves."""
    return {"bq": "bq, anytime", "bq:reconstructions=0": "bq, greedy"}.get(method) or method.replace(
        ":reconstructions=0,", ", "
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
