"""How far short of the exact optimum of frozen lakes PPO and post-decision PPO end, and why.

Each lake of 8 x 8 cells is trained on from the first cell, as published, and once more with walks that start in every
cell; both are judged from the first cell, exactly, by a linear system. The settings are the training's defaults, the
lakes were used for nothing else, and the policy is the last one of its run.

    python benchmarks/frozen_lake.py            # 2 CPU minutes
    python benchmarks/frozen_lake.py --quick    # one lake, few iterations, nothing written
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from counterpoint.models.training.frozen_lake import Config, build

LAKES = range(10, 13)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/frozen_lake.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one lake, few iterations, nothing written")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    print("lake algorithm starts        CPU s   % short of the optimum: likeliest moves, drawn moves")
    for lake in LAKES[:1] if chosen.quick else LAKES:
        for algorithm in ("ppo", "pdppo"):
            for starts in ("first cell", "anywhere"):
                config = Config(
                    algorithm=algorithm,
                    map_seed=lake,
                    starts_anywhere=starts == "anywhere",
                    **({"iterations": 3} if chosen.quick else {}),
                )
                rows.append(row := {"lake": lake, "algorithm": algorithm, "starts": starts, **_run(config)})
                print(f"{lake:4} {algorithm:9} {starts:12} {row['cpu_s']:6} {row['gap_percent']:8} "
                      f"{row['drawn_gap_percent']:8}", flush=True)  # fmt: skip
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "frozen_lake.csv"
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {target}")
    return 0


def _run(config: Config) -> dict[str, Any]:
    """Train once; return the CPU seconds and the last policy's gaps."""
    trainer = build(config, seed=0, device="cpu")
    started = time.process_time()
    for _ in range(config.iterations):
        trainer.step()
    cpu = time.process_time() - started
    figures = trainer.evaluate()
    gaps = {key: round(figures[key], 2) for key in ("gap_percent", "drawn_gap_percent")}
    return {"cpu_s": round(cpu, 1), **gaps}


if __name__ == "__main__":
    sys.exit(main())
