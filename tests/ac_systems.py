"""Hydrothermal systems under ``ac`` with what is special there: taps, shifts, charging, shunts, parallel branches."""

from dataclasses import replace

import numpy as np
from tests.hydro_systems import cascade, generators, network, reservoirs

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import Inflows


def dressed(*, horizon: int = 4) -> Hydrothermal:
    """`cascade` with a transformer, a phase shifter, charging, a shunt, and a parallel branch the other way round."""
    plain = cascade(kind="ac", horizon=horizon)
    return replace(
        plain,
        name="dressed",
        network=network(
            demand=plain.network.demand.tolist(),
            deficit_cost=plain.network.deficit_cost.tolist(),
            branches=[(0, 1), (1, 2), (2, 0), (2, 1)],
            rating=[0.3, 0.5, 0.6, 0.4],
            resistance=[0.02, 0.01, 0.03, 0.02],
            reactance=[0.2, 0.1, 0.3, 0.2],
            charging=[0.05, 0.0, 0.1, 0.02],
            from_conductance=[0.01, 0.0, 0.0, 0.0],
            to_conductance=[0.0, 0.0, 0.02, 0.0],
            tap=[0.97, 1.0, 1.03, 1.0],
            shift=[0.05, 0.0, -0.03, 0.0],
            shunt_conductance=[0.0, 0.01, 0.0],
            shunt_susceptance=[0.0, 0.0, 0.1],
        ),
    )


def two_buses(*, demand: float = 0.5) -> Hydrothermal:
    """One thermal plant at one end of a line, the demand at the other; both voltages are fixed at 1.

    A plant of a reservoir without water stands at the first bus, and reactive power at both costs nothing.
    """
    return Hydrothermal(
        name="two-buses",
        horizon=1,
        reported_stages=1,
        network_kind="ac",
        reservoirs=reservoirs(max_volume=[0.0], initial_volume=[0.0], max_turbined=[0.0], generator=[0]),
        generators=generators(bus=[0, 0, 1], cost=[0.0, 7.0, 0.0], max_power=[0.0, 2.0, 0.0], reactive=5.0),
        network=network(
            demand=[[0.0, demand]],
            deficit_cost=[[1000.0]] * 2,
            branches=[(0, 1)],
            rating=[2.0],
            resistance=[0.05],
            reactance=[0.2],
            min_voltage=[1.0, 1.0],
            max_voltage=[1.0, 1.0],
        ),
        inflows=Inflows(np.zeros((1, 1, 1)), np.ones((1, 1))),
        volume_per_flow=1.0,
        stage_hours=0.0,
    )
