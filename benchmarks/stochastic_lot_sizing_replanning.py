"""MIPs that plan a plant of parallel machines again in every period, beside quick policies on the same scenarios.

Plants of the package with a horizon of 10 periods, where a plan of some periods is worth most; every policy in the same
scenarios, with the bounds: of what any policy can expect, and of each scenario by perfect information.

    python benchmarks/stochastic_lot_sizing_replanning.py                 # about ten minutes on one thread
    python benchmarks/stochastic_lot_sizing_replanning.py --scenarios 100
"""

import argparse
import csv
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import counterpoint as ct

POLICIES = (
    "idle", "keep-setup", "priority", "static-assignment:values=exact", "lagrangian", "rolling-mip:time_limit_s=0.3",
    "tree-mip:time_limit_s=0.3",
)  # fmt: skip  # as much time a period for both
PLANTS = ("plant-4x2", "plant-10x5")
HORIZON = 10
BOUND_S = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/stochastic_lot_sizing_replanning.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=24)
    parser.add_argument("--plants", default=",".join(PLANTS), help="names, separated by commas")
    parser.add_argument(
        "--out", default=str(Path(__file__).parent / "results" / "stochastic_lot_sizing_replanning.csv")
    )
    chosen = parser.parse_args(argv)
    rows = []
    for row in measure(chosen.plants.split(","), chosen.scenarios):
        rows.append(row)
        print(
            f"{row['plant']:12} {row['policy']:34} {row['mean']:8.2f} [{row['low']:8.2f},{row['high']:8.2f}]"
            f" behind {row['behind_best']:6.2f} [{row['behind_low']:6.2f},{row['behind_high']:6.2f}]"
            f" bounds {row['expected_bound']:7.2f} {row['perfect_information']:7.2f} {row['cpu_s']:8.3f} s",
            flush=True,
        )
    with Path(chosen.out).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"written: {chosen.out}")
    return 0


def measure(plants: Sequence[str], scenarios: int) -> Iterator[dict[str, Any]]:
    """Yield a row per plant and policy, best first; CPU seconds are of one scenario."""
    for name in plants:
        plant = dataclasses.replace(ct.benchmark(name), horizon=HORIZON)
        found = ct.evaluate(
            POLICIES, plant, scenarios=scenarios, seed=1, bound=True, bound_time_limit_s=BOUND_S, progress=False
        )
        summary = found.summary()
        perfect = float(found.frame["bound"].mean())
        for policy in summary.index:
            line = summary.loc[policy]
            keys = ("mean", "low", "high", "behind_best", "behind_low", "behind_high", "cpu_s")
            yield {
                "plant": name,
                "horizon": HORIZON,
                "scenarios": scenarios,
                "policy": policy,
                **{key: round(float(line[key]), 3) for key in keys},
                "expected_bound": round(float(found.expected_bound or 0.0), 3),
                "perfect_information": round(perfect, 3),
            }


if __name__ == "__main__":
    sys.exit(main())
