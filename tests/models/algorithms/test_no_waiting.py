"""Nothing in a rollout or an update asks the device for a number, or makes a shape depend on data."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.no_waiting import WAITING, Watched, assert_nothing_waits, on_meta
from tests.plants import random_plant

from counterpoint.models.algorithms import pdppo_rollout, rollout
from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment


@pytest.mark.parametrize("surrogate", ["clip", "kl"])
def test_rollout_and_update_never_wait(surrogate: Any) -> None:
    environment = InventoryEnvironment(num_envs=8, horizon=5, is_excess_legal=False)
    network = Mlp(Options.of(environment), torch.Generator().manual_seed(0))
    config = PpoConfig(steps=12, surrogate=surrogate, minibatches=2)
    learner = PpoTrainer(environment, network, config, iterations=3, seed=0, card={})
    learner.step()
    with Watched() as watched:
        learner._roll_eager()
        learner._update_eager()
    assert len(watched.names) > 300
    assert {"exponential_", "searchsorted", "_fused_adam_"} <= {*watched.names}
    assert not {*WAITING} & {*watched.names}


@pytest.mark.parametrize("is_post", [False, True])
def test_rollouts_of_plants_never_wait_where_there_are_no_numbers(is_post: bool, monkeypatch: Any) -> None:
    """The way a GPU goes: torch's steps, restarts of every copy, values of what was cut off."""
    with on_meta(monkeypatch) as device:
        plant = random_plant(np.random.default_rng(0), horizon=3)
        environment = StochasticLotSizingEnvironment(plant, 8, device=device)
        network = Mlp(Options.of(environment), torch.Generator().manual_seed(0)).to(device)
        seen, generator = environment.reset(), torch.Generator(device)
        filled = rollout.Rollout.empty(4, network, seen)
        with Watched() as watched:
            if is_post:
                between = pdppo_rollout.PostDecisions.like(filled)

                def certain(observation: Any, action: Any) -> torch.Tensor:
                    return environment.setup_reward.unsqueeze(1)

                pdppo_rollout.collect(environment, network, filled, between, seen, generator, certain)
            else:
                rollout.collect(environment, network, filled, seen, generator)
            rollout.final_values(network, filled)
    assert_nothing_waits(watched)


def test_the_watch_sees_what_it_must() -> None:
    with Watched() as watched:
        bool(torch.ones(3).sum() > 2)
        torch.ones(3).nonzero()
    assert {"_local_scalar_dense", "nonzero"} <= {*watched.names}
