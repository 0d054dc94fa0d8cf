"""The learned policy of plants decides in the reference simulator as in the batched twin, and refuses other plants."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import counterpoint as ct
from counterpoint.datasets.generators.stochastic_lot_sizing import published
from counterpoint.models.checkpoints import load_policy, save_policy
from counterpoint.models.policies.stochastic_lot_sizing import Options, policy
from counterpoint.models.training.stochastic_lot_sizing import Config, Generated, build
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.simulators.stochastic_lot_sizing import simulate


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[StochasticLotSizing, Any, str]:
    """A plant, a trainer after a few steps, and its checkpoint."""
    config = Config(iterations=4, num_envs=32, generated=Generated(5, 3, 1), hidden=(16,), scenarios=12)
    trainer = build(config, 0, "cpu")
    for _ in range(3):
        trainer.step()
    path = str(tmp_path_factory.mktemp("plant") / "policy.safetensors")
    save_policy(path, *trainer.policy())
    return trainer.evaluation.environment.instance, trainer, path


def test_greedy_decisions_cost_the_same_in_both_simulators(trained: Any) -> None:
    plant, trainer, path = trained
    validation = trainer.evaluation
    batched = validation.play(trainer.network)
    decide = policy(plant, 0, Options(checkpoint=path))
    for number, scenario in enumerate(validation.scenarios):
        decide.start(number)
        assert simulate(plant, scenario, decide).cost == pytest.approx(float(batched[number]), abs=1e-9)


def test_draws_depend_on_seed_and_episode_alone(trained: Any) -> None:
    plant, _, path = trained
    scenario = draw_scenarios(plant, 1, 3)[0]

    def run(seed: int, episode: int) -> float:
        decide = policy(plant, seed, Options(checkpoint=path, is_sampled=True))
        decide.start(episode)
        return simulate(plant, scenario, decide).cost

    assert run(1, 0) == run(1, 0)
    assert len({run(1, 0), run(1, 1), run(2, 0)}) == 3


def test_draws_cost_on_average_what_the_validation_says(trained: Any) -> None:
    plant, trainer, path = trained
    scenario = trainer.evaluation.scenarios[0]
    decide = policy(plant, 0, Options(checkpoint=path, is_sampled=True))
    costs = []
    for episode in range(40):
        decide.start(episode)
        costs.append(simulate(plant, scenario, decide).cost)
    many = dataclasses.replace(trainer.evaluation, scenarios=(scenario,) * len(trainer.evaluation.scenarios))
    batched = torch.cat([many.play(trainer.network, torch.Generator().manual_seed(s)) for s in range(20)])
    error = (np.var(costs, ddof=1) / len(costs) + float(batched.var()) / len(batched)) ** 0.5
    assert abs(np.mean(costs) - float(batched.mean())) < 4 * error


def test_evaluated_by_its_file_beside_rules(trained: Any) -> None:
    plant, _, path = trained
    found = ct.evaluate([path, "idle"], plant, scenarios=3, seed=5)
    assert len(found.frame) == 6
    decide = policy(plant, 0, Options(checkpoint=path))
    costs = [simulate(plant, scenario, decide).cost for scenario in draw_scenarios(plant, 3, 5)]
    mine = found.frame[found.frame["policy"] != "idle"]["cost"].to_numpy()
    assert mine.tolist() == pytest.approx(costs)


def test_refusals(trained: Any, tmp_path: Path) -> None:
    plant, _, path = trained
    with pytest.raises(OptionError, match="needs checkpoint"):
        policy(plant, 0, Options())
    with pytest.raises(CheckpointError, match="not trained for 6 items on 3 machines"):
        policy(published(items=6, machines=3), 0, Options(checkpoint=path))
    held = load_policy(path)
    for damage in ({"numbers": [1]}, {"hidden": "wide"}, {"head": "gaussian"}, {"hidden": [16, 16]}, {"more": 1}):
        card = {**held.card, "network": {"name": "mlp", "options": {**held.card["network"]["options"], **damage}}}
        damaged = str(tmp_path / "damaged.safetensors")
        save_policy(damaged, held.tensors, {k: v for k, v in card.items() if k not in ("type", "version", "sha256")})
        with pytest.raises(CheckpointError):
            policy(plant, 0, Options(checkpoint=damaged))
