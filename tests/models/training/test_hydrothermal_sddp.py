"""SDDP as a training run: the same numbers as the method, resumable bit for bit, a checkpoint that operates."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.hydro_systems import cascade, case3

import counterpoint as ct
from counterpoint.models.checkpoints import save_policy
from counterpoint.models.policies.hydrothermal_water_values import load_cuts
from counterpoint.models.training.hydrothermal_sddp import REBUILD, Config, SddpTrainer
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.solvers.sddp.hydrothermal import Options, train_values


def fresh(system: Any, **changes: Any) -> SddpTrainer:
    return SddpTrainer(system, dataclasses.replace(Config(iterations=40, scenarios=8), **changes), 3)


def test_the_run_is_the_method() -> None:
    system = case3()
    trainer = fresh(system)
    figures = [trainer.step() for _ in range(30)]
    trained = train_values(system, 3, Options(iterations=30))
    assert figures[-1]["bound"] == pytest.approx(trained.progress[-1].bound, rel=2e-3)
    assert np.all(np.diff([f["bound"] for f in figures]) >= 0)
    assert figures[0]["problems"] < figures[-1]["problems"]
    judged = trainer.evaluate()
    assert judged["bound"] == figures[-1]["bound"]
    assert judged["cost"] < np.mean([e.cost for e in ct.simulate("myopic", system, scenarios=30)])


@pytest.mark.parametrize("stop", [REBUILD - 3, REBUILD, 2 * REBUILD + 4])
def test_resume_is_bit_for_bit(stop: int) -> None:
    system = cascade(horizon=5)
    whole = fresh(system)
    expected = [whole.step() for _ in range(stop + 6)]
    first = fresh(system)
    for _ in range(stop):
        first.step()
    state = first.state_dict()
    first.step()  # a state is not changed by what comes after
    second = fresh(system)
    second.load_state_dict(state)
    assert second.iteration == stop
    assert [second.step() for _ in range(6)] == expected[stop:]
    for key, tensor in whole.policy()[0].items():
        assert torch.equal(second.policy()[0][key], tensor)


def test_an_evaluation_changes_nothing_that_follows() -> None:
    system = cascade(horizon=5)
    judged, bare = fresh(system), fresh(system)
    judged.evaluate()  # the loop does so before the first iteration, and a resumed run does not
    assert [judged.step() for _ in range(4)] == [bare.step() for _ in range(4)]


def test_train_and_evaluate_by_name(tmp_path: Path) -> None:
    ct.write(case3(), tmp_path / "case.json")
    settings = {"case": str(tmp_path / "case.json"), "iterations": 25, "scenarios": 10}
    half = ct.train("hydrothermal", "sddp", settings, out=tmp_path / "run", iterations=12, device="cpu", progress=False)
    done = ct.train("hydrothermal", "sddp", settings, out=tmp_path / "run", resume=True, device="cpu", progress=False)
    assert (half.iterations, done.iterations) == (12, 25)
    system = ct.read(tmp_path / "case.json")
    found = ct.evaluate({"run": str(done.policy), "myopic": "myopic"}, system, scenarios=40, progress=False)
    assert found.paired("run", "myopic").high < 0
    # the checkpoint operates as the cuts in memory do
    trainer = fresh(system)
    trainer.load_state_dict({**trainer.state_dict(), "iteration": 5})
    save_policy(tmp_path / "five.safetensors", *(trainer.policy()[0], {"problem": "hydrothermal", "algorithm": "sddp",
                                                                      **trainer.policy()[1]}))  # fmt: skip
    for held, cuts in zip(load_cuts(system, str(tmp_path / "five.safetensors")), range(system.horizon), strict=True):
        intercept, slope, _ = trainer.trained.cuts(cuts)
        if held is not None:
            assert np.array_equal(held[0], system.discount * intercept)
            assert np.array_equal(held[1], system.discount * slope)


def test_wrong_checkpoints_are_refused(tmp_path: Path) -> None:
    trainer = fresh(case3())
    trainer.step()
    tensors, card = trainer.policy()
    full = {"problem": "hydrothermal", "algorithm": "sddp", **card}
    good = tmp_path / "good.safetensors"
    save_policy(good, tensors, full)
    assert load_cuts(case3(), str(good))
    with pytest.raises(CheckpointError, match="for 1 reservoirs over 12 stages"):
        load_cuts(case3(horizon=6), str(good))
    with pytest.raises(OptionError, match="needs checkpoint"):
        ct.policy("sddp-trained", case3())
    wrong = {
        "shape": {**tensors, "slope": tensors["slope"][:-1]},
        "type": {**tensors, "lower": tensors["lower"].float()},
        "stage": {**tensors, "stage": tensors["stage"] + 12},
        "more": {**tensors, "another": torch.ones(1)},
        "less": {key: tensor for key, tensor in tensors.items() if key != "stage"},
    }
    for name, held in wrong.items():
        save_policy(tmp_path / f"{name}.safetensors", held, full)
        with pytest.raises(CheckpointError, match="expected"):
            load_cuts(case3(), str(tmp_path / f"{name}.safetensors"))
    save_policy(tmp_path / "other.safetensors", tensors, {**full, "network": {"name": "mlp", "options": {}}})
    with pytest.raises(CheckpointError, match="not water-values"):
        load_cuts(case3(), str(tmp_path / "other.safetensors"))
    assert set(load_file(good)) == set(tensors)


@pytest.mark.parametrize("changes", [{"iterations": 0}, {"scenarios": -1}, {"risk_lambda": 2.0}, {"lanes": 0}])
def test_wrong_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Config(**changes)
