"""The stage as arrays against Pyomo, scipy, finite differences, other orders, and what can be worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from tests.hydro_systems import SYSTEMS, cascade, case3, generators, network, reservoirs, subsystems
from tests.random_hydro_systems import permuted, random_state, random_system

from counterpoint.opt.errors import InstanceError, UnsupportedError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Inflows
from counterpoint.simulators.hydrothermal_network import network_excesses
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import (
    LINEAR_NETWORKS,
    angle_matrix,
    dispatch_of,
    max_turbined,
    stage_models,
    susceptance,
)
from counterpoint.simulators.stage.model import INFEASIBLE, OPTIMAL, StageModel

pyo = pytest.importorskip("pyomo.environ")
KINDS = st.sampled_from(LINEAR_NETWORKS)


def by_scipy(model: StageModel, state: Any, noise: Any) -> Any:
    """Solve with scipy: every row as two inequalities."""
    shift = model.shift(state[None], noise[None])[0]
    upper, lower = model.row_upper - shift, model.row_lower - shift
    matrix = model.matrix.toarray()
    rows = np.concatenate([matrix[np.isfinite(upper)], -matrix[np.isfinite(lower)]])
    limits = np.concatenate([upper[np.isfinite(upper)], -lower[np.isfinite(lower)]])
    return linprog(model.cost, rows, limits, bounds=np.c_[model.col_lower, model.col_upper])


@given(st.integers(0, 10_000), KINDS)
@settings(max_examples=40, deadline=None)
def test_the_same_optimum_as_pyomo_and_scipy(seed: int, kind: str) -> None:
    from counterpoint.solvers.mip.hydrothermal_pyomo import build_stage

    system = random_system(seed, kind, passive=False)
    stage = seed % 5
    model = stage_models(system)[stage % len(system.network.demand)]
    state, noise = random_state(system, 2, seed)
    found = HighsStage(model).solve_many(state, noise, wants_x=True)
    assert found.status.tolist() == [OPTIMAL] * 2
    for i in range(2):
        written = build_stage(system, stage, state[i], noise[i])
        pyo.SolverFactory("appsi_highs").solve(written)
        assert found.objective[i] == pytest.approx(pyo.value(written.cost), rel=1e-8, abs=1e-7)
        peer = by_scipy(model, state[i], noise[i])
        assert found.objective[i] == pytest.approx(peer.fun, rel=1e-7, abs=1e-6)


@given(st.integers(0, 10_000), KINDS)
@settings(max_examples=60, deadline=None)
def test_dispatches_obey_every_limit_and_cost_what_the_stage_says(seed: int, kind: str) -> None:
    system = random_system(seed, kind)
    models = stage_models(system)
    stage = seed % len(models)
    state, noise = random_state(system, 3, seed)
    found = HighsStage(models[stage]).solve_many(state, noise, wants_x=True)
    for i in range(3):
        dispatch = dispatch_of(system, models[stage], found.x[i], state[i], noise[i])
        for excess in network_excesses(system, stage, dispatch):
            assert (excess.amounts <= 1e-7).all(), excess.what
        assert (dispatch.generation >= system.generators.min_power).all()
        assert (dispatch.generation <= system.generators.max_power).all()
        driven = dispatch.generation[system.reservoirs.generator]
        np.testing.assert_allclose(driven, system.power_per_flow * dispatch.turbined, rtol=1e-12)
        storage, cost = carried_out(system, dispatch, state[i], noise[i])
        assert (storage >= -1e-9).all()
        assert (storage <= system.reservoirs.max_volume + 1e-9).all()
        np.testing.assert_allclose(storage, found.state_out[i], atol=1e-7)
        assert cost == pytest.approx(found.stage_cost[i], rel=1e-7, abs=1e-5)


def carried_out(system: Hydrothermal, dispatch: Any, state: Any, noise: Any) -> tuple[Any, float]:
    """Return the storage a dispatch leaves and what it costs, plant by plant."""
    parts, k = system.reservoirs, system.volume_per_flow
    storage = state.copy()
    for r in range(system.num_reservoirs):
        storage[r] += k * (noise[r] - dispatch.turbined[r]) - dispatch.spilled[r]
        for u in range(system.num_reservoirs):
            storage[r] += k * dispatch.turbined[u] * parts.turbined_to[u, r]
            storage[r] += dispatch.spilled[u] * parts.spilled_to[u, r]
    cost = dispatch.generation @ system.generators.cost + (dispatch.deficit * system.network.deficit_cost).sum()
    cost += parts.spill_cost @ dispatch.spilled
    cost += parts.min_volume_cost @ np.maximum(parts.min_volume - storage, 0)
    cost += parts.min_turbined_cost @ np.maximum(parts.min_turbined - dispatch.turbined, 0)
    if dispatch.flow is not None:
        cost += system.network.flow_cost @ dispatch.flow
    return storage, float(cost)


@given(st.integers(0, 10_000), KINDS, st.booleans())
@settings(max_examples=40, deadline=None)
def test_duals_are_derivatives(seed: int, kind: str, has_target: bool) -> None:
    """Where the optimum is smooth there, which is almost everywhere."""
    system = random_system(seed, kind)
    solver = HighsStage(stage_models(system)[0])
    state, noise = random_state(system, 1, seed)
    state = 0.1 * system.reservoirs.max_volume + 0.8 * state
    target = 0.5 * state if has_target else None
    found = solver.solve_many(state, noise, target)
    if found.status[0] == INFEASIBLE:
        assert has_target
        return
    for r in np.flatnonzero(system.reservoirs.max_volume > 0):
        step = np.zeros_like(state)
        step[0, r] = 1e-5 * system.reservoirs.max_volume[r]
        moves = [("dual_state", [(state + s, target) for s in (step, -step)])]
        if target is not None:
            moves.append(("dual_target", [(state, target + s) for s in (step, -step)]))
        for name, ends in moves:
            values = [solver.solve_many(v, noise, t).objective[0] for v, t in ends]
            slopes = (values[0] - found.objective[0], found.objective[0] - values[1])
            if abs(slopes[0] - slopes[1]) < 1e-6 * max(1.0, abs(found.objective[0])):
                told = getattr(found, name)[0, r]
                assert told == pytest.approx((values[0] - values[1]) / 2 / step[0, r], rel=1e-4, abs=1e-3)


@given(st.integers(0, 10_000), KINDS)
@settings(max_examples=30, deadline=None)
def test_the_order_of_buses_plants_and_branches_does_not_matter(seed: int, kind: str) -> None:
    system = random_system(seed, kind)
    other, plant = permuted(system, seed)
    state, noise = random_state(system, 4, seed)
    ours = HighsStage(stage_models(system)[-1]).solve_many(state, noise)
    theirs = HighsStage(stage_models(other)[-1]).solve_many(state[:, plant], noise[:, plant])
    np.testing.assert_allclose(ours.objective, theirs.objective, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("kind", LINEAR_NETWORKS)
def test_maps_name_every_column_and_row_once(kind: str) -> None:
    for system in (*(make() for make in SYSTEMS), random_system(3), random_system(8)):
        if kind == "dc" and (system.network.reactance == 0).any():
            continue
        for model in stage_models(system, kind):
            for names, count in ((model.columns, model.num_cols), (model.rows, model.num_rows)):
                assert sorted(np.concatenate(list(names.values())).tolist()) == list(range(count))
            assert model.state_out.tolist() == model.columns["storage"].tolist()


def test_flows_around_a_cycle_need_angles_and_a_tree_needs_none() -> None:
    assert stage_models(cascade())[0].rows["cycle"].size == 1
    system = cascade()
    few = {f: getattr(system.network, f)[:2] for f in system.network.__dataclass_fields__
           if f not in ("names", "reference") and len(getattr(system.network, f)) == 3
           and getattr(system.network, f).ndim == 1 and f not in
           ("shunt_conductance", "shunt_susceptance", "min_voltage", "max_voltage")}  # fmt: skip
    assert stage_models(replace(system, network=replace(system.network, **few)))[0].rows["cycle"].size == 0


def test_angles_follow_from_flows() -> None:
    """Of any angles, the flows and back; islands have a bus of angle 0 each."""
    for seed in range(20):
        system = random_system(seed)
        net = system.network
        angles = np.random.default_rng(seed).normal(size=system.num_buses)
        flow = susceptance(system) * (angles[net.from_bus] - angles[net.to_bus])
        found = angle_matrix(system) @ flow
        assert found[net.reference] == 0.0
        np.testing.assert_allclose(found[net.from_bus] - found[net.to_bus], flow / susceptance(system), atol=1e-9)


def congested(kind: Any) -> Hydrothermal:
    """All generation at bus 0 but a dear one at bus 2; reactances 1, 1, 2: 5/8 of what goes to bus 2 goes directly."""
    return Hydrothermal(
        name="congested",
        horizon=1,
        reported_stages=1,
        network_kind=kind,
        reservoirs=reservoirs(max_volume=[10.0], initial_volume=[10.0], max_turbined=[1.0], generator=[0]),
        generators=generators(bus=[0, 0, 2], cost=[0.0, 10.0, 100.0], max_power=[1.0, 9.0, 9.0]),
        network=network(
            demand=[[0.0, 0.0, 4.0]],
            deficit_cost=[[1000.0]] * 3,
            branches=[(0, 1), (1, 2), (0, 2)],
            rating=[9.0, 9.0, 2.0],
            resistance=[0.0, 0.0, 0.0],
            reactance=[2.0, 3.0, 3.0],
            min_angle=[-9.0] * 3,
            max_angle=[9.0] * 3,
        ),
        inflows=Inflows(np.zeros((1, 1, 1)), np.ones((1, 1))),
        volume_per_flow=1.0,
        stage_hours=0.0,
    )


def test_a_network_that_binds() -> None:
    """Copper plate and transport: 3 of 4 at 10. DC: the direct line takes 5/8, its 2 are those of 3.2.

    So 0.8 must be made at 100, and 2.2 at 10.
    """
    cost = {}
    for kind in LINEAR_NETWORKS:
        system = congested(kind)
        found = HighsStage(stage_models(system)[0]).solve_many(np.array([[10.0]]), np.zeros((1, 1)))
        cost[kind] = found.objective[0]
    assert cost == pytest.approx({"single-bus": 30.0, "transport": 30.0, "dc": 22.0 + 80.0})


def test_angle_limits_bind_too() -> None:
    """The direct line's difference at most 3: its flow at most 1, 1.6 in all, 2.4 at 100 and 0.6 at 10."""
    system = congested("dc")
    tight = replace(system, network=replace(system.network, max_angle=[9.0, 9.0, 3.0]))
    found = HighsStage(stage_models(tight)[0]).solve_many(np.array([[10.0]]), np.zeros((1, 1)))
    assert found.objective[0] == pytest.approx(6.0 + 240.0)


def test_a_generator_limits_its_plant() -> None:
    """case3: 0.8 of power at 1 MW per m3/s and 100 MVA is 80 m3/s; with a half of it 40."""
    system = case3()
    assert max_turbined(system).tolist() == [80.0]
    less = replace(system, generators=replace(system.generators, max_power=[1.0, 0.5, 0.4]))
    assert max_turbined(less).tolist() == [40.0]
    none = replace(system, reservoirs=replace(system.reservoirs, production=[0.0]))
    assert max_turbined(none).tolist() == [80.0]


def test_deficits_have_columns_where_they_can_be() -> None:
    assert stage_models(subsystems())[0].columns["deficit"].size == 4  # two regions, two levels; none at the node
    uppers = [model.col_upper[model.columns["deficit"]].tolist() for model in stage_models(subsystems())]
    assert uppers == [[4.0, 36.0, 3.0, 27.0], [4.5, 40.5, 3.5, 31.5], [5.0, 45.0, 2.5, 22.5]]


def test_minima_that_cost_nothing_have_no_columns() -> None:
    system = case3()
    parts = replace(system.reservoirs, min_volume=[0.1], min_turbined=[5.0], min_turbined_cost=[7.0])
    model = stage_models(replace(system, reservoirs=parts))[0]
    assert (model.columns["volume shortfall"].size, model.columns["turbined shortfall"].size) == (0, 1)
    empty = HighsStage(model).solve_many(np.zeros((1, 1)), np.zeros((1, 1)))
    without = HighsStage(stage_models(system)[0]).solve_many(np.zeros((1, 1)), np.zeros((1, 1)))
    assert empty.objective[0] == pytest.approx(without.objective[0] + 35.0)


def test_negative_inflow_beyond_the_storage_is_infeasible() -> None:
    solver = HighsStage(stage_models(cascade())[0])
    assert solver.solve_many(np.array([[1.0, 1.0]]), np.array([[-30.0, 0.0]])).status[0] == INFEASIBLE


def test_what_is_no_linear_network_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="ac is no linear network"):
        stage_models(cascade(kind="ac"))
    assert stage_models(cascade(kind="ac"), "dc")[0].num_cols > 0
    system = cascade()
    with pytest.raises(InstanceError, match="both the rating and the angle limits"):
        stage_models(replace(system, network=replace(system.network, min_angle=[0.5] * 3, rating=[0.1] * 3)))
    lines = replace(system.network, reactance=[0.0, 0.1, 0.3])
    with pytest.raises(InstanceError, match="without reactance"):
        stage_models(replace(system, network=lines, network_kind="ac"), "dc")
