"""The Pyomo twin: the same optimum as the arrays, and a model that can be read."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.hydro_systems import SYSTEMS, cascade, subsystems
from tests.random_hydro_systems import random_system

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.hydrothermal import noise_of, scenario_tree, tree_model
from counterpoint.solvers.mip.pyomo_arrays import compile_model
from counterpoint.solvers.mip.warm_program import WarmProgram

pyo = pytest.importorskip("pyomo.environ")


def both(system: Hydrothermal, stages: int) -> tuple[float, float, Any]:
    from counterpoint.solvers.mip.hydrothermal_pyomo import build_tree

    tree = scenario_tree(system, stages)
    storage = system.reservoirs.initial_volume
    arrays = WarmProgram(tree_model(system, tree)).solve(storage, noise_of(tree)).objective
    written = build_tree(system, tree, storage)
    pyo.SolverFactory("appsi_highs").solve(written)
    return arrays, float(pyo.value(written.cost)), written


@pytest.mark.parametrize("make", SYSTEMS)
def test_deterministic_equivalents_agree(make: Any) -> None:
    arrays, written, _ = both(make(horizon=3), 3)
    assert arrays == pytest.approx(written, rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_random_ones_too(seed: int) -> None:
    kind = ("single-bus", "transport", "dc")[seed % 3]
    arrays, written, _ = both(random_system(seed, kind, passive=False), 2)
    assert arrays == pytest.approx(written, rel=1e-8, abs=1e-8)


def test_it_runs_through_our_adapter_too() -> None:
    arrays, _, written = both(subsystems(), 2)
    compiled, _ = compile_model(written)
    assert solve_model(compiled).objective == pytest.approx(arrays, rel=1e-8)


def test_it_can_be_read(tmp_path: Any) -> None:
    """Names of plants, buses and branches; water as it is written in books; the cost by stage."""
    _, _, written = both(cascade(), 1)
    text = io.StringIO()
    written.pprint(ostream=text)
    for words in ("storage[0,r1] - (2.0 + 0.6048*(1.0 - turbined[0,r1] + turbined[0,r0])", "b0 to b2",
                  "power[0,g0] - 0.02*turbined[0,r0]"):  # fmt: skip
        assert words in text.getvalue()
    assert pyo.value(written.cost) == pytest.approx(
        0.5 * pyo.value(written.stage_cost[0]) + 0.5 * pyo.value(written.stage_cost[1])
    )
    written.write(str(tmp_path / "stage.lp"), io_options={"symbolic_solver_labels": True})
    assert "turbined(0_r1)" in (tmp_path / "stage.lp").read_text()


def test_names_that_come_twice_are_numbered() -> None:
    from counterpoint.solvers.mip.hydrothermal_pyomo import build_stage

    system = cascade()
    named = replace(system, reservoirs=replace(system.reservoirs, names=("COR  ", "COR")))
    written = build_stage(named, 0, np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    assert list(written.reservoirs) == ["COR (0)", "COR (1)"]


def test_what_is_too_large_or_not_linear_is_refused() -> None:
    from counterpoint.solvers.mip.hydrothermal_pyomo import build_stage, build_tree

    system = cascade(kind="ac")
    with pytest.raises(UnsupportedError, match="ac is no linear network"):
        build_stage(system, 0, np.zeros(2), np.zeros(2))
    large = cascade(horizon=14)
    with pytest.raises(UnsupportedError, match="too many for Pyomo"):
        build_tree(large, scenario_tree(large, 14), np.zeros(2))
