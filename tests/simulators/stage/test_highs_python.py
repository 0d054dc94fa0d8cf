"""HiGHS by its Python objects, for builds of highspy that hide the C interface: the same numbers, call by call."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from scipy import sparse
from tests.simulators.stage.test_highs import problems, random_stage

from counterpoint.simulators.stage import highs, highs_kernels, highs_python
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.model import FAILED, INFEASIBLE, OPTIMAL, StageResults

REPLACED = ("solve_rows", "RESIDUALS")


def hide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highs, "library", highs_python)
    for key in REPLACED:
        monkeypatch.setattr(highs, key, getattr(highs_python, key))


def played(seed: int) -> list[tuple[StageResults, int, int]]:
    """What a stage answers to all that can be asked of it."""
    model = random_stage(seed)
    rng = np.random.default_rng(seed)
    stage = HighsStage(model, weights=[1.0], theta_lower=[0.0])
    state, noise = problems(model, 120, seed)
    found = [stage.solve_many(state, noise, wants_x=True)]
    for change in (stage.add_cuts, stage.add_cuts, stage.set_cuts):
        change(np.zeros(4, int), rng.uniform(0, 900, 4), -rng.uniform(0, 9, (4, 3)))
        found.append(stage.solve_many(state, noise, wants_x=True))
        found.append(stage.solve_many(state, noise, found[-1].state_out, wants_x=True))
        found.append(stage.solve_many(state[:9], noise[:9], np.full((9, 3), 1e4), wants_x=True))  # out of reach
    return [(results, stage.checked, stage.disagreed) for results in found]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_numbers_as_the_c_interface(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = played(seed)
    hide(monkeypatch)
    found = played(seed)
    assert {INFEASIBLE, OPTIMAL} == {int(code) for results, *_ in found for code in results.status}
    for (ours, *our_counts), (theirs, *their_counts) in zip(found, expected, strict=True):
        assert our_counts == their_counts
        for field in fields(StageResults):
            np.testing.assert_allclose(getattr(ours, field.name), getattr(theirs, field.name), rtol=1e-12, atol=1e-12)


def test_constants_are_the_same() -> None:
    assert (highs_python.IS_OPTIMAL, highs_python.IS_INFEASIBLE) == (
        highs_kernels.IS_OPTIMAL,
        highs_kernels.IS_INFEASIBLE,
    )
    told = [bytes(row).rstrip(b"\0").decode() for row in highs_kernels.RESIDUALS]
    assert told == list(highs_python.RESIDUALS)


def test_what_is_refused_and_what_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch)
    model = random_stage(1)
    stage = HighsStage(model)
    state, noise = problems(model, 5, 0)
    expected = stage.solve_many(state, noise).objective
    with monkeypatch.context() as patch:
        patch.setattr(highs, "STATUSES", np.full(64, FAILED))  # nothing is believed: new objects, then presolve
        assert (stage.solve_many(state, noise).status == FAILED).all()
    np.testing.assert_allclose(stage.solve_many(state, noise).objective, expected, rtol=1e-12)
    bounds = np.zeros(1), np.ones(1)
    handle = highs_python.loaded(np.zeros(1), bounds, bounds, sparse.csr_array([[1.0]]))
    with pytest.raises(ValueError, match="refuses rows"):
        highs_python.add_rows(handle, np.zeros(1), np.array([[9]]), np.ones((1, 1)))
    with pytest.raises(ValueError, match="no such rows"):
        highs_python.delete_rows(handle, np.array([5]))
    with pytest.raises(ValueError, match="refuses the stage"):
        highs_python.loaded(np.zeros(1), (np.full(1, np.inf), np.ones(1)), bounds, sparse.csr_array([[1.0]]))


@pytest.mark.parametrize("loads", [True, False])
def test_a_build_without_the_c_interface_solves_all_the_same(loads: bool) -> None:
    """A process in which the library has no Highs_create, or is none: SDDP and a policy work."""
    code = f"""
import ctypes, types
real = ctypes.CDLL
def load(path, *a, **k):
    if "highspy" not in str(path):
        return real(path, *a, **k)
    if not {loads}:
        raise OSError(path)
    return types.SimpleNamespace()
ctypes.CDLL = load
import counterpoint as ct
from counterpoint.simulators.stage import highs
from counterpoint.solvers.sddp.hydrothermal import Options, train_values
assert highs.library.__name__.endswith("highs_python")
system = ct.benchmark("case3")
print(train_values(system, options=Options(iterations=8)).progress[-1].bound)
print(ct.simulate("myopic", system, scenarios=2)[0].cost)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    bound, cost = map(float, found.stdout.split())
    assert bound > 0
    assert cost > 0
