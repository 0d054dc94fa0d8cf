"""Hydrothermal systems small enough to see through; the family's tests share them."""

from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import HM3_PER_HOUR, Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Generators, Inflows, Network, Reservoirs

# 3 stages, 200 stored and 150 expected to come for 450 demanded; only of (100, 100, 100), once in 27, are 50 left over.
FIRST_STEPS_OPTIMUM = 100.0 * (100.0 + 50.0 / 27.0)


def first_steps(*, cost: float = 100.0, horizon: int = 3) -> Hydrothermal:
    """One reservoir of 200, full, and one thermal plant for a demand of 150; inflow 0, 50 or 100.

    After SDDP.jl's first steps (reference, section 1.4b), whose fuel grows dearer by the stage; here it costs the same
    in all of them. Using water as soon as it is there is optimal: `FIRST_STEPS_OPTIMUM` at 3 stages and cost 100.
    """
    return Hydrothermal(
        name="first-steps",
        horizon=horizon,
        reported_stages=horizon,
        network_kind="single-bus",
        reservoirs=reservoirs(max_volume=[200.0], initial_volume=[200.0], max_turbined=[150.0], generator=[0]),
        generators=generators(bus=[0, 0], cost=[0.0, cost], max_power=[150.0, 150.0]),
        network=network(demand=[[150.0]], deficit_cost=[[1000.0]]),
        inflows=Inflows(np.array([[[0.0], [50.0], [100.0]]]), np.full((1, 3), 1 / 3)),
        volume_per_flow=1.0,
        stage_hours=0.0,
    )


def cascade(*, kind: Any = "dc", horizon: int = 4, reported_stages: int | None = None) -> Hydrothermal:
    """Two reservoirs in a row on a triangle of buses; two thermal plants, a tight line, two joint inflows a stage.

    The lower reservoir gets what the upper turbines and spills; spilling costs a little. All of the upper plant's power
    cannot leave its bus at once under ``dc``.
    """
    return Hydrothermal(
        name="cascade",
        horizon=horizon,
        reported_stages=horizon if reported_stages is None else reported_stages,
        network_kind=kind,
        reservoirs=reservoirs(
            max_volume=[40.0, 10.0],
            initial_volume=[20.0, 2.0],
            max_turbined=[30.0, 40.0],
            generator=[0, 1],
            production=[2.0, 1.0],
            spill_cost=[0.01, 0.01],
            turbined_to=[(0, 1)],
            spilled_to=[(0, 1)],
        ),
        generators=generators(
            bus=[0, 1, 1, 2],
            cost=[0.0, 0.0, 30.0, 90.0],
            max_power=[0.6, 0.4, 0.5, 0.8],
            min_power=[0.0, 0.0, 0.05, 0.0],
        ),
        network=network(
            demand=[[0.0, 0.2, 0.9], [0.0, 0.3, 1.1]],
            deficit_cost=[[400.0, 800.0]] * 3,
            deficit_limit=[[[0.0, 0.0], [0.1, np.inf], [0.3, np.inf]]] * 2,
            branches=[(0, 1), (1, 2), (0, 2)],
            rating=[0.25, 0.9, 0.6],
            resistance=[0.02, 0.01, 0.03],
            reactance=[0.2, 0.1, 0.3],
        ),
        inflows=Inflows(
            np.array([[[10.0, 1.0], [30.0, 5.0]], [[4.0, 0.0], [16.0, 8.0]]]), np.array([[0.5, 0.5], [0.25, 0.75]])
        ),
        volume_per_flow=HM3_PER_HOUR * 168.0,
        stage_hours=168.0,
        base_power=100.0,
        discount=0.99,
    )


def subsystems(*, horizon: int = 4) -> Hydrothermal:
    """Two regions and a node without demand between them; directed lines that cost a little; energy as the unit.

    The first stage's inflow is known; deficits come in two levels.
    """
    return Hydrothermal(
        name="subsystems",
        horizon=horizon,
        reported_stages=horizon,
        network_kind="transport",
        reservoirs=reservoirs(
            max_volume=[100.0, 60.0],
            initial_volume=[40.0, 10.0],
            max_turbined=[50.0, 30.0],
            generator=[0, 1],
            spill_cost=[0.001, 0.001],
        ),
        generators=generators(
            bus=[0, 1, 0, 1, 1],
            cost=[0.0, 0.0, 20.0, 35.0, 80.0],
            max_power=[50.0, 30.0, 15.0, 10.0, 5.0],
            min_power=[0.0, 0.0, 2.0, 0.0, 0.0],
        ),
        network=network(
            demand=[[40.0, 30.0, 0.0], [45.0, 35.0, 0.0], [50.0, 25.0, 0.0]],
            deficit_cost=[[200.0, 500.0]] * 3,
            deficit_limit=[[[4.0, 36.0], [3.0, 27.0], [0.0, 0.0]],
                           [[4.5, 40.5], [3.5, 31.5], [0.0, 0.0]],
                           [[5.0, 45.0], [2.5, 22.5], [0.0, 0.0]]],
            branches=[(0, 1), (1, 0), (0, 2), (2, 1)],
            rating=[8.0, 5.0, 4.0, 3.0],
            reverse_rating=[0.0] * 4,
            flow_cost=[0.001, 0.001, 0.0005, 0.0005],
        ),
        inflows=Inflows(
            np.array([[[30.0, 12.0], [50.0, 20.0], [15.0, 4.0]], [[20.0, 25.0], [40.0, 8.0], [10.0, 2.0]]]),
            np.full((2, 3), 1 / 3),
            first=np.array([25.0, 10.0]),
        ),
        volume_per_flow=1.0,
        stage_hours=0.0,
        discount=0.9906,
    )  # fmt: skip


CASE3_INFLOWS = [(120.0, 80.0, 40.0), (105.0, 70.0, 35.0), (90.0, 60.0, 30.0), (75.0, 50.0, 25.0), (60.0, 40.0, 20.0),
                 (45.0, 30.0, 15.0), (30.0, 20.0, 10.0)]  # fmt: skip


CASE3_COSTS = {"random": 11304.79, "mean": 11000.0, "none": 39010.1448, "plenty": 6016.6831}  # published, dc, 12 stages


def case3(*, kind: Any = "dc", horizon: int = 12, inflows: str = "random") -> Hydrothermal:
    """Three buses, one reservoir, two thermal plants: HydroPowerModels.jl's case3 with its deficits at 1000 per MW.

    Its deterministic variants (`CASE3_COSTS`; section 4.1 of the reference) have the middle inflow, "mean", no inflow,
    "none", and so much, "plenty", that 0.090 are spilled at once. The last is not at hand as a file: 200 m3/s follows
    from that spill, and from then on anything above 75 gives the same cost.
    """
    random = np.array([*CASE3_INFLOWS, *CASE3_INFLOWS[-2:0:-1]])
    rows = {
        "random": random,
        "mean": random[:, 1:2],
        "none": np.zeros((12, 1)),
        "plenty": np.full((12, 1), 200.0),
    }[inflows]
    return Hydrothermal(
        name="case3" if inflows == "random" else f"case3-{inflows}",
        horizon=horizon,
        reported_stages=horizon,
        network_kind=kind,
        reservoirs=reservoirs(max_volume=[0.54], initial_volume=[0.18], max_turbined=[80.0], generator=[2]),
        generators=generators(bus=[1, 2, 0], cost=[2000.0, 10000.0, 0.0], max_power=[1.0, 0.5, 0.8], reactive=100.0),
        network=network(
            demand=[[0.0, 0.0, 1.0]],
            reactive_demand=[[0.0, 0.0, 0.0]],
            deficit_cost=[[1000.0 * 100.0]] * 3,
            branches=[(0, 2), (2, 1), (0, 1)],
            rating=[1.0, 0.65, 0.25],
            resistance=[0.065, 0.025, 0.042],
            reactance=[1.0, 0.5, 1.0],
            charging=[0.225, 0.35, 0.15],
        ),
        inflows=Inflows(rows[:, :, None], np.tile([0.3, 0.4, 0.3] if inflows == "random" else [1.0], (12, 1))),
        volume_per_flow=HM3_PER_HOUR,
        stage_hours=1.0,
        base_power=100.0,
    )


SYSTEMS = (first_steps, cascade, subsystems, case3)


def reservoirs(
    *,
    max_volume: list[float],
    initial_volume: list[float],
    max_turbined: list[float],
    generator: list[int],
    production: list[float] | None = None,
    spill_cost: list[float] | None = None,
    turbined_to: list[tuple[int, int]] = (),  # type: ignore[assignment]
    spilled_to: list[tuple[int, int]] = (),  # type: ignore[assignment]
    **others: Any,
) -> Reservoirs:
    """Reservoirs r0, r1, ... without minima; cascades are pairs (from, to)."""
    h = len(max_volume)
    zeros = ("min_volume", "min_turbined", "min_volume_cost", "min_turbined_cost")
    matrices = np.zeros((2, h, h), bool)
    for matrix, pairs in zip(matrices, (turbined_to, spilled_to), strict=True):
        for pair in pairs:
            matrix[pair] = True
    return Reservoirs(
        names=tuple(f"r{i}" for i in range(h)),
        max_volume=max_volume,
        initial_volume=initial_volume,
        max_turbined=max_turbined,
        generator=generator,
        production=[1.0] * h if production is None else production,
        spill_cost=[0.0] * h if spill_cost is None else spill_cost,
        turbined_to=matrices[0],
        spilled_to=matrices[1],
        **{key: others.pop(key, [0.0] * h) for key in zeros},
        **others,
    )  # type: ignore[arg-type]


def generators(
    *, bus: list[int], cost: list[float], max_power: list[float], reactive: float = 0.5, **others: Any
) -> Generators:
    """Generators g0, g1, ... with reactive power of `reactive` either way."""
    g = len(bus)
    defaults = {"min_power": [0.0] * g, "min_reactive": [-reactive] * g, "max_reactive": [reactive] * g}
    names = tuple(f"g{i}" for i in range(g))
    return Generators(names=names, bus=bus, cost=cost, max_power=max_power, **{**defaults, **others})


def network(
    *,
    demand: list[list[float]],
    deficit_cost: list[list[float]],
    branches: list[tuple[int, int]] = (),  # type: ignore[assignment]
    rating: list[float] = (),  # type: ignore[assignment]
    charging: list[float] | None = None,
    **others: Any,
) -> Network:
    """Buses b0, b1, ..., bus 0 of angle 0; reactive demand a quarter of the active; unlimited deficit if not told."""
    d, b, e = len(demand), len(demand[0]), len(branches)
    half = [0.0] * e if charging is None else charging
    none = dict.fromkeys(
        ("flow_cost", "resistance", "reactance", "from_conductance", "to_conductance", "shift"), [0.0] * e
    )
    defaults = {
        "reactive_demand": np.array(demand) / 4,
        "deficit_limit": np.full((d, b, len(deficit_cost[0])), np.inf),
        "shunt_conductance": [0.0] * b,
        "shunt_susceptance": [0.0] * b,
        "min_voltage": [0.9] * b,
        "max_voltage": [1.1] * b,
        "reference": 0,
        **none,
        "reverse_rating": rating,
        "from_susceptance": half,
        "to_susceptance": half,
        "tap": [1.0] * e,
        "min_angle": [-1.0472] * e,
        "max_angle": [1.0472] * e,
    }
    ends = np.array(branches, np.int64).reshape(e, 2)
    return Network(
        names=tuple(f"b{i}" for i in range(b)),
        demand=demand,
        deficit_cost=deficit_cost,
        from_bus=ends[:, 0],
        to_bus=ends[:, 1],
        rating=rating,
        **{**defaults, **others},
    )
