"""What PPO reaches on two tasks of Gymnasium with settings that other seeds chose; `ppo.py` has CartPole.

The settings are those of `models.training.ppo_gymnasium`; every run is trained to its end, and the network as it is
then is judged, greedily and with its statistics frozen, on 100 episodes that no training has seen. Lunar Lander's
settings were chosen on seed 101, Acrobot's on 12 and 21.

    python benchmarks/ppo_tasks.py              # 12 CPU minutes
    python benchmarks/ppo_tasks.py --quick      # few iterations on one seed, nothing written
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from counterpoint.models.training.ppo_gymnasium import ACROBOT, LUNAR_LANDER, Config, build, greedy_returns

EPISODES, JUDGED_FROM = 100, 10**7  # number and first seed of the episodes to judge on
TASKS = (  # settings, what is asked, seeds
    (LUNAR_LANDER, 200.0, range(4)),
    (ACROBOT, -95.0, (10, 11, 13)),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/ppo_tasks.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few iterations on one seed, nothing written")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    quick = ((replace(ACROBOT, iterations=2), -95.0, range(10, 11)),)
    rows: list[dict[str, Any]] = []
    for config, asked, seeds in quick if chosen.quick else TASKS:
        for seed in seeds:
            rows.append(row := _run(config, asked, seed))
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            if not chosen.quick:
                _write(rows)
    return 0


def _write(rows: list[dict[str, Any]]) -> None:
    target = Path(__file__).parent / "results" / "ppo_tasks.csv"
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _run(config: Config, asked: float, seed: int) -> dict[str, Any]:
    """Train and judge once."""
    trainer = build(config, seed, "cpu")
    started = time.process_time()
    for _ in range(config.iterations):
        trainer.step()
    cpu = time.process_time() - started
    returns = greedy_returns(trainer.network, config.env_id, EPISODES, JUDGED_FROM)
    return {
        "task": config.env_id, "seed": seed, "steps": trainer.samples, "cpu_s": round(cpu, 1), "asked": asked,
        "mean": round(float(returns.mean()), 1), "deviation": round(float(returns.std()), 1),
        "least": round(float(returns.min()), 1),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
