"""Linear programs of hydrothermal stages per second: ours, and the ways others solve them, side by side in one run.

The Bolivian stage under DC and the stage of the four Brazilian subsystems (msppy's has 157 columns; the 24 exchanges of
capacity 0 are not columns here). Every way solves the same problems, random storages and inflows of the data in random
order, and its objectives are compared with ours before a time is believed; the slow ones solve the first few. CPU
seconds are of this process; wall counts for the pool, whose two rows say what two workers bring.

- ``DualSimplexStage``: our own dual simplex method, warm, every optimum proven. ``HighsStage``: one HiGHS object,
  called from compiled code, warm; a hundredth solved again from nothing. Rows ``openings``: all openings of a stage
  from one storage after the other, as backward passes do; ``100 cuts``: with cuts on the future.
- ``highspy, persistent``: the same by highspy's Python calls, ``new Highs`` an object a problem.
- ``scipy linprog``; ``Pyomo, persistent``: mutable parameters and the persistent APPSI interface to HiGHS, its update
  checks off but for parameters; ``Pyomo, rebuilt``: model and solver anew.
- ``StagePool``: the same problems by lanes, one worker and two threads, over each of our solvers.

    python benchmarks/hydrothermal_throughput.py            # about 2 minutes on a quiet core
    python benchmarks/hydrothermal_throughput.py --quick    # a few seconds, nothing written
"""

import argparse
import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.appsi.solvers import Highs as AppsiHighs
from scipy.optimize import linprog

import counterpoint as ct
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.simulators.stage.dual_simplex import DualSimplexStage
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import StageModel
from counterpoint.simulators.stage.parallel import StagePool
from counterpoint.solvers.mip.hydrothermal_pyomo import build_stage

SOLVERS = (DualSimplexStage, HighsStage)
SYSTEMS = ("bolivia-dc", "brazil-3")
STAGE = 1
SEED = 0
FIELDS = ("system", "way", "problems", "cpu_s", "wall_s", "per_cpu_s", "per_wall_s", "ours_is", "load")
Array = Any
Solve = Callable[[Array, Array], Array]  # storages [N, H] and inflows [N, H] to objectives [N]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/hydrothermal_throughput.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few problems, nothing written")
    parser.add_argument("--problems", type=int, default=20_000)
    chosen = parser.parse_args(argv)
    count = 400 if chosen.quick else chosen.problems
    rows = [row for name in SYSTEMS for row in measure(ct.benchmark(name), count)]
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "hydrothermal_throughput.csv"
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return 0


def measure(system: Hydrothermal, count: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of one system."""
    models = stage_models(system)
    model = models[STAGE % len(models)]
    states, noises = problems(system, count)
    expected = HighsStage(model).solve_many(states, noises).objective
    ours = 0.0
    for way, solve, share in ways(system, model):
        n = max(10, int(count * share))
        solve(states[:10], noises[:10])  # compiled, loaded, warm
        began, cpu = time.monotonic(), time.process_time()
        found = solve(states[:n], noises[:n])
        wall_s, cpu_s = time.monotonic() - began, time.process_time() - cpu
        off = float(abs(found - expected[:n]).max() / abs(expected[:n]).max())
        assert off < 1e-7, f"{way}: objectives differ by {off:.1e}"
        ours = ours or n / cpu_s
        yield told(system, way, n, cpu_s, wall_s, ours)
    for make in SOLVERS:
        yield openings(system, make, model, count, ours)
    yield from with_cuts(system, model, states, noises, ours)
    for make, workers in product(SOLVERS, (1, 2)):
        with StagePool(partial(make, model), workers=workers) as pool:
            pool.solve_many(states[:100], noises[:100])
            began, cpu = time.monotonic(), time.process_time()
            found = pool.solve_many(states, noises).objective
            wall_s, cpu_s = time.monotonic() - began, time.process_time() - cpu
        assert abs(found - expected).max() < 1e-7 * abs(expected).max()
        yield told(system, f"StagePool, {workers}, {make.__name__}", count, cpu_s, wall_s, ours)


def told(system: Hydrothermal, way: str, n: int, cpu_s: float, wall_s: float, ours: float) -> dict[str, Any]:
    """Print a row and return it."""
    per_cpu_s = n / cpu_s
    row = {
        "system": system.name, "way": way, "problems": n, "cpu_s": round(cpu_s, 3), "wall_s": round(wall_s, 3),
        "per_cpu_s": round(per_cpu_s), "per_wall_s": round(n / wall_s), "ours_is": round(ours / per_cpu_s, 2),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(*row.values(), sep="\t", flush=True)
    return row


def problems(system: Hydrothermal, count: int) -> tuple[Array, Array]:
    """Return random storages and inflows out of the data, float64 [N, H] twice."""
    rng = np.random.default_rng(SEED)
    rows = system.inflows.rows.reshape(-1, system.num_reservoirs)
    states = rng.random((count, system.num_reservoirs)) * system.reservoirs.max_volume
    return states, rows[rng.integers(len(rows), size=count)]


def with_cuts(
    system: Hydrothermal, model: StageModel, states: Array, noises: Array, ours: float
) -> Iterator[dict[str, Any]]:
    """Yield the rows of problems with 100 cuts: tangents of a convex function that falls with the storages."""
    top = system.reservoirs.max_volume
    at = np.random.default_rng(SEED).random((100, len(top)))
    size = float(HighsStage(model).solve_many(states[:100], noises[:100]).objective.mean())
    slope = -size * np.exp(-2 * at) / (top + 1e-3)
    intercept = size * np.exp(-2 * at).sum(1) - (slope * at * top).sum(1)
    found = []
    for make in SOLVERS:
        solver = make(model, weights=(1.0,), theta_lower=(0.0,))
        solver.add_cuts(np.zeros(100, np.int64), intercept, slope)
        solver.solve_many(states[:100], noises[:100])
        began, cpu = time.monotonic(), time.process_time()
        found.append(solver.solve_many(states, noises).objective)
        yield told(system, f"{make.__name__}, 100 cuts", len(states), time.process_time() - cpu,
                   time.monotonic() - began, ours)  # fmt: skip
    assert abs(found[0] - found[1]).max() < 1e-7 * abs(found[1]).max()


def openings(system: Hydrothermal, make: Any, model: StageModel, count: int, ours: float) -> dict[str, Any]:
    """Return the row of backward passes: all openings at a storage, then the next storage."""
    rows = system.inflows.rows[STAGE % len(system.inflows.rows)]
    rng = np.random.default_rng(SEED)
    storages = rng.random((max(2, count // len(rows)), system.num_reservoirs)) * system.reservoirs.max_volume
    solver = make(model)
    noises = np.ascontiguousarray(rows)
    solver.solve_many(np.repeat(storages[:1], len(rows), 0), noises)
    began, cpu = time.monotonic(), time.process_time()
    for storage in storages:
        solver.solve_many(np.repeat(storage[None], len(rows), 0), noises)
    return told(system, f"{make.__name__}, openings", len(storages) * len(rows), time.process_time() - cpu,
                time.monotonic() - began, ours)  # fmt: skip


def ways(system: Hydrothermal, model: StageModel) -> Iterator[tuple[str, Solve, float]]:
    """Yield what is compared, ours first, and the share of the problems that it solves."""
    for solver in (make(model) for make in SOLVERS):
        yield type(solver).__name__, lambda v, w, solver=solver: solver.solve_many(v, w).objective, 1.0
    yield "highspy, persistent", persistent(model), 0.2
    yield "new Highs", lambda v, w: np.array([fresh(model, shift) for shift in model.shift(v, w)]), 0.05
    yield "scipy linprog", by_scipy(model), 0.02
    yield "Pyomo, persistent", by_pyomo(system), 0.02
    yield "Pyomo, rebuilt", rebuilt(system), 0.005


def loaded(model: StageModel, shift: Array) -> Any:
    """Return a new highspy object with the problem in it."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.num_cols, model.num_rows
    lp.col_cost_, lp.offset_ = model.cost, model.offset
    lp.col_lower_, lp.col_upper_ = model.col_lower, model.col_upper
    lp.row_lower_, lp.row_upper_ = model.row_lower - shift, model.row_upper - shift
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = model.matrix.indptr, model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    solver = highspy.Highs()
    for key, value in (("output_flag", False), ("presolve", "off"), ("threads", 1), ("simplex_strategy", 1)):
        solver.setOptionValue(key, value)
    solver.passModel(lp)
    return solver


def fresh(model: StageModel, shift: Array) -> float:
    """Solve with an object of its own."""
    solver = loaded(model, shift)
    solver.run()
    solver.getSolution()
    return float(solver.getInfo().objective_function_value)


def persistent(model: StageModel) -> Solve:
    """Solve by highspy's calls in a loop, reading prices and the next storage."""
    solver = loaded(model, np.zeros(model.num_rows))
    rows = np.flatnonzero(np.diff(model.state_matrix.indptr)).astype(np.int32)

    def solve(states: Array, noises: Array) -> Array:
        found = np.empty(len(states))
        for i, shift in enumerate(model.shift(states, noises)[:, rows]):
            solver.changeRowsBounds(len(rows), rows, model.row_lower[rows] - shift, model.row_upper[rows] - shift)
            solver.run()
            found[i] = solver.getInfo().objective_function_value
            solution = solver.getSolution()
            np.array(solution.row_dual)[rows], np.array(solution.col_value)[model.state_out]
        return found

    return solve


def by_scipy(model: StageModel) -> Solve:
    """Solve by scipy's linprog (HiGHS), the equalities and inequalities told apart once."""
    is_equal = model.row_lower == model.row_upper
    bounds = np.c_[model.col_lower, model.col_upper]
    equal, other = model.matrix[is_equal], -model.matrix[~is_equal]

    def one(shift: Array) -> float:
        right = (model.row_lower - shift)[is_equal]
        least = {"A_ub": other, "b_ub": -(model.row_lower - shift)[~is_equal]} if (~is_equal).any() else {}
        return float(linprog(model.cost, A_eq=equal, b_eq=right, bounds=bounds, method="highs", **least).fun)

    return lambda states, noises: np.array([one(shift) for shift in model.shift(states, noises)])


def by_pyomo(system: Hydrothermal) -> Solve:
    """Solve one Pyomo model whose water is a mutable parameter, by a solver that keeps it."""
    zeros = np.zeros(system.num_reservoirs)
    model = build_stage(system, STAGE, zeros, zeros)
    names = list(model.reservoirs)
    model.arrived = pyo.Param(model.reservoirs, initialize=0.0, mutable=True)
    for name in names:
        model.water[0, name].set_value(model.water[0, name].body == model.arrived[name])
    solver = AppsiHighs()
    solver.update_config.check_for_new_or_removed_constraints = False
    solver.update_config.check_for_new_or_removed_vars = False
    solver.update_config.check_for_new_or_removed_params = False
    solver.update_config.check_for_new_objective = False
    solver.update_config.update_constraints = False
    solver.update_config.update_vars = False
    solver.update_config.update_named_expressions = False
    solver.update_config.update_objective = False
    solver.update_config.treat_fixed_vars_as_params = False

    def solve(states: Array, noises: Array) -> Array:
        found = np.empty(len(states))
        for i, arrived in enumerate(states + system.volume_per_flow * noises):
            for name, amount in zip(names, arrived.tolist(), strict=True):
                model.arrived[name] = amount
            found[i] = solver.solve(model).best_feasible_objective
        return found

    return solve


def rebuilt(system: Hydrothermal) -> Solve:
    """Solve with a Pyomo model and a solver of its own each time."""

    def one(state: Array, noise: Array) -> float:
        return float(AppsiHighs().solve(build_stage(system, STAGE, state, noise)).best_feasible_objective)

    return lambda states, noises: np.array([one(v, w) for v, w in zip(states, noises, strict=True)])


if __name__ == "__main__":
    raise SystemExit(main())
