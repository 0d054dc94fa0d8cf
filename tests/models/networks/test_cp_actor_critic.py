"""PPO trains on the CP environment as on any other."""

import numpy as np
import pytest
import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.cp_actor_critic import CpActorCritic
from counterpoint.models.networks.cp_tokens import Options
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.cp_environment import CpEnvironment
from counterpoint.simulators.cp.job_shop import encode

CLASSICAL = JobShop.from_jobs("classical", [[(0, 3), (1, 2)], [(0, 2), (1, 4)], [(1, 4), (0, 3)]])
FLEXIBLE = JobShop.from_jobs("flexible", [[[(0, 3), (1, 4)], (1, 2)], [(0, 2), [(1, 3), (0, 3)]]])


@pytest.mark.parametrize("shop", [CLASSICAL, FLEXIBLE], ids=lambda shop: shop.name)
def test_ppo_learns_from_it(shop):
    network = CpActorCritic(Options(), torch.Generator().manual_seed(0))
    environment = CpEnvironment([encode(shop)], 4)
    config = PpoConfig(steps=16, epochs=2, minibatches=2, gamma=1.0, learning_rate=3e-3)
    trainer = PpoTrainer(environment, network, config, iterations=20, seed=0, card={})
    before = [p.clone() for p in network.parameters()]
    figures = [trainer.step() for _ in range(3)]
    assert all(np.isfinite(value) for f in figures for value in f.values() if value is not None)
    assert figures[-1]["samples"] == 3 * 64
    assert sum(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)) > 20


def test_its_actions_are_the_actors():
    network = CpActorCritic(Options(), torch.Generator().manual_seed(0))
    observation = CpEnvironment([encode(CLASSICAL)], 2).observe()
    distribution, value = network(observation)
    torch.testing.assert_close(distribution.probs, network.actor(observation).softmax(1))
    assert value.shape == (2, 1)
    assert (distribution.probs[:, 3] == 0).all()  # No-Op
