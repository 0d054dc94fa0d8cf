"""Training on interrupted job shops, by PPO and with shared baselines: it resumes bit for bit, and it learns."""

from dataclasses import asdict, replace
from typing import Any

import pytest
import torch

from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.interrupted_job_shop import Options
from counterpoint.models.training import interrupted_job_shop as ppo
from counterpoint.models.training import interrupted_job_shop_scores as scores
from counterpoint.models.training import interrupted_job_shop_shared as shared
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw

DRAW = Draw(
    jobs_min=4, jobs_max=5, machines_min=3, machines_max=3, duration_max=20, probabilities=(0.0, 0.05), periods=40
)
NETWORK = Options(width=8, heads=2, layers=1)
PPO = ppo.Config(
    iterations=20, environments=8, draw=DRAW, network=NETWORK, ppo=PpoConfig(steps=12, minibatches=2, gamma=1.0)
)
SHARED = shared.Config(iterations=20, scenarios=4, plays=4, minibatch=64, draw=DRAW, network=NETWORK)
SCORES = scores.Config(iterations=20, scenarios=4, plays=4, decisions=256, minibatch=64, draw=DRAW)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a if key != "cpu_s")
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@pytest.mark.parametrize(
    ("module", "config"), [(ppo, PPO), (shared, SHARED), (scores, SCORES)], ids=["ppo", "shared", "scores"]
)
def test_resume_is_bit_for_bit(module: Any, config: Any) -> None:
    trainer = module.build(config, 0)
    for _ in range(2):
        trainer.step()
    kept = trainer.state_dict()
    twin = module.build(config, 1)
    twin.load_state_dict(kept)
    for _ in range(2):
        one, two = trainer.step(), twin.step()
        assert same(one, two)
    assert same(trainer.state_dict(), twin.state_dict())
    assert trainer.evaluate() == twin.evaluate()
    tensors, card = trainer.policy()
    assert same(tensors, twin.policy()[0])
    assert card["problem"] == "interrupted-job-shop"
    assert card["network"]["options"] == asdict(config.network)


def test_the_shared_baseline_learns() -> None:
    """Greedy makespans on fixed scenarios fall by at least 2 % within some seconds."""
    config = replace(
        SHARED, iterations=15, scenarios=12, plays=12, learning_rate=4e-3, minibatch=128, passes=2, waiting=False,
        network=Options(width=16, heads=2, layers=1),
    )  # fmt: skip
    trainer = shared.build(config, 0)
    before = trainer.evaluate()["cost"]
    for _ in range(config.iterations):
        trainer.step()
    assert trainer.evaluate()["cost"] < 0.98 * before


def test_the_scores_learn() -> None:
    """Greedy makespans on fixed scenarios fall by at least 3 % within some seconds."""
    config = replace(SCORES, iterations=30, scenarios=16, plays=16, decisions=4096, minibatch=512, learning_rate=5e-3)
    trainer = scores.build(config, 0)
    before = trainer.evaluate()["cost"]
    for _ in range(config.iterations):
        trainer.step()
    assert trainer.evaluate()["cost"] < 0.97 * before


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        (PPO, {"environments": 0}), (SHARED, {"plays": 1}), (SHARED, {"learning_rate": 0.0}),
        (SHARED, {"entropy_weight": -1.0}), (SHARED, {"decisions": 0}),
        (SCORES, {"plays": 1}), (SCORES, {"scenarios": 0}), (SCORES, {"learning_rate": -1.0}),
        (SCORES, {"entropy_weight": -1.0}),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(config: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        replace(config, **wrong)
