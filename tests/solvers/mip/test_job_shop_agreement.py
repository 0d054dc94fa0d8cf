"""Both formulations, in both writings, find the optimum of the exhaustive twin on every variant."""

import numpy as np
import pyomo.environ as pyo
import pytest

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.recording import Recorder
from counterpoint.opt.result import Termination
from counterpoint.solvers.cp_sat.job_shop_start import insert_jobs
from counterpoint.solvers.exhaustive.job_shop import solve as enumerate_all
from counterpoint.solvers.mip import job_shop_disjunctive, job_shop_pyomo, job_shop_time_indexed
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.job_shop_disjunctive import DisjunctiveModel
from counterpoint.solvers.mip.job_shop_frame import frame_of, objective_of
from counterpoint.solvers.mip.job_shop_pyomo import build_pyomo
from counterpoint.solvers.mip.job_shop_time_indexed import TimeIndexedModel
from counterpoint.solvers.mip.pyomo_arrays import compile_model

METHODS = {
    "disjunctive": (job_shop_disjunctive.solve, job_shop_disjunctive.Options()),
    "time-indexed": (job_shop_time_indexed.solve, job_shop_time_indexed.Options()),
    "disjunctive-pyomo": (job_shop_pyomo.solve, job_shop_pyomo.Options("disjunctive")),
    "time-indexed-pyomo": (job_shop_pyomo.solve, job_shop_pyomo.Options("time-indexed")),
}
BUDGET = Budget(threads=1)


def optimum(shop: JobShop) -> tuple[float, Schedule]:
    outcome = enumerate_all(shop, Budget(), 0, None, lambda *a, **k: None)
    assert outcome.termination is Termination.OPTIMAL
    return outcome.objective, outcome.solution


def one_after_another(shop: JobShop) -> Schedule:
    """A bad schedule, so that the frame around it cuts off little: each job waits for the end of the one before."""
    now, starts = int(shop.unavailable[:, 2].max(initial=0)), []
    for i in range(shop.num_operations):
        starts.append(now)
        now += shop.options_of(i)[0][1]
    return Schedule.from_starts(shop, starts, np.zeros(shop.num_operations, np.int64))


def agree(shop: JobShop, method: str) -> None:
    """Through the front door: heuristic start, streamed reports, proof."""
    best, _ = optimum(shop)
    function, options = METHODS[method]
    recorder = Recorder(shop)
    outcome = function(shop, BUDGET, 0, options, recorder)
    assert (outcome.termination, outcome.objective, outcome.bound) == (Termination.OPTIMAL, best, best), shop
    verdict = check(shop, outcome.solution)
    assert verdict.is_feasible, (shop, verdict)
    assert verdict.objective == best
    assert recorder.rejected is None, (shop, recorder.rejected)
    assert recorder.bound is None or recorder.bound <= best


def agree_without_help(shop: JobShop) -> None:
    """From a bad schedule and without a MIP start, so that the models themselves must find the optimum."""
    best, optimal = optimum(shop)
    bad = one_after_another(shop)
    assert check(shop, bad).is_feasible
    frame = frame_of(shop, Budget().start(), 0, start=bad)
    for build in (DisjunctiveModel, TimeIndexedModel):
        built = build(shop, frame)
        for schedule in (bad, optimal):  # the frame lets both in
            values = built.values_of(schedule)
            assert built.model.violation(values) < 1e-9, (shop, build)
            worth = built.model.cost @ values + built.model.offset
            assert worth == check(shop, schedule).objective, (shop, build)
        result = solve_model(built.model)
        assert (result.termination, round(result.objective), round(result.bound)) == (Termination.OPTIMAL, best, best)
        decoded = built.decode(result.values)
        verdict = check(shop, decoded)
        assert verdict.is_feasible, (shop, build, verdict)
        assert verdict.objective == best
    for formulation in ("disjunctive", "time-indexed"):
        model = build_pyomo(shop, formulation, frame)
        arrays, _ = compile_model(model)
        result = solve_model(arrays)
        assert (result.termination, round(result.objective)) == (Termination.OPTIMAL, best), (shop, formulation)


@pytest.mark.parametrize("method", METHODS)
def test_methods_agree_with_enumeration(method: str, small_shops) -> None:
    for shop in small_shops(72, 11):
        agree(shop, method)


def test_models_agree_with_enumeration_from_a_bad_start(small_shops) -> None:
    for shop in small_shops(48, 23):
        agree_without_help(shop)


@pytest.mark.slow
def test_two_hundred_shops_agree(small_shops) -> None:
    for shop in small_shops(200, 2026):
        for method in METHODS:
            agree(shop, method)
        agree_without_help(shop)


def test_pyomo_itself_solves_what_build_pyomo_writes(small_shops) -> None:
    """Readers may use Pyomo's own interface to HiGHS, and export."""
    for shop in small_shops(24, 5):
        best, _ = optimum(shop)
        for formulation in ("disjunctive", "time-indexed"):
            model = build_pyomo(shop, formulation)
            pyo.SolverFactory("appsi_highs").solve(model)
            assert round(pyo.value(model.objective)) == best, (shop, formulation)


def test_written_lp_file_reads_back_to_the_same_optimum(tmp_path) -> None:
    import highspy

    shop = JobShop.from_jobs("export", [[(0, 3), (1, 2)], [(1, 4), (0, 1)], [(0, 2), (1, 3)]], blocking="no-swap")
    best, _ = optimum(shop)
    for suffix in ("lp", "mps"):
        path = tmp_path / f"shop.{suffix}"
        build_pyomo(shop, "disjunctive").write(str(path))
        highs = highspy.Highs()
        highs.silent()
        highs.readModel(str(path))
        highs.run()
        assert round(highs.getInfo().objective_function_value) == best


def test_first_schedule_is_kept_when_it_cannot_be_improved() -> None:
    shop = JobShop.from_jobs("one", [[(0, 3), (1, 2)]])
    outcome = job_shop_disjunctive.solve(shop, BUDGET, 0, job_shop_disjunctive.Options(), Recorder(shop))
    assert (outcome.objective, outcome.termination, outcome.message) == (
        5,
        Termination.OPTIMAL,
        "by the first schedule",
    )
    assert objective_of(shop, insert_jobs(shop, [0])) == 5
