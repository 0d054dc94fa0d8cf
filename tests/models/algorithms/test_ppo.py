"""PPO learns what it must in every form of action and reward, resumes bit for bit, and refuses what cannot work."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.algorithms.rollout import final_values
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Trainer
from counterpoint.simulators.batched.inventory import InventoryEnvironment

FAST = PpoConfig(steps=16, epochs=4, minibatches=1, learning_rate=1e-2, gamma=0.5, lam=0.9)


def trainer(environment: Any, config: PpoConfig, *, iterations: int = 20, seed: int = 0, **options: Any) -> PpoTrainer:
    network = Mlp(Options.of(environment, **options), torch.Generator().manual_seed(seed))
    return PpoTrainer(environment, network, config, iterations=iterations, seed=seed, card={})


def greedy(learner: PpoTrainer) -> torch.Tensor:
    """The likeliest action of each symbol, nothing forbidden."""
    count = learner.environment.count
    every = {"symbol": torch.arange(count), "action_mask": torch.ones(count, count, dtype=torch.bool)}
    if learner.environment.form != "single":
        del every["action_mask"]
    with torch.no_grad():
        return learner.network(every)[0].mode()


def run(learner: Trainer, count: int) -> list[dict[str, float]]:
    return [learner.step() for _ in range(count)]


@pytest.mark.parametrize("surrogate", ["clip", "kl", "mdpo"])
def test_learns_the_identity_with_every_surrogate(matching: Callable[..., Any], surrogate: str) -> None:
    learner = trainer(matching("single"), dataclasses.replace(FAST, surrogate=surrogate))
    figures = run(learner, 20)
    assert greedy(learner).tolist() == [0, 1, 2, 3]
    assert figures[0]["return"] < 2.5 < 4.5 < figures[-1]["return"] <= 5.0
    assert figures[-1]["length"] == 5.0
    assert figures[-1]["samples"] == 20 * 16 * 32


def test_learns_several_choices_at_once(matching: Callable[..., Any]) -> None:
    learner = trainer(matching("pair"), FAST)
    run(learner, 20)
    assert greedy(learner).tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_learns_a_number(matching: Callable[..., Any]) -> None:
    learner = trainer(matching("box"), FAST, iterations=40)
    run(learner, 40)
    assert greedy(learner).flatten().tolist() == pytest.approx([0, 0.25, 0.5, 0.75], abs=0.1)


@pytest.mark.parametrize(("preference", "shift"), [((1.0, 0.2), 0), ((0.2, 1.0), 1)])
@pytest.mark.parametrize("is_scaled", [False, True])
def test_the_preference_decides_between_objectives(
    matching: Callable[..., Any], preference: tuple[float, float], shift: int, is_scaled: bool
) -> None:
    config = dataclasses.replace(FAST, preference=preference, is_reward_scaled=is_scaled)
    learner = trainer(matching("opposed"), config)
    figures = run(learner, 20)
    assert greedy(learner).tolist() == [(s + shift) % 4 for s in range(4)]
    assert figures[-1][f"return_{shift}"] > 4.5
    assert figures[-1][f"return_{1 - shift}"] < 0.5


def test_scaling_rewards_does_not_change_what_is_preferred() -> None:
    """The objectives' deviations differ by far; weighing scaled rewards would buy too little or too much."""
    environment = InventoryEnvironment(num_envs=8)
    learner = trainer(environment, dataclasses.replace(FAST, advantages="raw", preference=(1.0, 3.0)))
    scaled = trainer(
        InventoryEnvironment(num_envs=8),
        dataclasses.replace(FAST, advantages="raw", preference=(1.0, 3.0), is_reward_scaled=True),
    )
    for each in (learner, scaled):  # a critic that says 0: then the advantages are sums of rewards
        for parameter in each.network.critic.parameters():
            parameter.data.zero_()
        each._roll()
        each._assess()
    assert float(scaled.reward_scale.scale[0] / scaled.reward_scale.scale[1]) != pytest.approx(1, abs=0.1)
    assert torch.allclose(learner.batch.advantage, scaled.batch.advantage, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("ends", "value"), [(False, 1 / (1 - 0.5)), (True, 1.0)])
def test_a_truncated_episode_goes_on_in_the_critics_eyes(
    matching: Callable[..., Any], ends: bool, value: float
) -> None:
    """Reward 1 each step, one step an episode: worth 1 / (1 - gamma) if it is cut off, 1 if it ends."""
    environment = matching("single", horizon=1, ends=ends, count=1)
    learner = trainer(environment, dataclasses.replace(FAST, is_annealed=False))
    run(learner, 40)
    observation = {"symbol": torch.zeros(1, dtype=torch.int64), "action_mask": torch.ones(1, 1, dtype=torch.bool)}
    assert float(learner.network(observation)[1].detach()) == pytest.approx(value, abs=0.05)


def test_final_values_are_those_of_a_full_pass_where_truncated_and_0_elsewhere() -> None:
    learner = trainer(InventoryEnvironment(num_envs=8, horizon=6), FAST)
    learner._roll()
    rollout = learner.rollout
    found = final_values(learner.network, rollout)
    assert found is not None
    assert rollout.final_observation is not None
    flat = {key: x.flatten(0, 1) for key, x in rollout.final_observation.items()}
    full = learner.network(flat)[1].detach().view_as(found)
    cut = rollout.truncated
    assert 16 <= int(cut.sum()) < cut.numel()
    assert torch.allclose(found[cut], full[cut], atol=1e-6)
    assert torch.equal(found[~cut], torch.zeros_like(found[~cut]))


def test_an_episode_cut_off_in_an_unknown_state_is_refused(matching: Callable[..., Any]) -> None:
    """Bootstrapping from the next episode's first state would go unnoticed."""
    environment = matching("single")
    step = environment.step
    environment.step = lambda action: dataclasses.replace(step(action), final_observation=None)
    with pytest.raises(ValueError, match="cuts episodes off; expected a final_observation"):
        trainer(environment, FAST).step()


@pytest.mark.parametrize(
    "config",
    [
        FAST,
        dataclasses.replace(FAST, surrogate="kl", target_kl=0.01, is_reward_scaled=True),
        dataclasses.replace(FAST, surrogate="mdpo", value_clip=0.2, advantages="rollout", entropy_weight=0.01),
        dataclasses.replace(FAST, target_kl=0.001),
    ],
)
def test_resume_is_bit_for_bit(config: PpoConfig) -> None:
    whole = trainer(InventoryEnvironment(num_envs=8, horizon=7), config)
    run(whole, 3)
    held = whole.state_dict()
    expected = run(whole, 3)
    again = trainer(InventoryEnvironment(num_envs=8, horizon=7), config, seed=5)  # another start altogether
    again.load_state_dict(held)
    assert run(again, 3) == expected
    mine, theirs = again.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    assert torch.equal(again.action_generator.get_state(), whole.action_generator.get_state())


def test_whole_numbers_will_do_for_preference_and_weights() -> None:
    figures = run(trainer(InventoryEnvironment(num_envs=8), dataclasses.replace(FAST, preference=(1, 3))), 1)
    assert figures[0]["samples"] == 16 * 8
    both, one = InventoryEnvironment(num_envs=4), InventoryEnvironment(num_envs=4, weights=(1, 3))
    order = torch.tensor([0, 1, 2, 3])
    assert torch.allclose(one.step(order).reward[:, 0], both.step(order).reward @ torch.tensor([1.0, 3.0]))


def test_the_seed_decides_all() -> None:
    first, second, other = (trainer(InventoryEnvironment(num_envs=8), FAST, seed=s) for s in (1, 1, 2))
    assert run(first, 2) == run(second, 2)
    assert run(first, 1) != run(other, 1)


def test_a_held_state_does_not_change_while_the_run_goes_on() -> None:
    learner = trainer(InventoryEnvironment(num_envs=8), FAST)
    held = learner.state_dict()
    before = held["network"]["actor.0.weight"].clone()
    run(learner, 1)
    assert torch.equal(held["network"]["actor.0.weight"], before)
    assert not torch.equal(learner.network.state_dict()["actor.0.weight"], before)


def test_observation_statistics_move_in_training_only_and_are_saved() -> None:
    from counterpoint.simulators.adapters.from_gymnasium import GymnasiumEnvironment

    learner = trainer(GymnasiumEnvironment("CartPole-v1", num_envs=8), FAST, is_normalised=True)
    run(learner, 2)
    assert learner.samples == 3 * 16 * 8  # the first rollout is spent on the statistics
    steps = [len(each.actions) for each in learner.environment.vector.envs]
    assert learner.episodes.running[:, 1].tolist() == steps  # and it counts in the episodes' returns and lengths
    tensors, _ = learner.policy()
    count = tensors["normaliser.moments.observation.count"].clone()
    assert float(count) == pytest.approx(3 * 16 * 8)
    learner.evaluation = lambda network: {"cost": float(network(learner.observation)[1].mean())}
    assert learner.evaluate() == learner.evaluate()
    assert torch.equal(learner.policy()[0]["normaliser.moments.observation.count"], count)


def test_the_loop_has_static_shapes_and_storage(matching: Callable[..., Any]) -> None:
    """What a CUDA graph needs: the same buffers in every iteration."""
    learner = trainer(InventoryEnvironment(num_envs=8, horizon=7), FAST)
    run(learner, 1)
    names = ("action", "log_prob", "value", "reward", "terminated", "truncated", "elapsed", "last_value")
    held = [getattr(learner.rollout, name) for name in names]
    held += [*learner.rollout.observation.values(), *learner.observation.values(), learner.batch.target]
    held += [learner.batch.advantage, learner.rows, learner.environment.stock, learner.environment.period]
    held += [x for group in learner.optimiser.state.values() for x in group.values()]
    where = [(x.data_ptr(), x.shape) for x in held]
    run(learner, 2)
    assert [(x.data_ptr(), x.shape) for x in held] == where
    assert learner.batch.value.data_ptr() == learner.rollout.value.data_ptr()


def test_refusals() -> None:
    def make(**changes: Any) -> PpoTrainer:
        return trainer(InventoryEnvironment(num_envs=8), dataclasses.replace(FAST, **changes))

    with pytest.raises(OptionError, match=r"^use_cuda_graphs needs a CUDA device, not cpu$"):
        make(use_cuda_graphs=True)
    with pytest.raises(OptionError, match=r"must divide steps x environments = 128; 3 does not"):
        make(minibatches=3)
    with pytest.raises(OptionError, match="1 weights for 2 objectives"):
        make(preference=(1.0,))
    for wrong in ({"gamma": 1.1}, {"steps": 0}, {"clip": 0.0}, {"learning_rate": float("nan")}, {"lam": -0.1}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            make(**wrong)
