"""The judge of hydrothermal runs: what is right passes, and every lie is called by its name."""

import dataclasses

import numpy as np
import pytest
from tests.hydro_dispatches import RandomOperator, Script, with_generators_everywhere
from tests.hydro_systems import first_steps, subsystems

from counterpoint.datasets.generating import generate
from counterpoint.opt.problems.hydrothermal_check import check
from counterpoint.opt.problems.hydrothermal_run import COSTS, Dispatch, draw_scenarios, scenario_of
from counterpoint.simulators.hydrothermal import simulate

KINDS = ("single-bus", "transport", "dc", "ac")


def made(kind, seed=4):
    """A system, a scenario and a random run of it."""
    system = generate("hydrothermal", network=kind, seed=seed, buses=4, reservoirs=3, thermal=6, stages=5)
    if kind == "ac":
        system = with_generators_everywhere(system, np.random.default_rng(seed))
    scenario = draw_scenarios(system, 1, seed)[0]
    return system, scenario, simulate(system, scenario, RandomOperator(system, seed))


def with_dispatch(run, stage, **changes):
    """The run with other decisions in a stage."""
    dispatch = list(run.dispatch)
    dispatch[stage] = dataclasses.replace(dispatch[stage], **changes)
    return dataclasses.replace(run, dispatch=tuple(dispatch))


def added(array, at, amount):
    """A copy with something added at one place."""
    changed = np.array(array)
    changed[at] += amount
    return changed


def kinds(verdict):
    return {v.kind for v in verdict.violations}


@pytest.mark.parametrize("kind", KINDS)
def test_an_honest_run_passes(kind):
    system, scenario, run = made(kind)
    verdict = check(system, scenario, run)
    assert verdict.is_feasible, str(verdict)
    assert verdict.objective == pytest.approx(run.cost, rel=1e-12)
    assert tuple(verdict.metrics) == COSTS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("field", "at", "amount", "expected"),
    [
        ("turbined", 1, 0.01, {"coupling"}),
        ("spilled", 0, -1e6, {"spilled"}),
        ("generation", 4, 0.01, {"balance"}),
        ("generation", 0, 0.01, {"balance", "coupling"}),
        ("generation", 5, 1e6, {"generation", "balance"}),
        ("deficit", (2, 0), 0.01, {"balance"}),
        ("deficit", (2, 0), -1e6, {"balance", "deficit"}),
    ],
)
def test_a_changed_decision_is_noticed(kind, field, at, amount, expected):
    system, scenario, run = made(kind)
    verdict = check(
        system, scenario, with_dispatch(run, 2, **{field: added(getattr(run.dispatch[2], field), at, amount)})
    )
    assert expected <= kinds(verdict)
    mine = [v for v in verdict.violations if v.kind in expected]
    assert all("stage 2" in v.place for v in mine)
    assert all(v.amount > v.tolerance for v in mine)


def test_what_is_turbined_twice_is_missing_below():
    system, scenario, run = made("dc")
    turbined = run.dispatch[1].turbined * 0
    verdict = check(system, scenario, with_dispatch(run, 1, turbined=turbined))
    assert "storage" in kinds(verdict)


@pytest.mark.parametrize(
    ("kind", "field", "at", "amount", "expected"),
    [
        ("transport", "flow", 0, 0.01, {"balance"}),
        ("transport", "flow", 0, -1e6, {"balance", "flow"}),
        ("dc", "angle", 1, 0.001, {"balance"}),
        ("dc", "angle", 0, 0.001, {"balance", "angle"}),
        ("dc", "angle", 1, 2.0, {"balance", "angle", "flow"}),
        ("ac", "angle", 2, 0.001, {"balance"}),
        ("ac", "voltage", 1, 0.001, {"reactive balance"}),
        ("ac", "voltage", 1, 1.0, {"voltage", "balance"}),
        ("ac", "reactive", 3, 0.01, {"reactive balance"}),
        ("ac", "reactive", 3, 1e6, {"reactive balance", "reactive"}),
        ("ac", "voltage", 1, 50.0, {"flow"}),
    ],
)
def test_a_changed_network_is_noticed(kind, field, at, amount, expected):
    system, scenario, run = made(kind)
    verdict = check(
        system, scenario, with_dispatch(run, 3, **{field: added(getattr(run.dispatch[3], field), at, amount)})
    )
    assert expected <= kinds(verdict), str(verdict)


def test_false_claims_are_noticed():
    system, scenario, run = made("dc")
    for claim in (
        {"cost": run.cost + 1e-5 * abs(run.cost)},
        {"cost": float("nan")},
        {"costs": {**run.costs, "deficit": run.costs["deficit"] + 1.0}},
        {"costs": {"generation": run.costs["generation"]}},
        {"stage_cost": added(run.stage_cost, (1, 1), 5.0)},
    ):
        assert kinds(check(system, scenario, dataclasses.replace(run, **claim))) == {"cost"}
    for storage in (added(run.storage, (2, 1), 0.01), added(run.storage, (4, 0), -0.01), run.storage * np.nan):
        assert kinds(check(system, scenario, dataclasses.replace(run, storage=storage))) == {"storage"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_not_its_shape_is_no_run(kind):
    system, scenario, run = made(kind)
    cases = [
        dataclasses.replace(run, dispatch=run.dispatch[:-1]),
        dataclasses.replace(run, storage=run.storage[:, :-1]),
        dataclasses.replace(run, stage_cost=run.stage_cost[:-1]),
        with_dispatch(run, 0, turbined=run.dispatch[0].turbined[:-1]),
        with_dispatch(run, 0, generation=np.append(run.dispatch[0].generation, 0.0)),
        with_dispatch(run, 0, deficit=run.dispatch[0].deficit[:, 0]),
        with_dispatch(run, 0, spilled=run.dispatch[0].spilled * np.nan),
    ]
    needed = {"transport": "flow", "dc": "angle", "ac": "voltage"}
    if kind in needed:
        cases.append(with_dispatch(run, 1, **{needed[kind]: None}))
    for case in cases:
        verdict = check(system, scenario, case)
        assert kinds(verdict) == {"shape"}
        assert verdict.objective is None
    short = dataclasses.replace(scenario, opening=scenario.opening[:-1], inflow=scenario.inflow[:-1])
    assert kinds(check(system, short, run)) == {"shape"}


def test_of_many_violations_the_worst_are_shown_first():
    system, scenario, run = made("dc")
    generation = run.dispatch[0].generation + np.linspace(100.0, 200.0, system.num_generators)
    found = [v for v in check(system, scenario, with_dispatch(run, 0, generation=generation)).violations
             if v.kind == "generation"]  # fmt: skip
    assert [v.amount for v in found] == sorted((v.amount for v in found), reverse=True)


def test_the_tolerance_is_a_millionth_of_the_number():
    system = first_steps()
    scenario = scenario_of(system, [0, 0, 0])
    good = Dispatch(np.array([60.0]), np.zeros(1), np.array([60.0, 90.0]), np.zeros((1, 1)))
    run = simulate(system, scenario, Script(good, good, good))
    for off, is_feasible in ((1e-4, True), (2e-4, False)):  # 1e-6 of a demand of 150
        changed = with_dispatch(run, 1, generation=np.array([60.0, 90.0 + off]))
        generation = 100.0 * (270.0 + off)
        costs = {**run.costs, "generation": generation}
        stage_cost = added(run.stage_cost, (1, 0), 100.0 * off)
        told = dataclasses.replace(changed, cost=generation, costs=costs, stage_cost=stage_cost)
        assert check(system, scenario, told).is_feasible == is_feasible


def test_flow_costs_count_under_transport():
    system = subsystems(horizon=1)
    dispatch = Dispatch(
        np.array([42.0, 10.0]), np.zeros(2), np.array([42.0, 10.0, 6.0, 10.0, 2.0]), np.zeros((3, 2)),
        flow=np.array([6.0, 0.0, 2.0, 2.0]),
    )  # fmt: skip
    scenario = draw_scenarios(system, 1, 0)[0]
    run = simulate(system, scenario, Script(dispatch))
    verdict = check(system, scenario, run)
    assert verdict.objective == pytest.approx(20 * 6 + 35 * 10 + 80 * 2 + 0.008)
    assert verdict.metrics["flow"] == pytest.approx(0.008)
