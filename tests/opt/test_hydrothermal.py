"""Hydrothermal systems: what an instance refuses, what is drawn, and the published protocol."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_permutations import permuted, random_order
from tests.hydro_systems import SYSTEMS, cascade, case3, first_steps, generators, network, reservoirs, subsystems

from counterpoint.datasets.registry import benchmark
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_json import decode, encode
from counterpoint.opt.problems.hydrothermal_parts import Inflows
from counterpoint.opt.problems.hydrothermal_run import Scenario, draw_scenarios, scenario_of
from counterpoint.opt.problems.hydrothermal_stablerng import draws

PROTOCOL_SEED, STAGES, COLUMNS = 20260706, 126, 500
PROTOCOL_DIGEST = "ff229968f2d3b5d1ec66dc0d9f7b340785d26fa3def79f9fd9c544b6b1c9110c"  # published


def test_the_published_protocol_is_reproduced_bit_for_bit():
    numbers = draws(PROTOCOL_SEED, 15, STAGES * COLUMNS) + 1
    assert numbers[:8].tolist() == [13, 3, 12, 5, 5, 11, 9, 13]
    assert hashlib.sha256(",".join(map(str, numbers.tolist())).encode()).hexdigest() == PROTOCOL_DIGEST


def test_scenario_i_of_the_bolivian_case_is_column_i_plus_1():
    system = benchmark("bolivia-dc")
    openings = np.array([s.opening for s in draw_scenarios(system, COLUMNS, PROTOCOL_SEED)]) + 1
    text = ",".join(map(str, openings.ravel().tolist()))  # column-major, as Julia writes a 126 x 500 matrix
    assert hashlib.sha256(text.encode()).hexdigest() == PROTOCOL_DIGEST


def test_stablerng_masks_and_rejects():
    """Of 16 patterns one is thrown away for 15 numbers, none for 16: the streams part where the first is."""
    sixteen, fifteen = draws(7, 16, 400).tolist(), draws(7, 15, 300).tolist()
    assert fifteen == [x for x in sixteen if x < 15][:300]
    assert set(draws(1, 1, 5).tolist()) == {0}
    assert sorted(set(draws(3, 5, 200).tolist())) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("make", SYSTEMS)
def test_a_scenario_depends_on_seed_and_number_alone(make):
    system = make()
    few, many = draw_scenarios(system, 3, 11), draw_scenarios(system, 7, 11)
    assert few == many[:3]
    assert few != draw_scenarios(system, 3, 12)
    assert draw_scenarios(system, 0, 1) == ()


def test_the_protocol_does_not_depend_on_the_count_either():
    system = benchmark("bolivia-ac")
    assert draw_scenarios(system, 2, 5) == draw_scenarios(system, 9, 5)[:2]
    assert draw_scenarios(system, 0, 5) == ()


@pytest.mark.parametrize("make", [cascade, subsystems, case3])
def test_scenarios_are_rows_of_the_stages_inflows(make):
    system = make()
    for scenario in draw_scenarios(system, 5, 2):
        for stage in range(system.horizon):
            rows, probability = system.openings(stage)
            assert (scenario.inflow[stage] == rows[scenario.opening[stage]]).all()
            assert probability[scenario.opening[stage]] > 0


@pytest.mark.parametrize("opening", [[-1, 0, 0, 0], [0, 0, 0, 2], [[0, 0, 0, 0]]])
def test_rows_that_do_not_exist_make_no_scenario(opening):
    """-1 stands for inflows that are no row, not for the last one."""
    with pytest.raises(InstanceError, match=r"^opening: expected a number in 0\.\.1 for every stage"):
        scenario_of(cascade(), opening)


def test_rows_come_as_often_as_they_are_likely():
    system = cascade(horizon=2)
    seen = np.array([s.opening for s in draw_scenarios(system, 4000, 0)])
    assert seen.mean(0) == pytest.approx([0.5, 0.75], abs=0.03)


def test_the_first_inflow_is_certain_where_it_is_known():
    system = subsystems()
    assert system.openings(0)[0].tolist() == [[25.0, 10.0]]
    for scenario in draw_scenarios(system, 4, 0):
        assert scenario.inflow[0].tolist() == [25.0, 10.0]
        assert scenario.opening[0] == 0
    assert scenario_of(system, [2, 1, 0, 1]).inflow.tolist() == [[25, 10], [40, 8], [30, 12], [40, 8]]


def test_demand_goes_around():
    system = subsystems()
    assert [system.demand(t)[0] for t in range(5)] == [40.0, 45.0, 50.0, 40.0, 45.0]


def test_counts_and_features():
    system = cascade(kind="ac")
    assert (system.num_reservoirs, system.num_generators, system.num_buses, system.num_branches) == (2, 4, 3, 3)
    assert system.features == {"ac"}
    assert cascade().features == frozenset()
    assert system.power_per_flow.tolist() == [0.02, 0.01]
    assert repr(system) == "<Hydrothermal 'cascade': 2 reservoirs, 4 generators, 3 buses, ac, 4 stages>"


def test_what_counts_is_in_the_hash_and_the_name_is_not():
    system = cascade()
    assert dataclasses.replace(system, name="other").content_hash == system.content_hash
    assert dataclasses.replace(system, name="other") != system
    changed = [
        cascade(kind="ac"),
        cascade(horizon=5),
        cascade(reported_stages=3),
        dataclasses.replace(system, discount=0.5),
        dataclasses.replace(system, network=dataclasses.replace(system.network, reference=1)),
        dataclasses.replace(system, generators=dataclasses.replace(system.generators, cost=[0, 0, 30, 91])),
        dataclasses.replace(system, reservoirs=dataclasses.replace(system.reservoirs, spill_cost=[0.01, 0.02])),
        dataclasses.replace(system, inflows=dataclasses.replace(system.inflows, first=[1.0, 1.0])),
    ]
    hashes = {x.content_hash for x in (system, *changed)}
    assert len(hashes) == len(changed) + 1
    order = random_order(system, np.random.default_rng(1))
    assert permuted(system, order).content_hash not in hashes


def test_arrays_cannot_be_written_to_and_the_givers_stay_theirs():
    mine = np.array([[[1.0], [2.0]]])
    inflows = Inflows(mine, np.full((1, 2), 0.5))
    mine[0, 0, 0] = 9.0
    assert inflows.rows[0, 0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        inflows.rows[0, 0, 0] = 3.0


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"volume_per_flow": 0.0036}, "volume_per_flow", "a week must not be modelled as an hour"),
        ({"volume_per_flow": 0.6049}, "volume_per_flow", "0.0036 x 168 stage hours make 0.6048"),
        ({"stage_hours": 0.0}, "volume_per_flow", "flows and volumes of one unit make 1"),
        ({"stage_hours": -1.0}, "stage_hours", "positive"),
        ({"horizon": 0}, "horizon", "whole number in 1"),
        ({"horizon": 2.5}, "horizon", "whole number"),
        ({"horizon": True}, "horizon", "whole number"),
        ({"reported_stages": 5}, "reported_stages", "1..4"),
        ({"network_kind": "copper"}, "network_kind", "single-bus, transport, dc, ac"),
        ({"sampler": "mt19937"}, "sampler", "pcg64, stablerng-lehmer"),
        ({"sampler": "stablerng-lehmer"}, "sampler", "equal probabilities"),
        ({"discount": 0.0}, "discount", "positive"),
        ({"discount": 1.01}, "discount", "factor in"),
        ({"discount": float("nan")}, "discount", "positive"),
        ({"base_power": -100.0}, "base_power", "positive"),
        ({"inflows": Inflows(np.ones((1, 1, 3)), np.ones((1, 1)))}, "inflows", "inflows of 2 reservoirs, not 3"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(changes, place, message):
    with pytest.raises(InstanceError, match=message) as caught:
        dataclasses.replace(cascade(), **changes)
    assert caught.value.place[0] == place


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("reservoirs", {"max_volume": [-1.0, 10.0]}, r"reservoirs.max_volume\[0\]: expected numbers at least 0"),
        ("reservoirs", {"max_turbined": [30.0, -1.0]}, r"reservoirs.max_turbined\[1\]"),
        ("reservoirs", {"initial_volume": [20.0, 11.0]}, "initial_volume exceeds max_volume at r1"),
        ("reservoirs", {"min_volume": [41.0, 0.0]}, "min_volume exceeds max_volume at r0"),
        ("reservoirs", {"min_turbined": [0.0, 41.0]}, "min_turbined exceeds max_turbined at r1"),
        ("reservoirs", {"generator": [1, 1]}, "two plants drive one generator"),
        ("reservoirs", {"generator": [0, 9]}, "expected a generator in 0..3"),
        ("reservoirs", {"generator": [0.5, 1]}, "whole numbers"),
        ("reservoirs", {"production": [1.0, np.nan]}, "production"),
        ("reservoirs", {"spill_cost": [1.0]}, "of shape 2, not 1"),
        ("reservoirs", {"turbined_to": np.ones((2, 2), bool)}, "water flows in a circle"),
        ("reservoirs", {"spilled_to": [[False, False], [True, False]]}, "water flows in a circle"),
        ("reservoirs", {"spilled_to": [[0, 2], [0, 0]]}, "true or false"),
        ("reservoirs", {"names": ()}, "expected at least one reservoir"),
        ("reservoirs", {"names": (1, 2)}, "expected names"),
        ("generators", {"bus": [0, 1, 1, 3]}, "expected a bus in 0..2"),
        ("generators", {"bus": [0, 1, 1, -1]}, "at least 0"),
        ("generators", {"min_power": [0, 0, 0.6, 0]}, "min_power exceeds max_power at g2"),
        ("generators", {"min_power": [0.1, 0, 0, 0]}, "must be allowed to stand still"),
        ("generators", {"max_reactive": [-1.0, 0, 0, 0]}, "min_reactive exceeds max_reactive at g0"),
        ("generators", {"cost": [0, 0, 1e13, 0]}, "cost"),
        ("network", {"reference": 3}, "expected a bus in 0..2"),
        ("network", {"from_bus": [0, 1, 5]}, "expected a bus in 0..2"),
        ("network", {"to_bus": [0, 2, 2]}, "a branch must join two buses"),
        ("network", {"rating": [0.25, -0.9, 0.6]}, r"network.rating\[1\]"),
        ("network", {"deficit_limit": np.full((2, 3, 2), -1.0)}, "deficit_limit"),
        ("network", {"deficit_limit": np.full((1, 3, 2), 1.0)}, "of shape 2 x 3 x 2"),
        ("network", {"reactive_demand": [[0.0, 0.0, 0.0]]}, "as many rows of reactive"),
        ("network", {"min_voltage": [1.2, 0.9, 0.9]}, "min_voltage exceeds max_voltage"),
        ("network", {"min_angle": [1.2, 0.0, 0.0]}, "min_angle exceeds max_angle"),
        ("network", {"tap": [0.0, 1.0, 1.0]}, "tap"),
        ("network", {"reactance": [0.0, 0.1, 0.3], "resistance": [0.0, 0.1, 0.1]}, "without impedance"),
        ("network", {"reactance": [0.0, 0.1, 0.3]}, "without reactance carries nothing under dc"),
        ("inflows", {"probability": [[0.5, 0.6], [0.5, 0.5]]}, r"inflows.probability\[0\]: .*add up to 1"),
        ("inflows", {"probability": [[0.5, 0.5]]}, "of shape 2 x 2"),
        ("inflows", {"rows": np.full((2, 2, 2), np.inf)}, "rows"),
        ("inflows", {"rows": np.zeros((0, 1, 2))}, "at least one row"),
        ("inflows", {"first": [1.0]}, "first"),
    ],
)
def test_parts_that_cannot_be_are_refused_with_their_place(part, changes, message):
    system = cascade()
    with pytest.raises(InstanceError, match=message):
        dataclasses.replace(system, **{part: dataclasses.replace(getattr(system, part), **changes)})


def test_a_flow_that_costs_must_go_one_way():
    system = subsystems()
    bad = dataclasses.replace(system.network, reverse_rating=[0.0, 1.0, 0.0, 0.0])
    with pytest.raises(InstanceError, match=r"network.flow_cost\[1\]: .* must go one way"):
        dataclasses.replace(system, network=bad)


def test_sparse_loops_are_found_however_long():
    chain = [(i, i + 1) for i in range(5)]
    kwargs = {"max_volume": [1.0] * 6, "initial_volume": [0.0] * 6, "max_turbined": [1.0] * 6}
    reservoirs(**kwargs, generator=list(range(6)), turbined_to=chain[:3], spilled_to=chain)
    with pytest.raises(InstanceError, match="circle"):
        reservoirs(**kwargs, generator=list(range(6)), turbined_to=chain[:3], spilled_to=[*chain, (5, 0)])


def test_scenarios_are_finite_and_of_one_length():
    for opening, inflow in (([0], [[1.0], [2.0]]), ([0], [[np.nan]]), ([0, 1], [1.0, 2.0])):
        with pytest.raises(InstanceError):
            Scenario(np.array(opening), np.array(inflow))
    with pytest.raises(InstanceError, match="at least 0"):
        draw_scenarios(first_steps(), 1, -1)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**70))
def test_stablerng_is_the_recurrence_of_its_paper(n, seed):
    state, found = (seed << 1 | 1) % 2**128, []
    while len(found) < 20:
        state = state * 0x45A31EFC5A35D971261FD0407A968ADD % 2**128
        value = (state // 2**64) % 2 ** (n - 1).bit_length()
        found += [value] if value < n else []
    assert draws(seed, n, 20).tolist() == found


def test_a_system_of_one_bus_needs_no_branches():
    system = Hydrothermal(
        name="one", horizon=1, reported_stages=1, network_kind="dc",
        reservoirs=reservoirs(max_volume=[1.0], initial_volume=[0.0], max_turbined=[1.0], generator=[0]),
        generators=generators(bus=[0], cost=[0.0], max_power=[1.0]),
        network=network(demand=[[1.0]], deficit_cost=[[1.0]]),
        inflows=Inflows(np.ones((1, 1, 1)), np.ones((1, 1))), volume_per_flow=1.0, stage_hours=0.0,
    )  # fmt: skip
    assert (system.num_buses, system.num_branches) == (1, 0)


@pytest.mark.parametrize("reference", [0.7, float("nan"), "0", None, [1], True, -1, 3])
def test_the_bus_of_angle_0_is_a_number_of_a_bus(reference):
    with pytest.raises(InstanceError, match=r"network\.reference: expected a bus in 0\.\.2"):
        dataclasses.replace(cascade().network, reference=reference)


def test_the_bus_of_angle_0_may_be_a_number_of_numpy():
    system = cascade()
    same = dataclasses.replace(system, network=dataclasses.replace(system.network, reference=np.int64(0)))
    assert same.content_hash == system.content_hash
    assert decode(json.loads(json.dumps(encode(same)))) == system


def test_a_number_beyond_all_floats_is_refused_by_its_place():
    with pytest.raises(InstanceError, match=r"^reservoirs\.max_volume"):
        dataclasses.replace(cascade().reservoirs, max_volume=[10**400, 1])
