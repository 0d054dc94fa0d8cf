"""The bound by cones over the horizon: below every operation, above the network flow relaxation, and never a guess."""

from dataclasses import replace

import numpy as np
import pytest
from tests.ac_systems import dressed
from tests.hydro_systems import cascade, case3

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal_run import Scenario, draw_scenarios
from counterpoint.simulators.stage.cones import conic_models
from counterpoint.solvers.bounds.hydrothermal import perfect_information

pytest.importorskip("clarabel")
from counterpoint.simulators.stage.clarabel import ClarabelStage
from counterpoint.solvers.bounds.hydrothermal_soc import soc_bound


@pytest.mark.parametrize("system", [cascade(kind="ac"), case3(kind="ac"), dressed()], ids=lambda system: system.name)
def test_it_is_above_the_network_flow_bound(system) -> None:
    """Cones have losses, reactive power and angles, flows have not; where no branch loses by design both are bounds."""
    for scenario in draw_scenarios(system, 3, 5):
        flows, cones = perfect_information(system, scenario, 30.0), soc_bound(system, scenario, 30.0)
        assert cones >= flows * (1 - 1e-6)


def test_one_stage_is_the_stage_problem() -> None:
    system = dressed()
    scenario = draw_scenarios(system, 1, 5)[0]
    stage = ClarabelStage(conic_models(system)[0])
    alone = stage.solve_many(system.reservoirs.initial_volume[None], scenario.inflow[:1]).objective[0]
    assert soc_bound(system, scenario, 30.0, 1) == pytest.approx(alone, rel=1e-6)


def test_more_water_costs_no_more() -> None:
    system = case3(kind="ac")
    scenario = draw_scenarios(system, 1, 5)[0]
    wetter = Scenario(scenario.opening, scenario.inflow * 1.2)
    assert soc_bound(system, wetter, 30.0) < soc_bound(system, scenario, 30.0)


def test_without_time_it_is_weak_and_not_wrong() -> None:
    system = cascade(kind="ac")
    scenario = draw_scenarios(system, 1, 5)[0]
    weak = soc_bound(system, scenario, 0.0)
    weights = system.discount ** np.arange(system.reported_stages)
    assert weak == pytest.approx(0.05 * 30.0 * weights.sum())  # one plant that cannot stand still
    assert weak <= soc_bound(system, scenario, 30.0)


def test_what_cannot_be_operated_and_what_is_too_short_is_said() -> None:
    system = cascade(kind="ac")
    scenario = draw_scenarios(system, 1, 5)[0]
    with pytest.raises(InstanceError, match="expected 4 or more"):
        soc_bound(system, Scenario(scenario.opening[:2], scenario.inflow[:2]), 30.0)
    none, more = np.zeros_like(system.network.deficit_limit), 3.0 * system.network.demand
    dark = replace(system, network=replace(system.network, deficit_limit=none, demand=more))
    dry = Scenario(scenario.opening, np.zeros_like(scenario.inflow))
    with pytest.raises(InstanceError, match="no operation of the system is feasible"):
        soc_bound(dark, dry, 30.0)
