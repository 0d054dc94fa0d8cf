"""Simulators of the plant of parallel machines on CPU, one thread: periods per CPU second, side by side.

- a scalar simulator in plain Python, numbers and lists only, as lean as the definitions allow, without and with what is
  observed (shares of the limits, one-hot setups), kept up to date in one list as the batched twin does;
- the SimPy reference, whose policy draws choices on the clock;
- the batched twin, what is observed included, and without a learner.

All draw demand; the choices of the others are uniform among all and drawn before the clock starts. Every figure is the
best of forty runs of milliseconds, all variants in turns, so that a busy machine disturbs each alike and seldom the
best. The plant is of the published family, 20 items on 10 machines.

    python benchmarks/plant_simulators.py            # one CPU minute
    python benchmarks/plant_simulators.py --quick    # smaller, nothing written
"""

import argparse
import csv
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from counterpoint.datasets.generators.stochastic_lot_sizing import published
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment
from counterpoint.simulators.stochastic_lot_sizing import simulate
from counterpoint.solvers.rules.stochastic_lot_sizing import Random

ROUNDS = 40


class Scalar:
    """One plant in plain Python."""

    def __init__(self, plant: StochasticLotSizing, seed: int) -> None:
        self.production, self.setup_cost = plant.production.tolist(), plant.setup_cost.tolist()
        self.setup_loss, self.limit = plant.setup_loss.tolist(), plant.max_inventory.tolist()
        self.holding, self.lost_sales = plant.holding_cost.tolist(), plant.lost_sales_cost.tolist()
        self.cumulative = np.cumsum(plant.demand_probability[0]).tolist()
        self.units = list(range(plant.max_demand + 1))
        self.stock, self.setup = plant.initial_inventory.tolist(), plant.initial_setup.tolist()
        self.random = random.Random(seed)
        self.width = len(self.stock) + 1
        self.seen = [0.0] * (len(self.stock) + self.width * len(self.setup))
        self.shown = list(self.setup)

    def step(self, choice: list[int]) -> float:
        """Return the cost of one period."""
        cost = 0.0
        for m, c in enumerate(choice):
            if c:
                made = self.production[m][c - 1]
                if self.setup[m] != c:
                    cost += self.setup_cost[m][c - 1]
                    made -= self.setup_loss[m][c - 1]
                self.stock[c - 1] += made
            self.setup[m] = c
        demand = self.random.choices(self.units, cum_weights=self.cumulative, k=len(self.stock))
        for i, wanted in enumerate(demand):
            left = self.stock[i] - wanted
            if left < 0:
                cost -= self.lost_sales[i] * left
                left = 0
            elif left > self.limit[i]:
                left = self.limit[i]
            cost += self.holding[i] * left
            self.stock[i] = left
        return cost

    def observe(self) -> list[float]:
        """Return shares of the limits, and setups one-hot; always the same list."""
        seen, items = self.seen, len(self.stock)
        seen[:items] = [stock / limit for stock, limit in zip(self.stock, self.limit, strict=True)]
        at = items
        for m, c in enumerate(self.setup):
            seen[at + self.shown[m]] = 0.0
            seen[at + c] = 1.0
            at += self.width
        self.shown[:] = self.setup
        return seen


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/plant_simulators.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller, nothing written")
    is_quick = parser.parse_args(argv).quick
    torch.set_num_threads(1)
    rows = measure(is_quick=is_quick)
    for row in rows:
        rate, ratios = row["periods_per_cpu_s"], (row["to_scalar"], row["to_observing"])
        print(f"{row['what']:18} batch {row['batch']:5} {rate:12,} {ratios[0]:8.2f} {ratios[1]:8.2f}")
    if not is_quick:
        target = Path(__file__).parent / "results" / "plant_simulators.csv"
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {target}")
    return 0


def measure(*, is_quick: bool) -> list[dict[str, str | int | float]]:
    """Return a row per measurement; the ratios are to the scalar simulators of the same run."""
    plant = published(seed=0)
    length = 200
    runs = [
        ("scalar", 1, length, _scalar(plant, length, shows=False)),
        ("scalar, observing", 1, length, _scalar(plant, length, shows=True)),
        ("simpy", 1, plant.horizon, _simpy(plant)),
    ]
    for batch in (256,) if is_quick else (1, 256, 1024, 4096):
        steps = min(20, max(4, 10_000 // batch))
        runs.append(("batched", batch, batch * steps, _batched(plant, batch, steps)))
    least = _least([run for *_, run in runs], 2 if is_quick else ROUNDS)
    rates = {(what, batch): periods / took for (what, batch, periods, _), took in zip(runs, least, strict=True)}
    scalar, observing = rates["scalar", 1], rates["scalar, observing", 1]
    return [
        {
            "what": what,
            "batch": batch,
            "periods_per_cpu_s": round(rate),
            "to_scalar": round(rate / scalar, 3),
            "to_observing": round(rate / observing, 3),
        }
        for (what, batch), rate in rates.items()
    ]


def _least(runs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the least CPU seconds of each run; the first round only warms up."""
    least = [float("inf")] * len(runs)
    for number in range(rounds + 1):
        for i, run in enumerate(runs):
            began = time.process_time()
            run()
            if number:
                least[i] = min(least[i], time.process_time() - began)
    return least


def _scalar(plant: StochasticLotSizing, length: int, *, shows: bool) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    choices = rng.integers(0, plant.num_items + 1, (length, plant.num_machines)).tolist()
    world = Scalar(plant, 0)

    def run() -> object:
        if shows:
            return [(world.step(choice), world.observe()) for choice in choices]
        return [world.step(choice) for choice in choices]

    return run


def _simpy(plant: StochasticLotSizing) -> Callable[[], object]:
    scenario, policy = draw_scenarios(plant, 1, 0)[0], Random(plant, 0)
    return lambda: simulate(plant, scenario, policy)


def _batched(plant: StochasticLotSizing, batch: int, steps: int) -> Callable[[], object]:
    environment = StochasticLotSizingEnvironment(plant, batch)
    generator = torch.Generator().manual_seed(0)
    choices = torch.randint(plant.num_items + 1, (steps, batch, plant.num_machines), generator=generator)

    def run() -> object:
        return [environment.step(choice).reward for choice in choices]

    return run


if __name__ == "__main__":
    sys.exit(main())
