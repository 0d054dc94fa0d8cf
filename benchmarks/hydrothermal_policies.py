"""Every kind of policy on the frozen Bolivian system under DC, on the published protocol's columns 1 to 100.

The same inflows for every policy, paired differences to SDDP, and what nobody can beat: perfect information of each
column on the stages that are paid for and, where it can be had, SDDP's bound on expectations. Costs are of the first 96
of 126 stages, as published. Policies plan for all 126, whose mean cost over the first 20 columns stands beside: one
that leaves less water at stage 96 looks better than it is. PPO is trained first, unless a checkpoint is given; TS-DDR
and TS-LDR are those that are shipped.

    python benchmarks/hydrothermal_policies.py                        # about half an hour on one core
    python benchmarks/hydrothermal_policies.py --scenarios 10 --policies myopic rolling-lp sddp
"""

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import counterpoint as ct
from counterpoint.opt.evaluation.evaluation import Evaluation
from counterpoint.opt.evaluation.statistics import bootstrap_interval

CASE = "bolivia-dc"
SEED = 20260706  # the protocol's
REFERENCE = "sddp"
WHOLE = 20  # columns that are run to the end of the horizon too
POLICIES = (
    "hoard", "keep-level", "random", "water-value", "myopic", "rolling-lp", "rolling-lp:stages=40", "tree-lp",
    "ppo", "ts-ldr", "ts-ddr", "sddp:forward_passes=5,cut_selection=false", "sddp",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, write it and the costs of every column into benchmarks/results; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=100)
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    parser.add_argument("--ppo", default="", help="a checkpoint; without one PPO is trained")
    parser.add_argument("--ppo-iterations", type=int, default=0, help="of its training; 0: the default")
    parser.add_argument("--out", default=str(RESULTS / "hydrothermal_policies.csv"))
    chosen = parser.parse_args(argv)
    names = chosen.policies
    system = ct.benchmark(CASE)
    runs: list[Any] = []
    built: dict[str, float] = {}
    whole_horizon: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            began = time.process_time()
            options = (
                {"checkpoint": chosen.ppo or trained(Path(folder), chosen.ppo_iterations)} if name == "ppo" else {}
            )
            policy = ct.policy(name, system, seed=0, options=options)
            built[name] = time.process_time() - began
            found = ct.evaluate({name: policy}, system, scenarios=chosen.scenarios, seed=SEED, progress=False)
            runs += found.runs
            whole_horizon[name] = whole_horizon_of(policy, system)
            costs = found.costs(name)
            print(f"{name:22} {costs.mean():12.2f} {costs.std(ddof=1):10.2f} {built[name]:8.1f} s built", flush=True)
        bounds = ct.evaluate("myopic", system, scenarios=chosen.scenarios, seed=SEED, bound=True, progress=False)
    whole = Evaluation("hydrothermal", system, SEED, tuple(runs))
    rows = [{**row_of(whole, name, built[name]), "whole_horizon": round(whole_horizon[name], 2)} for name in names]
    perfect = bounds.frame["bound"].to_numpy()
    rows.append(_row("perfect information", perfect, perfect - _reference(whole), 0.0, float("nan")))
    if bounds.expected_bound is not None:
        rows.append({"policy": "bound on expectations", "mean": round(bounds.expected_bound, 2)})
    rows.sort(key=lambda row: -row["mean"])
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    out = Path(chosen.out)
    _write(out, rows, max(map(list, rows), key=len))
    columns = [{"column": k + 1, **{name: round(float(whole.costs(name)[k]), 4) for name in names}}
               for k in range(chosen.scenarios)]  # fmt: skip
    _write(out.with_name(f"{out.stem}_columns.csv"), columns, list(columns[0]))
    print(f"written: {out}")
    return 0


def trained(folder: Path, iterations: int) -> str:
    """Train PPO with its default settings; return its checkpoint."""
    settings = {"case": CASE} | ({"iterations": iterations} if iterations else {})
    ct.train("hydrothermal", "ppo", settings, out=folder / "ppo", progress=False)
    return str(folder / "ppo" / "policy.safetensors")


def whole_horizon_of(policy: Any, system: Any) -> float:
    """Return the mean cost of all 126 stages, which is what policies plan for, over the first columns."""
    every = replace(system, reported_stages=system.horizon)
    return sum(e.cost for e in ct.simulate(policy, every, scenarios=WHOLE, seed=SEED)) / WHOLE


def row_of(whole: Evaluation, name: str, built_s: float) -> dict[str, Any]:
    """Return a policy's row; CPU seconds are of one scenario, and of training or building."""
    costs = whole.costs(name)
    cpu_s = sum(run.cpu_s for run in whole.runs if run.policy == name) / len(costs)
    return _row(name, costs, costs - _reference(whole), cpu_s, built_s)


def _reference(whole: Evaluation) -> Any:
    return whole.costs(REFERENCE if REFERENCE in whole.policies else whole.policies[-1])


def _row(name: str, costs: Any, behind: Any, cpu_s: float, built_s: float) -> dict[str, Any]:
    mean, difference = bootstrap_interval(costs), bootstrap_interval(behind)
    return {
        "policy": name,
        "scenarios": len(costs),
        "mean": round(mean.estimate, 2),
        "low": round(mean.low, 2),
        "high": round(mean.high, 2),
        "behind_sddp": round(difference.estimate, 2),
        "behind_low": round(difference.low, 2),
        "behind_high": round(difference.high, 2),
        "behind_share": round(difference.estimate / (mean.estimate - difference.estimate), 5),
        "cheaper_in": int((behind < 0).sum()),
        "cpu_s": round(cpu_s, 3),
        "built_cpu_s": round(built_s, 1),
    }


def _write(path: Path, rows: list[dict[str, Any]], header: list[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
