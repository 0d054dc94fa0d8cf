"""The learned scores: compiled as in torch, in the reference as in batches; checkpoints; as a base of roll-outs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.interrupted_shops import random_instance, random_shop

import counterpoint as ct
from counterpoint.models.checkpoints import save_policy
from counterpoint.models.networks.interrupted_job_shop_scores import CandidateScores, Options
from counterpoint.models.policies import interrupted_job_shop_roll_out as roll_out
from counterpoint.models.policies import interrupted_job_shop_scores as scores
from counterpoint.models.policies.interrupted_job_shop import statics_of
from counterpoint.models.policies.interrupted_job_shop_scores_play import play_scores, words
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, draw_scenarios
from counterpoint.simulators.batched.interrupted_job_shop import Batch
from counterpoint.simulators.batched.interrupted_job_shop_candidates import FEATURES
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, draw_batch
from counterpoint.simulators.batched.interrupted_job_shop_play import SPT, network_scores
from counterpoint.simulators.interrupted_job_shop import simulate


@pytest.fixture
def network() -> CandidateScores:
    """A network whose decisions are far from uniform, and which waits now and then."""
    torch.manual_seed(1)
    built = CandidateScores(Options(8, 6))
    with torch.no_grad():
        built.last.weight.mul_(60)
    return built.eval()


def test_compiled_scores_are_the_network_s(network: CandidateScores) -> None:
    features = np.random.default_rng(0).normal(size=(9, FEATURES)).astype(np.float32)
    features[:, 0] = np.arange(9) < 5
    found = np.empty(9)
    network_scores(features, 5, 9, *network.weights(), np.empty(8, np.float32), np.empty(6, np.float32), found)
    with torch.no_grad():
        expected = network(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("waiting", [True, False])
def test_decides_as_in_batches(network: CandidateScores, waiting: bool) -> None:
    for seed in range(20):
        instance = random_instance(np.random.default_rng(seed))
        scenario = draw_scenarios(instance, 1, seed)[0]
        run = simulate(instance, scenario, scores.ScorePolicy(instance, network, waiting=waiting))
        played = play_scores(
            network, Batch.of([instance], [scenario]), statics_of(instance), words(1, 0), waiting=waiting,
            temperature=0.0, starts=True,
        )  # fmt: skip
        assert run.cost == float(played.makespan[0])
        job = instance.shop.job_of
        within = np.arange(instance.shop.num_operations) - instance.shop.job_offsets[job]
        assert np.array_equal(played.start[0][job, within], run.start)


def test_plays_are_sampled_and_kept(network: CandidateScores) -> None:
    instance = InterruptedJobShop(random_shop(np.random.default_rng(3), jobs=5, machines=3), 0.0)
    batch = Batch.of([instance], list(draw_scenarios(instance, 1, 0)))
    kept = play_scores(network, batch, statics_of(instance), words(40, 0), times=40, kept=10_000)
    assert len(set(kept.makespan.tolist())) > 1
    assert set(kept.row.tolist()) == set(range(40))
    assert (kept.count > 1).all()
    assert (kept.choice < kept.count).all()
    assert (kept.features[np.arange(len(kept.row)), 0, 0] == 1).all()  # those that may enter come first
    again = play_scores(network, batch, statics_of(instance), words(40, 0), times=40, kept=10_000)
    assert np.array_equal(again.makespan, kept.makespan)
    few = play_scores(network, batch, statics_of(instance), words(40, 0), times=40, kept=7)
    assert len(few.row) == 7


def test_the_shipped_scores_beat_a_rule() -> None:
    """On fresh random shops and traces, on the mean; and they can be a roll-out's base."""
    network, waiting = scores.load_scores()
    batch, statics = draw_batch(Draw(jobs_min=8, machines_min=8), 128, torch.Generator().manual_seed(99))
    random = words(128, 0)
    rule = play_scores(None, batch, statics, random, waiting=False, temperature=0.0, rule=SPT).makespan
    learned = play_scores(network, batch, statics, random, waiting=waiting, temperature=0.0).makespan
    assert learned.mean() < 0.97 * rule.mean()
    plant = ct.generate("interrupted-job-shop", jobs=5, machines=4, shutdown_probability=0.05, seed=9)
    [scenario] = draw_scenarios(plant, 1, 77)
    assert simulate(plant, scenario, ct.policy("roll-out:futures=4", plant)).cost > 0


def test_checkpoints(network: CandidateScores, tmp_path: Path) -> None:
    card = {"problem": "interrupted-job-shop", "algorithm": "scores", "network": network.card(), "waiting": True}
    path = tmp_path / "x.safetensors"
    save_policy(path, network.state_dict(), card)
    instance = InterruptedJobShop(random_shop(np.random.default_rng(0)), 0.1)
    scenario = draw_scenarios(instance, 1, 0)[0]
    expected = simulate(instance, scenario, scores.ScorePolicy(instance, network, waiting=True))
    assert simulate(instance, scenario, scores.policy(instance, 0, scores.Options(str(path)))) == expected
    assert simulate(instance, scenario, ct.policy(path, instance)) == expected
    rolled = roll_out.policy(instance, 0, roll_out.Options(futures=2, checkpoint=str(path)))
    assert simulate(instance, scenario, rolled).cost > 0
    save_policy(path, network.state_dict(), {**card, "network": {"name": "other", "options": {}}})
    with pytest.raises(CheckpointError):
        scores.policy(instance, 0, scores.Options(str(path)))


def test_wrong_options_are_refused() -> None:
    with pytest.raises(OptionError):
        roll_out.Options(futures=0)
    with pytest.raises(OptionError):
        Options(first=0)
