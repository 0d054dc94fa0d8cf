"""The reference simulator of hydrothermal systems: by hand, against the checker, and what it refuses."""

import dataclasses
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_dispatches import RandomOperator, Script, with_generators_everywhere
from tests.hydro_permutations import permuted, permuted_dispatch, permuted_scenario, random_order
from tests.hydro_systems import cascade, case3, first_steps, generators, network, reservoirs, subsystems

from counterpoint.datasets.generating import generate
from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_check import check
from counterpoint.opt.problems.hydrothermal_parts import Inflows
from counterpoint.opt.problems.hydrothermal_run import COSTS, Dispatch, Scenario, draw_scenarios, scenario_of
from counterpoint.simulators.hydrothermal import simulate

KINDS = ("single-bus", "transport", "dc", "ac")


def refused(message: str) -> Any:
    """Expect an OptionError that says this."""
    return pytest.raises(OptionError, match=re.escape(message))


def one_stage(turbined: float, thermal: float, spilled: float = 0.0, deficit: float = 0.0) -> Dispatch:
    """A stage of `first_steps`."""
    return Dispatch(np.array([turbined]), np.array([spilled]), np.array([turbined, thermal]), np.array([[deficit]]))


def test_first_steps_by_hand():
    system = first_steps()
    policy = Script(one_stage(150.0, 0.0), one_stage(60.0, 80.0, deficit=10.0), one_stage(100.0, 50.0, spilled=5.0))
    run = simulate(system, scenario_of(system, [1, 0, 2]), policy)
    assert run.storage.tolist() == [[100.0], [40.0], [35.0]]
    assert run.stage_cost.tolist() == [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [8000.0, 10000.0, 0.0, 0.0, 0.0],
        [5000.0, 0.0, 0.0, 0.0, 0.0],
    ]
    assert run.cost == 23000.0
    assert run.costs == {"generation": 13000.0, "deficit": 10000.0, "spill": 0.0, "flow": 0.0, "shortfall": 0.0}
    assert run.events == (
        (0, "inflow", 0, "50"), (0, "store", 0, "100"),
        (1, "inflow", 0, "0"), (1, "store", 0, "40"), (1, "deficit", 0, "10"),
        (2, "inflow", 0, "100"), (2, "spill", 0, "5"), (2, "store", 0, "35"),
    )  # fmt: skip


def test_what_the_policy_sees_is_the_stage_its_storage_and_its_inflow_and_nothing_it_can_change():
    system = first_steps()
    policy = Script(*[one_stage(150.0, 0.0)] * 3)
    simulate(system, scenario_of(system, [2, 2, 1]), policy)
    assert [(o.stage, o.storage.tolist(), o.inflow.tolist()) for o in policy.seen] == [
        (0, [200.0], [100.0]), (1, [150.0], [100.0]), (2, [100.0], [50.0]),
    ]  # fmt: skip
    for seen in policy.seen:
        assert not seen.storage.flags.writeable
        assert not seen.inflow.flags.writeable


def test_a_policy_that_reuses_its_arrays_does_not_rewrite_history():
    system = first_steps()
    turbined = np.array([150.0])

    class Reuser:
        def start(self, episode: int) -> None: ...

        def act(self, observation: Any) -> Dispatch:
            turbined[0] = (40.0, 60.0, 100.0)[observation.stage]
            return Dispatch(turbined, np.zeros(1), np.array([turbined[0], 150 - turbined[0]]), np.zeros((1, 1)))

    run = simulate(system, scenario_of(system, [0, 0, 0]), Reuser())
    assert [d.turbined[0] for d in run.dispatch] == [40.0, 60.0, 100.0]
    assert run.storage[:, 0].tolist() == [160.0, 100.0, 0.0]


def test_water_of_the_upper_reservoir_is_below_within_the_stage():
    system = cascade(kind="transport", horizon=1)
    dispatch = Dispatch(
        turbined=np.array([20.0, 25.0]),
        spilled=np.array([3.0, 1.5]),
        generation=np.array([0.4, 0.25, 0.05, 0.3]),
        deficit=np.array([[0.0, 0.0], [0.0, 0.0], [0.1, 0.0]]),
        flow=np.array([0.2, 0.3, 0.2]),
    )
    run = simulate(system, scenario_of(system, [1]), Script(dispatch))
    k = 0.0036 * 168
    assert run.storage[0, 0] == pytest.approx(20 + k * (30 - 20) - 3)
    assert run.storage[0, 1] == pytest.approx(2 + k * (5 - 25 + 20) - 1.5 + 3)
    assert run.stage_cost[0] == pytest.approx([30 * 0.05 + 90 * 0.3, 400 * 0.1, 0.01 * 4.5, 0.0, 0.0])


def test_flows_cost_under_transport_and_only_there():
    system = subsystems(horizon=1)
    flow = np.array([6.0, 0.0, 2.0, 2.0])
    power = np.array([42.0, 10.0, 6.0, 10.0, 2.0])  # hydro, hydro, thermal at 0, 1, 1
    dispatch = Dispatch(np.array([42.0, 10.0]), np.zeros(2), power, np.zeros((3, 2)), flow=flow)
    run = simulate(system, draw_scenarios(system, 1, 0)[0], Script(dispatch))
    assert run.storage.tolist() == [[23.0, 10.0]]  # 40 + 25 - 42, 10 + 10 - 10
    expected = {"generation": 20 * 6 + 35 * 10 + 80 * 2, "deficit": 0, "flow": 0.006 + 0.001 + 0.001, "spill": 0}
    assert run.costs == pytest.approx({**expected, "shortfall": 0})


def test_costs_are_discounted_and_only_of_reported_stages():
    system = dataclasses.replace(first_steps(), reported_stages=2, discount=0.5)
    run = simulate(system, scenario_of(system, [0, 0, 0]), Script(one_stage(50.0, 100.0), one_stage(90.0, 60.0)))
    assert run.stage_cost[:, 0].tolist() == [10000.0, 6000.0]
    assert run.cost == 13000.0
    assert len(run.dispatch) == 2


def test_what_falls_short_of_minimum_storage_and_flow_costs():
    water = dataclasses.replace(
        first_steps().reservoirs,
        min_volume=[120.0],
        min_volume_cost=[3.0],
        min_turbined=[80.0],
        min_turbined_cost=[7.0],
    )
    system = dataclasses.replace(first_steps(horizon=2), reservoirs=water)
    run = simulate(system, scenario_of(system, [0, 0]), Script(one_stage(70.0, 80.0), one_stage(85.0, 65.0)))
    assert run.storage[:, 0].tolist() == [130.0, 45.0]
    assert run.stage_cost[:, COSTS.index("shortfall")].tolist() == [70.0, 225.0]


def test_storage_within_the_tolerance_is_put_on_its_bound():
    system = first_steps(horizon=2)
    run = simulate(system, scenario_of(system, [0, 2]), Script(one_stage(150.0, 0.0), one_stage(150.0 + 1e-5, 0.0)))
    assert run.storage[1, 0] == 0.0  # 200 - 150 + 100 - 150 - 1e-5 is within 2e-4
    full = simulate(system, scenario_of(system, [1, 0]), Script(one_stage(50.0 - 1e-5, 100.0), one_stage(50.0, 100.0)))
    assert full.storage[0, 0] == 200.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"turbined": [151.0], "generation": [151.0, 0.0]}, "turbined flow too high at reservoir r0 by 1"),
        ({"turbined": [-1.0], "generation": [-1.0, 151.0]}, "turbined flow too low at reservoir r0 by 1"),
        ({"spilled": [-2.0]}, "spill too low at reservoir r0 by 2"),
        ({"spilled": [60.0]}, "storage below 0 at reservoir r0 by 10"),
        ({"generation": [100.0, 51.0]}, "active balance at the system by 1"),
        ({"generation": [99.0, 51.0]}, "generation other than what is turbined gives at reservoir r0 by 1"),
        ({"turbined": [0.0], "generation": [0.0, 151.0]}, "generation too high at generator g1 by 1"),
        ({"generation": [100.0, -1.0], "deficit": [[51.0]]}, "generation too low at generator g1 by 1"),
        ({"deficit": [[-3.0]], "generation": [100.0, 53.0]}, "deficit of level 0 too low at bus b0 by 3"),
        ({"turbined": [np.nan]}, "turbined must be finite numbers of shape \\(1,\\)"),
        ({"turbined": [1.0, 2.0]}, "turbined must be finite numbers of shape \\(1,\\)"),
        ({"turbined": "much"}, "turbined must be finite numbers"),
        ({"turbined": None}, "turbined must be finite numbers"),
        ({"deficit": [0.0]}, "deficit must be finite numbers of shape \\(1, 1\\)"),
        ({"spilled": [np.inf]}, "spilled must be finite"),
    ],
)
def test_what_cannot_be_is_refused_with_stage_what_where_and_by_how_much(change, message):
    system = first_steps()
    good = Dispatch(np.array([100.0]), np.array([0.0]), np.array([100.0, 50.0]), np.array([[0.0]]))
    bad = dataclasses.replace(good, **change)
    first = one_stage(50.0, 100.0)  # 150 are left
    with pytest.raises(OptionError, match=f"^stage 1: {message}"):
        simulate(system, scenario_of(system, [0, 0, 0]), Script(first, bad))


def test_a_reservoir_cannot_hold_more_than_it_can():
    with refused("stage 0: storage above 200 at reservoir r0 by 100"):
        simulate(first_steps(), scenario_of(first_steps(), [2, 0, 0]), Script(one_stage(0.0, 150.0)))


def test_a_decision_is_a_dispatch():
    system = first_steps()
    for given_ in (None, np.zeros(3), SimpleNamespace(turbined=[0.0])):
        with refused("a decision is a Dispatch, not"):
            simulate(system, scenario_of(system, [0, 0, 0]), Script(given_))


@pytest.mark.parametrize(("kind", "missing"), [("dc", "angle"), ("ac", "angle"), ("transport", "flow")])
def test_what_a_kind_of_network_needs_is_asked_for(kind, missing):
    system = cascade(kind=kind)
    empty = Dispatch(np.zeros(2), np.zeros(2), np.zeros(4), np.zeros((3, 2)))
    with refused(f"stage 0: {kind} needs the {missing} of a dispatch"):
        simulate(system, draw_scenarios(system, 1, 0)[0], Script(empty))


def test_deficits_have_limits_by_level():
    system = cascade(horizon=1)
    deficit = np.array([[0.0, 0.0], [0.15, 0.0], [0.1, 0.0]])
    dispatch = Dispatch(np.zeros(2), np.array([0.0, 0.0]), np.array([0, 0, 0.05, 0.8]), deficit, angle=np.zeros(3))
    with refused("stage 0: deficit of level 0 too high at bus b1 by 0.05"):
        simulate(system, scenario_of(system, [0]), Script(dispatch))


def test_the_scenario_must_be_of_the_system():
    system = first_steps()
    short = Scenario(np.zeros(2, int), np.zeros((2, 1)))
    with pytest.raises(InstanceError, match="the scenario is of"):
        simulate(system, short, Script())


def test_errors_of_the_policy_come_through():
    class Broken:
        def start(self, episode: int) -> None: ...

        def act(self, observation: Any) -> Any:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        simulate(first_steps(), scenario_of(first_steps(), [0, 0, 0]), Broken())


def two_buses(kind: Any, **branch: Any) -> Hydrothermal:
    """A plant at bus 0 and a demand at bus 1, one line; reactive power is made at both ends."""
    given_ = {"resistance": [0.0], "reactance": [0.1], "rating": [2.0], **branch}
    return Hydrothermal(
        name="two",
        horizon=1,
        reported_stages=1,
        network_kind=kind,
        reservoirs=reservoirs(max_volume=[10.0], initial_volume=[10.0], max_turbined=[5.0], generator=[0]),
        generators=generators(bus=[0, 1], cost=[0.0, 10.0], max_power=[3.0, 3.0], reactive=5.0),
        network=network(
            demand=[[0.0, 1.0]], reactive_demand=[[0.0, 0.0]], deficit_cost=[[100.0]] * 2, branches=[(0, 1)], **given_
        ),
        inflows=Inflows(np.zeros((1, 1, 1)), np.ones((1, 1))),
        volume_per_flow=1.0,
        stage_hours=0.0,
    )


def two_bus_dispatch(power: float, here: float, angle: float, voltage: Any = None, reactive: Any = None) -> Dispatch:
    return Dispatch(
        np.array([power]), np.zeros(1), np.array([power, here]), np.zeros((2, 1)),
        angle=np.array([0.0, -angle]), voltage=voltage, reactive=reactive,
    )  # fmt: skip


def run_two(system: Hydrothermal, dispatch: Dispatch) -> Any:
    """Run a stage; what the simulator lets pass, the checker must too."""
    scenario = scenario_of(system, [0])
    run = simulate(system, scenario, Script(dispatch))
    assert check(system, scenario, run).is_feasible
    return run


def test_dc_susceptance_is_x_over_r2_plus_x2():
    system = two_buses("dc", resistance=[0.05])
    flow = 0.02 * 0.1 / (0.05**2 + 0.1**2)
    run_two(system, two_bus_dispatch(flow, 1 - flow, 0.02))
    wrong = 0.02 / 0.1
    with refused("active balance at bus b0 by 0.04"):
        run_two(system, two_bus_dispatch(wrong, 1 - wrong, 0.02))


def test_dc_limits_of_flow_angle_and_reference():
    system = two_buses("dc", rating=[0.5], reverse_rating=[0.3])
    with refused("flow at branch 0 by 0.1"):
        run_two(system, two_bus_dispatch(0.6, 0.4, 0.06))
    line = dataclasses.replace(system.network, from_bus=np.array([1]), to_bus=np.array([0]))
    backwards = dataclasses.replace(system, network=line)
    assert run_two(backwards, two_bus_dispatch(0.3, 0.7, 0.03)).cost == pytest.approx(7.0)
    with refused("reverse flow at branch 0 by 0.1"):
        run_two(backwards, two_bus_dispatch(0.4, 0.6, 0.04))
    with refused("angle difference above at branch 0 by 0.04"):
        run_two(two_buses("dc", max_angle=[0.01]), two_bus_dispatch(0.5, 0.5, 0.05))
    with refused("angle difference below at branch 0 by 0.15"):
        run_two(two_buses("dc", min_angle=[0.2]), two_bus_dispatch(0.5, 0.5, 0.05))
    moved = dataclasses.replace(two_bus_dispatch(0.5, 0.5, 0.05), angle=np.array([0.01, -0.04]))
    with refused("angle of the reference at bus b0 by 0.01"):
        run_two(two_buses("dc"), moved)


@pytest.mark.parametrize("kind", ["single-bus", "transport", "dc"])
def test_without_voltages_a_shunt_takes_what_it_takes_at_voltage_1(kind):
    system = two_buses(kind, shunt_conductance=[0.0, 0.25])
    right = dataclasses.replace(two_bus_dispatch(0.5, 0.75, 0.05), flow=np.array([0.5]))
    assert run_two(system, right).cost == pytest.approx(7.5)
    wrong = dataclasses.replace(two_bus_dispatch(0.5, 0.5, 0.05), flow=np.array([0.5]))
    with refused("active balance at " + ("the system" if kind == "single-bus" else "bus b1") + " by 0.25"):
        run_two(system, wrong)


def test_limits_of_deficits_are_those_of_the_stage():
    grid = network(demand=[[1.0], [1.0]], deficit_cost=[[100.0]], deficit_limit=[[[0.2]], [[0.8]]])
    system = dataclasses.replace(first_steps(), network=grid)
    short = Dispatch(np.array([0.5]), np.zeros(1), np.array([0.5, 0.0]), np.array([[0.5]]))
    met = Dispatch(np.array([1.0]), np.zeros(1), np.array([1.0, 0.0]), np.zeros((1, 1)))
    scenario = scenario_of(system, [0, 0, 0])
    run = simulate(system, scenario, Script(met, short, met))
    assert run.stage_cost[:, COSTS.index("deficit")].tolist() == [0.0, 50.0, 0.0]
    assert check(system, scenario, run).is_feasible
    with refused("stage 2: deficit of level 0 too high at bus b0 by 0.3"):  # the rows come again
        simulate(system, scenario, Script(met, met, short))


def test_ac_line_without_losses():
    """P = sin(delta) / x and Q = (1 - cos(delta)) / x at each end, both voltages 1."""
    delta = 0.05
    power, reactive = np.sin(delta) / 0.1, (1 - np.cos(delta)) / 0.1
    dispatch = two_bus_dispatch(power, 1 - power, delta, np.ones(2), np.array([reactive, reactive]))
    assert run_two(two_buses("ac"), dispatch).cost == pytest.approx(10 * (1 - power))
    with refused("reactive balance at bus b1 by 0.0124974"):
        run_two(two_buses("ac"), dataclasses.replace(dispatch, reactive=np.array([reactive, 0.0])))
    with refused("reactive power too high at generator g1 by 1"):
        run_two(two_buses("ac"), dataclasses.replace(dispatch, reactive=np.array([reactive, 6.0])))


def test_ac_losses_are_current_squared_times_resistance():
    delta, v, y = 0.04, np.array([1.02, 0.98]), 1 / (0.03 + 0.1j)
    current = y * (v[0] - v[1] * np.exp(-1j * delta))
    sent, received = v[0] * current.conjugate(), v[1] * np.exp(-1j * delta) * current.conjugate()
    assert (sent - received).real == pytest.approx(abs(current) ** 2 * 0.03)
    reactive = np.array([sent.imag, -received.imag])
    dispatch = two_bus_dispatch(sent.real, 1 - received.real, delta, v, reactive)
    run_two(two_buses("ac", resistance=[0.03]), dispatch)


def test_ac_line_charging_shunts_taps_and_shifts():
    delta, shift, tap = 0.03, 0.01, 1.05
    # r = 0: the ideal transformer divides the from-voltage by tap and turns it back by the shift
    inner = 1 / tap
    power = inner * np.sin(delta - shift) / 0.1
    q_from = (inner**2 - inner * np.cos(delta - shift)) / 0.1 - 0.2 * inner**2
    q_to = (1 - inner * np.cos(delta - shift)) / 0.1 - 0.3
    system = two_buses(
        "ac", tap=[tap], shift=[shift], from_susceptance=[0.2], to_susceptance=[0.3],
        shunt_conductance=[0.04, 0.0], shunt_susceptance=[0.0, 0.5],
    )  # fmt: skip
    reactive = np.array([q_from, q_to - 0.5])
    run_two(system, two_bus_dispatch(power + 0.04, 1 - power, delta, np.ones(2), reactive))
    with refused("active balance at bus b0 by 0.04"):
        run_two(system, two_bus_dispatch(power, 1 - power, delta, np.ones(2), reactive))


def test_ac_apparent_power_is_limited_at_both_ends_and_voltages_are():
    delta = 0.1
    power, reactive = np.sin(delta) / 0.1, (1 - np.cos(delta)) / 0.1
    dispatch = two_bus_dispatch(power, 1 - power, delta, np.ones(2), np.array([reactive, reactive]))
    apparent = np.hypot(power, reactive)
    run_two(two_buses("ac", rating=[apparent]), dispatch)
    with refused("apparent power from at branch 0 by 0.01"):
        run_two(two_buses("ac", rating=[apparent - 0.01]), dispatch)
    lossy = two_buses("ac", rating=[apparent], to_susceptance=[-0.3])  # makes the to-end carry more
    with refused("apparent power to at branch 0"):
        run_two(lossy, dataclasses.replace(dispatch, reactive=np.array([reactive, reactive + 0.3])))
    with refused("voltage above at bus b1 by 0.01"):
        run_two(two_buses("ac", max_voltage=[1.0, 0.99]), dispatch)
    with refused("voltage below at bus b0 by 0.02"):
        run_two(two_buses("ac", min_voltage=[1.02, 0.9]), dispatch)


def test_flows_are_cubic_metres_and_power_is_per_unit():
    """A plant of case3 gives 1 MW per m3/s, 0.01 in units of 100 MW: 40 MW are not 40."""
    system = case3(horizon=1)
    susceptance = np.array([1.0 / (0.065**2 + 1), 0.5 / (0.025**2 + 0.5**2), 1.0 / (0.042**2 + 1)])
    angle = np.array([0.0, -0.02, -0.25])
    flow = susceptance * (angle[[0, 2, 0]] - angle[[2, 1, 1]])
    hydro, at_2 = flow[0] + flow[2], flow[2] + flow[1]
    power = np.array([-at_2, 1.0 - flow[0] + flow[1], hydro])
    good = Dispatch(np.array([100 * hydro]), np.zeros(1), power, np.zeros((3, 1)), angle=angle)
    roomy = dataclasses.replace(system, generators=dataclasses.replace(system.generators, max_power=[1.0, 0.5, 80.0]))
    for case in (system, roomy):
        run = simulate(case, scenario_of(case, [0]), Script(good))
        assert run.storage[0, 0] == pytest.approx(0.18 + 0.0036 * (120 - 100 * hydro))
        assert run.cost == pytest.approx(2000 * power[0] + 10000 * power[1])
    with refused("generation other than what is turbined gives at reservoir r0 by 26"):
        megawatts = np.array([power[0], power[1], 100 * hydro])
        simulate(roomy, scenario_of(roomy, [0]), Script(dataclasses.replace(good, generation=megawatts)))


def random_system(kind: str, seed: int) -> Hydrothermal:
    system: Hydrothermal = generate(
        "hydrothermal", network=kind, seed=seed, buses=1 + seed % 5, reservoirs=1 + seed % 4, thermal=6, stages=4
    )
    return with_generators_everywhere(system, np.random.default_rng(seed)) if kind == "ac" else system


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10_000))
def test_the_checker_agrees_on_random_operation(kind, seed):
    system = random_system(kind, seed)
    scenario = draw_scenarios(system, 1, seed)[0]
    run = simulate(system, scenario, RandomOperator(system, seed))
    verdict = check(system, scenario, run)
    assert verdict.is_feasible, str(verdict)
    assert verdict.objective == pytest.approx(run.cost, rel=1e-12)
    assert dict(verdict.metrics) == pytest.approx(run.costs, rel=1e-12, abs=1e-12)
    assert (run.storage >= 0).all()
    assert (run.storage <= system.reservoirs.max_volume).all()


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10_000))
def test_water_is_neither_made_nor_lost(kind, seed):
    """What came in is what is stored, or was let go where nothing lies below."""
    system = random_system(kind, seed)
    scenario = draw_scenarios(system, 1, seed)[0]
    run = simulate(system, scenario, RandomOperator(system, seed))
    k, parts = system.volume_per_flow, system.reservoirs
    turbined = np.array([d.turbined for d in run.dispatch]).sum(0) * ~parts.turbined_to.any(1)
    spilled = np.array([d.spilled for d in run.dispatch]).sum(0) * ~parts.spilled_to.any(1)
    change = run.storage[-1].sum() - parts.initial_volume.sum()
    came = k * scenario.inflow[: system.reported_stages].sum()
    assert change == pytest.approx(came - k * turbined.sum() - spilled.sum(), rel=1e-9, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10_000))
def test_the_order_of_buses_plants_and_branches_changes_no_cost(kind, seed):
    system = random_system(kind, seed)
    scenario = draw_scenarios(system, 1, seed)[0]
    run = simulate(system, scenario, RandomOperator(system, seed))
    order = random_order(system, np.random.default_rng(seed))
    script = Script(*[permuted_dispatch(d, order) for d in run.dispatch])
    again = simulate(permuted(system, order), permuted_scenario(scenario, order), script)
    assert again.cost == pytest.approx(run.cost, rel=1e-9)
    assert again.storage == pytest.approx(run.storage[:, order.reservoirs], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_run_twice_is_the_same_to_the_bit(kind):
    system = random_system(kind, 3)
    scenario = draw_scenarios(system, 1, 3)[0]
    first, second = (simulate(system, scenario, RandomOperator(system, 3)) for _ in range(2))
    assert first == second
    assert first.events == second.events
