"""Plants of parallel machines: what no policy can beat, and how near the policies come.

For each plant: the mean cost of idle, keep-setup, priority, static assignment (by its rule of thumb and by exact
values) and the policy from the items' values, all on the same scenarios, with 95 % intervals; the policy's difference
to the better static assignment, pair by pair; the Lagrangian bound on the expected cost; the optimum, where states can
be listed; and on the first few scenarios the bound with perfect information beside the policy's cost there, and what
rollouts change. Times are CPU seconds of this process: of a bound its computation, of a policy all its decisions.

The public plants are measured, two by the published generator's rules if asked for, and files that are named. The
20 x 10 plant of the published study, and its 25 x 10 one with 14 items of dear lost sales, are not shipped; the rows of
"published" plants are of those two files.

    python benchmarks/stochastic_lot_sizing_bounds.py                    # about 5 minutes on a quiet core
    python benchmarks/stochastic_lot_sizing_bounds.py --quick            # two small plants, nothing written
    python benchmarks/stochastic_lot_sizing_bounds.py more.json --only   # these files alone; their rows are replaced
"""

import argparse
import csv
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import counterpoint as ct
from counterpoint.datasets.generators.stochastic_lot_sizing import published
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.stochastic_lot_sizing import Observation, StochasticLotSizing, draw_scenarios
from counterpoint.solvers.bounds.stochastic_lot_sizing import expected_cost, in_scenario
from counterpoint.solvers.bounds.stochastic_lot_sizing import warm_up as warm_up_bounds
from counterpoint.solvers.dynamic_programming.stochastic_lot_sizing import Model, backward
from counterpoint.solvers.lagrangian import stochastic_lot_sizing as lagrangian
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs
from counterpoint.solvers.rules import stochastic_lot_sizing as rules

PUBLIC = ("plant-2x1", "plant-2x1-binomial-1", "plant-4x2", "plant-6x3", "plant-10x5", "plant-15x5", "plant-25x10")
GENERATED = ((20, 10, 0), (25, 10, 5))
QUICK = ("plant-2x1", "plant-6x3")
SEED = 0
FIELDS = ("plant", "what", "value", "half_width", "scenarios", "cpu_s")
Row = dict[str, str | int | float]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/stochastic_lot_sizing_bounds.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="further plants")
    parser.add_argument("--only", action="store_true", help="none but the files")
    parser.add_argument("--generated", action="store_true", help="also two generated plants: four minutes each")
    parser.add_argument("--quick", action="store_true", help="two small plants and few scenarios, nothing written")
    parser.add_argument("--scenarios", type=int, default=512)
    parser.add_argument("--known", type=int, default=4, help="scenarios with a bound by perfect information")
    parser.add_argument("--played", type=int, default=12, help="scenarios for the policy with rollouts")
    chosen = parser.parse_args(argv)
    plants = [load_instance(path) for path in chosen.files]
    if not chosen.only:
        plants = [ct.benchmark(name) for name in (QUICK if chosen.quick else PUBLIC)] + plants
        if chosen.generated:
            plants += [published(items=i, machines=m, seed=s) for i, m, s in GENERATED]
    target = Path(__file__).parent / "results" / "stochastic_lot_sizing_bounds.csv"
    warm_up_bounds()
    lagrangian.warm_up()
    for plant in plants:
        rows = []
        for row in measure(plant, *((32, 2, 4) if chosen.quick else (chosen.scenarios, chosen.known, chosen.played))):
            rows.append(row)
            print(*(f"{v:.6g}" if isinstance(v, float) else v for v in row.values()), flush=True)
        if not chosen.quick:
            kept = list(csv.DictReader(target.open())) if target.exists() else []
            with target.open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                writer.writeheader()
                writer.writerows([r for r in kept if r["plant"] != plant.name] + rows)
    return 0


def measure(plant: StochasticLotSizing, count: int, known: int, played: int) -> Iterator[Row]:
    """Yield the rows of one plant."""
    scenarios = draw_scenarios(plant, count, SEED)
    costs = {}
    for what, act in policies(plant):
        costs[what], cpu = timed(lambda act=act: total_costs(plant, scenarios, act))
        yield row(plant, what, costs[what], cpu)
    priced, cpu = timed(lambda: expected_cost(plant))
    yield {"plant": plant.name, "what": "Lagrangian bound", "value": priced.bound, "cpu_s": round(cpu, 2)}
    margin, cpu = timed(lambda: lagrangian.best_margin(plant, priced, SEED, lagrangian.Options()))
    yield {"plant": plant.name, "what": "lagrangian: margins", "value": float(margin.mean()), "cpu_s": round(cpu, 2)}
    priced = lagrangian.with_margin(priced, margin)
    made = lagrangian.Lagrangian(plant, priced)
    costs["lagrangian"], cpu = timed(lambda: total_costs(plant, scenarios, made.act_all))
    yield row(plant, "lagrangian", costs["lagrangian"], cpu)
    static = min((costs["static-assignment"], costs["static-assignment exact"]), key=lambda c: float(c.mean()))
    yield row(plant, "lagrangian - better static assignment", costs["lagrangian"] - static)
    gap = float(costs["lagrangian"].mean()) / priced.bound - 1
    yield {"plant": plant.name, "what": "lagrangian: gap to bound", "value": gap}
    playing = lagrangian.Lagrangian(plant, priced, rollouts=12, lookahead=12)
    paid, cpu = timed(lambda: total_costs(plant, scenarios[:played], playing.act_all))
    yield row(plant, "lagrangian rollouts=12 - lagrangian", paid - costs["lagrangian"][:played], cpu)
    optimum, cpu = timed(lambda: exact(plant))
    if optimum is not None:
        yield {"plant": plant.name, "what": "optimum", "value": optimum, "cpu_s": round(cpu, 2)}
    bounds, cpu = timed(lambda: np.array([in_scenario(plant, s).bound for s in scenarios[:known]]))
    yield row(plant, "perfect information", bounds, cpu)
    yield row(plant, "lagrangian on the same", costs["lagrangian"][:known])
    for what, paid in costs.items():
        assert (paid[:known] >= bounds - 1e-6).all(), f"{plant.name}: {what} beats its bound"


def policies(plant: StochasticLotSizing) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the rules, for many scenarios at once."""
    yield "idle", lambda period, stock, setup: np.zeros_like(setup)
    yield "keep-setup", one_by_one(rules.keep_setup(plant, SEED, None))
    yield "priority", one_by_one(rules.priority(plant, SEED, rules.PriorityOptions()))
    for what, worth in (("", rules.values(plant)), (" exact", rules.exact_values(plant))):
        yield f"static-assignment{what}", always(rules.assignment(worth))


def always(choice: Any) -> Callable[..., Any]:
    """Return the policy that never changes."""
    return lambda period, stock, setup: np.broadcast_to(choice, setup.shape)


def one_by_one(policy: Any) -> Callable[..., Any]:
    """Return a policy that keeps nothing between decisions, for many scenarios."""
    return lambda period, stock, setup: np.array(
        [policy.act(Observation(period, s, z)) for s, z in zip(stock, setup, strict=True)]
    )


def exact(plant: StochasticLotSizing) -> float | None:
    """Return the least expected cost, or None where there are too many states."""
    try:
        model = Model(plant)
    except UnsupportedError:
        return None
    first = deque(backward(model), maxlen=1)[0]  # one table at a time
    return model.at_start(first.value)


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return what is returned, and the CPU seconds it took."""
    began = time.process_time()
    return run(), time.process_time() - began


def row(plant: StochasticLotSizing, what: str, values: Any, cpu_s: float | None = None) -> Row:
    """Return the mean of a cost and half the width of its 95 % interval."""
    half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    cpu: str | float = "" if cpu_s is None else round(cpu_s, 2)
    return {
        "plant": plant.name, "what": what, "value": float(values.mean()), "half_width": half,
        "scenarios": len(values), "cpu_s": cpu,
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
