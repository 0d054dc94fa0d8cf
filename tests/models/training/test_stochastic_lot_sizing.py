"""PPO and post-decision PPO on plants: learn, resume, split rewards rightly, and beat the best fixed assignment."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.training import stochastic_lot_sizing as ppo
from counterpoint.models.training import stochastic_lot_sizing_pdppo as pdppo
from counterpoint.models.training.loop import train
from counterpoint.models.training.stochastic_lot_sizing_validation import Validation
from counterpoint.opt.codec import write_text
from counterpoint.opt.errors import OptionError, UnknownNameError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.opt.problems.stochastic_lot_sizing_json import encode
from counterpoint.simulators.stochastic_lot_sizing import simulate
from counterpoint.solvers.rules.stochastic_lot_sizing import Fixed, assignment, exact_values


def small_plant(horizon: int = 60) -> StochasticLotSizing:
    """One machine, two items that both need it: to stay with one costs 1 a period, to change about 0.35."""
    return StochasticLotSizing(
        "two", [[3, 3]], [[1.0, 1.0]], [[0, 0]], [0.05, 0.05], [2.0, 2.0], [8, 8], [[0.5, 0.5]] * 2, horizon
    )


def small(**changes: Any) -> ppo.Config:
    shared = PpoConfig(steps=10, epochs=2, minibatches=2, is_reward_scaled=True)
    config = ppo.Config(
        iterations=6, num_envs=16, generated=ppo.Generated(4, 2), horizon=7, hidden=(16,), scenarios=8, ppo=shared
    )
    return dataclasses.replace(config, **changes)


def post(config: ppo.Config, seed: int = 0, **form: Any) -> Any:
    shared = {f.name: getattr(config, f.name) for f in dataclasses.fields(config) if f.name != "ppo"}
    return pdppo.build(pdppo.Config(**shared, pdppo=PdppoConfig(**form, ppo=config.ppo)), seed, "cpu")


@pytest.mark.parametrize("mode", ["", "corrected", "faithful"])
def test_better_than_any_fixed_assignment(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Where machines must change over, a few seconds of learning beat the best that never does, by a quarter."""
    plant = small_plant()
    monkeypatch.setattr(ppo, "plant_of", lambda config: plant)
    config = small(iterations=40, num_envs=32, horizon=0, ppo=dataclasses.replace(ppo.default_ppo(), steps=25))
    trainer = post(config, mode=mode, shock_weight=0.5) if mode else ppo.build(config, 0, "cpu")
    scenarios = trainer.evaluation.scenarios
    choices = [np.array([0]), np.array([1]), np.array([2])]
    fixed = min(np.mean([simulate(plant, s, Fixed(choice)).cost for s in scenarios]) for choice in choices)
    for _ in range(trainer.iterations):
        trainer.step()
    figures = trainer.evaluate()
    assert min(figures["cost"], figures["greedy_cost"]) < 0.75 * fixed


@pytest.mark.parametrize("mode", ["", "corrected", "faithful"])
def test_resume_is_bit_for_bit(mode: str) -> None:
    def make(seed: int) -> Any:
        return post(small(), seed, mode=mode, shock_weight=0.5) if mode else ppo.build(small(), seed, "cpu")

    whole = make(0)
    for _ in range(2):
        whole.step()
    held = whole.state_dict()
    expected = [{**whole.step(), **whole.evaluate()} for _ in range(2)]
    again = make(4)
    again.load_state_dict(held)
    assert [{**again.step(), **again.evaluate()} for _ in range(2)] == expected


def test_certain_rewards_are_the_setups_and_states_between_know_them() -> None:
    trainer = post(small())
    trainer._roll()
    plant, rollout, between = trainer.environment.instance, trainer.rollout, trainer.between
    steps, envs, machines = rollout.action.shape
    width = plant.num_items + 1
    before = rollout.observation["setup"].view(steps, envs, machines, width).argmax(-1)
    cost = np.hstack([np.zeros((machines, 1)), plant.setup_cost])
    made = np.arange(machines), rollout.action.numpy()
    paid = (cost[made] * (before != rollout.action).numpy()).sum(-1)
    assert np.allclose(between.certain[..., 0].numpy(), -paid)
    assert paid.max() > 0
    after = between.observation["setup"].view(steps, envs, machines, width).argmax(-1)
    assert torch.equal(after, rollout.action)
    made_units = np.hstack([np.zeros((machines, 1), np.int64), plant.production])[made]
    produced = (
        made_units
        - np.hstack([np.zeros((machines, 1), np.int64), plant.setup_loss])[made] * (before != rollout.action).numpy()
    )
    gained = (between.observation["inventory"] - rollout.observation["inventory"]).numpy() * plant.max_inventory
    assert np.allclose(gained.sum(-1), produced.sum(-1), atol=1e-3)


def test_the_validation_is_the_same_every_time_and_what_the_simulator_says() -> None:
    trainer = ppo.build(small(), 0, "cpu")
    assert trainer.evaluate() == trainer.evaluate()
    plant = trainer.evaluation.environment.instance
    assert plant.horizon == 100  # whatever the horizon of training

    class Always:
        def __call__(self, observation: Any) -> tuple["Always", None]:
            return self, None

        def mode(self) -> torch.Tensor:
            return torch.tensor(choice).expand(8, -1)

    choice = assignment(exact_values(plant))
    batched = Validation.draw(plant, 8).play(Always())
    one_by_one = [simulate(plant, s, Fixed(choice)).cost for s in trainer.evaluation.scenarios]
    assert batched.tolist() == pytest.approx(one_by_one, abs=1e-9)


def test_a_run_by_name_from_a_file(tmp_path: Path) -> None:
    write_text(tmp_path / "two.json", json.dumps(encode(small_plant())))
    settings = {
        "case": str(tmp_path / "two.json"), "iterations": 2, "num_envs": 4, "scenarios": 4, "hidden": [8],
        "pdppo": {"mode": "faithful", "ppo": {"steps": 4}},
    }  # fmt: skip
    run = train("stochastic-lot-sizing", "pdppo", settings, out=tmp_path / "run", progress=False)
    assert run.iterations == 2
    assert {"cost", "greedy_cost"} <= set(run.evaluation)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        ppo.build(small(case="no-such-plant"), 0, "cpu")
    write_text(tmp_path / "shop.txt", "1 1\n0 5\n")
    with pytest.raises(OptionError, match="job-shop"):
        ppo.build(small(case=str(tmp_path / "shop.txt")), 0, "cpu")
    for given in ({"num_envs": 0}, {"horizon": -1}, {"ppo": {"step": 3}}, {"generated": {"item": 3}}):
        with pytest.raises((ValidationError, OptionError)):
            TypeAdapter(ppo.Config).validate_python(given)


PLANTS = (
    Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).parents[4] / "shared" / "data")) / "lot_sizing" / "plant"
)


@pytest.mark.slow
@pytest.mark.skipif(not PLANTS.exists(), reason=f"needs {PLANTS} (set COUNTERPOINT_DATA)")
@pytest.mark.parametrize("seed", range(3))
def test_300_000_steps_beat_the_best_assignment_of_a_published_plant(seed: int) -> None:
    config = ppo.Config(case=str(PLANTS / "setting_6items_3machines.json"))
    trainer = ppo.build(config, seed, "cpu")
    for _ in range(trainer.iterations):
        trainer.step()
    assert trainer.samples <= 301_000
    plant, scenarios = trainer.evaluation.environment.instance, trainer.evaluation.scenarios[:50]
    fixed = np.mean([simulate(plant, s, Fixed(assignment(exact_values(plant)))).cost for s in scenarios])
    assert trainer.evaluate()["cost"] < 0.6 * fixed


@pytest.mark.slow
@pytest.mark.skipif(not PLANTS.exists(), reason=f"needs {PLANTS} (set COUNTERPOINT_DATA)")
@pytest.mark.parametrize(
    ("name", "optimum"), [("VI", 0.642807), ("VI_binomial_1", 3.751692), ("VI_binomial_3", 3.557986)]
)
def test_within_5_percent_of_value_iteration(name: str, optimum: float) -> None:
    """Average cost of periods 101 to 1,100, against relative value iteration's."""
    config = ppo.Config(case=str(PLANTS / f"setting_2items_{name}.json"), iterations=38, horizon=100)
    trainer = ppo.build(config, 0, "cpu")
    for _ in range(trainer.iterations):
        trainer.step()
    plant = trainer.environment.instance
    long, short = (
        Validation.draw(dataclasses.replace(plant, horizon=h), 64).play(trainer.network).mean() for h in (1100, 100)
    )
    assert float(long - short) / 1000 < 1.05 * optimum
