"""`make bench`: every measured comparison, one after the other, on a machine that does nothing else.

    python benchmarks/run.py                        # all, about seven hours
    python benchmarks/run.py rules studies          # some
    python benchmarks/run.py --full routing-sizes   # in full where there is a quick form, which else is run

Each script writes its table into benchmarks/results/; benchmarks/README.md says what was found, and how.
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
SUBJECTS = {  # name -> script and arguments
    "rules": ("rules.py",),
    "studies": ("studies.py",),
    "cp-sat": ("cp_sat.py",),
    "mip": ("mip.py",),
    "tabu": ("tabu.py",),
    "hybrid": ("hybrid.py", "--classes", "ta11-20,ta31-40", "--seconds", "60"),
    "hybrid-wide": (
        "hybrid.py", "--classes", "ta51-60,ta61-70,ta71-80", "--seconds", "10", "--methods", "hybrid",
        "--out", str(HERE / "results" / "hybrid_wide.csv"),
    ),
    "simulators": ("simulators.py",),
    "ppo": ("ppo.py",),
    "ppo-tasks": ("ppo_tasks.py",),
    "frozen-lake": ("frozen_lake.py",),
    "learned-job-shop": ("learned_job_shop.py", "--hybrid"),
    "cp-guided": ("cp_guided.py",),
    "interrupted-job-shop": ("interrupted_job_shop.py",),
    "lot-sizing-single-item": ("lot_sizing_single_item.py",),
    "lot-sizing": ("lot_sizing.py",),
    "pigment-sequencing": ("pigment_sequencing.py",),
    "plant-simulators": ("plant_simulators.py",),
    "stochastic-lot-sizing-replanning": ("stochastic_lot_sizing_replanning.py",),
    "stochastic-lot-sizing-bounds": ("stochastic_lot_sizing_bounds.py",),
    "pdppo": ("pdppo.py",),
    "hydrothermal-throughput": ("hydrothermal_throughput.py",),
    "hydrothermal-sddp": ("hydrothermal_sddp.py",),
    "hydrothermal-ts-ddr": ("hydrothermal_ts_ddr.py",),
    "hydrothermal-ac": ("hydrothermal_ac.py",),
    "hydrothermal-policies": ("hydrothermal_policies.py",),
    "bq-speed": ("bq_speed.py",),
    "bq-gaps": ("bq_gaps.py",),
    "routing-labels": ("routing_labels.py",),
    "routing-sizes": ("routing_sizes.py",),
    "routing-groups": ("routing_groups.py",),
}  # fmt: skip
QUICK = ("routing-labels", "routing-sizes", "routing-groups")  # have a full form


def main(names: list[str]) -> int:
    """Run the subjects named, or all; return 0 if every script ended well."""
    is_full, names = "--full" in names, [name for name in names if name != "--full"]
    unknown = [name for name in names if name not in SUBJECTS]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or SUBJECTS:
        script, *arguments = SUBJECTS[name]
        arguments += ["--full"] if is_full and name in QUICK else []
        started = time.monotonic()
        print(f"== {name}: python benchmarks/{script} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, str(HERE / script), *arguments], check=False).returncode:
            failed.append(name)
        print(f"== {name}: {time.monotonic() - started:.0f} s\n", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
