"""The learned policy decides in the reference simulator exactly as in batches, and follows its best play."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.interrupted_shops import random_instance, random_shop

from counterpoint.models.checkpoints import save_policy
from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork
from counterpoint.models.networks.interrupted_job_shop import Options as NetworkOptions
from counterpoint.models.policies.interrupted_job_shop import (
    Follow,
    LearnedPolicy,
    Options,
    best_play,
    policy,
    statics_of,
)
from counterpoint.models.policies.interrupted_job_shop_rollout import play
from counterpoint.opt.errors import CheckpointError, OptionError, UnsupportedError
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, draw_scenarios
from counterpoint.simulators.batched.interrupted_job_shop import Batch
from counterpoint.simulators.interrupted_job_shop import simulate


@pytest.fixture
def network() -> InterruptedShopNetwork:
    """A network whose decisions are far from uniform, and which waits now and then."""
    torch.manual_seed(1)
    built = InterruptedShopNetwork(NetworkOptions(width=8, heads=2, layers=1))
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(3)
        built.wait[-1].bias.fill_(0.0)
    return built.eval()


@pytest.mark.parametrize("waiting", [True, False])
def test_decides_as_in_batches(network: InterruptedShopNetwork, waiting: bool) -> None:
    for seed in range(10):
        instance = random_instance(np.random.default_rng(seed))
        scenario = draw_scenarios(instance, 1, seed)[0]
        run = simulate(instance, scenario, LearnedPolicy(instance, network, waiting=waiting))
        played = play(network, Batch.of([instance], [scenario]), statics_of(instance), waiting=waiting)
        assert run.cost == float(played.makespan)
        job = instance.shop.job_of
        within = np.arange(instance.shop.num_operations) - instance.shop.job_offsets[job]
        assert np.array_equal(played.start[0].numpy()[job, within], run.start)


@pytest.mark.parametrize("waiting", [True, False])
def test_best_play_is_followed_and_no_worse_than_greedy(network: InterruptedShopNetwork, waiting: bool) -> None:
    for seed in range(4):
        instance = InterruptedJobShop(random_shop(np.random.default_rng(seed)), 0.0)
        scenario = draw_scenarios(instance, 1, 0)[0]
        starts = best_play(instance, network, 20, seed, waiting=waiting)
        run = simulate(instance, scenario, Follow(instance, starts))
        assert run.start.tolist() == [
            s for row, job in zip(starts, np.diff(instance.shop.job_offsets), strict=True) for s in row[:job]
        ]
        assert run.cost <= simulate(instance, scenario, LearnedPolicy(instance, network, waiting=waiting)).cost


def test_plays_are_recorded_where_there_is_a_choice(network: InterruptedShopNetwork) -> None:
    instance = InterruptedJobShop(random_shop(np.random.default_rng(3), jobs=5, machines=3), 0.0)
    batch = Batch.of([instance], draw_scenarios(instance, 1, 0)).repeat(6)  # type: ignore[arg-type]
    statics = statics_of(instance).repeat(6)
    played = play(network, batch, statics, torch.Generator().manual_seed(0), records=True)
    assert bool((played.observation["action_mask"].sum(1) > 1).all())
    distribution, _ = network(played.observation)
    torch.testing.assert_close(distribution.log_prob(played.action), played.log_prob, atol=1e-5, rtol=1e-5)
    assert set(played.row.tolist()) == set(range(6))


def test_checkpoints(network: InterruptedShopNetwork, tmp_path: Path) -> None:
    card = {"problem": "interrupted-job-shop", "algorithm": "ppo", "network": network.card(), "waiting": True}
    path = tmp_path / "x.safetensors"
    save_policy(path, network.state_dict(), card)
    instance = InterruptedJobShop(random_shop(np.random.default_rng(0)), 0.1)
    scenario = draw_scenarios(instance, 1, 0)[0]
    loaded = policy(instance, 0, Options(checkpoint=str(path)))
    expected = simulate(instance, scenario, LearnedPolicy(instance, network, waiting=True))
    assert simulate(instance, scenario, loaded) == expected
    with pytest.raises(UnsupportedError):
        policy(instance, 0, Options(samples=10, checkpoint=str(path)))
    with pytest.raises(OptionError):
        Options(samples=0)
    save_policy(path, network.state_dict(), {**card, "network": {"name": "other", "options": {}}})
    with pytest.raises(CheckpointError):
        policy(instance, 0, Options(checkpoint=str(path)))
    save_policy(path, network.state_dict(), {**card, "network": {**network.card(), "options": {"width": 16}}})
    with pytest.raises(CheckpointError):
        policy(instance, 0, Options(checkpoint=str(path)))
