"""The main job, as a user would run it: benchmark files solved in batch, verified, compared, reported.

`make demo` runs this. It writes instance files, hands the folder to `counterpoint compare`, then verifies every
written result again with `counterpoint check`, and sets policies against each other, with `counterpoint evaluate`: in
a shop whose machines break down, on parallel machines under random demand, on reservoirs under uncertain inflows.
Every number it prints comes from this run.
"""

import subprocess
import sys
import time
from pathlib import Path

import counterpoint as ct

INSTANCES = ("ft06", "ft10", "ft20", "la01", "la21", "abz5", "abz7", "ta01", "ta21", "ta41", "ta61", "ta71")
METHODS = (
    "hybrid", "cp-sat", "tabu", "mip-disjunctive", "shifting-bottleneck", "self-labelled", "randomised", "fdd-mwkr",
    "lrm", "spt", "random",
)  # fmt: skip
SECONDS = 5
POLICIES = ("gnn", "mwkr", "fdd-mwkr", "fifo", "random")
LOT_SIZING = ("lagrangian", "priority", "static-assignment", "keep-setup", "idle")
HYDROTHERMAL = ("sddp", "ts-ddr", "rolling-lp", "myopic", "keep-level")


def main() -> int:
    """Run the demo; return the exit status."""
    started = time.monotonic()
    folder = Path("runs/demo")
    files = folder / "instances"
    files.mkdir(parents=True, exist_ok=True)
    for name in INSTANCES:
        ct.write(ct.benchmark(name), files / f"{name}.txt", format="standard")
    command = [Path(sys.executable).with_name("counterpoint"), "compare", files, "--time-limit", SECONDS]
    command += ["--threads", 1, "--report", folder / "report.html", "--export", folder / "table.csv"]
    command += ["--out", folder / f"run-{time.strftime('%Y%m%d-%H%M%S')}"]
    for method in METHODS:
        command += ["--method", method]
    print(f"$ counterpoint {' '.join(str(c) for c in command[1:])}\n", flush=True)
    status = subprocess.run([str(c) for c in command], check=False).returncode
    if status:
        return status
    results = sorted(Path(command[command.index("--out") + 1]).glob("*.json"))
    print(
        f"\n$ counterpoint check ...  ({len(results)} written results, verified again without any solver)", flush=True
    )
    check = subprocess.run(
        [str(command[0]), "check", "--json", *map(str, results)], capture_output=True, text=True, check=False
    )
    print("all confirmed" if check.returncode == 0 else check.stdout + check.stderr)
    plant = ct.generate("interrupted-job-shop", jobs=8, machines=6, shutdown_probability=0.02, seed=1)
    ct.write(plant, folder / "plant.json")
    for where, policies, scenarios in (
        (str(folder / "plant.json"), POLICIES, 100),
        ("plant-10x5", LOT_SIZING, 100),
        ("bolivia-dc", HYDROTHERMAL, 30),
    ):
        evaluate = [str(command[0]), "evaluate", where, "--scenarios", str(scenarios)]
        for policy in policies:
            evaluate += ["--policy", policy]
        print(f"\n$ counterpoint {' '.join(evaluate[1:])}\n", flush=True)
        status = max(status, subprocess.run(evaluate, check=False).returncode)
    print(f"\nThe report with Gantt charts: {folder / 'report.html'}   ({time.monotonic() - started:.0f} s in all)")
    return check.returncode or status


if __name__ == "__main__":
    sys.exit(main())
