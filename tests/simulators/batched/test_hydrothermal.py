"""Batched roll-out = SimPy reference: costs, storages, and prices as derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_systems import SYSTEMS, cascade, case3, first_steps

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation, draw_scenarios
from counterpoint.simulators.batched.hydrothermal import roll_out
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.stage.cascade import energy_per_volume
from counterpoint.simulators.stage.operate import Cuts, Operator


class Acting:
    """One scenario at a time, with the cuts or the targets of a roll-out."""

    def __init__(self, system: Hydrothermal, *, cuts=None, targets=None) -> None:
        self.operator, self.cuts, self.targets = Operator(system), cuts, targets

    def start(self, episode: int) -> None: ...

    def act(self, seen: Observation) -> Dispatch:
        cuts = None if self.cuts is None else self.cuts[seen.stage]
        target = None if self.targets is None else self.targets(seen.stage, seen.storage[None], seen.inflow[None])[0]
        return self.operator.dispatch(seen.stage, seen.storage, seen.inflow, target=target, cuts=cuts)


def drawn_cuts(system: Hydrothermal, rng: np.random.Generator) -> list[Cuts]:
    """Random convex values of water for every stage: a few cuts, between nothing and dearer than any plant."""
    worth = energy_per_volume(system) * 2 * system.generators.cost.max()
    found = []
    for _ in range(system.horizon):
        slope = -worth * rng.random((4, system.num_reservoirs))
        intercept = -(slope @ (system.reservoirs.max_volume * rng.random())) + rng.random(4)
        found.append((intercept, slope, -1e9))
    return found


@pytest.mark.parametrize("make", SYSTEMS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_targets_cost_the_same_in_both(make, seed: int) -> None:
    """With a target what a stage costs is unique, and so is all that follows."""
    system, rng = make(), np.random.default_rng(seed)
    slope = rng.random((2, system.num_reservoirs)) * 1.5
    scenarios = draw_scenarios(system, 3, seed)

    def targets(stage: int, storage, inflow):
        return slope[0] * storage + slope[1] * system.volume_per_flow * inflow

    found = roll_out(system, scenarios, targets=targets)
    for n, scenario in enumerate(scenarios):
        one = simulate(system, scenario, Acting(system, targets=targets))
        assert found.cost[n] == pytest.approx(one.cost, rel=1e-6, abs=1e-6)
        assert found.stage_cost[n] == pytest.approx(one.stage_cost.sum(1), rel=1e-6, abs=1e-6)
        assert found.storage[n] == pytest.approx(one.storage, abs=1e-5)


@pytest.mark.parametrize("make", SYSTEMS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_cuts_cost_the_same_in_both(make, seed: int) -> None:
    """Prices drawn at random leave no two operations equally good."""
    system, rng = make(), np.random.default_rng(seed)
    cuts = drawn_cuts(system, rng)
    scenarios = draw_scenarios(system, 3, seed)
    found = roll_out(system, scenarios, cuts=cuts)
    for n, scenario in enumerate(scenarios):
        one = simulate(system, scenario, Acting(system, cuts=cuts))
        assert found.cost[n] == pytest.approx(one.cost, rel=1e-6, abs=1e-6)
        assert found.storage[n] == pytest.approx(one.storage, abs=1e-5)


def test_under_ac_too() -> None:
    system = cascade(kind="ac")
    scenarios = draw_scenarios(system, 2, 1)
    for rule in ({"cuts": drawn_cuts(system, np.random.default_rng(0))}, {"targets": lambda t, v, w: 0.5 * v}):
        found = roll_out(system, scenarios, **rule)
        for n, scenario in enumerate(scenarios):
            one = simulate(system, scenario, Acting(system, **rule))
            assert found.cost[n] == pytest.approx(one.cost, rel=1e-5)


def test_water_values_are_what_one_unit_more_saves() -> None:
    """By finite differences of the stage's cost, with a target."""
    system = case3()
    storage, inflow, target = np.array([[0.2]]), np.array([[30.0]]), np.array([[0.1]])
    operator, step = Operator(system), 1e-4
    cost = [operator.solve(0, storage + d, inflow, target=target).stage_cost[0] for d in (-step, step)]
    price = operator.solve(0, storage, inflow, target=target).dual_state[0, 0]
    assert price == pytest.approx((cost[1] - cost[0]) / (2 * step), rel=1e-6)
    scenarios = draw_scenarios(system, 1, 0)
    first = roll_out(system, scenarios, targets=lambda t, v, w: np.full_like(v, 0.4), stages=1)
    here = operator.solve(0, system.reservoirs.initial_volume[None], scenarios[0].inflow[:1], target=np.array([[0.4]]))
    assert first.water_value[0, 0, 0] == -here.dual_state[0, 0] > 0


def test_the_discount_and_the_reported_stages() -> None:
    system = cascade(horizon=6, reported_stages=4)
    scenarios = draw_scenarios(system, 2, 0)
    found = roll_out(system, scenarios)
    assert found.stage_cost.shape == (2, 4)
    assert found.cost == pytest.approx(found.stage_cost @ 0.99 ** np.arange(4))
    assert roll_out(system, scenarios, stages=6).stage_cost[:, :4] == pytest.approx(found.stage_cost)


def test_many_are_as_one() -> None:
    """A scenario costs the same whatever is run beside it, and with an operator that is warm."""
    system = cascade()
    scenarios = draw_scenarios(system, 40, 3)
    cuts = drawn_cuts(system, np.random.default_rng(1))
    operator = Operator(system)
    many = roll_out(system, scenarios, cuts=cuts, operator=operator)
    few = roll_out(system, scenarios[::-7], cuts=cuts, operator=operator)
    assert few.cost == pytest.approx(many.cost[::-7], rel=1e-9)


def test_refusals() -> None:
    system = first_steps()
    scenarios = draw_scenarios(system, 2, 0)
    cuts = drawn_cuts(system, np.random.default_rng(0))
    with pytest.raises(OptionError, match="not both"):
        roll_out(system, scenarios, cuts=cuts, targets=lambda t, v, w: v)
    with pytest.raises(OptionError, match="cuts of 2 stages for 3"):
        roll_out(system, scenarios, cuts=cuts[:2])
    with pytest.raises(OptionError, match=r"stages must be in 1\.\.3"):
        roll_out(system, scenarios, stages=4)
    with pytest.raises(InstanceError, match="3 stages and 1 reservoirs"):
        roll_out(system, draw_scenarios(cascade(), 2, 0))
    with pytest.raises(InstanceError, match="3 stages"):
        roll_out(system, ())
