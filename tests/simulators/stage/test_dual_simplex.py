"""Our dual simplex method against HiGHS, and against what convexity says of its prices."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.hydro_systems import cascade, first_steps
from tests.random_hydro_systems import random_state, random_system

from counterpoint.datasets.hydrothermal.public import build
from counterpoint.simulators.stage.dual_simplex import MOST_ROWS, DualSimplexStage, linear_stage
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import LINEAR_NETWORKS, stage_models
from counterpoint.simulators.stage.model import INFEASIBLE, OPTIMAL, StageModel, StageResults
from counterpoint.solvers.mip.hydrothermal import chain, tree_model

FUTURE = {"weights": (1.0,), "theta_lower": (0.0,)}


def agree(model: StageModel, ours: StageResults, theirs: StageResults) -> None:
    np.testing.assert_array_equal(ours.status, theirs.status)
    fine = ours.status == OPTIMAL
    scale = np.abs(theirs.objective[fine]).max(initial=1.0)
    np.testing.assert_allclose(ours.objective[fine], theirs.objective[fine], atol=1e-9 * scale, rtol=1e-9)


def is_feasible(model: StageModel, results: StageResults, state: Any, noise: Any) -> None:
    """Rows and bounds, by the arrays."""
    rows = results.x @ model.matrix.T + model.shift(state, noise)
    room = 1e-7 * (1 + np.abs(results.x).max())
    assert (rows >= model.row_lower - room).all()
    assert (rows <= model.row_upper + room).all()
    assert (results.x >= model.col_lower - room).all()
    assert (results.x <= model.col_upper + room).all()
    np.testing.assert_allclose(results.x @ model.cost + model.offset, results.stage_cost, rtol=1e-12, atol=1e-12)


def are_subgradients(objective: Any, dual: Any, at: Any) -> None:
    """The optimal value is convex in the state: every price must hold as a cut at every other state."""
    tangents = objective[:, None] + (dual[:, None] * (at[None] - at[:, None])).sum(-1)
    assert (objective[None] >= tangents - 1e-7 * (1 + np.abs(objective).max(initial=0.0))).all()


def tangents(model: StageModel, top: Any, count: int, seed: int, size: float) -> tuple[Any, Any, Any]:
    """Cuts of one future cost, convex and falling in the storages."""
    rng = np.random.default_rng(seed)
    scaled = rng.random((count, len(top)))
    slope = -size * np.exp(-2 * scaled) / (top + 1e-3)
    intercept = size * np.exp(-2 * scaled).sum(1) - (slope * scaled * top).sum(1)
    return np.zeros(count, np.int64), intercept, slope


@given(st.integers(0, 10_000), st.sampled_from(LINEAR_NETWORKS), st.sampled_from([0, 3, 40]))
@settings(max_examples=50, deadline=None)
def test_hydrothermal_stages(seed: int, kind: str, cuts: int) -> None:
    system = random_system(seed, kind, passive=False)
    model = stage_models(system)[-1]
    future = FUTURE if cuts else {}
    ours, theirs = DualSimplexStage(model, **future), HighsStage(model, **future)
    state, noise = random_state(system, 24, seed)
    if cuts:
        more = tangents(model, system.reservoirs.max_volume, cuts, seed, 50.0)
        ours.add_cuts(*more)
        theirs.add_cuts(*more)
    found = ours.solve_many(state, noise, wants_x=True)
    agree(model, found, theirs.solve_many(state, noise))
    is_feasible(model, found, state, noise)
    assert ours.handed_over == 0
    same = np.repeat(noise[:1], 24, 0)  # another incoming state only
    found = ours.solve_many(state, same)
    are_subgradients(found.objective, found.dual_state, state)


@given(st.integers(0, 10_000), st.sampled_from(LINEAR_NETWORKS))
@settings(max_examples=40, deadline=None)
def test_targets(seed: int, kind: str) -> None:
    """Reachable or not; before, between and after problems without."""
    system = random_system(seed, kind)
    model = stage_models(system)[0]
    ours, theirs = DualSimplexStage(model), HighsStage(model)
    state, noise = random_state(system, 20, seed)
    target = np.random.default_rng(seed).random(state.shape) * system.reservoirs.max_volume
    for goal in (None, target, None, 0.3 * target):
        found = ours.solve_many(state, noise, goal)
        agree(model, found, theirs.solve_many(state, noise, goal))
        if goal is not None:
            fine = found.status == OPTIMAL
            np.testing.assert_allclose(found.state_out[fine], goal[fine], atol=1e-9)
            one = np.repeat(state[:1], 20, 0), np.repeat(noise[:1], 20, 0)
            moved = ours.solve_many(*one, goal)
            ok = moved.status == OPTIMAL
            are_subgradients(moved.objective[ok], moved.dual_target[ok], goal[ok])


def random_model(seed: int) -> tuple[StageModel, Any, Any]:
    """A program with every kind of row and column; feasible by a solution that is known, bounded by a dual one."""
    rng = np.random.default_rng(seed)
    m, n, s, count = int(rng.integers(1, 12)), int(rng.integers(3, 25)), int(rng.integers(1, 4)), 16
    s = min(s, n)
    matrix = rng.normal(size=(m, n)) * (rng.random((m, n)) < 0.5)
    states = rng.normal(size=(m, s)) * (rng.random((m, s)) < 0.7)
    known, state = rng.normal(size=n), rng.normal(size=(count, s)) * 0.3
    lower, upper = known - rng.exponential(1.0, n), known + rng.exponential(1.0, n)
    lower[rng.random(n) < 0.1] = -np.inf
    upper[rng.random(n) < 0.3] = np.inf
    activity = matrix @ known
    kind = rng.integers(0, 4, m)
    below, above = activity - rng.exponential(1.0, m), activity + rng.exponential(1.0, m)
    row_lower = np.choose(kind, [activity, below, np.full(m, -np.inf), below])
    row_upper = np.choose(kind, [activity, np.full(m, np.inf), above, above])
    reduced = rng.exponential(1.0, n)
    reduced = np.where(np.isinf(lower), np.where(np.isinf(upper), 0.0, -reduced), reduced)
    price = np.where(np.isinf(row_lower), np.where(np.isinf(row_upper), 0.0, -1.0), 1.0) * rng.exponential(1.0, m)
    model = StageModel(
        reduced + matrix.T @ price, lower, upper, sparse.csr_array(matrix), row_lower, row_upper,
        sparse.csr_array(states), sparse.csr_array((m, 0)), rng.permutation(n)[:s], float(rng.normal()),
    )  # fmt: skip
    return model, state, np.zeros((count, 0))


@given(st.integers(0, 100_000))
@settings(max_examples=120, deadline=None)
def test_programs_of_every_kind(seed: int) -> None:
    """Ranges, free rows and columns, costs of both signs, right-hand sides that make them infeasible."""
    model, state, noise = random_model(seed)
    ours = DualSimplexStage(model)
    found, theirs = ours.solve_many(state, noise, wants_x=True), HighsStage(model).solve_many(state, noise)
    agree(model, found, theirs)
    fine = found.status == OPTIMAL
    if fine.any():
        are_subgradients(found.objective[fine], found.dual_state[fine], state[fine])


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_cuts_come_and_go(seed: int) -> None:
    """Added, replaced by some of them, by none, by others; several future costs."""
    system = random_system(seed)
    model, top = stage_models(system)[0], system.reservoirs.max_volume
    future = {"weights": (0.4, 0.6), "theta_lower": (-5.0, 0.0)}
    ours, theirs = DualSimplexStage(model, **future), HighsStage(model, **future)
    state, noise = random_state(system, 12, seed)
    rng = np.random.default_rng(seed)
    _, intercept, slope = tangents(model, top, 30, seed, 30.0)
    theta = rng.integers(0, 2, 30)
    some = rng.random(30) < 0.5
    steps: list[tuple[str, Any]] = [
        ("add_cuts", (theta[:10], intercept[:10], slope[:10])), ("add_cuts", (theta[10:], intercept[10:], slope[10:])),
        ("set_cuts", (theta[some], intercept[some], slope[some])), ("set_cuts", (theta[:0], intercept[:0], slope[:0])),
        ("add_cuts", (theta[:5], intercept[:5], slope[:5])), ("set_cuts", (theta, intercept + 1.0, slope)),
    ]  # fmt: skip
    for method, cuts in steps:
        for solver in (ours, theirs):
            getattr(solver, method)(*cuts)
        assert ours.num_cuts == theirs.num_cuts
        agree(model, ours.solve_many(state, noise), theirs.solve_many(state, noise))


@pytest.mark.parametrize("name", ["bolivia-dc", "brazil-3"])
def test_public_systems(name: str) -> None:
    """2000 problems each, with 100 cuts: equal to HiGHS to 1e-10, none handed over."""
    system = build(name)
    models = stage_models(system)
    model, rng = models[1 % len(models)], np.random.default_rng(0)
    rows = system.inflows.rows.reshape(-1, system.num_reservoirs)
    state = rng.random((2000, system.num_reservoirs)) * system.reservoirs.max_volume
    noise = rows[rng.integers(len(rows), size=2000)]
    ours, theirs = DualSimplexStage(model, **FUTURE), HighsStage(model, **FUTURE)
    size = float(theirs.solve_many(state[:50], noise[:50]).objective.mean())
    for solver in (ours, theirs):
        solver.add_cuts(*tangents(model, system.reservoirs.max_volume, 100, 0, size))
    found, other = ours.solve_many(state, noise), theirs.solve_many(state, noise)
    np.testing.assert_allclose(found.objective, other.objective, rtol=1e-10)
    assert (ours.solved, ours.handed_over) == (2000, 0)


def test_what_is_infeasible_is_left_to_highs() -> None:
    ours = DualSimplexStage(stage_models(cascade())[0])
    state = np.array([[1.0, 1.0], [20.0, 2.0], [1.0, 1.0]])
    noise = np.array([[-30.0, 0.0], [10.0, 1.0], [-30.0, 0.0]])
    found = ours.solve_many(state, noise, wants_x=True)
    assert found.status.tolist() == [INFEASIBLE, OPTIMAL, INFEASIBLE]
    assert np.isnan(found.objective).tolist() == [True, False, True]
    assert np.isnan(found.x[0]).all()
    assert ours.handed_over == 2


def test_what_is_unbounded_is_not_optimal() -> None:
    model = StageModel([-1.0], [0.0], [np.inf], sparse.csr_array([[0.0]]), [-1.0], [1.0], sparse.csr_array([[1.0]]),
                       sparse.csr_array((1, 0)), [0])  # fmt: skip
    found = DualSimplexStage(model).solve_many(np.zeros((1, 1)), np.zeros((1, 0)))
    assert found.status[0] not in (OPTIMAL, INFEASIBLE)


def test_the_same_problems_give_the_same_bits() -> None:
    system = cascade()
    state, noise = random_state(system, 50, 0)
    runs = [DualSimplexStage(stage_models(system)[0]).solve_many(state, noise, wants_x=True) for _ in range(2)]
    assert np.array_equal(runs[0].x, runs[1].x)
    assert np.array_equal(runs[0].dual_state, runs[1].dual_state)


def test_nonsense_is_refused() -> None:
    model = stage_models(first_steps())[0]
    solver = DualSimplexStage(model, **FUTURE)
    with pytest.raises(ValueError, match="states of shape"):
        solver.solve_many(np.zeros((2, 3)), np.zeros((2, 1)))
    for value in (np.nan, np.inf):  # bounds that are no numbers would never be violated
        with pytest.raises(ValueError, match="states must be finite"):
            solver.solve_many(np.full((1, 1), value), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="as many noises"):
        solver.solve_many(np.zeros((2, 1)), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="not one of 1"):
        solver.add_cuts(np.ones(1), np.zeros(1), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="finite"):
        solver.add_cuts(np.zeros(1), np.array([np.nan]), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="lower bounds"):
        DualSimplexStage(model, weights=(1.0,))
    assert solver.solve_many(np.zeros((0, 1)), np.zeros((0, 1))).objective.shape == (0,)


def test_large_stages_go_to_highs() -> None:
    model = stage_models(cascade())[0]
    assert isinstance(linear_stage(model), DualSimplexStage)
    rows = MOST_ROWS + 1
    large = StageModel(
        np.ones(rows), np.zeros(rows), np.ones(rows), sparse.eye_array(rows), np.zeros(rows), np.ones(rows),
        sparse.csr_array((rows, 1)), sparse.csr_array((rows, 0)), [0],
    )  # fmt: skip
    assert isinstance(linear_stage(large), HighsStage)


def test_a_horizon_as_one_stage() -> None:
    """140 rows, and more pivots from a cold start than between two inversions; the basis is inverted on the way."""
    system = build("bolivia-dc")
    tree = chain(np.zeros((4, system.num_reservoirs)))
    model = tree_model(system, tree)
    assert model.num_rows > 160
    rng = np.random.default_rng(0)
    state = rng.random((10, system.num_reservoirs)) * system.reservoirs.max_volume
    noise = system.inflows.rows[rng.integers(48, size=(10, 4)), rng.integers(15, size=(10, 4))].reshape(10, -1)
    ours = DualSimplexStage(model)
    found = ours.solve_many(state, noise, wants_x=True)
    np.testing.assert_allclose(found.objective, HighsStage(model).solve_many(state, noise).objective, rtol=1e-10)
    assert ours.handed_over == 0
    is_feasible(model, found, state, noise)


def test_a_flip_that_makes_up_for_all_but_a_rounding() -> None:
    """The only variable that can help was flipped and passed, and the problem taken to be infeasible."""
    system = random_system(1783, "dc", passive=False)
    ours = DualSimplexStage(stage_models(system)[-1], **FUTURE)
    ours.add_cuts(*tangents(ours.model, system.reservoirs.max_volume, 3, 1783, 50.0))
    ours.solve_many(*random_state(system, 24, 1783))
    assert ours.handed_over == 0


@pytest.mark.parametrize("penalty", [1e4, 1e7, 1e8, 1e9, 1e11])
def test_a_price_for_what_must_not_be_hides_no_other_cost(penalty: float) -> None:
    """Plants of cost 0.5 to 2 beside a deficit of 1e9, of which 1e-9 is as much: none may stand in for another."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        n = 8
        rows = np.zeros((3, n + 2))
        rows[0] = np.r_[rng.uniform(0.3, 2, n), 1, 1]
        rows[1, :n] = rng.random(n) * (rng.random(n) < 0.5)
        rows[2, :2] = 1
        model = StageModel(
            np.r_[rng.uniform(0.5, 2, n), penalty, 2 * penalty], np.zeros(n + 2),
            np.r_[np.full(n, 2.0), np.full(2, np.inf)], rows, np.array([0.0, -np.inf, -np.inf]),
            np.array([0.0, 4, 3]), np.array([[-1.0], [0], [0]]), np.zeros((3, 0)), np.array([0]),
        )  # fmt: skip
        state, noise = rng.uniform(1, 6, (6, 1)), np.zeros((6, 0))
        ours, theirs = (make(model).solve_many(state, noise).objective for make in (DualSimplexStage, HighsStage))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_steep_cuts_far_from_binding_hide_no_cost() -> None:
    """A reduced cost of 1e-9 of the largest cost, times the slack of a steep cut, was 6e-5 of the objective."""
    rng = np.random.default_rng(1149)
    system = random_system(1149, str(rng.choice(["dc", "transport", "single-bus"])))
    model, thetas = stage_models(system)[0], int(rng.choice([1, 4]))
    future = {"weights": np.full(thetas, 1 / thetas), "theta_lower": np.zeros(thetas)}
    ours, theirs = DualSimplexStage(model, **future), HighsStage(model, **future)
    for batch in range(2):
        count = int(rng.integers(5, 60))
        at = rng.random((count, system.num_reservoirs)) * system.reservoirs.max_volume
        slope = -rng.uniform(0, 300, at.shape) * rng.choice([0.01, 1.0, 10.0])
        intercept = -(slope * at).sum(1) + rng.uniform(0, 1000, count)
        theta = rng.integers(0, thetas, count)
        state, noise = random_state(system, 60, 1149 + batch)
        for stage in (ours, theirs):
            (stage.add_cuts if batch else stage.set_cuts)(theta, intercept, slope)
        agree(model, ours.solve_many(state, noise), theirs.solve_many(state, noise))
