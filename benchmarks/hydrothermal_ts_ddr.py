"""TS-DDR and TS-LDR on the Bolivian system: trained here, then operated beside SDDP and the myopic rule.

Every policy runs in the reference simulator on the same scenarios, columns of the published protocol, which nobody
trained on: columns 1-100 under DC, and the authors' ten columns under AC (``--columns 500`` for more). Costs are of the
first 96 of 126 stages; a second measure, DC only, is of all 126, which is what all of them are trained for. Rules for
AC go on from those for DC, under the linear cone relaxation of AC, and are measured without that too; SDDP for AC has
cuts of that relaxation, and DC cuts. Differences are pair by pair. Times are of training, wall and CPU seconds of this
process and its threads.

    python benchmarks/hydrothermal_ts_ddr.py                      # about 40 minutes on two quiet cores
    python benchmarks/hydrothermal_ts_ddr.py --quick              # a few updates and scenarios, nothing written
    python benchmarks/hydrothermal_ts_ddr.py --case bolivia-ac    # one of the two; its rows are replaced
    python benchmarks/hydrothermal_ts_ddr.py --use ts-ddr=x.safetensors  # a rule for DC trained elsewhere; --use-ac
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import counterpoint as ct
from counterpoint.models.training.loop import train
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Scenario, draw_scenarios
from counterpoint.simulators.hydrothermal import simulate

SEED = 20260706  # of the published protocol
PANEL = (2, 39, 81, 119, 130, 156, 200, 206, 378, 493)  # from 1; the authors' choice
CASES = ("bolivia-dc", "bolivia-ac")
FIELDS = (
    "case", "stages", "policy", "scenarios", "mean", "sd", "against", "difference", "half_width", "percent", "wins",
    "updates", "train_wall_s", "train_cpu_s",
)  # fmt: skip
Row = dict[str, Any]
Trained = tuple[Any, Row]  # a policy, and what its training took


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/hydrothermal_ts_ddr.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, action="append", help="default: both")
    parser.add_argument("--quick", action="store_true", help="a few updates and scenarios, nothing written")
    parser.add_argument("--minutes", type=float, default=10.0, help="of a training, at most")
    parser.add_argument("--columns", type=int, default=0, help="of the protocol; default 100 (DC), the panel (AC)")
    parser.add_argument("--use", action="append", default=[], help="NAME=FILE: a rule instead of a training under DC")
    parser.add_argument("--use-ac", action="append", default=[], help="NAME=FILE: a rule instead of one for AC")
    parser.add_argument("--ac-updates", type=int, default=150, help="of rules for AC; 0: none")
    chosen = parser.parse_args(argv)
    if chosen.quick:
        chosen.minutes, chosen.columns, chosen.ac_updates = 0.1, 2, 1
    target = Path(__file__).parent / "results" / "hydrothermal_ts_ddr.csv"
    with tempfile.TemporaryDirectory() as folder:
        rules, chosen.use_ac = named(chosen.use), named(chosen.use_ac)
        for name in ("ts-ddr", "ts-ldr"):
            if name not in rules:
                rules[name] = trained(name, Path(folder), chosen.minutes)
        for case in chosen.case or CASES:
            rows = list(measure(case, rules, Path(folder), chosen))
            for row in rows:
                print(*(f"{v:.6g}" if isinstance(v, float) else v for v in row.values()), flush=True)
            if not chosen.quick:
                kept = list(csv.DictReader(target.open())) if target.exists() else []
                with target.open("w", newline="") as file:
                    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                    writer.writeheader()
                    writer.writerows([r for r in kept if r["case"] != case] + rows)
    return 0


def measure(case: str, rules: dict[str, Path], folder: Path, chosen: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of a case: every policy's costs, and how they differ from the first one's, SDDP's."""
    system = ct.benchmark(case)
    is_ac = system.network_kind == "ac"
    columns = range(chosen.columns) if chosen.columns else [c - 1 for c in PANEL] if is_ac else range(100)
    drawn = draw_scenarios(system, max(columns) + 1, SEED)
    scenarios = [drawn[column] for column in columns]
    shown = system if is_ac else replace(system, reported_stages=system.horizon)
    policies = dict(competitors(system, rules, folder, chosen, is_ac=is_ac))
    played = {name: play(shown, policy, scenarios) for name, (policy, _) in policies.items()}
    first = next(iter(played))
    for stages in sorted({system.reported_stages, shown.reported_stages}):
        for name, paid in played.items():
            row = {"case": case, "stages": stages, "policy": name, **summary(paid[:, stages - 1]), **policies[name][1]}
            difference = paired(paid[:, stages - 1], played[first][:, stages - 1])
            yield row if name == first else {**row, "against": first, **difference}


def competitors(
    system: Hydrothermal, rules: dict[str, Path], folder: Path, chosen: argparse.Namespace, *, is_ac: bool
) -> Iterator[tuple[str, Trained]]:
    """Yield the policies, trained, and what that took."""
    iterations = 2 if chosen.quick else 60
    cuts = {"sddp soc cuts": "soc", "sddp dc cuts": "dc"} if is_ac else {"sddp": ""}
    for name, network in cuts.items():
        yield (
            name,
            timed(
                lambda network=network: ct.policy(
                    "sddp", system, options={"iterations": iterations, "time_limit_s": 600.0, "network_kind": network}
                )
            ),
        )
    for name, file in rules.items():
        plain = f"{name} of dc" if is_ac else name
        yield plain, (ct.policy(name, system, options={"checkpoint": str(file)}), spent(file))
        if is_ac and (name in chosen.use_ac or chosen.ac_updates):
            file = chosen.use_ac.get(name) or trained(
                name, folder, chosen.minutes, start_from=file, updates=chosen.ac_updates
            )
            yield name, (ct.policy(name, system, options={"checkpoint": str(file)}), spent(file))
    yield "myopic", (ct.policy("myopic", system), {})


def trained(name: str, folder: Path, minutes: float, *, start_from: Path | None = None, updates: int = 0) -> Path:
    """Train a rule under DC, or go on with one under AC, and return its checkpoint."""
    settings: dict[str, Any] = {"case": "bolivia-dc"}
    if start_from is not None:
        gentle = {"samples": 8, "learning_rate": 1e-3, "warm_up": 10}
        settings = {"case": "bolivia-ac", "network_kind": "soc", "start_from": str(start_from), "iterations": updates,
                    "scenarios": 8, "ts_ddr": gentle, **shape_of(start_from, name)}  # fmt: skip
    run = train("hydrothermal", name, settings, out=folder / f"{name}-{settings['case']}", time_limit=60 * minutes)
    return run.policy


def named(items: Sequence[str]) -> dict[str, Path]:
    """Return the files of ``NAME=FILE``."""
    return {name: Path(file) for name, _, file in (item.partition("=") for item in items)}


def shape_of(file: Path, name: str) -> dict[str, Any]:
    """Return the settings that make a rule like that of a checkpoint."""
    options = json.loads(file.with_suffix(".json").read_text())["network"]["options"]
    keys = ("map", "counts_turbines") if name == "ts-ldr" else ("map", "counts_turbines", "width", "layers", "hidden")
    return {key: options[key] for key in keys}


def play(system: Hydrothermal, policy: Any, scenarios: Sequence[Scenario]) -> np.ndarray:
    """Return the policy's cost in each scenario up to each stage, float64 [N, T]."""
    costs, discount = [], system.discount ** np.arange(system.reported_stages)
    for number, scenario in enumerate(scenarios):
        policy.start(number)
        costs.append(np.cumsum(discount * simulate(system, scenario, policy).stage_cost.sum(1)))
    return np.array(costs)


def summary(paid: np.ndarray) -> Row:
    """Return mean and deviation."""
    return {"scenarios": len(paid), "mean": float(paid.mean()), "sd": float(paid.std(ddof=1))}


def paired(paid: np.ndarray, other: np.ndarray) -> Row:
    """Return the mean difference, half its 95 % interval, and how often the policy was cheaper."""
    difference = paid - other
    half = 1.96 * float(difference.std(ddof=1)) / len(difference) ** 0.5
    return {
        "difference": float(difference.mean()),
        "half_width": half,
        "percent": 100 * float(difference.mean() / other.mean()),
        "wins": int((difference < 0).sum()),
    }


def timed(make: Any) -> Trained:
    """Return what is made, and the time it took."""
    wall, cpu = time.monotonic(), time.process_time()
    made = make()
    return made, {
        "train_wall_s": round(time.monotonic() - wall, 1),
        "train_cpu_s": round(time.process_time() - cpu, 1),
    }


def spent(file: Path) -> Row:
    """Return what the training of a checkpoint took."""
    card = json.loads(file.with_suffix(".json").read_text())
    metrics = file.with_name("metrics.csv")
    wall: Row = {}
    if metrics.exists():
        at = {int(row["iteration"]): row for row in csv.DictReader(metrics.open())}
        wall = {"train_wall_s": round(float(at[card["iterations"]].get("wall_s") or 0), 1)}
    return {"updates": card["iterations"], **wall, "train_cpu_s": card["cpu_s"]}


if __name__ == "__main__":
    raise SystemExit(main())
