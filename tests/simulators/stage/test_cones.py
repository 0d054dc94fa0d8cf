"""The cone relaxation, Clarabel on it, and its tangents: nothing AC allows is cut off, and bounds stay below."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from tests.ac_systems import dressed, two_buses
from tests.hydro_systems import cascade, case3
from tests.random_hydro_systems import permuted, random_state

from counterpoint.simulators.stage.ac import AcStage
from counterpoint.simulators.stage.cones import ConicModel, conic_models
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import INFEASIBLE, OPTIMAL
from counterpoint.simulators.stage.tangents import tangent_models

pytest.importorskip("clarabel")
pytest.importorskip("casadi")
from counterpoint.simulators.stage.clarabel import ClarabelStage

SYSTEMS = [cascade(kind="ac"), case3(kind="ac"), dressed()]
NAMES = [system.name for system in SYSTEMS]


def lifted(system, conic: ConicModel, stage: AcStage, x: np.ndarray) -> np.ndarray:
    """Return an AC solution in the relaxation's columns."""
    network, columns = system.network, conic.linear.columns
    angle, voltage = x[stage.model.columns["angle"]], x[stage.model.columns["voltage"]]
    pairs = sorted({tuple(sorted(ends)) for ends in zip(network.from_bus, network.to_bus, strict=True)})
    y = np.zeros(conic.linear.num_cols)
    water = min(stage.model.columns["angle"])
    y[:water] = x[:water]
    y[columns["square"]] = voltage**2
    i, j = np.array(pairs).T
    y[columns["real"]] = voltage[i] * voltage[j] * np.cos(angle[i] - angle[j])
    y[columns["imaginary"]] = voltage[i] * voltage[j] * np.sin(angle[i] - angle[j])
    return y


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_every_ac_operation_is_one_of_the_relaxation(system) -> None:
    for row, conic in enumerate(conic_models(system)):
        stage = AcStage(system, row)
        state, noise = random_state(system, 4, 7)
        found = stage.solve_many(state, noise, wants_x=True)
        assert (found.status == OPTIMAL).all()
        model = conic.linear
        for i, x in enumerate(found.x):
            y = lifted(system, conic, stage, x)
            rows = model.matrix @ y + model.shift(state[i : i + 1], noise[i : i + 1])[0]
            assert (rows >= model.row_lower - 1e-6).all()
            assert (rows <= model.row_upper + 1e-6).all()
            assert (y >= model.col_lower - 1e-6).all()
            assert (y <= model.col_upper + 1e-6).all()
            assert conic.violation(y[None]).max() < 1e-6
            assert model.cost @ y == pytest.approx(found.stage_cost[i])
            y[model.columns["real"]] += 0.01  # a cone is a cone
            assert conic.violation(y[None]).max() > 1e-3


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_single_bus_below_tangents_below_cones_below_ac(system) -> None:
    state, noise = random_state(system, 20, 21)
    linear = tangent_models(system, rounds=8)
    for row, conic in enumerate(conic_models(system)):
        ac = AcStage(system, row).solve_many(state, noise)
        cones = ClarabelStage(conic).solve_many(state, noise)
        tangents = HighsStage(linear[row]).solve_many(state, noise)
        bus = HighsStage(stage_models(system, "single-bus")[row]).solve_many(state, noise)
        for found in (ac, cones, tangents, bus):
            assert (found.status == OPTIMAL).all()
        small = 1e-6 * np.abs(ac.objective)
        assert (cones.objective <= ac.objective + small).all()
        assert (tangents.objective <= cones.objective + small).all()
        assert (bus.objective <= tangents.objective + small).all()
        assert cones.objective.mean() > bus.objective.mean() * 1.005  # the network counts
        np.testing.assert_allclose(tangents.objective, cones.objective, rtol=0.01, atol=0.1)


def test_on_a_line_the_relaxation_is_exact() -> None:
    """No cycle, losses cost money: the cone is tight (Farivar and Low 2013)."""
    system = two_buses(demand=0.7)
    zero = np.zeros((1, 1))
    ac = AcStage(system).solve_many(zero, zero).objective[0]
    found = ClarabelStage(conic_models(system)[0]).solve_many(zero, zero).objective[0]
    assert found == pytest.approx(ac, rel=1e-6)
    assert found <= ac


def bare(model) -> ConicModel:
    """Return a linear stage as one with cones, of which there are none that matter: 1 >= |0|."""
    return ConicModel(model, sparse.csr_array((2, model.num_cols)), np.array([1.0, 0.0]), np.array([2]))


@pytest.mark.parametrize("has_target", [False, True])
def test_without_cones_it_agrees_with_simplex(has_target: bool) -> None:
    system = cascade()
    model = stage_models(system)[1]
    state, noise = random_state(system, 6, 5)
    theta, intercept = np.array([0, 1, 1]), np.array([700.0, 300.0, 500.0])
    slope = np.array([[-5.0, -3.0], [-1.0, -2.0], [-6.0, -6.5]])
    stages = [made(given, weights=[0.6, 0.4], theta_lower=[10.0, 20.0])
              for made, given in ((ClarabelStage, bare(model)), (HighsStage, model))]  # fmt: skip
    for stage in stages:
        stage.add_cuts(theta[:1], intercept[:1], slope[:1])
        stage.add_cuts(theta[1:], intercept[1:], slope[1:])
    target = stages[1].solve_many(state, noise).state_out * 0.9 if has_target else None
    cones, simplex = (stage.solve_many(state, noise, target, wants_x=True) for stage in stages)
    assert cones.status.tolist() == simplex.status.tolist() == [OPTIMAL] * 6
    np.testing.assert_allclose(cones.objective, simplex.objective, rtol=1e-5)  # proven, not found: a little lower
    assert (cones.objective <= simplex.objective + 1e-6).all()
    for r in range(2):  # duals need not be unique: differences are
        move = np.eye(2)[r] * 1e-5
        up, down = (stages[1].solve_many(state + s * move, noise, target).objective for s in (1, -1))
        kinked = np.abs(up + down - 2 * simplex.objective) > 1e-7
        np.testing.assert_allclose(((up - down) / 2e-5)[~kinked], cones.dual_state[~kinked, r], rtol=1e-3, atol=1e-2)
        if target is not None:
            up, down = (stages[1].solve_many(state, noise, target + s * move).objective for s in (1, -1))
            kinked = np.abs(up + down - 2 * simplex.objective) > 1e-7
            np.testing.assert_allclose(((up - down) / 2e-5)[~kinked], cones.dual_target[~kinked, r], rtol=1e-3,
                                       atol=1e-2)  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_cuts_from_its_duals_stay_below(system) -> None:
    """``objective + dual_state @ (v - state)`` at other storages; costs are known to 1e-7, being feasible to 1e-8."""
    stage = ClarabelStage(conic_models(system)[0])
    state, noise = random_state(system, 12, 31)
    noise[:] = noise[0]
    found = stage.solve_many(state, noise)
    assert (found.objective <= found.stage_cost + 1e-9 * np.abs(found.stage_cost)).all()
    np.testing.assert_allclose(found.objective, found.stage_cost, rtol=1e-5)
    cuts = found.objective[:, None] + found.dual_state @ state.T - (found.dual_state * state).sum(1)[:, None]
    assert (cuts <= found.stage_cost * (1 + 1e-7)).all()


def test_targets_out_of_reach_are_infeasible_and_no_number() -> None:
    stage = ClarabelStage(conic_models(case3(kind="ac"))[0])
    found = stage.solve_many(np.array([[0.1], [0.3]]), np.array([[10.0], [10.0]]), np.array([[0.5], [0.3]]))
    assert found.status.tolist() == [INFEASIBLE, OPTIMAL]
    assert np.isnan(found.objective[0])
    assert np.isnan(found.dual_state[0]).all()


def test_order_and_processes_do_not_count() -> None:
    conic = conic_models(dressed())[0]
    state, noise = random_state(dressed(), 4, 3)
    stage = ClarabelStage(conic)
    together = stage.solve_many(state, noise).objective
    assert [stage.solve_many(state[i : i + 1], noise[i : i + 1]).objective[0] for i in (3, 1)] == [
        together[3], together[1],
    ]  # fmt: skip
    assert np.array_equal(pickle.loads(pickle.dumps(stage)).solve_many(state, noise).objective, together)  # noqa: S301


def test_parallel_branches_share_a_pair() -> None:
    assert len(conic_models(dressed())[0].linear.columns["real"]) == 3  # of four branches


def test_more_tangents_are_closer_and_come_from_the_seed() -> None:
    system = case3(kind="ac")
    state, noise = random_state(system, 20, 1)
    few, many, again = (tangent_models(system, rounds=rounds, seed=3)[0] for rounds in (0, 8, 8))
    assert np.array_equal(many.matrix.toarray(), again.matrix.toarray())
    low, high = (HighsStage(model).solve_many(state, noise).objective for model in (few, many))
    assert low.mean() <= high.mean() + 1e-6
    assert few.num_rows > conic_models(system)[0].linear.num_rows


def test_a_network_without_branches_has_no_tangents() -> None:
    system = replace(case3(kind="ac"), network=replace(
        case3().network, **{key: np.zeros(0, np.int64 if key in ("from_bus", "to_bus") else float)
                            for key in case3().network.__dataclass_fields__
                            if np.shape(getattr(case3().network, key)) == (3,) and key not in (
                                "names", "shunt_conductance", "shunt_susceptance", "min_voltage", "max_voltage")}
    ))  # fmt: skip
    model = tangent_models(system)[0]
    found = HighsStage(model).solve_many(np.array([[0.3]]), np.array([[60.0]]))
    assert found.status[0] == OPTIMAL
    assert found.objective[0] == pytest.approx(1e5 * 0.5 + 0.5 * 10000.0)  # bus 2 has half of what it needs


def test_published_value_of_case3_with_cones() -> None:
    """HydroPowerModels.jl's case3 with SOCWRConicPowerModel: 11637.76 +- 10 (reference, section 4.1)."""
    from counterpoint.solvers.sddp.hydrothermal import Options, train_values

    policy = train_values(case3(kind="ac"), 0, Options(iterations=60, network_kind="soc-cones", lanes=1))
    assert policy.progress[-1].bound == pytest.approx(11637.76, abs=10.0)


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_the_order_of_buses_and_plants_does_not_count(system) -> None:
    moved, plants = permuted(system, 4)
    state, noise = random_state(system, 6, 17)
    for made in (lambda given: AcStage(given), lambda given: ClarabelStage(conic_models(given)[0])):
        first, second = made(system), made(moved)
        found, other = first.solve_many(state, noise), second.solve_many(state[:, plants], noise[:, plants])
        np.testing.assert_allclose(other.objective, found.objective, rtol=1e-6)


def test_all_rows_of_demand_share_a_matrix() -> None:
    """The whole horizon is made of copies of one matrix, so limits of reactive power that bind in one row count."""
    system = dressed()
    demand = system.network.reactive_demand[:1]
    far = np.zeros_like(demand)
    far[0, -1] = -1000.0  # always within its generators' reach, or never
    network = replace(system.network, demand=np.repeat(system.network.demand[:1], 3, 0),
                      deficit_limit=np.repeat(system.network.deficit_limit[:1], 3, 0),
                      reactive_demand=np.concatenate([demand, demand + far, demand - far]))  # fmt: skip
    generators = replace(system.generators, min_reactive=np.full(system.num_generators, -500.0),
                         max_reactive=np.full(system.num_generators, 500.0))  # fmt: skip
    first, *others = conic_models(replace(system, network=network, generators=generators))
    for other in others:
        assert (first.linear.matrix != other.linear.matrix).nnz == 0
        assert first.linear.rows["reactive"].tolist() == other.linear.rows["reactive"].tolist()
