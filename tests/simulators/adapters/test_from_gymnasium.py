"""Gymnasium's tasks as batched environments: no step is lost on a restart, and a run can be resumed."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.adapters.from_gymnasium import GymnasiumEnvironment
from counterpoint.simulators.adapters.gymnasium_vector import VectorEnvironment
from counterpoint.simulators.batched.inventory import InventoryEnvironment


def test_equal_to_separate_environments_over_restarts() -> None:
    batch = GymnasiumEnvironment("CartPole-v1", 4)
    first = batch.reset(3)["observation"]
    apart = [gym.make("CartPole-v1") for _ in range(4)]
    seen = [each.reset(seed=3 + b)[0] for b, each in enumerate(apart)]
    assert np.array_equal(first.numpy(), np.stack(seen))
    rng, ends = np.random.default_rng(0), 0
    for _ in range(80):
        action = rng.integers(2, size=4)
        step = batch.step(torch.tensor(action))
        assert step.final_observation is not None
        for b, each in enumerate(apart):
            last, reward, terminated, truncated, _ = each.step(action[b])
            assert np.array_equal(step.final_observation["observation"][b].numpy(), last)
            assert float(step.reward[b]) == reward
            assert (bool(step.terminated[b]), bool(step.truncated[b])) == (terminated, truncated)
            if terminated or truncated:
                ends += 1
                last = each.reset()[0]
            assert np.array_equal(step.observation["observation"][b].numpy(), last)
    assert ends >= 8


def test_a_time_limit_truncates() -> None:
    batch = GymnasiumEnvironment("MountainCar-v0", 2)
    for _ in range(199):
        assert not bool(batch.step(torch.tensor([1, 1])).truncated.any())
    step = batch.step(torch.tensor([1, 1]))
    assert step.truncated.tolist() == [True, True]
    assert step.terminated.tolist() == [False, False]


@pytest.mark.parametrize("task", ["CartPole-v1", "Acrobot-v1", "Pendulum-v1"])
def test_the_state_decides_the_future(task: str) -> None:
    batch = GymnasiumEnvironment(task, 3)
    batch.reset(1)
    g = torch.Generator().manual_seed(0)

    def act() -> torch.Tensor:
        return torch.randn(3, 1, generator=g) if task == "Pendulum-v1" else torch.randint(2, (3,), generator=g)

    for _ in range(40):
        batch.step(act())
    held, random = batch.state_dict(), g.get_state()
    future = [batch.step(act()) for _ in range(60)]
    again = GymnasiumEnvironment(task, 3)
    again.reset(77)
    again.load_state_dict(held)
    g.set_state(random)
    for expected in future:
        step = again.step(act())
        assert torch.equal(step.observation["observation"], expected.observation["observation"])
        assert torch.equal(step.reward, expected.reward)
        assert torch.equal(step.terminated, expected.terminated)


def test_continuous_actions_are_clipped() -> None:
    first, second = GymnasiumEnvironment("Pendulum-v1", 1), GymnasiumEnvironment("Pendulum-v1", 1)
    a, b = first.step(torch.tensor([[50.0]])), second.step(torch.tensor([[2.0]]))
    assert torch.equal(a.observation["observation"], b.observation["observation"])
    assert torch.equal(a.reward, b.reward)


def test_there_and_back_again() -> None:
    """Our environment, shown to Gymnasium, taken back: the same rewards and last observations."""
    plain = InventoryEnvironment(num_envs=5, horizon=4, weights=(1.0, 2.0))
    around = GymnasiumEnvironment(VectorEnvironment(InventoryEnvironment(num_envs=5, horizon=4, weights=(1.0, 2.0))))
    plain.reset(9)
    around.reset(9)
    for t in range(10):
        action = (torch.arange(5) + t) % 11
        a, b = plain.step(action), around.step(action)
        assert torch.allclose(a.reward, b.reward)
        assert torch.equal(a.truncated, b.truncated)
        assert torch.equal(a.observation["stock"], b.observation["stock"])
        assert a.final_observation is not None
        assert b.final_observation is not None
        assert torch.equal(a.final_observation["stock"], b.final_observation["stock"])


def test_other_modes_of_restarting_are_refused() -> None:
    with pytest.raises(OptionError, match="SAME_STEP"):
        GymnasiumEnvironment(gym.make_vec("CartPole-v1", 2, vectorization_mode="sync"))
    around = GymnasiumEnvironment(VectorEnvironment(InventoryEnvironment(num_envs=2, weights=(1.0, 2.0))))
    with pytest.raises(OptionError, match="registered name"):
        around.state_dict()
