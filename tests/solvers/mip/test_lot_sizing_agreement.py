"""All lot-sizing models, in arrays and in Pyomo, find the optimum of enumeration on every variant."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.opt.recording import Recorder
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip import lot_sizing, lot_sizing_fix_and_optimise, lot_sizing_pyomo, lot_sizing_relax_and_fix
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel
from counterpoint.solvers.mip.lot_sizing_ls_cuts import TightModel
from counterpoint.solvers.mip.lot_sizing_net import net_data
from counterpoint.solvers.mip.lot_sizing_pyomo import PyomoModel
from counterpoint.solvers.mip.lot_sizing_run import Options
from counterpoint.solvers.mip.lot_sizing_standard import StandardModel

BUDGET = Budget(threads=1)
METHODS = {
    "standard": lot_sizing.solve_standard,
    "facility-location": lot_sizing.solve_facility_location,
    "ls-cuts": lot_sizing.solve_ls_cuts,
    "pyomo": lot_sizing_pyomo.solve,
}
MODELS = {
    "standard": StandardModel,
    "facility-location": FacilityLocationModel,
    "ls-cuts": lambda net: TightModel(net, BUDGET.start()),
    "pyomo": PyomoModel,
}


@cache
def enumerate_setups(instance: LotSizing) -> tuple[float, ProductionPlan] | None:
    """The best of all sets of setups, lots by a transport problem from periods and stock to demands; None: no plan."""
    n, t = instance.demand.shape
    arcs = [
        (i, s, u) for i in range(n) for s in range(-1, t) for u in range(t)
        if s <= u or instance.backlog_cost is not None
    ]  # fmt: skip
    item, made, due = np.array(arcs).T
    price = []
    for i, s, u in arcs:
        made_for = instance.unit_cost[i, s] if s >= 0 else 0.0
        kept = instance.holding_cost[i, max(s, 0) : u].sum()
        owed = instance.backlog_cost[i, u:s].sum() if s > u else 0.0
        # what is taken from stock is no longer held from u on: all of it is paid for at first
        spared = instance.holding_cost[i].sum() if s < 0 else 0.0
        price.append(made_for + owed + kept - spared)
    demands = np.array([[(i, u) == (a, b) for a, b in zip(item, due, strict=True)] for i in range(n) for u in range(t)])
    stocks = np.array([[i == a and b < 0 for a, b in zip(item, made, strict=True)] for i in range(n)])
    room = np.array([[s == b for b in made] for s in range(t)]) * instance.unit_time[item]
    held = float((instance.initial_stock * instance.holding_cost.sum(axis=1)).sum())
    spare = held  # at most so much of the cost of stock is saved by using it
    best = None
    patterns = [np.array(bits).reshape(n, t) for bits in product((False, True), repeat=n * t)]
    work = instance.unit_time @ np.maximum(0, instance.demand.sum(axis=1) - instance.initial_stock)
    for setups in sorted(patterns, key=lambda pattern: float((instance.setup_cost * pattern).sum())):
        fixed = held + float((instance.setup_cost * setups).sum())
        left = None if instance.capacity is None else instance.capacity - instance.setup_time @ setups
        if left is not None and (left.min() < 0 or left.sum() < work - 1e-9):
            continue
        if best is not None and fixed - spare >= best[0]:
            break  # no pattern after this one is cheaper, for no other cost is negative
        limits, rows = [*instance.initial_stock], [stocks]
        if left is not None:
            limits, rows = [*limits, *left], [*rows, room]
        open_ = [None if s < 0 or setups[i, s] else 0.0 for i, s, _ in arcs]
        found = linprog(
            price, A_ub=np.vstack(rows), b_ub=limits, A_eq=demands, b_eq=instance.demand.ravel(),
            bounds=[(0.0, most) for most in open_],
        )  # fmt: skip
        if found.success and (best is None or fixed + found.fun < best[0] - 1e-9):
            lots = np.zeros((n, t))
            np.add.at(lots, (item[made >= 0], made[made >= 0]), found.x[made >= 0])
            best = fixed + found.fun, ProductionPlan(lots, setups)
    return best


def draw(rng: np.random.Generator, kind: int) -> LotSizing:
    """One small instance of the kind-th combination of backlogging, capacity, setup times and several items."""
    late, capacity, times, items = (bool(kind >> k & 1) for k in range(4))
    n, t = (2, int(rng.integers(2, 4))) if items else (1, int(rng.integers(2, 6)))
    demand = rng.integers(0, 12, (n, t)) * (rng.random((n, t)) < 0.7)
    unit = rng.choice([0.5, 1.0, 1.25, 2.0], n)
    setup = rng.integers(0, 4, n) * times
    tight = (unit @ demand).sum() / t + setup.sum()
    return LotSizing(
        f"kind {kind}",
        demand,
        setup_cost=rng.integers(0, 40, (n, t)),
        holding_cost=rng.integers(0, 4, (n, t)),
        unit_cost=rng.integers(0, 5, (n, t)),
        backlog_cost=rng.integers(0, 6, (n, t)) if late else None,
        initial_stock=rng.integers(0, 9, n) * (rng.random() < 0.6),
        unit_time=unit,
        setup_time=setup,
        capacity=np.maximum(0.0, rng.uniform(0.7, 1.8) * tight + rng.integers(-3, 6, t)) if capacity else None,
    )


def draws(count: int, seed: int) -> list[LotSizing]:
    rng = np.random.default_rng(seed)
    return [draw(rng, k % 16) for k in range(count)]


def agree(instance: LotSizing) -> bool:
    """Models unaided: both optima, the plan's value in the model, the root bounds; and infeasibility."""
    best = enumerate_setups(instance)
    net = net_data(instance)
    for name, build in MODELS.items():
        shape = build(net)
        result = solve_model(shape.model)
        if best is None:
            assert result.termination is Termination.INFEASIBLE, (name, instance)
            continue
        assert result.objective == pytest.approx(best[0], abs=1e-6 * max(1, best[0])), (name, instance)
        has_surplus = (
            best[1].lots.sum(axis=1) > net.demand.sum(axis=1) + 1e-9
        ).any()  # free of cost, but not in models
        if name != "pyomo" and not has_surplus:
            values = shape.values_of(best[1])
            assert shape.model.violation(values) < 1e-7, (name, instance)
            assert shape.model.cost @ values + shape.model.offset == pytest.approx(best[0], abs=1e-6), (name, instance)
        verdict = check(instance, shape.plan_of(result.values))
        assert verdict.objective == pytest.approx(best[0], abs=1e-5 * max(1, best[0])), (name, instance)
        if isinstance(shape, TightModel):
            assert shape.root_bound <= best[0] + 1e-6
    return best is not None


def agree_in_run(instance: LotSizing, function, options) -> None:
    best = enumerate_setups(instance)
    recorder = Recorder(instance)
    outcome = function(instance, BUDGET, 0, options, recorder)
    assert recorder.rejected is None, (instance, recorder.rejected)
    if best is None:
        assert (outcome.termination, outcome.solution) == (Termination.INFEASIBLE, None), instance
        assert outcome.message
        return
    assert outcome.termination is Termination.OPTIMAL, (instance, outcome)
    assert outcome.objective == pytest.approx(best[0], abs=1e-6 * max(1, best[0])), instance
    assert outcome.bound == pytest.approx(best[0], abs=2e-6 * max(1, best[0])), instance
    verdict = check(instance, outcome.solution)
    assert verdict.is_feasible
    assert verdict.objective == pytest.approx(outcome.objective, abs=1e-9 * max(1, best[0]))


def test_models_agree_with_enumeration() -> None:
    feasible = [agree(instance) for instance in draws(80, 1)]
    assert 40 <= sum(feasible) < 80


@pytest.mark.slow
def test_four_hundred_more_agree() -> None:
    for instance in draws(400, 2026):
        agree(instance)
        for function in METHODS.values():
            agree_in_run(instance, function, Options(start_share=0))


@pytest.mark.parametrize("method", METHODS)
def test_methods_prove_the_optimum_unaided(method: str) -> None:
    for instance in draws(16, 3):
        agree_in_run(instance, METHODS[method], Options(start_share=0))


@pytest.mark.parametrize("method", METHODS)
def test_methods_prove_the_optimum_after_fix_and_optimise(method: str) -> None:
    for instance in draws(16, 4):
        agree_in_run(instance, METHODS[method], Options())


def test_fix_and_optimise_proves_what_one_window_holds() -> None:
    for instance in draws(48, 5):
        agree_in_run(instance, lot_sizing_fix_and_optimise.solve, lot_sizing_fix_and_optimise.Options())


def test_fix_and_optimise_with_small_windows_ends_at_the_optimum_too() -> None:
    for instance in draws(16, 6):
        agree_in_run(instance, lot_sizing_fix_and_optimise.solve, lot_sizing_fix_and_optimise.Options(window=2))


def test_relax_and_fix_never_beats_the_optimum_and_mostly_finds_a_plan() -> None:
    found = 0
    for instance in draws(32, 7):
        best = enumerate_setups(instance)
        recorder = Recorder(instance)
        options = lot_sizing_relax_and_fix.Options(whole=2, step=1)
        outcome = lot_sizing_relax_and_fix.solve(instance, BUDGET, 0, options, recorder)
        assert recorder.rejected is None, (instance, recorder.rejected)
        if best is None:
            assert outcome.solution is None
            continue
        assert outcome.termination is not Termination.INFEASIBLE
        assert outcome.bound <= best[0] + 1e-6
        if outcome.solution is not None:
            found += 1
            assert check(instance, outcome.solution).objective >= best[0] - 1e-6
    assert found >= 18
