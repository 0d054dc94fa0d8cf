"""Capacitated lot-sizing: relaxations, proofs, and how soon fix-and-optimise and plain HiGHS are within 1 %.

Run ``python benchmarks/lot_sizing.py`` (about 15 minutes); it writes ``benchmarks/results/lot_sizing.csv``. Trigeiro's
files are not shipped: they are read from ``$COUNTERPOINT_DATA/lot_sizing/trigeiro`` (default: ``../shared/data``), and
left out, saying so, where they are missing. One thread everywhere; times are CPU seconds of this process, building
included. In the race limits are CPU seconds too; elsewhere wall seconds: on a busy machine read the times only.

In the race plain HiGHS has no first plan and two chances, the standard and the facility-location model; its better one
counts. The goal is 1 % above the best plan that anybody finds. Plain HiGHS is stopped 0.2 % above what fix-and-optimise
found, or when its other form has reached the goal sooner. The instances of class X were not at hand: "x" rows are
generated in their manner (10 x 20, by `datasets/generators/lot_sizing.py`: time between orders 2 or 4, utilisation .85
or .95, setups a small or a large share of the time), "large" rows likewise. Settings were chosen on other seeds.
"""

import argparse
import contextlib
import csv
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import counterpoint as ct
from counterpoint.datasets.generators.lot_sizing import trigeiro
from counterpoint.opt.budget import Budget
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel
from counterpoint.solvers.mip.lot_sizing_fix_and_optimise import Options
from counterpoint.solvers.mip.lot_sizing_fix_and_optimise import solve as fix_and_optimise
from counterpoint.solvers.mip.lot_sizing_ls_cuts import TightModel
from counterpoint.solvers.mip.lot_sizing_net import NetData, net_data
from counterpoint.solvers.mip.lot_sizing_standard import StandardModel
from counterpoint.solvers.warm_up.lot_sizing import prices

DATA = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FOLDER = DATA / "lot_sizing" / "trigeiro"
FIELDS = (
    "part", "instance", "class", "method", "value", "bound", "gap_pct", "cpu_s", "wall_s", "to_1pct_cpu_s",
    "to_half_pct_cpu_s", "ratio_to_plain", "rounds", "termination",
)  # fmt: skip
BOUNDS = ("F1", "F10", "G53", "G57")
PROOFS = (("F1", 60.0), ("F10", 60.0), ("G53", 120.0), ("G57", 120.0))
METHODS = ("mip-facility-location", "mip-standard", "mip-ls-cuts", "mip-pyomo")
HEURISTICS = ("left-shift", "lp-rounding", "relax-and-fix")
RACES = ("G52", "G53", "G54", "G56", "G57", "G59")
GRID = tuple((tbo, use, share) for tbo in (2.0, 4.0) for use in (0.85, 0.95) for share in (0.05, 0.2))
LARGE = (
    (50, 40, 3.0, 0.9), (50, 40, 2.0, 0.9), (100, 50, 3.0, 0.9), (100, 50, 2.0, 0.9), (20, 20, 4.0, 0.85),
    (24, 30, 4.0, 0.9),
)  # fmt: skip
FIRST_SEED = 1000
LIMITS = {"G": (1.0, 4.0), "x": (1.0, 4.0), "large": (2.5, 12.0)}  # CPU seconds, of ours and of each plain form
GOALS = (1.01, 1.005)
Row = dict[str, Any]
Trace = list[tuple[float, float]]  # CPU seconds and cost of each improvement


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", nargs="*", default=list(LIMITS), help="of the race")
    parser.add_argument("--parts", nargs="*", default=["bounds", "proofs", "race"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "lot_sizing.csv")
    arguments = parser.parse_args(argv)
    warm_up()
    rows: list[Row] = []
    if "bounds" in arguments.parts:
        rows += [row for name in BOUNDS for instance in public(name) for row in bound_rows(instance)]
    if "proofs" in arguments.parts:
        for name, limit in PROOFS:
            for instance in public(name):
                rows += [solve_row(instance, method, limit) for method in METHODS[: 4 if name[0] == "F" else 1]]
                rows += [solve_row(instance, method, limit) for method in HEURISTICS]
    if "race" in arguments.parts:
        for kind, instance in racers():
            if kind in arguments.classes:
                rows += race_rows(kind, instance, *LIMITS[kind])
    arguments.out.parent.mkdir(exist_ok=True)
    with arguments.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    summarise(rows)
    return 0


def public(name: str) -> list[LotSizing]:
    """Return the instance of this name, or nothing where its file is missing."""
    path = FOLDER / f"{name}.DAT"
    if not path.is_file():
        print(f"{path} is missing: left out")
        return []
    return [load_instance(path)]


def racers() -> list[tuple[str, LotSizing]]:
    found = [("G", instance) for name in RACES for instance in public(name)]
    for seed, (tbo, use, share) in enumerate(GRID):
        found.append(("x", generated(10, 20, tbo, use, share, FIRST_SEED + seed)))
    for seed, (items, periods, tbo, use) in enumerate(LARGE):
        found.append(("large", generated(items, periods, tbo, use, 0.15, FIRST_SEED + 100 + seed)))
    return found


def generated(items: int, periods: int, tbo: float, use: float, share: float, seed: int) -> LotSizing:
    """Build an instance of class X's kind; stock of a mean demand, so that its first period is feasible."""
    made = trigeiro(
        items=items, periods=periods, seed=seed, time_between_orders=tbo, utilisation=use, setup_time_share=share,
        demand_distribution="normal", demand_spread=0.35, early_zero_share=0.0,
    )  # fmt: skip
    name = f"{items}x{periods} tbo {tbo:g} use {use:g} setups {share:g} seed {seed}"
    return replace(made, name=name, initial_stock=np.full(items, 100.0))


def bound_rows(instance: LotSizing) -> list[Row]:
    """Bounds of the three relaxations."""
    ways: dict[str, Callable[[NetData], Any]] = {
        "standard": StandardModel,
        "facility-location": FacilityLocationModel,
        "ls-cuts": lambda net: TightModel(net, Budget().start()),
    }
    found = []
    for name, build in ways.items():
        begun = time.process_time()
        shape = build(net_data(instance))
        if isinstance(shape, TightModel):
            bound, rounds = shape.root_bound, shape.rounds
        else:
            relaxed = replace(shape.model, is_integer=np.zeros(shape.model.num_cols, bool))
            bound, rounds = solve_model(relaxed).objective, 1
        row = {"part": "relaxation", "instance": instance.name, "method": name, "bound": bound, "rounds": rounds,
               "cpu_s": round(time.process_time() - begun, 3)}  # fmt: skip
        found.append(row)
        show(row)
    return found


def solve_row(instance: LotSizing, method: str, limit: float) -> Row:
    """Solve through the front door."""
    result = ct.solve(instance, method, time_limit=limit, threads=1)
    row = {
        "part": f"solve, {limit:g} s", "instance": instance.name, "method": method, "value": result.objective,
        "bound": result.bound, "gap_pct": None if result.gap is None else round(100 * result.gap, 4),
        "cpu_s": round(result.cpu_s, 2), "wall_s": round(result.wall_s, 2), "termination": str(result.termination),
    }  # fmt: skip
    show(row)
    return row


def race_rows(kind: str, instance: LotSizing, our_limit: float, plain_limit: float) -> list[Row]:
    """How soon each is within 1 % and 0.5 % of the best that anybody found."""
    traces: dict[str, Trace] = {}
    ends: dict[str, tuple[float | None, float]] = {}

    def run(name: str, method: Callable[..., Any], limit: float) -> None:
        traces[name], *rest = timed(method, instance, limit)
        ends[name] = (rest[0], rest[1])

    run("fix-and-optimise", ours, our_limit)
    close = best_of(traces) * 1.002
    run("plain, standard", lambda *given: plain_highs(StandardModel, close, *given), plain_limit)
    soon = first_within(traces["plain, standard"], best_of(traces) * GOALS[0])
    limit = plain_limit if soon is None else min(plain_limit, soon + 0.05)
    run("plain, facility-location", lambda *given: plain_highs(FacilityLocationModel, close, *given), limit)
    best = best_of(traces)
    reached = {name: first_within(trace, best * GOALS[0]) for name, trace in traces.items()}
    plain = min((at for name, at in reached.items() if at is not None and name != "fix-and-optimise"), default=None)
    found = []
    for name, trace in traces.items():
        bound, spent = ends[name]
        row = {
            "part": "race", "instance": instance.name, "class": kind, "method": name,
            "value": trace[-1][1] if trace else None, "bound": bound,
            "gap_pct": round(100 * (trace[-1][1] / best - 1), 3) if trace else None, "cpu_s": round(spent, 2),
            "to_1pct_cpu_s": rounded(reached[name]),
            "to_half_pct_cpu_s": rounded(first_within(trace, best * GOALS[1])),
        }  # fmt: skip
        if name == "fix-and-optimise":
            row["ratio_to_plain"] = ratio(reached[name], plain, plain_limit)
        found.append(row)
        show(row)
    return found


def best_of(traces: dict[str, Trace]) -> float:
    return min([value for trace in traces.values() for _, value in trace], default=np.inf)


def ratio(ours: float | None, plain: float | None, limit: float) -> float | str | None:
    """Return plain HiGHS' time over ours, ">" what it has at least if plain HiGHS did not get there."""
    if ours is None:
        return None if plain is None else "not reached"
    return f"> {limit / ours:.1f}" if plain is None else round(plain / max(ours, 1e-3), 2)


def timed(run: Callable[..., Any], instance: LotSizing, limit: float) -> tuple[Trace, float | None, float]:
    """Run one method for so many CPU seconds; return its trace, its bound if it says one, and CPU seconds."""
    trace: Trace = []
    bound = None
    signal.signal(signal.SIGPROF, signal.default_int_handler)  # as Ctrl-C, which a shell's background is deaf to
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        bound = run(instance, lambda value: trace.append((time.process_time() - begun, value)))
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
    return trace, bound, time.process_time() - begun


def plain_highs(
    build: Callable[[NetData], Any], close: float, instance: LotSizing, found: Callable[[float], None]
) -> float | None:
    model = build(net_data(instance)).model
    result = solve_model(
        model, target=close if np.isfinite(close) else None,
        on_incumbent=lambda values: found(float(model.cost @ values) + model.offset),
    )  # fmt: skip
    return result.bound


def ours(instance: LotSizing, found: Callable[[float], None]) -> float | None:
    bounds: list[float] = []

    def report(plan: Any = None, *, bound: float | None = None) -> None:
        if bound is not None:
            bounds.append(bound)
        if plan is not None:
            verdict = check(instance, plan)
            assert verdict.is_feasible
            assert verdict.objective is not None
            found(verdict.objective)

    with contextlib.suppress(KeyboardInterrupt):
        fix_and_optimise(instance, Budget(3600.0, threads=1), 0, Options(), report)
    return max(bounds, default=None)


def first_within(trace: Trace, goal: float) -> float | None:
    return next((at for at, value in trace if value <= goal), None)


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def warm_up() -> None:
    """Compile and load what is loaded once: neither side of the race pays for it."""
    prices()
    tiny = trigeiro(items=2, periods=4, utilisation=0.5)
    for run in (lambda *given: plain_highs(StandardModel, np.inf, *given), ours):
        timed(run, tiny, 5.0)


def summarise(rows: list[Row]) -> None:
    for kind in LIMITS:
        ratios = [r["ratio_to_plain"] for r in rows if r.get("class") == kind and r["method"] == "fix-and-optimise"]
        least = [float(str(r).removeprefix("> ")) for r in ratios if r is not None and r != "not reached"]
        if least:
            print(
                f"{kind}: median ratio {np.median(least):.1f}, at least 3 on {sum(r >= 3 for r in least)}; all {ratios}"
            )


def show(row: Row) -> None:
    print("  ".join(f"{key} {value}" for key, value in row.items() if value is not None), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
