"""Masked categorical, joint and Gaussian distributions against hand-computed values and torch.distributions."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.models.networks.distributions import EvenCategorical, Gaussian, JointCategorical, MaskedCategorical

TYPES = (torch.float32, torch.bfloat16)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype", TYPES)
def test_one_legal_of_2000_is_certain_and_gradients_are_finite(dtype: torch.dtype) -> None:
    logits = (50 * torch.randn(4, 2000, generator=generator())).to(dtype).requires_grad_()
    mask = torch.zeros(4, 2000, dtype=torch.bool)
    legal = torch.tensor([0, 1999, 700, 3])
    mask[torch.arange(4), legal] = True
    d = MaskedCategorical(logits, mask)
    assert torch.equal(d.probs[torch.arange(4), legal], torch.ones(4))
    assert torch.equal(d.probs.sum(1), torch.ones(4))
    assert torch.equal(d.entropy(), torch.zeros(4))
    assert torch.equal(d.log_prob(legal), torch.zeros(4))
    assert torch.equal(d.sample(generator()), legal)
    assert torch.equal(d.mode(), legal)
    (d.log_prob(legal).sum() + d.entropy().sum() + d.kl(MaskedCategorical(logits * 0.5, mask)).sum()).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert torch.equal(logits.grad[~mask], torch.zeros_like(logits.grad[~mask]))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_million_samples_hold_no_illegal_action(dtype: torch.dtype) -> None:
    # the only legal actions are very unlikely: whoever resamples or rounds would pick another
    logits = torch.full((1_000_000, 6), 40.0, dtype=dtype)
    logits[:, :2] = -40.0
    mask = torch.zeros(1_000_000, 6, dtype=torch.bool)
    mask[:, :2] = True
    action = MaskedCategorical(logits, mask).sample(generator())
    assert int(action.max()) == 1
    assert 498_000 < int(action.sum()) < 502_000  # half of each: 4 standard deviations


def test_a_row_without_legal_actions_yields_numbers_and_no_gradient() -> None:
    logits = torch.randn(3, 5, requires_grad=True)
    mask = torch.tensor([[True] * 5, [False] * 5, [True, False, False, True, False]])
    d = MaskedCategorical(logits, mask)
    (d.entropy() + d.log_prob(torch.zeros(3, dtype=torch.int64)) + d.kl(d)).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert torch.equal(logits.grad[1], torch.zeros(5))
    assert not torch.equal(logits.grad[2], torch.zeros(5))


def test_by_hand() -> None:
    d = MaskedCategorical(torch.tensor([[0.0, math.log(3.0), 9.0]]), torch.tensor([[True, True, False]]))
    assert d.probs[0].tolist() == pytest.approx([0.25, 0.75, 0.0])
    assert float(d.entropy()) == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))
    even = MaskedCategorical(torch.zeros(1, 3), torch.tensor([[True, True, False]]))
    assert float(d.kl(even)) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=7), st.integers(0, 2**32), st.data())
@settings(max_examples=60, deadline=None)
def test_equals_a_categorical_of_the_legal_actions_alone(values: list[float], seed: int, data: st.DataObject) -> None:
    mask = torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)).filter(any)))
    logits = torch.tensor(values)
    other = torch.randn(len(values), generator=generator(seed))
    mine, alone = MaskedCategorical(logits, mask), torch.distributions.Categorical(logits=logits[mask])
    assert torch.allclose(mine.probs[mask], alone.probs, atol=1e-6)
    assert torch.equal(mine.probs[~mask], torch.zeros(int((~mask).sum())))
    assert torch.allclose(mine.entropy(), alone.entropy(), atol=1e-5)
    expected = torch.distributions.kl_divergence(alone, torch.distributions.Categorical(logits=other[mask]))
    assert torch.allclose(mine.kl(MaskedCategorical(other, mask)), expected, atol=1e-5)
    assert bool(mask[mine.sample(generator(seed))])


def test_sampling_follows_the_probabilities_and_the_generator() -> None:
    d = MaskedCategorical(torch.tensor([0.1, 0.2, 0.7]).log().expand(200_000, 3))
    action = d.sample(generator(3))
    share = torch.bincount(action) / len(action)
    assert share.tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.005)
    assert torch.equal(action, d.sample(generator(3)))
    assert not torch.equal(action, d.sample(generator(4)))


def test_joint_choices_add_up() -> None:
    logits = torch.randn(5, 7, generator=generator())
    mask = torch.tensor([True, True, False, True, True, True, True]).expand(5, 7)
    joint = JointCategorical.split(logits, [3, 4], mask)
    first, second = MaskedCategorical(logits[:, :3], mask[:, :3]), MaskedCategorical(logits[:, 3:], mask[:, 3:])
    action = joint.sample(generator(1))
    assert action.shape == (5, 2)
    assert torch.allclose(joint.log_prob(action), first.log_prob(action[:, 0]) + second.log_prob(action[:, 1]))
    assert torch.allclose(joint.entropy(), first.entropy() + second.entropy())
    even = JointCategorical.split(torch.zeros(5, 7), [3, 4], mask)
    # to the uniform distribution KL is the entropy that is missing
    assert torch.allclose(joint.kl(even), math.log(2) + math.log(4) - joint.entropy(), atol=1e-5)
    assert torch.equal(joint.mode(), torch.stack([first.mode(), second.mode()], -1))


def test_gaussian_equals_torch() -> None:
    mean, log_std = torch.randn(6, 3, generator=generator()), torch.tensor([-1.0, 0.0, 0.5])
    mine = Gaussian(mean, log_std)
    reference = torch.distributions.Normal(mean, log_std.exp())
    action = mine.sample(generator(1))
    assert torch.allclose(mine.log_prob(action), reference.log_prob(action).sum(-1), atol=1e-5)
    assert torch.allclose(mine.entropy(), reference.entropy().sum(-1), atol=1e-5)
    other = torch.distributions.Normal(mean + 1, torch.ones(3))
    expected = torch.distributions.kl_divergence(reference, other).sum(-1)
    assert torch.allclose(mine.kl(Gaussian(mean + 1, torch.zeros(3))), expected, atol=1e-5)
    many = Gaussian(torch.zeros(100_000, 3), log_std).sample(generator(2))
    assert many.std(0).tolist() == pytest.approx(log_std.exp().tolist(), rel=0.01)


@pytest.mark.parametrize("is_masked", [True, False])
def test_even_choices_in_one_block_are_the_joint_of_the_single_ones(is_masked: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    logits, others = (torch.randn(6, 12, generator=generator) for _ in range(2))
    mask = (torch.rand(6, 12, generator=generator) < 0.6) if is_masked else None
    if mask is not None:
        mask[:, ::4] = True  # something is legal in every choice
    block = JointCategorical.split(logits, [4, 4, 4], mask)
    other = JointCategorical.split(others, [4, 4, 4], mask)
    assert isinstance(block, EvenCategorical)
    masks = [None] * 3 if mask is None else mask.split(4, -1)
    joint, second = (
        JointCategorical([MaskedCategorical(x, m) for x, m in zip(rows.split(4, -1), masks, strict=True)])
        for rows in (logits, others)
    )
    action = block.sample(torch.Generator().manual_seed(0))
    assert action.shape == (6, 3)
    assert torch.equal(block.mode(), joint.mode())
    for found, expected in (
        (block.log_prob(action), joint.log_prob(action)),
        (block.entropy(), joint.entropy()),
        (block.kl(other), joint.kl(second)),
    ):
        assert torch.allclose(found, expected, atol=1e-6)
    if mask is not None:
        assert mask.unflatten(-1, (3, 4)).gather(-1, action.unsqueeze(-1)).all()
