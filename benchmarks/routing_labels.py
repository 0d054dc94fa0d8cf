"""Labels: how good the solutions are that the learned policies are taught, and at what cost.

    python benchmarks/routing_labels.py [--full] [--data FOLDER]
        [--parts tsp,atsp,cvrp,orienteering,proofs,oplib,knapsack]

Limits are processor seconds on one thread (see `routing_rows`). Gaps are to the best value that any row of the table
holds for the instance, which for every set includes long runs of two methods that share no code; for ATSP to the
proven optimum. ``iterations`` rows are what a trainer's own label maker runs. ATSP and OPLib read TSPLIB's files from
FOLDER (default ``$COUNTERPOINT_DATA/routing``, ``../shared/data/routing``); without it ft53 and OPLib are left out,
saying so.

OPLib's third generation is rebuilt from TSPLIB: prizes 1 + floor(99 d / max d) by the distance d from node 1, 0
there; half of the optimal tour. Its values are EA4OP's (Kobeaga, Merino and Lozano 2018), a heuristic.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from routing_rows import DATA, RESULTS, Row, merge, run, show, warm_up

import counterpoint as ct
from counterpoint.datasets.generators import cvrp, knapsack, orienteering, tsp
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.tsp import Tsp

FIRST_SEED = 910_000
FIRST_WALK, FIRST_PROOF = 930_000, 920_000  # no setting was chosen on them; some were on walks from 910,000
ATSP = ("ftv33", "ry48p", "ft53")
OPLIB = {"eil76": (538, 2467), "st70": (675, 2108), "kroA100": (21282, 3180)}  # optimal tour, EA4OP's value
Rows = list[Row | None]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="more instances")
    parser.add_argument("--parts", default="tsp,atsp,cvrp,orienteering,proofs,oplib,knapsack")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    out = chosen.out or RESULTS / ("routing_labels.csv" if chosen.full else "routing_labels_quick.csv")
    parts = {
        "tsp": lambda: tours(32 if chosen.full else 10),
        "atsp": lambda: asymmetric_tours(chosen.data, 3 if chosen.full else 2),
        "cvrp": lambda: routes(8 if chosen.full else 3),
        "orienteering": lambda: walks(8 if chosen.full else 3),
        "proofs": lambda: proven_walks(6 if chosen.full else 1),
        "oplib": lambda: public_walks(chosen.data),
        "knapsack": lambda: packings(10_000 if chosen.full else 1_000),
    }
    for part in chosen.parts.split(","):
        rows = [row for row in parts[part]() if row is not None]
        table = merge(out, rows)
        show([row for row in table if row["group"] in {mine["group"] for mine in rows}])
        sys.stdout.flush()
    return 0


def tours(count: int) -> Rows:
    """TSP: the label maker's kicks, and shares of a second of each solver."""
    warm_up((tsp.uniform(places=30), method) for method in ("local-search", "fast-tsp"))
    rows: Rows = []
    for size, kicks in ((20, (60,)), (100, (60, 300, 1000, 3000))):
        for k in range(count):
            instance = tsp.uniform(places=size, seed=FIRST_SEED + k)
            rows += [run(f"tsp-{size}", instance, "local-search:bound=false", iterations=i) for i in kicks]
            limits = (0.03, 0.1, 0.5) if size == 100 else (0.1,)
            rows += [run(f"tsp-{size}", instance, m, s) for m in ("local-search", "fast-tsp") for s in limits]
    return rows


def asymmetric_tours(data: Path, seeds: int) -> Rows:
    """TSPLIB's: until the optimum is held, 5 s at most, over seeds."""
    warm_up((tsp.matrix(places=30), method) for method in ("local-search", "fast-tsp"))
    rows: Rows = []
    for name in ATSP:
        instance = _tsplib(data, name, "atsp")
        if instance is not None:
            for seed in range(seeds):
                rows += [run(name, instance, m, s, seed=seed) for m in ("local-search", "fast-tsp") for s in (0.1, 0.5)]
    return rows


def routes(count: int) -> Rows:
    """CVRP, capacities 40 and 50: the label maker's steps, 0.5 s of each solver, 2 and 3 s of two."""
    warm_up((cvrp.uniform(customers=30), method) for method in ("local-search", "hygese", "pyvrp"))
    rows: Rows = []
    for size, steps in ((50, (3000,)), (100, (3000, 10_000, 30_000))):
        for k in range(count):
            instance = cvrp.uniform(customers=size, seed=FIRST_SEED + k)
            rows += [run(f"cvrp-{size}", instance, "local-search", iterations=i) for i in steps]
            rows += [run(f"cvrp-{size}", instance, m, 0.5) for m in ("local-search", "hygese", "pyvrp")]
            if size == 100:
                rows += [run(f"cvrp-{size}", instance, m, s) for m in ("local-search", "hygese") for s in (2.0, 3.0)]
    return rows


def walks(count: int) -> Rows:
    """Orienteering, lengths 3 and 4: the label maker's steps, 0.3 to 2 s, and a longer run from another seed."""
    warm_up((orienteering.uniform(places=30), method) for method in ("local-search", "pyvrp"))
    rows: Rows = []
    for size, limits, longer in ((50, (0.5,), 2.0), (100, (0.3, 1.0, 2.0), 5.0)):
        for k in range(count):
            instance = orienteering.uniform(places=size, seed=FIRST_WALK + k)
            rows.append(run(f"op-{size}", instance, "local-search", iterations=3000))
            rows += [run(f"op-{size}", instance, "local-search", s) for s in limits]
            rows.append(run(f"op-{size}", instance, "local-search", longer, seed=1))
            rows.append(run(f"op-{size}", instance, "pyvrp", limits[-1]))
    return rows


def proven_walks(count: int) -> Rows:
    """Orienteering, 20 and 30 places, length 2: against the optimum, which HiGHS proves in some seconds each."""
    warm_up([(orienteering.uniform(places=30), "local-search")])
    rows: Rows = []
    for size in (20, 30):
        for k in range(count):
            instance = orienteering.uniform(places=size, seed=FIRST_PROOF + k, max_length=2.0)
            rows += [run(f"op-{size}", instance, "local-search", iterations=3000)]
            rows += [
                run(f"op-{size}", instance, "local-search", 0.1),
                run(f"op-{size}", instance, "mip:steps=5000", 60.0),
            ]
    return rows


def public_walks(data: Path) -> Rows:
    """Three instances of OPLib's third generation, 1 and 3 s; EA4OP's value as a row of its own."""
    rows: Rows = []
    for name, (tour, published) in OPLIB.items():
        places = _tsplib(data, name, "tsp")
        if places is None:
            continue
        instance = third_generation(places, tour)
        mine = [run("oplib-3", instance, m, s) for m in ("local-search", "pyvrp") for s in (1.0, 3.0)]
        told = {"method": "ea4op (published)", "limit": "", "objective": float(published), "wall_s": None, "cpu_s": 0.0}
        rows += [*mine, (mine[0] or {}) | told]
    return rows


def third_generation(of: Tsp, tour: int) -> Orienteering:
    """Return OPLib's instance of the third generation, as it is made from a TSPLIB one."""
    away = of.places.lengths(0, np.arange(len(of.places))).astype(float)
    away[0] = 0.0
    prize = np.where(np.arange(len(away)) == 0, 0.0, 1 + np.floor(99 * away / away.max()))
    return Orienteering(f"{of.name}-gen3-50", of.places, prize, float(-(-tour // 2)))


def packings(count: int) -> Rows:
    """Knapsacks of 100: totals of the dynamic programme, OR-Tools' branch and bound and the rule; differences named."""
    methods = ("dynamic-programming", "or-tools-knapsack", "density-greedy")
    warm_up((knapsack.uniform(items=30), method) for method in methods)
    totals: dict[str, Row] = {}
    for k in range(count):
        instance = knapsack.uniform(items=100, seed=FIRST_SEED + k)
        rows = {method: run("kp-100", instance, method, 10.0) or {} for method in methods}
        found = {rows[method]["objective"] for method in methods[:2]} | {rows[methods[0]]["bound"]}
        if len(found) != 1:
            print(f"differ: {instance.name}: {found}", flush=True)
        for method, row in rows.items():
            held = totals.setdefault(method, row | dict.fromkeys(("objective", "bound", "wall_s", "cpu_s"), 0.0))
            held |= {"instance": f"{count} of them", "reference": None}
            held |= {name: held[name] + (row[name] or 0.0) for name in ("objective", "bound", "wall_s", "cpu_s")}
    return list(totals.values())


def _tsplib(data: Path, name: str, kind: str) -> Tsp | None:
    """Return a file of the folder, else what is shipped; None, saying so, without either."""
    for path in (data / kind / f"{name}.atsp", data / "tsplib" / f"{name}.tsp"):
        if path.is_file():
            return ct.read(path)
    if name.lower() in ct.benchmarks(problem="tsp"):
        return ct.benchmark(name.lower())
    print(f"left out: {name}: no such file in {data} (--data)", flush=True)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
