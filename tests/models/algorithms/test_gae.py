"""Advantages against sums by definition, with episode ends and steps of different length."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from counterpoint.models.algorithms.gae import gae


def brute_force(
    reward: Tensor, value: Tensor, last: Tensor, over: Tensor, cut: Tensor, elapsed: Tensor, final: Tensor,
    gamma: float, lam: float,
) -> Tensor:  # fmt: skip
    """A_t = sum over k >= t of (product over t <= i < k of gamma^dt_i lambda) delta_k, until the episode's end."""
    steps, batch, n = reward.shape
    found = torch.zeros(steps, batch, n, dtype=torch.float64)
    for b in range(batch):
        for j in range(n):
            for t in range(steps):
                weight = 1.0
                for k in range(t, steps):
                    beyond = float(value[k + 1, b, j] if k + 1 < steps else last[b, j])
                    if over[k, b]:
                        beyond = 0.0
                    elif cut[k, b]:
                        beyond = float(final[k, b, j])
                    discount = gamma ** float(elapsed[k, b])
                    found[t, b, j] += weight * (float(reward[k, b, j]) + discount * beyond - float(value[k, b, j]))
                    if over[k, b] or cut[k, b]:
                        break
                    weight *= discount * lam
    return found


@given(st.integers(0, 2**32), st.floats(0.5, 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_equals_the_definition(seed: int, gamma: float, lam: float) -> None:
    g = torch.Generator().manual_seed(seed)
    t, b, n = 7, 3, 2
    reward, value, final = (torch.randn(t, b, n, generator=g, dtype=torch.float64) for _ in range(3))
    last = torch.randn(b, n, generator=g, dtype=torch.float64)
    over, cut = (torch.rand(t, b, generator=g) < 0.25 for _ in range(2))
    elapsed = torch.randint(0, 6, (t, b), generator=g).double()
    found = gae(reward, value, last, over, cut, gamma=gamma, lam=lam, elapsed=elapsed, final_value=final)
    expected = brute_force(reward, value, last, over, cut, elapsed, final, gamma, lam)
    assert torch.allclose(found, expected, atol=1e-6)


def episode(reward: list[float], value: list[float], elapsed: list[float], lam: float) -> Tensor:
    """Advantages of one episode that terminates with the last step."""
    column = [torch.tensor(x, dtype=torch.float64).view(-1, 1) for x in (reward, value, elapsed)]
    over = torch.zeros(len(reward), 1, dtype=torch.bool)
    over[-1] = True
    return gae(
        column[0].unsqueeze(-1), column[1].unsqueeze(-1), torch.zeros(1, 1, dtype=torch.float64), over,
        torch.zeros_like(over), gamma=0.9, lam=lam, elapsed=column[2],
    ).flatten()  # fmt: skip


def test_splitting_a_long_step_changes_no_target() -> None:
    """A step of five units equals five of one, the reward paid in the first; whatever the values in between are."""
    whole = episode([1.0, 2.0, 4.0], [0.3, 0.7, -0.2], [1, 5, 2], lam=1.0)
    split = episode([1.0, 2.0, 0, 0, 0, 0, 4.0], [0.3, 0.7, 9.0, -7.0, 3.0, 5.0, -0.2], [1, 1, 1, 1, 1, 1, 2], lam=1.0)
    assert split[[0, 1, 6]].tolist() == pytest.approx(whole.tolist(), abs=1e-12)
    # by hand: 1 + 0.9 * 2 + 0.9^6 * 4 - 0.3
    assert float(whole[0]) == pytest.approx(1 + 0.9 * 2 + 0.9**6 * 4 - 0.3)


def test_a_reward_at_the_end_of_a_step_is_one_at_its_start_discounted() -> None:
    """The same for an environment that pays at the end: gamma^dt R at the start, or R after the last unit step."""
    whole = episode([0.9**4 * 2.0, 1.0], [0.3, 0.5], [5, 1], lam=1.0)
    split = episode([0, 0, 0, 0, 2.0, 1.0], [0.3, 1.0, 1.0, 1.0, 1.0, 0.5], [1] * 6, lam=1.0)
    assert float(split[0]) == pytest.approx(float(whole[0]), abs=1e-12)


def test_truncation_bootstraps_from_the_final_observation_and_termination_from_nothing() -> None:
    reward, value = torch.ones(1, 3, 1), torch.full((1, 3, 1), 2.0)
    last, final = torch.full((3, 1), 100.0), torch.full((1, 3, 1), 10.0)
    over = torch.tensor([[True, False, True]])
    cut = torch.tensor([[False, True, True]])  # both: it ended by itself
    found = gae(reward, value, last, over, cut, gamma=0.5, lam=0.9, final_value=final)
    assert found.flatten().tolist() == [-1.0, 1 + 0.5 * 10 - 2, -1.0]
