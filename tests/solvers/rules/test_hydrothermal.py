"""Rules for hydrothermal systems, on optima computed by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from tests.hydro_systems import FIRST_STEPS_OPTIMUM, SYSTEMS, cascade, first_steps, generators

import counterpoint as ct
from counterpoint.opt.errors import InstanceError, MissingPackageError, OptionError
from counterpoint.opt.problems.hydrothermal_run import Observation, draw_scenarios, scenario_of
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.stage.cascade import cascade_of
from counterpoint.solvers.rules import hydrothermal as rules


def run(name: str, openings: list[int], system=None, **options):
    """One scenario by the openings' numbers (inflow 0, 50 or 100 in first_steps)."""
    system = first_steps() if system is None else system
    scenario = scenario_of(system, np.array(openings))
    return simulate(system, scenario, ct.policy(name, system, options=options))


def test_myopic_by_hand() -> None:
    """150 of 200 at once; then 50; then nothing: thermal power of 100 and 150 at 100 each."""
    dry = run("myopic", [0, 0, 0])
    assert dry.cost == pytest.approx(25_000)
    assert dry.storage.ravel() == pytest.approx([50, 0, 0])
    assert run("myopic", [2, 2, 2]).cost == pytest.approx(0)  # 200 + 100 - 150 = 150, again 100, again 50 left


def test_myopic_is_optimal_where_power_costs_the_same_for_ever() -> None:
    costs = [run("myopic", list(openings)).cost for openings in itertools.product(range(3), repeat=3)]
    assert np.mean(costs) == pytest.approx(FIRST_STEPS_OPTIMUM)


def test_myopic_keeps_what_is_of_no_use_now() -> None:
    """Spilling and keeping cost the same now."""
    system = first_steps()
    assert (system.reservoirs.spill_cost == 0).all()
    assert run("myopic", [1, 1, 1]).storage.ravel() == pytest.approx([100, 0, 0])
    assert all(sum(d.spilled) == pytest.approx(0) for d in run("myopic", [2, 2, 2]).dispatch)


def test_under_ac_too_nothing_is_spilled_that_there_is_room_for() -> None:
    """Spilling is free, and half of the demand can do without the water: what comes above stays there."""
    system = cascade(kind="ac")
    free = replace(system, reservoirs=replace(system.reservoirs, spill_cost=[0.0, 0.0], initial_volume=[1.0, 0.0]),
                   network=replace(system.network, demand=0.05 * system.network.demand),
                   generators=replace(system.generators, min_power=np.zeros(4)))  # fmt: skip
    found = simulate(free, scenario_of(free, np.array([0, 0, 0, 0])), ct.policy("myopic", free))
    assert sum(d.spilled[0] for d in found.dispatch) == pytest.approx(0, abs=0.05)


def test_hoard_by_hand() -> None:
    """A full reservoir lets go what comes and no more: 50 turbined, 100 x 100 paid."""
    wet = run("hoard", [1, 0, 2])
    assert wet.stage_cost.sum(1) == pytest.approx([10_000, 15_000, 5_000])
    assert wet.storage.ravel() == pytest.approx([200, 200, 200])


def test_hoard_fills_upstream_first() -> None:
    """20 + 6.048 stay above, so that the lower one gets its own inflow alone."""
    system = cascade()
    found = run("hoard", [0, 0, 0, 0], system)
    assert found.storage[0] == pytest.approx([26.048, 2.6048])
    assert found.dispatch[0].turbined == pytest.approx([0, 0], abs=1e-6)


def test_keep_level_by_hand() -> None:
    """Half full it stays half full; in the cascade what comes above goes down, and on."""
    half = replace(first_steps(), reservoirs=replace(first_steps().reservoirs, initial_volume=[100.0]))
    found = run("keep-level", [0, 1, 2], half)
    assert found.storage.ravel() == pytest.approx([100, 100, 100])
    assert found.stage_cost.sum(1) == pytest.approx([15_000, 10_000, 5_000])
    two = run("keep-level", [0, 0, 0, 0], cascade())
    assert two.storage == pytest.approx(np.tile([20.0, 2.0], (4, 1)), abs=1e-6)
    released = two.dispatch[0].turbined * 0.6048 + two.dispatch[0].spilled
    assert released == pytest.approx([6.048, 6.6528], abs=1e-6)


@pytest.mark.parametrize(("price", "like"), [(0.0, "myopic"), (99.0, "myopic"), (101.0, "hoard"), (1e6, "hoard")])
def test_a_price_below_the_thermal_cost_lets_water_go_and_one_above_keeps_it(price: float, like: str) -> None:
    for openings in ([0, 1, 2], [2, 2, 2], [0, 0, 0]):
        found, expected = run("water-value", openings, price=price), run(like, openings)
        assert found.cost == pytest.approx(expected.cost)
        assert found.storage == pytest.approx(expected.storage, abs=1e-6)


def test_the_price_is_half_of_the_dearest_thermal_cost_if_nobody_says() -> None:
    """The cascade's plants cost 30 and 90: water displaces the dearer one only."""
    system = cascade(kind="single-bus")
    assert rules.dearest(system) == 90.0
    (_, slope, least) = rules.linear_value(system, 45.0)
    assert slope[0] == pytest.approx([-45 * 0.03 / 0.6048, -45 * 0.01 / 0.6048])
    assert least == pytest.approx(slope[0] @ [40.0, 10.0])
    found, expected = run("water-value", [0] * 4, system), run("water-value", [0] * 4, system, price=45.0)
    assert found.cost == expected.cost
    assert found.dispatch[0].generation[2] == pytest.approx(0.5)  # at 30 a unit: used to the full before water
    # an idle plant is no plant; without plants it is deficits that water displaces
    idle = generators(bus=[0, 1, 1, 2], cost=[0.0, 0.0, 30.0, 90.0], max_power=[0.6, 0.4, 0.5, 0.0])
    assert rules.dearest(replace(system, generators=idle)) == 30.0
    none = generators(bus=[0, 1], cost=[0.0, 0.0], max_power=[0.6, 0.4])
    assert rules.dearest(replace(system, generators=none)) == 800.0


@pytest.mark.parametrize("make", SYSTEMS)
def test_random_stays_within_what_can_be_reached_and_follows_the_seed(make) -> None:
    system = make()
    scenario = draw_scenarios(system, 1, 5)[0]
    policy, plan = rules.random(system, 3, None), cascade_of(system)
    policy.start(7)
    first = simulate(system, scenario, policy)
    before = np.vstack([system.reservoirs.initial_volume, first.storage[:-1]])
    for t in range(system.reported_stages):
        ends = [plan.shares(before[t][None], scenario.inflow[t][None], np.full((1, system.num_reservoirs), share))[0]
                for share in (0.0, 1.0)]  # fmt: skip
        assert ends[0][0] - 1e-6 <= first.storage[t, 0] <= ends[1][0] + 1e-6
    policy.start(8)
    other = simulate(system, scenario, policy)
    policy.start(7)
    assert simulate(system, scenario, policy).storage == pytest.approx(first.storage, abs=1e-9)
    assert abs(other.storage - first.storage).max() > 1e-3


def test_under_ac_the_rules_need_casadi_and_say_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "find_spec", lambda name: None)
    rules.myopic(cascade(), 0, None)
    with pytest.raises(MissingPackageError, match=r"casadi.*\[power\]"):
        rules.myopic(cascade(kind="ac"), 0, None)


def test_refusals() -> None:
    with pytest.raises(OptionError, match="price"):
        rules.WaterValueOptions(float("nan"))
    with pytest.raises(OptionError, match="price"):
        ct.policy("water-value", first_steps(), options={"prize": 3.0})


def test_an_infeasible_stage_is_told() -> None:
    system = cascade()
    least = generators(bus=[0, 1, 1, 2], cost=[0.0, 0.0, 30.0, 90.0], max_power=[0.6, 0.4, 9.0, 0.8],
                       min_power=[0.0, 0.0, 9.0, 0.0])  # fmt: skip
    bad = replace(system, generators=least)
    with pytest.raises(InstanceError, match="stage 0 is infeasible"):
        simulate(bad, draw_scenarios(bad, 1, 0)[0], ct.policy("myopic", bad))


def observation(system, stage: int, storage: list[float], inflow: list[float]) -> Observation:
    return Observation(stage, np.array(storage), np.array(inflow))


def test_a_target_that_the_network_does_not_take_falls_back_to_one_it_takes() -> None:
    """All demand is 1.1 a stage, of which upstream water can give 0.6 alone; nothing fails and balances hold."""
    system = cascade()
    policy = rules.Hoard(system)
    found = policy.act(observation(system, 0, [40.0, 0.0], [30.0, 0.0]))
    assert found.turbined[0] * 0.6048 + found.spilled[0] == pytest.approx(30 * 0.6048, abs=1e-6)
