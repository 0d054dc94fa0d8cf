"""How far storages can move: by hand, against a linear program of the water alone, and on the stages themselves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from tests.hydro_systems import SYSTEMS, cascade, first_steps, generators, network, reservoirs

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Inflows
from counterpoint.simulators.stage.cascade import Cascade, cascade_of, energy_per_volume
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import max_turbined, stage_models
from counterpoint.simulators.stage.model import OPTIMAL


def watery(rng: np.random.Generator) -> Hydrothermal:
    """Up to five reservoirs at one bus that takes any power; turbined and spilled water may go different ways."""
    h = int(rng.integers(1, 6))
    rank = rng.permutation(h)
    may = [(int(u), int(d)) for u in range(h) for d in range(h) if rank[u] < rank[d]]
    ways = [[pair for u in range(h) for pair in [p for p in may if p[0] == u][: int(rng.integers(0, 2))]] for _ in "ab"]
    most = rng.integers(0, 5, h).astype(float)
    return Hydrothermal(
        name="watery",
        horizon=2,
        reported_stages=2,
        network_kind="single-bus",
        reservoirs=reservoirs(
            max_volume=most.tolist(),
            initial_volume=(most * rng.random(h)).tolist(),
            max_turbined=rng.integers(0, 4, h).astype(float).tolist(),
            generator=list(range(h)),
            production=[1.0] * h,
            turbined_to=ways[0],
            spilled_to=ways[1],
        ),
        generators=generators(bus=[0] * h, cost=[0.0] * h, max_power=[9.0] * h),
        network=network(demand=[[1000.0]], deficit_cost=[[10.0]]),
        inflows=Inflows(rng.random((1, 3, h)) * 3, np.full((1, 3), 1 / 3)),
        volume_per_flow=1.0,
        stage_hours=0.0,
    )


def most_that_can_stay(system: Hydrothermal, storage, inflow, targets, r: int) -> float:
    """By a linear program: the most that r can hold, given the targets upstream, turbines first where ways part."""
    res, h, k = system.reservoirs, system.num_reservoirs, system.volume_per_flow
    eye = np.eye(h)
    balance = np.hstack([eye, k * (eye - res.turbined_to.T), eye - res.spilled_to.T])  # of storage, turbined, spilled
    above = np.linalg.matrix_power(eye + (res.turbined_to | res.spilled_to), h)[:, r] > 0
    low, high = np.zeros(h), res.max_volume.copy()
    above[r] = False
    for u in np.flatnonzero(above):
        low[u] = high[u] = targets[u]
    bounds = [*zip(low, high, strict=True), *((0, q) for q in max_turbined(system)), *[(0, None)] * h]
    parting = (res.turbined_to != res.spilled_to).any(1)
    cost = np.zeros(3 * h)
    cost[r] = -1.0
    depth = (np.linalg.matrix_power(eye + (res.turbined_to | res.spilled_to), h) > 0).sum(1)  # most are upstream
    cost[h : 2 * h] = -100.0 * 4.0**depth * (parting & above)  # one upstream counts for more than all below it
    found = linprog(cost, A_eq=balance, b_eq=storage + k * inflow, bounds=bounds)
    assert found.status == 0
    return float(found.x[r])


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_the_upper_end_is_the_most_that_can_stay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = watery(rng)
    h = system.num_reservoirs
    storage = (rng.random((3, h)) * system.reservoirs.max_volume).round(2)
    inflow, share = system.inflows.rows[0], rng.random((3, h))
    seen: dict[int, tuple] = {}

    def choose(r: int, lower, upper):
        seen[r] = (lower, upper)
        return lower + share[:, r] * (upper - lower)

    targets = cascade_of(system).targets(storage, inflow, choose)
    assert sorted(seen) == list(range(h))
    for n in range(3):
        for r, (lower, upper) in seen.items():
            assert 0 <= lower[n] <= targets[n, r] <= upper[n] <= system.reservoirs.max_volume[r]
            assert upper[n] == pytest.approx(most_that_can_stay(system, storage[n], inflow[n], targets[n], r), abs=1e-7)


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_every_target_can_be_reached_where_the_network_takes_the_power(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = watery(rng)
    solver = HighsStage(stage_models(system)[0])
    storage = rng.random((4, system.num_reservoirs)) * system.reservoirs.max_volume
    inflow = system.inflows.rows[0][rng.integers(0, 3, 4)]
    share = rng.random(storage.shape).round(int(rng.integers(0, 3)))  # often the ends
    targets = cascade_of(system).shares(storage, inflow, share)
    found = solver.solve_many(storage, inflow, targets)
    assert (found.status == OPTIMAL).all()
    assert found.state_out == pytest.approx(targets, abs=1e-7)


@pytest.mark.parametrize("make", SYSTEMS)
@pytest.mark.parametrize("ends", [0.0, 0.5, 1.0])
def test_by_spillways_alone_every_target_can_be_reached(make, ends: float) -> None:
    system, rng = make(), np.random.default_rng(0)
    plan = cascade_of(system)
    for t, model in enumerate(stage_models(system)):
        rows = system.openings(t + 1)[0]
        storage = rng.random((len(rows), system.num_reservoirs)) * system.reservoirs.max_volume
        targets = plan.shares(storage, rows, np.full(storage.shape, ends), counts_turbines=False)
        assert (HighsStage(model).solve_many(storage, rows, targets).status == OPTIMAL).all()


def ends_of(plan: Cascade, storage, inflow, share) -> list[tuple[float, float]]:
    seen = {}

    def choose(r: int, lower, upper):
        seen[r] = (float(lower[0]), float(upper[0]))
        return lower + share[r] * (upper - lower)

    plan.targets(np.array([storage]), np.array([inflow]), choose)
    return [seen[r] for r in sorted(seen)]


def test_by_hand() -> None:
    """K is 0.6048; the upper plant turbines 30 m3/s, 18.144 hm3 a stage, the lower 40, 24.192."""
    plan = cascade_of(cascade())
    assert plan.order == (0, 1)
    kept = ends_of(plan, [20.0, 2.0], [10.0, 1.0], [1.0, 0.0])
    assert kept == [pytest.approx((26.048 - 18.144, 26.048)), pytest.approx((0.0, 2.6048))]
    run = ends_of(plan, [20.0, 2.0], [10.0, 1.0], [0.0, 0.0])
    assert run[1] == pytest.approx((0.0, 10.0))  # 2.6048 + 18.144 is over the maximum
    full = ends_of(plan, [40.0, 10.0], [30.0, 5.0], [1.0, 1.0])
    assert full == [pytest.approx((40.0, 40.0)), pytest.approx((6.976, 10.0))]  # 10 + 3.024 + 18.144 - 24.192


def test_water_of_turbines_alone_counts_up_to_what_they_turbine() -> None:
    system = first_steps()
    two = replace(
        system,
        reservoirs=reservoirs(
            max_volume=[200.0, 200.0],
            initial_volume=[200.0, 0.0],
            max_turbined=[30.0, 30.0],
            generator=[0, 1],
            turbined_to=[(0, 1)],
        ),
        generators=generators(bus=[0] * 3, cost=[0.0, 0.0, 100.0], max_power=[150.0] * 3),
        inflows=Inflows(np.zeros((1, 1, 2)), np.ones((1, 1))),
    )
    plan = cascade_of(two)
    assert ends_of(plan, [100.0, 5.0], [0.0, 0.0], [0.0, 1.0]) == [(70.0, 100.0), (5.0, 35.0)]
    spilling = plan.targets(np.array([[100.0, 5.0]]), np.zeros((1, 2)), lambda r, low, high: np.array([[0.0, 99.0][r]]))
    assert spilling.tolist() == [[0.0, 35.0]]  # 100 leave the upper one, 30 of them by its turbines
    alone = plan.targets(
        np.array([[100.0, 5.0]]), np.zeros((1, 2)), lambda r, low, high: high * (r == 1), counts_turbines=False
    )
    assert alone.tolist() == [[0.0, 5.0]]


def test_targets_out_of_reach_are_moved_and_arguments_are_not() -> None:
    plan = cascade_of(first_steps())
    storage, inflow = np.array([[50.0], [190.0], [10.0]]), np.array([[20.0], [50.0], [0.0]])
    before = storage.copy(), inflow.copy()
    wanted = np.array([999.0, 999.0, -5.0])
    assert plan.targets(storage, inflow, lambda r, low, high: wanted).ravel().tolist() == [70.0, 200.0, 0.0]
    assert (storage == before[0]).all()
    assert (inflow == before[1]).all()


def test_energy_of_water_is_what_it_gives_on_its_way() -> None:
    """2 MW and 1 MW per m3/s, base 100, 0.6048 hm3 per m3/s: the lower water passes one plant, the upper both."""
    assert energy_per_volume(cascade()) == pytest.approx([0.03 / 0.6048, 0.01 / 0.6048])
    assert energy_per_volume(first_steps()).tolist() == [1.0]
