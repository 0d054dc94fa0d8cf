"""Soft targets: by hand, priced by differences, and hard ones where the penalty is high enough."""

import numpy as np
import pytest
from tests.hydro_systems import cascade, first_steps, subsystems

from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.soft_target import soft_targets, solve_softly


def test_by_hand() -> None:
    """100 stored, 50 come, 150 are demanded at 100 each; a target of 120 is worth it at 200 a unit, and not at 60."""
    (model,) = stage_models(first_steps())
    state, noise, target = np.array([[100.0]]), np.array([[50.0]]), np.array([[120.0]])
    dear = solve_softly(HighsStage(soft_targets(model, 200.0)), state, noise, target)
    assert dear.state_out.tolist() == [[120.0]]
    assert dear.stage_cost == pytest.approx([12_000.0])  # 30 turbined, 120 burnt
    assert (dear.dual_target[0, 0], dear.dual_state[0, 0]) == pytest.approx((100.0, -100.0))
    cheap = solve_softly(HighsStage(soft_targets(model, 60.0)), state, noise, target, wants_x=True)
    assert cheap.state_out.tolist() == [[0.0]]
    assert cheap.stage_cost == pytest.approx([120 * 60.0])
    assert (cheap.dual_target[0, 0], cheap.dual_state[0, 0]) == pytest.approx((60.0, -60.0))
    assert cheap.x[0, : model.num_cols] @ model.cost == pytest.approx(0.0)
    unreachable = solve_softly(HighsStage(soft_targets(model, 200.0)), state, noise, np.array([[190.0]]))
    assert unreachable.state_out.tolist() == [[150.0]]
    assert unreachable.stage_cost == pytest.approx([15_000.0 + 40 * 200.0])
    assert (unreachable.dual_target[0, 0], unreachable.dual_state[0, 0]) == pytest.approx((200.0, -200.0))


@pytest.mark.parametrize("system", [cascade(), subsystems()])
@pytest.mark.parametrize("penalty", [20.0, 5_000.0])
def test_prices_are_differences(system, penalty: float) -> None:
    model = stage_models(system)[-1]
    rng = np.random.default_rng(0)
    solver, h = HighsStage(soft_targets(model, penalty)), system.num_reservoirs
    state, target = (rng.random((20, h)) * system.reservoirs.max_volume for _ in range(2))
    noise = rng.random((20, h)) * 20
    found = solve_softly(solver, state, noise, target)
    step = 1e-4
    for r in range(h):
        aside = step * np.eye(h)[r]
        by_target = (
            solve_softly(solver, state, noise, target + aside).objective
            - solve_softly(solver, state, noise, target - aside).objective
        ) / (2 * step)
        by_state = (
            solve_softly(solver, state + aside, noise, target).objective
            - solve_softly(solver, state - aside, noise, target).objective
        ) / (2 * step)
        assert found.dual_target[:, r] == pytest.approx(by_target, abs=1e-4)
        assert found.dual_state[:, r] == pytest.approx(by_state, abs=1e-4)
    assert np.abs(found.dual_target).max() <= penalty + 1e-9


def test_high_penalties_make_hard_targets() -> None:
    model = stage_models(cascade())[0]
    state, noise = np.array([[20.0, 2.0]]), np.array([[10.0, 1.0]])
    target = np.array([[12.0, 5.0]])
    hard = HighsStage(model).solve_many(state, noise, target)
    soft = solve_softly(HighsStage(soft_targets(model, 1e5)), state, noise, target)
    assert soft.state_out == pytest.approx(target)
    assert soft.objective == pytest.approx(hard.objective, rel=1e-9)
    assert soft.dual_target == pytest.approx(hard.dual_target, rel=1e-6)
    assert soft.dual_state == pytest.approx(hard.dual_state, rel=1e-6)


def test_the_model_itself_is_left_alone() -> None:
    model = stage_models(cascade())[0]
    cost, rows = model.cost.copy(), dict(model.rows)
    soft = soft_targets(model, 7.0)
    assert (soft.num_states, soft.num_noises) == (2 * model.num_states, model.num_noises)
    assert (model.cost == cost).all()
    assert list(model.rows) == list(rows)
    assert (soft.cost[soft.columns["beside"]] == 7.0).all()
    assert (soft.cost[: model.num_cols] == cost).all()
