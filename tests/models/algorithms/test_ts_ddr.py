"""TS-DDR: the gradient gate (whole gradients against central differences), its mutant, and both forms compared."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.hydro_systems import cascade, first_steps, subsystems

from counterpoint.models.algorithms.ts_ddr import Solve, play_realised, play_strict, targets
from counterpoint.models.networks.target_reach import Reach
from counterpoint.models.networks.target_rule import Options, TargetRule
from counterpoint.models.training.hydrothermal_stages import Stages
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.stage.model import FAILED, OPTIMAL, StageResults

Play = Callable[..., Any]


def small_rule(system: Hydrothermal, seed: int = 0, **changes: Any) -> TargetRule:
    """A rule of few weights, all drawn at random, in float64: nothing is at a kink or saturated."""
    options = Options.of(system, **{"width": 1, "hidden": (2,), **changes})
    rule = TargetRule(options, torch.Generator().manual_seed(seed)).double()
    generator = torch.Generator().manual_seed(seed + 100)
    with torch.no_grad():
        for parameter in rule.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.4)
    return rule


def setting(system: Hydrothermal, count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Initial storages [H], inflows [T, B, H], discounts [T]."""
    inflow = np.stack([scenario.inflow for scenario in draw_scenarios(system, count, seed)], 1)
    discount = system.discount ** torch.arange(system.horizon, dtype=torch.float64)
    return torch.tensor(system.reservoirs.initial_volume), torch.tensor(inflow), discount


def gradient(play: Play, rule: TargetRule, reach: Reach, solve: Solve, given: Any) -> torch.Tensor:
    initial, inflow, discount = given
    rule.zero_grad()
    play(rule, reach, solve, initial, inflow).loss(discount).backward()
    return torch.cat([parameter.grad.flatten() for parameter in rule.parameters()])


@torch.no_grad()
def cost(play: Play, rule: TargetRule, reach: Reach, solve: Solve, given: Any) -> float:
    initial, inflow, discount = given
    return float(play(rule, reach, solve, initial, inflow).scenario_cost(discount).mean())


def differences(
    play: Play, rule: TargetRule, reach: Reach, solve: Solve, given: Any, step: float = 1e-5
) -> torch.Tensor:
    """Central differences of the cost by every weight."""
    found = []
    for parameter in rule.parameters():
        flat = parameter.data.view(-1)
        for i, value in enumerate(flat.tolist()):
            flat[i] = value + step
            above = cost(play, rule, reach, solve, given)
            flat[i] = value - step
            below = cost(play, rule, reach, solve, given)
            flat[i] = value
            found.append((above - below) / (2 * step))
    return torch.tensor(found, dtype=torch.float64)


def agreement(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[float, float]:
    """Cosine, and the ratio of lengths."""
    return float(ours @ theirs / (ours.norm() * theirs.norm())), float(ours.norm() / theirs.norm())


def passes(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    cosine, ratio = agreement(ours, theirs)
    return cosine >= 0.9999 and 0.999 <= ratio <= 1.001


@pytest.mark.parametrize("kind", ["recurrent", "linear"])
@pytest.mark.parametrize("system", [cascade(horizon=9), subsystems(horizon=8), cascade(kind="single-bus", horizon=6)])
def test_the_gradient_is_that_of_differences(system: Hydrothermal, kind) -> None:
    rule = small_rule(system, kind=kind, width=2)
    solve, given = Stages(system, 1), setting(system, 3)
    ours = gradient(play_strict, rule, Reach(system), solve, given)
    assert passes(ours, differences(play_strict, rule, Reach(system), solve, given))


@pytest.mark.parametrize(
    ("seed", "kind"),
    [(0, "turbined"), pytest.param(1, "reachable", marks=pytest.mark.slow),
     pytest.param(2, "turbined", marks=pytest.mark.slow)],
)  # fmt: skip
def test_the_gradient_gate_over_the_bolivian_horizon_and_its_mutant(seed: int, kind) -> None:
    """126 stages, one trajectory, DC; with detached bounds the same test must fail."""
    system = load_instance("bolivia-dc")
    assert system.horizon == 126
    rule, solve, given = small_rule(system, seed), Stages(system, 1), setting(system, 1, seed)
    reach, mutant = Reach(system, kind), Reach(system, kind, is_differentiated=False)
    measured = differences(play_strict, rule, reach, solve, given)
    assert passes(gradient(play_strict, rule, reach, solve, given), measured)
    assert not passes(gradient(play_strict, rule, mutant, solve, given), measured)


@pytest.mark.slow
def test_the_gradient_gate_under_ac() -> None:
    """126 stages, one trajectory, AC: the derivatives in random directions, for each takes a minute of Ipopt."""
    system = load_instance("bolivia-ac")
    rule, solve, given = small_rule(system), Stages(system, 2), setting(system, 1)
    reach, generator = Reach(system), torch.Generator().manual_seed(5)
    mutant = Reach(system, is_differentiated=False)
    ours, wrong = (gradient(play_strict, rule, r, solve, given) for r in (reach, mutant))
    flat = torch.nn.utils.parameters_to_vector(rule.parameters()).detach()
    directions = torch.randn(6, len(flat), generator=generator, dtype=torch.float64)
    measured, step = [], 1e-4
    for direction in directions:
        costs = []
        for way in (step, -step):
            torch.nn.utils.vector_to_parameters(flat + way * direction, rule.parameters())
            costs.append(cost(play_strict, rule, reach, solve, given))
        measured.append((costs[0] - costs[1]) / (2 * step))
    solve.close()
    along = torch.tensor(measured, dtype=torch.float64)
    assert passes(directions @ ours, along)
    assert not passes(directions @ wrong, along)


def test_both_forms_are_one_where_targets_can_be_met() -> None:
    system = cascade(horizon=7)
    rule, given = small_rule(system), setting(system, 4)
    strict, wished = Stages(system, 1), Stages(system, 1, penalty=1e4)
    results = [
        (cost(play, rule, Reach(system), solve, given), gradient(play, rule, Reach(system), solve, given))
        for play, solve in ((play_strict, strict), (play_realised, strict), (play_realised, wished))
    ]
    for total, slopes in results[1:]:
        assert total == pytest.approx(results[0][0], rel=1e-9)
        assert passes(slopes, results[0][1])


def test_the_penalty_form_where_targets_cannot_be_met() -> None:
    """Targets above all that comes are missed; what follows is the storage before, and the gradient knows."""
    system = subsystems(horizon=6)
    rule, given = small_rule(system, map="box"), setting(system, 3)
    with torch.no_grad():
        rule.head[-1].bias += torch.tensor([2.0, -0.3])  # the first reservoir is asked for more than it gets
    solve, reach = Stages(system, 1, penalty=900.0), Reach(system, "box")
    initial, inflow, _ = given
    played = play_realised(rule, reach, solve, initial, inflow)
    missed = (played.target - played.realised).abs() > 1e-3
    assert 0.1 < float(missed.double().mean()) < 0.9
    assert torch.equal(played.storage[1:].detach(), played.realised[:-1])
    ours = gradient(play_realised, rule, reach, solve, given)
    assert passes(ours, differences(play_realised, rule, reach, solve, given))


def test_storages_are_the_targets_before() -> None:
    system = cascade(horizon=5)
    rule, (initial, inflow, discount) = small_rule(system), setting(system, 2)
    played = play_strict(rule, Reach(system), Stages(system, 1), initial, inflow)
    assert torch.equal(played.storage[0], initial.expand(2, -1))
    assert torch.equal(played.storage[1:], played.target[:-1])
    assert torch.equal(played.target, targets(rule, Reach(system), initial, inflow))
    assert (played.realised - played.target).abs().max() < 1e-7
    two = played.scenario_cost(discount, 2)
    assert two.tolist() == pytest.approx((played.cost[0] + 0.99 * played.cost[1]).tolist())
    one_by_one = [
        play_strict(rule, Reach(system), Stages(system, 1), initial, inflow[:, [i]]).scenario_cost(discount)
        for i in range(2)
    ]
    assert torch.cat(one_by_one).tolist() == pytest.approx(played.scenario_cost(discount).tolist(), rel=1e-9)


def test_a_stage_that_fails_has_no_say() -> None:
    system = first_steps(horizon=4)
    rule, (initial, inflow, discount) = small_rule(system), setting(system, 5)
    whole = Stages(system, 1)

    def failing(stage: Any, state: Any, noise: Any, target: Any) -> StageResults:
        found = whole(stage, state, noise, target)
        bad = (stage == 2) & (np.arange(len(stage)) % 5 == 3)
        return replace(
            found,
            status=np.where(bad, FAILED, OPTIMAL),
            **{key: np.where(bad.reshape(-1, *[1] * (getattr(found, key).ndim - 1)), np.nan, getattr(found, key))
               for key in ("stage_cost", "state_out", "dual_state", "dual_target")},
        )  # fmt: skip

    played = play_strict(rule, Reach(system), failing, initial, inflow)
    assert played.unsolved == 1
    assert played.scenario_cost(discount).isnan().tolist() == [False, False, False, True, False]
    assert played.price[0][2, 3].tolist() == [0.0]
    assert torch.isfinite(gradient(play_strict, rule, Reach(system), failing, (initial, inflow, discount))).all()
    one = play_realised(rule, Reach(system), failing, initial, inflow)
    assert one.unsolved == 1
    assert torch.isfinite(one.loss(discount))
