"""Perfect foresight under AC: feasible, better than what does not know, above what is proven, and as published."""

import numpy as np
import pytest
from tests.ac_systems import dressed
from tests.hydro_systems import cascade, case3

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.hydrothermal_check import check
from counterpoint.opt.problems.hydrothermal_run import Observation, draw_scenarios
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.simulators.stage.ac import AcStage
from counterpoint.simulators.stage.operate import Operator

pytest.importorskip("casadi")
pytest.importorskip("clarabel")
from counterpoint.solvers.bounds.hydrothermal_soc import soc_bound
from counterpoint.solvers.nlp.hydrothermal import perfect_foresight_ac

SYSTEMS = [cascade(kind="ac"), case3(kind="ac", horizon=6), dressed()]
NAMES = [system.name for system in SYSTEMS]


class Replayed:
    """Does what it is told, stage by stage."""

    def __init__(self, dispatch) -> None:
        self.dispatch = dispatch

    def start(self, episode: int) -> None: ...

    def act(self, observation: Observation):
        return self.dispatch[observation.stage]


class Myopic:
    """Knows nothing of what comes."""

    def __init__(self, system) -> None:
        self.operator = Operator(system)

    def start(self, episode: int) -> None: ...

    def act(self, observation: Observation):
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow)


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_it_is_feasible_and_between_what_is_proven_and_what_does_not_know(system) -> None:
    for scenario in draw_scenarios(system, 2, 9):
        found = perfect_foresight_ac(system, scenario)
        run = simulate(system, scenario, Replayed(found.dispatch))
        assert check(system, scenario, run).is_feasible
        assert run.cost == pytest.approx(found.cost, rel=1e-6)
        assert found.reported == pytest.approx(found.cost)
        myopic = simulate(system, scenario, Myopic(system)).cost
        assert found.cost <= myopic * (1 + 1e-7)
        assert soc_bound(system, scenario, 60.0) <= found.cost * (1 + 1e-7)


def test_two_starts_agree() -> None:
    system = dressed()
    scenario = draw_scenarios(system, 1, 2)[0]
    first, second = (perfect_foresight_ac(system, scenario, start=start) for start in (0, 5))
    assert first.cost == pytest.approx(second.cost, rel=1e-7)


@pytest.mark.parametrize("system", SYSTEMS, ids=NAMES)
def test_one_stage_is_the_stage_problem(system) -> None:
    scenario = draw_scenarios(system, 1, 3)[0]
    alone = AcStage(system).solve_many(system.reservoirs.initial_volume[None], scenario.inflow[:1])
    found = perfect_foresight_ac(system, scenario, 1)
    assert found.cost == pytest.approx(alone.objective[0], rel=1e-6)
    assert len(found.dispatch) == len(found.stage_cost) == 1


def test_knowing_more_stages_costs_the_first_ones_no_less() -> None:
    """Water that is worth something later is not spent now: the six stages' part is least if they are all there is."""
    system = cascade(kind="ac", horizon=4, reported_stages=2)
    scenario = draw_scenarios(system, 1, 4)[0]
    short, long = (perfect_foresight_ac(system, scenario, horizon) for horizon in (2, 4))
    assert short.reported <= long.reported * (1 + 1e-7)
    assert long.cost > long.reported
    weights = system.discount ** np.arange(4)
    assert long.cost == pytest.approx(weights @ long.stage_cost)


def test_the_horizon_is_within_what_there_is() -> None:
    system = cascade(kind="ac")
    scenario = draw_scenarios(system, 1, 4)[0]
    for horizon in (0, 5):
        with pytest.raises(OptionError, match=r"horizon must be in 1\.\.4"):
            perfect_foresight_ac(system, scenario, horizon)


@pytest.mark.slow
@pytest.mark.parametrize(("column", "reported", "cost"), [(2, 314615.0, 387585.3), (39, 302503.3, 382177.6)])
def test_columns_of_the_protocol(column: int, reported: float, cost: float) -> None:
    """The reference, section 2.3; the bound by cones is below."""
    from counterpoint.datasets.hydrothermal.public import build

    system = build("bolivia-ac")
    scenario = draw_scenarios(system, column, 20260706)[-1]
    found = perfect_foresight_ac(system, scenario)
    assert found.reported == pytest.approx(reported, rel=1e-4)
    assert found.cost == pytest.approx(cost, rel=1e-4)
    bound = soc_bound(system, scenario, 120.0, system.horizon)
    assert found.cost * 0.997 < bound <= found.cost
