"""Advantages of post-decision PPO against numbers worked out by hand, and against what they must reduce to."""

import pytest
import torch
from torch import Tensor

from counterpoint.models.algorithms.gae import gae
from counterpoint.models.algorithms.pdppo_advantages import Span, corrected, faithful


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


def flags(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.bool).view(-1, 1)


def three_steps(terminated: Tensor, truncated: Tensor, final: Tensor | None = None) -> Span:
    return Span(
        reward=column(-5, -3, -7), certain=column(-2, 0, -4), value=column(-10, -8, -6), post_value=column(-9, -4, -3),
        last_value=torch.tensor([[-12.0]], dtype=torch.float64), terminated=terminated, truncated=truncated,
        elapsed=torch.ones(3, 1), final_value=final,
    )  # fmt: skip


def test_the_larger_of_two_advantages_by_hand() -> None:
    """gamma = 1/2. Uncertain rewards -3, -3, -3 and -12 beyond: sums -9, -12, -9. So: -9, then -3 - 9/2, ...

    Sums of uncertain rewards: t=2: -3 - 6 = -9; t=1: -3 - 4.5 = -7.5; t=0: -3 - 3.75 = -6.75; less V: -3, 0.5, 3.25.
    Sums of certain rewards: t=2: W itself, -3; t=1: 0 - 1.5; t=0: -2 - 0.75; less W: 0, 2.5, 6.25.
    """
    found = faithful(three_steps(flags(0, 0, 0), flags(0, 0, 0)), gamma=0.5)
    assert found.target.flatten().tolist() == [-6.75, -7.5, -9.0]
    assert found.post_target.flatten().tolist() == [-2.75, -1.5, -3.0]
    assert found.advantage.flatten().tolist() == [6.25, 2.5, 0.0]


def test_the_larger_of_two_where_the_uncertain_part_wins() -> None:
    span = three_steps(flags(0, 0, 0), flags(0, 0, 0))._replace(post_value=column(0, 0, 0))
    # certain: 0 (W itself), 0 + 0 / 2, -2 + 0 / 2; uncertain as before
    assert faithful(span, gamma=0.5).advantage.flatten().tolist() == [3.25, 0.5, 0.0]


def test_an_end_and_a_cut_stop_the_sums() -> None:
    """Terminated after step 0: sums are -3 and -2 there; cut off after step 1 at a state of value -20."""
    final = column(0, -20, 0)
    found = faithful(three_steps(flags(1, 0, 0), flags(0, 1, 0), final), gamma=0.5)
    assert found.target.flatten().tolist() == [-3.0, -13.0, -9.0]
    assert found.post_target.flatten().tolist() == [-2.0, -4.0, -3.0]  # at the cut: W of that step
    assert found.advantage.flatten().tolist() == [7.0, 0.0, 0.0]


def test_without_shocks_by_hand() -> None:
    """gamma = 1/2, lambda = 0: c + W - V = -2 - 9 + 10, 0 - 4 + 8, -4 - 3 + 6; lambda = 1/2 adds a quarter of
    the next difference of V, shock and all: -3 - 3 + 8 and -7 - 6 + 6.

    Targets at lambda = 0: r + V'/2 = -5 - 4, -3 - 3, -7 - 6; of W the same less c.
    """
    span = three_steps(flags(0, 0, 0), flags(0, 0, 0))
    found = corrected(span, gamma=0.5, lam=0.0, shock_weight=0.0)
    assert found.advantage.flatten().tolist() == [-1.0, 4.0, -1.0]
    assert found.target.flatten().tolist() == [-9.0, -6.0, -13.0]
    assert found.post_target.flatten().tolist() == [-7.0, -6.0, -9.0]
    tail = corrected(span, gamma=0.5, lam=0.5, shock_weight=0.0)
    assert tail.advantage.flatten().tolist() == [-1 + (2 - 7 / 4) / 4, 4 - 7 / 4, -1.0]


@pytest.mark.parametrize("seed", range(5))
def test_whole_shocks_are_generalised_advantages_and_halves_lie_between(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    steps, envs, objectives = 9, 4, 2
    r, c, v, w, final = (draw(steps, envs, objectives) for _ in range(5))
    over, cut = (torch.rand(steps, envs, generator=generator) < 0.2 for _ in range(2))
    span = Span(r, c, v, w, draw(envs, objectives), over, cut & ~over, 1 + draw(steps, envs).abs(), final)
    whole = corrected(span, gamma=0.9, lam=0.8, shock_weight=1.0)
    plain = gae(
        r, v, span.last_value, over, span.truncated, gamma=0.9, lam=0.8, elapsed=span.elapsed, final_value=final
    )
    assert torch.allclose(whole.advantage, plain)
    assert torch.allclose(whole.target, plain + v)
    none, half = (corrected(span, gamma=0.9, lam=0.8, shock_weight=k).advantage for k in (0.0, 0.5))
    assert not torch.allclose(none, plain)
    assert torch.allclose(half, (none + whole.advantage) / 2)


def test_a_post_value_without_error_leaves_only_the_decision() -> None:
    """Where W is what follows exactly, shocks are 0 and their weight does not matter."""
    span = three_steps(flags(0, 0, 1), flags(0, 0, 0))
    beyond = column(-8, -6, 0)
    span = span._replace(post_value=span.reward - span.certain + 0.5 * beyond)
    found = [corrected(span, gamma=0.5, lam=0.7, shock_weight=k).advantage for k in (0.0, 0.3, 1.0)]
    assert torch.allclose(found[0], found[1])
    assert torch.allclose(found[0], found[2])
