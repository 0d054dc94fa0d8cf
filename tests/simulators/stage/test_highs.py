"""The warm HiGHS stage against scipy's linprog, finite differences and itself from nothing."""

import copy
import gc
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

import counterpoint as ct
from counterpoint.simulators.stage import highs as module
from counterpoint.simulators.stage import highs_library
from counterpoint.simulators.stage.builder import StageBuilder
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.model import FAILED, INFEASIBLE, OPTIMAL, StageModel
from counterpoint.simulators.stage.operate import Operator


def reservoir() -> StageModel:
    """Demand 150 by water of one store or fuel at 50; spill costs 1, an offset of 7."""
    s = StageBuilder()
    v, g, h, spill, rain = s.state(0, 200), s.column(), s.column(cost=50.0), s.column(cost=1.0), s.noise()
    s.row({v.out: 1, g: 1, spill: 1}, equals=0, state={v: -1}, noise={rain: -1})
    s.row({g: 1, h: 1}, equals=150)
    return s.build(offset=7.0)


def random_stage(seed: int, states: int = 3) -> StageModel:
    """Three stores in a row, four fuels, a priced shortage: feasible whatever comes."""
    rng = np.random.default_rng(seed)
    s = StageBuilder()
    v = [s.state(0, 50) for _ in range(states)]
    rain = [s.noise() for _ in range(states)]
    turbine = [s.column(0, 20) for _ in range(states)]
    spill = [s.column(cost=0.1) for _ in range(states)]
    for i in range(states):
        above = {turbine[i - 1]: -1.0, spill[i - 1]: -1.0} if i else {}
        s.row({v[i].out: 1, turbine[i]: 1, spill[i]: 1} | above, equals=0, state={v[i]: -1}, noise={rain[i]: -1})
    fuels = [s.column(0, 10, cost=float(cost)) for cost in rng.uniform(5, 50, 4)]
    short = s.column(cost=200.0)
    power = {t: float(rho) for t, rho in zip(turbine, rng.uniform(0.5, 2, states), strict=True)}
    s.row(power | dict.fromkeys(fuels, 1.0) | {short: 1.0}, lower=60)
    return s.build()


def by_scipy(model: StageModel, state, noise, target=None, cuts=()):
    """One problem by linprog: objective or None; cuts are (intercept, slope) on one future cost of weight 1, >= 0."""
    shift = model.shift(state[None], noise[None])[0]
    rows = model.matrix.toarray()
    n = model.num_cols
    width = n + bool(len(cuts))
    a = np.zeros((len(rows), width))
    a[:, :n] = rows
    upper, lower = model.row_upper - shift, model.row_lower - shift
    a_ub = [a[np.isfinite(upper)], -a[np.isfinite(lower)]]
    b_ub = [upper[np.isfinite(upper)], -lower[np.isfinite(lower)]]
    for intercept, slope in cuts:
        row = np.zeros(width)
        row[n], row[model.state_out] = -1, slope
        a_ub.append(row[None])
        b_ub.append([-intercept])
    bounds = np.column_stack([model.col_lower, model.col_upper])
    if target is not None:
        bounds[model.state_out] = target[:, None]
    bounds = [*map(tuple, bounds), *([(0, None)] if len(cuts) else [])]
    cost = np.r_[model.cost, [1.0] * bool(len(cuts))]
    found = linprog(cost, np.concatenate(a_ub), np.concatenate(b_ub), bounds=bounds)
    return found.fun + model.offset if found.status == 0 else None


def problems(model: StageModel, count: int, seed: int):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 50, (count, model.num_states)), rng.uniform(0, 15, (count, model.num_noises))


def test_one_stage_by_hand():
    stage = HighsStage(reservoir())
    found = stage.solve_many([[100.0], [200.0], [0.0]], [[20.0], [50.0], [0.0]], wants_x=True)
    # 120 of 150 from water; all water, and 250 - 150 = 100 are left or spilt, at no gain; nothing but fuel
    np.testing.assert_allclose(found.objective, [30 * 50 + 7, 7, 150 * 50 + 7], atol=1e-7)
    np.testing.assert_allclose(found.dual_state[[0, 2], 0], [-50, -50])
    np.testing.assert_array_equal(found.status, OPTIMAL)
    np.testing.assert_allclose(found.state_out, found.x[:, [0]])
    np.testing.assert_allclose(found.stage_cost, found.x @ stage.model.cost + 7)
    assert (found.dual_target == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_same_optima_as_linprog(seed):
    model = random_stage(seed)
    state, noise = problems(model, 40, seed)
    found = HighsStage(model).solve_many(state, noise)
    expected = [by_scipy(model, v, w) for v, w in zip(state, noise, strict=True)]
    np.testing.assert_allclose(found.objective, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_cuts_and_targets_as_linprog_has_them(seed):
    model = random_stage(seed)
    state, noise = problems(model, 12, seed)
    rng = np.random.default_rng(seed)
    intercept, slope = rng.uniform(500, 900, 5), -rng.uniform(0, 20, (5, 3))
    stage = HighsStage(model, weights=[1.0], theta_lower=[0.0])
    stage.add_cuts(np.zeros(3, int), intercept[:3], slope[:3])
    stage.add_cuts(np.zeros(2, int), intercept[3:], slope[3:])
    cuts = list(zip(intercept, slope, strict=True))
    found = stage.solve_many(state, noise)
    expected = [by_scipy(model, v, w, cuts=cuts) for v, w in zip(state, noise, strict=True)]
    np.testing.assert_allclose(found.objective, expected, rtol=1e-9)
    future = np.maximum((found.state_out @ slope.T + intercept).max(1), 0)
    np.testing.assert_allclose(found.objective - found.stage_cost, future, rtol=1e-7, atol=1e-6)
    target = found.state_out * 0.9
    held = stage.solve_many(state, noise, target)
    expected = [by_scipy(model, v, w, t, cuts) for v, w, t in zip(state, noise, target, strict=True)]
    np.testing.assert_allclose(held.objective, expected, rtol=1e-9)
    np.testing.assert_allclose(held.state_out, target, atol=1e-9)
    again = stage.solve_many(state, noise)  # the states' own bounds are back
    np.testing.assert_allclose(again.objective, found.objective, rtol=1e-12)


@pytest.mark.parametrize("has_target", [False, True])
def test_prices_are_derivatives(has_target):
    model = random_stage(7)
    stage = HighsStage(model, weights=[1.0], theta_lower=[0.0])
    stage.add_cuts([0, 0], [900.0, 700.0], [[-9.0, -4.0, -2.0], [-3.0, -3.0, -3.0]])
    state, noise = problems(model, 30, 3)
    target = stage.solve_many(state, noise).state_out * 0.93 + 0.01 if has_target else None
    found = stage.solve_many(state, noise, target)
    step = 1e-5
    for i in range(3):
        move = step * (np.arange(3) == i)
        slopes = [(stage.solve_many(state + move, noise, target).objective
                   - stage.solve_many(state - move, noise, target).objective) / (2 * step)]  # fmt: skip
        prices = [found.dual_state[:, i]]
        if target is not None:
            slopes.append((stage.solve_many(state, noise, target + move).objective
                           - stage.solve_many(state, noise, target - move).objective) / (2 * step))  # fmt: skip
            prices.append(found.dual_target[:, i])
        for slope, price in zip(slopes, prices, strict=True):
            np.testing.assert_allclose(price, slope, rtol=1e-5, atol=1e-4)


def test_replaced_cuts_are_those_of_a_new_stage():
    model = random_stage(1)
    rng = np.random.default_rng(0)
    state, noise = problems(model, 20, 0)
    stage = HighsStage(model, weights=[0.7, 0.3], theta_lower=[-5.0, 0.0])
    held = rng.integers(0, 2, 12), rng.uniform(300, 900, 12), -rng.uniform(0, 20, (12, 3))
    stage.add_cuts(*held)
    stage.solve_many(state, noise)
    for kept in (np.r_[0:6], np.r_[3:9], np.r_[0:0], np.r_[0:12], np.r_[11, 2, 2]):
        part = tuple(a[kept] for a in held)
        stage.set_cuts(*part)
        fresh = HighsStage(model, weights=[0.7, 0.3], theta_lower=[-5.0, 0.0])
        fresh.add_cuts(*part)
        assert stage.num_cuts == len(set(kept.tolist()))
        np.testing.assert_allclose(
            stage.solve_many(state, noise).objective, fresh.solve_many(state, noise).objective, rtol=1e-9
        )


def test_no_number_comes_of_what_is_not_optimal():
    s = StageBuilder()
    v, x, gain, w = s.state(0, 10), s.column(0, 5), s.column(cost=-1.0), s.noise()
    s.row({v.out: 1, x: 1}, equals=0, state={v: -1})
    cap = s.row({gain: 1}, upper=1, noise={w: -1})
    model = s.build()
    stage = HighsStage(model)
    found = stage.solve_many([[5.0], [30.0], [8.0]], [[1.0]] * 3, wants_x=True)
    assert found.status.tolist() == [OPTIMAL, INFEASIBLE, OPTIMAL]
    for key in ("objective", "stage_cost", "state_out", "dual_state", "x"):
        assert np.isnan(getattr(found, key)[1]).all()
        assert np.isfinite(getattr(found, key)[[0, 2]]).all()
    unbounded = StageModel(
        model.cost, model.col_lower, model.col_upper, model.matrix, model.row_lower,
        np.where(np.arange(2) == cap, np.inf, model.row_upper), model.state_matrix, model.noise_matrix, model.state_out,
    )  # fmt: skip
    assert HighsStage(unbounded).solve_many([[5.0]], [[1.0]]).status.tolist() == [FAILED]
    missed = stage.solve_many([[5.0]], [[1.0]], [[9.0]])
    assert missed.status.tolist() == [INFEASIBLE]
    assert np.isnan(missed.dual_target).all()


def test_a_sample_is_solved_again_from_nothing(monkeypatch, caplog):
    model = random_stage(2)
    state, noise = problems(model, 250, 0)
    stage = HighsStage(model)
    first = stage.solve_many(state, noise)
    assert (stage.solved, stage.checked, stage.disagreed) == (250, 2, 0)
    monkeypatch.setattr(module, "AGREEMENT", -1.0)  # now nothing agrees
    monkeypatch.setattr(module, "CHECK_EVERY", 10)
    with caplog.at_level(logging.WARNING):
        second = stage.solve_many(state, noise)
    assert (stage.checked, stage.disagreed) == (27, 25)
    assert len(caplog.records) == 25
    np.testing.assert_allclose(second.objective, first.objective, rtol=1e-10)


def test_what_has_no_status_is_solved_by_a_new_object(monkeypatch):
    model = random_stage(2)
    stage = HighsStage(model, weights=[1.0], theta_lower=[0.0])
    stage.add_cuts([0], [500.0], [[-5.0, -5.0, -5.0]])
    state, noise = problems(model, 20, 0)
    expected = stage.solve_many(state, noise)
    handle, real, lost = stage._handle, module.solve_rows, []

    def forgetful(*arguments):
        counts = real(*arguments)
        if arguments[0] == handle and not lost:
            told, objective = arguments[13], arguments[12]
            told[[3, 7]], objective[[3, 7]] = 15, np.nan
            lost.append(True)
        return counts

    monkeypatch.setattr(module, "solve_rows", forgetful)
    found = stage.solve_many(state, noise)
    assert lost
    assert (found.status == OPTIMAL).all()
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-9)
    assert stage.num_cuts == 1


def test_ctrl_c_leaves_no_handle_that_is_gone_and_no_array_too_short(monkeypatch):
    model = random_stage(2)
    stage = HighsStage(model, weights=[1.0], theta_lower=[0.0])
    state, noise = problems(model, 20, 0)
    expected = stage.solve_many(state, noise).objective
    real = highs_library.add_rows

    def interrupted(*arguments):
        raise KeyboardInterrupt

    def interrupted_after(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.library, "loaded", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stage._renew()
    np.testing.assert_allclose(stage.solve_many(state, noise).objective, expected, rtol=1e-9)
    with monkeypatch.context() as patch:
        patch.setattr(module.library, "add_rows", interrupted_after)
        with pytest.raises(KeyboardInterrupt):
            stage.add_cuts(np.zeros(5000, int), np.full(5000, -1.0), np.zeros((5000, 3)))
    assert stage.num_cuts == 5000
    np.testing.assert_allclose(stage.solve_many(state, noise).objective, expected, rtol=1e-9)


def test_large_residuals_are_solved_again(monkeypatch):
    model = random_stage(2)
    stage = HighsStage(model)
    monkeypatch.setattr(module, "MOST_RESIDUAL", -1.0)
    stage.solve_many(*problems(model, 5, 0))
    assert stage.checked == 5


def test_warm_and_cold_agree_over_a_long_run():
    """Hot starts that go wrong (HiGHS issue 3294) would show here."""
    model = random_stage(5)
    stage = HighsStage(model, weights=[1.0], theta_lower=[0.0])
    rng = np.random.default_rng(0)
    state, noise = problems(model, 400, 5)
    for _ in range(10):
        cut = rng.uniform(300, 900, 4), -rng.uniform(0, 20, (4, 3))
        stage.add_cuts(np.zeros(4, int), *cut)
        warm = stage.solve_many(state, noise).objective
        cold = []
        for v, w in zip(state[::40], noise[::40], strict=True):
            fresh = HighsStage(model, weights=[1.0], theta_lower=[0.0])
            fresh.set_cuts(stage._cuts[:, 0].astype(int), stage._cuts[:, 1], stage._cuts[:, 2:])
            cold.append(fresh.solve_many(v[None], w[None]).objective[0])
        np.testing.assert_allclose(warm[::40], cold, rtol=1e-9)


def test_threads_side_by_side_change_nothing():
    model = random_stage(3)
    state, noise = problems(model, 300, 1)
    alone = [HighsStage(model).solve_many(state + i, noise) for i in range(4)]
    stages = [HighsStage(model) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda i: stages[i].solve_many(state + i, noise), range(4)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.objective, other.objective)
        np.testing.assert_array_equal(one.dual_state, other.dual_state)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda stage: pickle.loads(pickle.dumps(stage))])  # noqa: S301
def test_a_copy_has_a_solver_of_its_own(copied):
    stage = HighsStage(random_stage(3), weights=[0.5], theta_lower=[-1.0])
    stage.add_cuts([0, 0], [500.0, 300.0], -np.ones((2, 3)))
    state, noise = problems(stage.model, 10, 1)
    other = copied(stage)
    expected = stage.solve_many(state, noise).objective
    del stage
    gc.collect()
    np.testing.assert_allclose(other.solve_many(state, noise).objective, expected, rtol=1e-12)
    other.set_cuts([], [], np.zeros((0, 3)))
    assert (other.solve_many(state, noise).objective < expected).all()


def test_arguments_are_left_alone():
    model = random_stage(3)
    state, noise = problems(model, 5, 1)
    target = HighsStage(model).solve_many(state, noise).state_out
    for array in (state, noise, target):
        array.setflags(write=False)
    HighsStage(model).solve_many(state, noise, target)
    assert len(HighsStage(model).solve_many(state[:0], noise[:0]).objective) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.solve_many([[1.0, 2.0]], [[1.0]]), "states"),
        (lambda s: s.solve_many([[1.0]], [[1.0, 2.0]]), "noises"),
        (lambda s: s.solve_many([[1.0], [2.0]], [[1.0]]), "as many"),
        (lambda s: s.solve_many([[1.0]], [[1.0]], [[1.0], [2.0]]), "as many"),
        (lambda s: s.add_cuts([1], [0.0], [[0.0]]), "not one of 1"),
        (lambda s: s.solve_many([[np.nan]], [[1.0]]), "states must be finite"),
        (lambda s: s.solve_many([[1.0]], [[np.inf]]), "noises must be finite"),
        (lambda s: s.solve_many([[1.0]], [[1.0]], [[np.nan]]), "targets must be finite"),
        (lambda s: s.add_cuts([0], [np.nan], [[0.0]]), "finite"),
        (lambda s: s.add_cuts([0, 0], [1.0], [[0.0], [1.0]]), "an intercept and a slope each"),
        (lambda s: HighsStage(s.model, weights=[1.0]), "as many lower bounds"),
        (lambda s: HighsStage(s.model, weights=[1.0], theta_lower=[-np.inf]), "finite"),
        (lambda s: HighsStage(s.model, weights=[-1.0], theta_lower=[0.0]), "at least 0"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(HighsStage(reservoir(), weights=[1.0], theta_lower=[0.0]))


def test_rows_that_highs_refuses_are_an_error():
    handle = highs_library.loaded(
        np.zeros(1), (np.zeros(1), np.ones(1)), (np.zeros(1), np.ones(1)), sparse.csr_array([[1.0]])
    )
    with pytest.raises(ValueError, match="refuses rows"):
        highs_library.add_rows(handle, np.zeros(1), np.array([[9]]), np.ones((1, 1)))
    with pytest.raises(ValueError, match="no such rows"):
        highs_library.delete_rows(handle, np.array([5]))
    highs_library.destroy(handle)


def test_a_stage_that_dual_simplex_gives_up_is_solved_with_presolve() -> None:
    """One of Bolivia with 60 cuts: HiGHS 1.13.1 says "unknown" from a basis and from nothing."""
    found = np.load(Path(__file__).with_name("stage_without_status.npz"))
    model = Operator(ct.benchmark("bolivia-dc"))._solver(int(found["stage"]), None).model  # its ties are broken
    stage = HighsStage(model, weights=(1.0,), theta_lower=(float(found["lower"]),))
    stage.set_cuts(np.zeros(len(found["intercept"]), np.int64), found["intercept"], found["slope"])
    for _ in range(2):  # the solver is as before afterwards
        results = stage.solve_many(found["held"][None], found["inflow"][None], wants_x=True)
        assert results.status.tolist() == [OPTIMAL]
        future = (found["intercept"] + found["slope"] @ results.state_out[0]).max()
        assert results.x is not None
        assert results.objective[0] == pytest.approx(model.cost @ results.x[0] + future, rel=1e-9)
