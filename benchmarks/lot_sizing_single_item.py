"""One item without capacity: Wagner-Whitin beside stockpyl's, how it grows, and how far the rules are from it.

Speed is CPU seconds of `optimal_plan`, the plan included, best of several runs, beside stockpyl's `wagner_whitin` on
the same instances in the same run, where COUNTERPOINT_STOCKPYL_PYTHON names a Python that has it (stockpyl==1.0.2;
else its rows are left out). Both costs must agree; the holding cost is
the same in all periods, since stockpyl charges a unit the holding cost of the period it was made in, for as long as it
is held. The rules' gaps are to the optimum, each plan judged by the checker.

    python benchmarks/lot_sizing_single_item.py            # about a minute with the peer
    python benchmarks/lot_sizing_single_item.py --quick    # small sizes, nothing written
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

import counterpoint as ct
from counterpoint.datasets.generating import generate
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.solvers.dynamic_programming.lot_sizing import Algorithm, optimal_plan
from counterpoint.solvers.warm_up.lot_sizing import wagner_whitin

PEER_PERIODS = (100, 200, 400)
PERIODS = (1_000, 10_000, 100_000, 1_000_000)
QUADRATIC_MOST = 10_000
RULES = ("silver-meal", "part-period", "least-unit-cost", "poq", "eoq", "lot-for-lot")
Row = dict[str, str | int | float]


def main(argv: Sequence[str] | None = None) -> int:
    """Print three tables and write benchmarks/results/lot_sizing_single_item.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written")
    chosen = parser.parse_args(argv)
    wagner_whitin()  # compile outside the measurement
    rows = [
        *beside_stockpyl(PEER_PERIODS[:1] if chosen.quick else PEER_PERIODS),
        *growth(PERIODS[:2] if chosen.quick else PERIODS),
        *rules(10 if chosen.quick else 200),
    ]
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "lot_sizing_single_item.csv"
        target.parent.mkdir(exist_ok=True)
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["table", "method", "where", "value", "unit"])
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {target}")
    return 0


def beside_stockpyl(sizes: Sequence[int]) -> Iterator[Row]:
    """CPU seconds on the same instances, setup and unit costs that vary over time; stops if the costs differ."""
    items = {
        f"T={t}": generate("lot-sizing", generator="single-item", periods=t, seed=1, holding_min=1, holding_max=1)
        for t in sizes
    }
    peer = os.environ.get("COUNTERPOINT_STOCKPYL_PYTHON")
    theirs = _peer(peer, items) if peer else {}
    if not peer:
        print("COUNTERPOINT_STOCKPYL_PYTHON is not set: stockpyl's rows are left out")
    print(f"{'CPU seconds':12} {'O(T log T)':>12} {'O(T^2)':>12} {'stockpyl':>10} {'ratio':>9}   cost")
    for name, item in items.items():
        fast, slow = (_cpu_s(lambda item=item, a=a: optimal_plan(item, a)) for a in ("envelope", "quadratic"))
        cost = _verified(item)
        yield _row("peer", "wagner-whitin", name, fast, "CPU s")
        yield _row("peer", "wagner-whitin:algorithm=quadratic", name, slow, "CPU s")
        line = f"{name:12} {fast:12.6f} {slow:12.6f}"
        if name in theirs:
            their_cost, seconds = theirs[name]
            if abs(their_cost - cost) > 1e-6 * cost:
                raise RuntimeError(f"{name}: stockpyl finds {their_cost}, we {cost}")
            yield _row("peer", "stockpyl 1.0.2", name, seconds, "CPU s")
            yield _row("peer", "stockpyl 1.0.2 / wagner-whitin", name, seconds / fast, "ratio")
            print(f"{line} {seconds:10.3f} {seconds / fast:9,.0f}   {cost:g} (both)")
        else:
            print(f"{line} {'-':>10} {'-':>9}   {cost:g}")


def growth(sizes: Sequence[int]) -> Iterator[Row]:
    """CPU seconds from a thousand periods on, without and with backlogging."""
    print(f"\n{'CPU seconds':12} {'O(T log T)':>12} {'backlog':>12} {'O(T^2)':>12} {'backlog':>12}")
    for t in sizes:
        found: list[str] = []
        for algorithm in ("envelope", "quadratic"):
            for factor in (None, 3.0):
                if algorithm == "quadratic" and t > QUADRATIC_MOST:
                    found.append(f"{'-':>12}")
                    continue
                item = generate("lot-sizing", generator="single-item", periods=t, seed=2, backlog_factor=factor)
                _verified(item, algorithm)
                seconds = _cpu_s(lambda item=item, algorithm=algorithm: optimal_plan(item, algorithm))
                label = f"wagner-whitin:algorithm={algorithm}" + ("" if factor is None else ", backlogging")
                yield _row("growth", label, f"T={t}", seconds, "CPU s")
                found.append(f"{seconds:12.5f}")
        print(f"T={t:<10}", *found)


def rules(count: int) -> Iterator[Row]:
    """Mean percent above the optimum over random items of 52 periods, steady costs and varying ones."""
    steady = {"setup_min": 400, "setup_max": 400, "holding_min": 1, "holding_max": 1, "unit_max": 0}
    print(f"\n{'% above optimum':18} {'steady costs':>14} {'varying costs':>14}   ({count} items of 52 periods)")
    for rule in RULES:
        means = []
        for name, settings in (("steady costs", steady), ("varying costs", {})):
            gaps = []
            for seed in range(count):
                item = generate("lot-sizing", generator="single-item", periods=52, seed=seed, **settings)
                objective = ct.solve(item, rule).objective
                if objective is None:
                    raise RuntimeError(f"{rule} has no plan for {item}")
                gaps.append(100 * (objective / _verified(item) - 1))
            means.append(float(np.mean(gaps)))
            yield _row("rules", rule, name, means[-1], "% above optimum")
        print(f"{rule:18} {means[0]:14.2f} {means[1]:14.2f}")


def _verified(item: LotSizing, algorithm: Algorithm = "envelope") -> float:
    """Return the optimum; stop if the checker finds another cost."""
    plan, cost = optimal_plan(item, algorithm)
    verdict = check(item, plan)
    if not verdict.is_feasible or verdict.objective is None or abs(verdict.objective - cost) > 1e-7 * cost:
        raise RuntimeError(f"{item}: {verdict}, but the recursion says {cost}")
    return verdict.objective


def _cpu_s(run: Callable[[], object]) -> float:
    """CPU seconds of the best of several runs."""
    best, started = np.inf, time.process_time()
    while not np.isfinite(best) or time.process_time() - started < 0.3:
        begun = time.process_time()
        run()
        best = min(best, time.process_time() - begun)
    return float(best)


def _peer(python: str, items: dict[str, LotSizing]) -> dict[str, tuple[float, float]]:
    """Cost and CPU seconds of stockpyl by instance."""
    data = {
        name: {
            "demand": item.demand[0].tolist(), "setup": item.setup_cost[0].tolist(),
            "holding": item.holding_cost[0].tolist(), "unit": item.unit_cost[0].tolist(),
        }
        for name, item in items.items()
    }  # fmt: skip
    script = Path(__file__).with_name("lot_sizing_single_item_peer.py")
    done = subprocess.run([python, script], input=json.dumps(data), capture_output=True, text=True, check=True)
    return {row["instance"]: (row["cost"], row["cpu_s"]) for row in json.loads(done.stdout)}


def _row(table: str, method: str, where: str, value: float, unit: str) -> Row:
    return {"table": table, "method": method, "where": where, "value": float(f"{value:.4g}"), "unit": unit}


if __name__ == "__main__":
    sys.exit(main())
