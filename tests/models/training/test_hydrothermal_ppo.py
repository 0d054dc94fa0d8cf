"""PPO on hydrothermal systems: better than random and myopic rules within seconds, resumable, judged as simulated."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from tests.hydro_systems import cascade, case3, subsystems

import counterpoint as ct
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.policies.hydrothermal_ppo import LearnedPolicy
from counterpoint.models.training import hydrothermal_ppo as ppo
from counterpoint.models.training.loop import train
from counterpoint.opt.errors import OptionError, UnknownNameError
from counterpoint.simulators.hydrothermal import simulate


def small(**changes: Any) -> ppo.Config:
    shared = PpoConfig(steps=6, epochs=2, minibatches=2, is_reward_scaled=True)
    return dataclasses.replace(ppo.Config(iterations=4, num_envs=8, hidden=(16,), scenarios=6, ppo=shared), **changes)


def test_better_than_random_and_myopic_on_a_seasonal_system() -> None:
    """case3 in a dry and a wet season, with what is not used at the end lost; 16,000 stages."""
    system = case3()
    brief = dataclasses.replace(ppo.default_ppo(), steps=32, epochs=8)
    config = ppo.Config(iterations=8, num_envs=64, hidden=(64, 64), deviation=0.3, scenarios=32, ppo=brief)
    trainer = ppo.trainer_of(system, config, 0)
    scenarios = trainer.evaluation.scenarios
    rules = {
        name: np.mean([simulate(system, s, ct.policy(name, system)).cost for s in scenarios])
        for name in ("random", "myopic")
    }
    for _ in range(trainer.iterations):
        trainer.step()
    cost = trainer.evaluate()["cost"]
    assert trainer.samples <= 18_500
    assert cost < 0.95 * rules["myopic"] < rules["random"]


@pytest.mark.parametrize("make", [cascade, subsystems])
def test_resume_is_bit_for_bit(make) -> None:
    """Whatever solvers stood where, and wherever their episodes were."""
    whole = ppo.trainer_of(make(horizon=7), small(), 0)
    for _ in range(2):
        whole.step()
    whole.evaluate()
    held = whole.state_dict()
    expected = [{**whole.step(), **whole.evaluate()} for _ in range(2)]
    again = ppo.trainer_of(make(horizon=7), small(), 4)
    again.load_state_dict(held)
    assert [{**again.step(), **again.evaluate()} for _ in range(2)] == expected
    assert all(torch.equal(x, again.network.state_dict()[key]) for key, x in whole.network.state_dict().items())


def test_actions_begin_where_they_are_told() -> None:
    trainer = ppo.trainer_of(cascade(), small(share=0.8, deviation=0.2), 0)
    distribution, _ = trainer.network(trainer.observation)
    assert distribution.mean.detach().numpy() == pytest.approx(0.8, abs=0.1)
    assert distribution.log_std.exp().detach().numpy() == pytest.approx(0.2)


def test_the_validation_is_the_same_every_time_and_what_the_simulator_says() -> None:
    system = cascade()
    trainer = ppo.trainer_of(system, small(), 0)
    trainer.step()
    assert trainer.evaluate() == trainer.evaluate()
    policy = LearnedPolicy(system, trainer.network)
    one_by_one = [simulate(system, s, policy).cost for s in trainer.evaluation.scenarios]
    assert trainer.evaluate()["cost"] == pytest.approx(np.mean(one_by_one), rel=1e-6)


def test_under_ac_too() -> None:
    trainer = ppo.trainer_of(cascade(kind="ac"), small(num_envs=2, scenarios=1), 0)
    assert np.isfinite(trainer.step()["samples"])
    assert trainer.evaluate()["cost"] > 0


def test_a_run_by_name_whose_policy_can_be_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ppo, "system_of", lambda config: cascade())
    settings = {"iterations": 2, "num_envs": 4, "scenarios": 4, "hidden": [8], "ppo": {"steps": 4}}
    run = train("hydrothermal", "ppo", settings, out=tmp_path / "run", progress=False)
    assert run.iterations == 2
    found = ct.evaluate(
        [str(tmp_path / "run" / "policy.safetensors"), "random"], cascade(), scenarios=3, progress=False
    )
    assert not found.frame["cost"].isna().any()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        ppo.build(small(case="no-such-system"), 0, "cpu")
    (tmp_path / "shop.txt").write_text("1 1\n0 5\n")
    with pytest.raises(OptionError, match="job-shop"):
        ppo.build(small(case=str(tmp_path / "shop.txt")), 0, "cpu")
    for given in ({"num_envs": 0}, {"iterations": 0}, {"scenarios": 0}, {"share": 1.5}, {"deviation": 0.0},
                  {"ppo": {"step": 3}}, {"cases": "x"}):  # fmt: skip
        with pytest.raises((ValidationError, OptionError)):
            TypeAdapter(ppo.Config).validate_python(given)


@pytest.mark.slow
def test_a_minute_beats_myopic_in_bolivia() -> None:
    """400,000 stages; SDDP is still about 1.5 % better."""
    system = ct.benchmark("bolivia-dc")
    trainer = ppo.trainer_of(system, ppo.Config(iterations=50, scenarios=16), 0)
    for _ in range(trainer.iterations):
        trainer.step()
    myopic = [simulate(system, s, ct.policy("myopic", system)).cost for s in trainer.evaluation.scenarios]
    assert trainer.evaluate()["cost"] < 0.99 * np.mean(myopic)
