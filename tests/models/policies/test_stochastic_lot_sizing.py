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
    config = Config(iterations=4, num_envs=8, generated=Generated(5, 3, 1), hidden=(16,), scenarios=12)
    trainer = build(config, 0, "cpu")
    trainer.step()
    path = str(tmp_path_factory.mktemp("plant") / "policy.safetensors")
    save_policy(path, *trainer.policy())
    return trainer.evaluation.environment.instance, trainer, path


def test_greedy_decisions_cost_the_same_in_both_simulators(trained: Any) -> None:
    plant, trainer, path = trained
    validation = trainer.evaluation
    batched = validation.play(trainer.network)
    decide = policy(plant, 0, Options(checkpoint=path, is_sampled=False))
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
    for episode in range(30):
        decide.start(episode)
        costs.append(simulate(plant, scenario, decide).cost)
    many = dataclasses.replace(trainer.evaluation, scenarios=(scenario,) * len(trainer.evaluation.scenarios))
    batched = torch.cat([many.play(trainer.network, torch.Generator().manual_seed(s)) for s in range(20)])
    error = (np.var(costs, ddof=1) / len(costs) + float(batched.var()) / len(batched)) ** 0.5
    assert abs(np.mean(costs) - float(batched.mean())) < 4 * error


def test_plays_as_it_was_selected(trained: Any, tmp_path: Path) -> None:
    """By the card, which training writes: drawn, as the reported cost is; other cards and users may say otherwise."""
    plant, trainer, path = trained
    held = load_policy(path)
    assert held.card["is_sampled"] is True
    seeds = {}
    for name, said in (("drawn", True), ("likeliest", False), ("silent", None), ("wrong", "often")):
        card = {k: v for k, v in held.card.items() if k not in ("type", "version", "sha256", "is_sampled")}
        file = str(tmp_path / f"{name}.safetensors")
        save_policy(file, held.tensors, card if said is None else {**card, "is_sampled": said})
        if name != "wrong":
            seeds[name] = policy(plant, 7, Options(checkpoint=file)).seed  # type: ignore[attr-defined]
    assert seeds == {"drawn": 7, "likeliest": None, "silent": 7}
    with pytest.raises(CheckpointError, match="is_sampled"):
        policy(plant, 7, Options(checkpoint=str(tmp_path / "wrong.safetensors")))
    frame = ct.evaluate([path], plant, scenarios=12, seed=5).frame
    scenarios = draw_scenarios(plant, 12, 5)
    many = dataclasses.replace(trainer.evaluation, scenarios=scenarios)
    runs = [many.play(trainer.network, torch.Generator().manual_seed(s)) for s in range(8)]
    error = float(torch.stack(runs).std(0, correction=1).square().mean().sqrt()) * (1 / 12 + 1 / 96) ** 0.5
    assert abs(frame["cost"].mean() - float(torch.stack(runs).mean())) < 4 * error


def test_evaluated_by_its_file_beside_rules(trained: Any) -> None:
    plant, _, path = trained
    found = ct.evaluate([f"learned:checkpoint={path},is_sampled=false", "idle"], plant, scenarios=3, seed=5)
    assert len(found.frame) == 6
    decide = policy(plant, 0, Options(checkpoint=path, is_sampled=False))
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
