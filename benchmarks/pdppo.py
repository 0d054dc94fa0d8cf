"""An ablation of post-decision PPO on plants of parallel machines: PPO, the corrected form, and the published rule.

All arms train for the same number of steps with the same settings from the same network, seed by seed; what differs is
the advantage (and the second critic that it needs). The last policy of each run, never the best of a run, is judged on
512 scenarios that no run has seen, the same for all, with drawn and with likeliest actions; beside them the static
assignment on the same scenarios. Intervals are Student's over the seeds, of the cost and of its difference to PPO's of
the same seed. CPU seconds are of training alone, on one thread.

    python benchmarks/pdppo.py                     # needs the published plants, see --data; 40 CPU minutes
    python benchmarks/pdppo.py --quick             # one generated plant, one seed, few steps, nothing written
    python benchmarks/pdppo.py --device cuda --seeds 10 --steps 1000000
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor

from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.training import stochastic_lot_sizing as ppo
from counterpoint.models.training import stochastic_lot_sizing_pdppo as pdppo
from counterpoint.models.training.stochastic_lot_sizing_validation import Validation
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.solvers.rules.stochastic_lot_sizing import assignment, exact_values

ARMS: dict[str, dict[str, Any] | None] = {
    "ppo": None,
    "pdppo-corrected": {"mode": "corrected", "shock_weight": 0.0},
    "pdppo-half": {"mode": "corrected", "shock_weight": 0.5},
    "pdppo-faithful": {"mode": "faithful"},
}
PLANTS = ("plant_20items_10machines_t100", "setting_6items_3machines", "setting_10items_5machines")
FRESH, SCENARIOS = 7, 512  # seed and number of the scenarios to judge on
ROOT = Path(__file__).parent


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables and write benchmarks/results/pdppo.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent.parent / "shared" / "data")) / "lot_sizing" / "plant"
    parser.add_argument("--data", type=Path, default=data, help="folder of the published plants")
    parser.add_argument("--plants", nargs="+", default=list(PLANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="a generated plant, one seed, nothing written")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    cases = [""] if chosen.quick else [str(chosen.data / f"{name}.json") for name in chosen.plants]
    seeds, steps = (1, 6400) if chosen.quick else (chosen.seeds, chosen.steps)
    rows: list[dict[str, Any]] = []
    for case in cases:
        config = ppo.Config(case=case, generated=ppo.Generated(4, 2), iterations=1)
        per_iteration = config.ppo.steps * config.num_envs
        config = replace(config, iterations=max(1, steps // per_iteration))
        plant = ppo.plant_of(config)
        judge = Validation.draw(plant, SCENARIOS, chosen.device, FRESH)
        static = float(judge.play(Always(plant)).mean())
        print(f"\n{plant.name}: static assignment {static:.1f}", flush=True)
        rows.append(_row(plant, "static-assignment", "", 0, 0.0, static, static))
        for seed in range(seeds):
            for arm in ARMS:
                trainer = trainer_of(arm, config, seed, chosen.device)
                started = time.process_time()
                for _ in range(config.iterations):
                    trainer.step()
                cpu = time.process_time() - started
                drawn = judge.play(trainer.network, torch.Generator(chosen.device).manual_seed(FRESH))
                costs = float(drawn.mean()), float(judge.play(trainer.network).mean())
                row = _row(plant, arm, seed, trainer.samples, cpu, *costs)
                rows.append(row)
                print(f"  {arm:16} seed {seed}  drawn {row['cost']:8.1f}  greedy {row['greedy_cost']:8.1f}  "
                      f"{cpu:6.1f} CPU s", flush=True)  # fmt: skip
                if not chosen.quick:
                    _write(rows)
        summarise([row for row in rows if row["plant"] == plant.name])
    return 0


def trainer_of(arm: str, config: ppo.Config, seed: int, device: str) -> Any:
    """Return the trainer of an arm; all of a seed start from the same network and the same plants."""
    form = ARMS[arm]
    if form is None:
        return ppo.build(config, seed, device)
    wide = pdppo.Config(
        iterations=config.iterations, num_envs=config.num_envs, case=config.case, generated=config.generated,
        pdppo=PdppoConfig(**form, ppo=config.ppo),
    )  # fmt: skip
    return pdppo.build(wide, seed, device)


def summarise(rows: Sequence[dict[str, Any]]) -> None:
    """Print mean costs over the seeds, and mean differences to PPO's of the same seed, with 95 % intervals."""
    cost = {arm: {r["seed"]: r["cost"] for r in rows if r["method"] == arm} for arm in ARMS}
    print(f"  {'':16} {'drawn cost':>20} {'less that of PPO':>20}")
    for arm, found in cost.items():
        difference = [found[seed] - cost["ppo"][seed] for seed in found]
        print(f"  {arm:16} {interval(list(found.values())):>20} {'' if arm == 'ppo' else interval(difference):>20}")


def interval(values: Sequence[float]) -> str:
    """Return the mean and, of several, half the width of Student's 95 % interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.1f}"
    half = float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
    return f"{mean:.1f} +- {half:.1f}"


class Always:
    """The static assignment, called as a network is."""

    def __init__(self, plant: StochasticLotSizing) -> None:
        self.choice = torch.tensor(assignment(exact_values(plant)))

    def __call__(self, observation: dict[str, Tensor]) -> tuple["Always", None]:
        """Return itself as the distribution, and no value."""
        self.seen = observation["inventory"]
        return self, None

    def mode(self) -> Tensor:
        """Return the assignment, a row for each plant."""
        return self.choice.to(self.seen.device).expand(len(self.seen), -1)


def _row(
    plant: StochasticLotSizing, method: str, seed: Any, steps: int, cpu_s: float, cost: float, greedy: float
) -> dict[str, Any]:
    return {"plant": plant.name, "method": method, "seed": seed, "steps": steps, "cpu_s": round(cpu_s, 1),
            "cost": round(cost, 2), "greedy_cost": round(greedy, 2)}  # fmt: skip


def _write(rows: Sequence[dict[str, Any]]) -> None:
    with (ROOT / "results" / "pdppo.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
