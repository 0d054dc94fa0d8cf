"""Running statistics equal those of all rows at once."""

import pytest
import torch

from counterpoint.models.algorithms.normalise import ObservationNormaliser, RewardScale, RunningMoments


def test_batches_add_up() -> None:
    rows = 3 + 5 * torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    moments = RunningMoments((4,))
    for part in rows.split([1, 200, 799]):
        moments.update(part)
    assert torch.allclose(moments.mean, rows.mean(0), atol=1e-3)
    assert torch.allclose(moments.variance, rows.var(0, correction=0), rtol=1e-3)


def test_normalising_changes_no_statistics_and_clips() -> None:
    normaliser = ObservationNormaliser({"x": (1,)})
    normaliser.update({"x": torch.tensor([[1.0], [3.0]])})
    before = {key: tensor.clone() for key, tensor in normaliser.state_dict().items()}
    out = normaliser({"x": torch.tensor([[4.0], [1e9]]), "y": torch.tensor([7.0])})
    assert out["x"].flatten().tolist() == pytest.approx([2.0, 10.0], abs=1e-3)
    assert out["y"].tolist() == [7.0]
    assert all(torch.equal(before[key], tensor) for key, tensor in normaliser.state_dict().items())


def test_reward_scale_is_the_deviation_of_discounted_returns_of_each_objective() -> None:
    """By hand: returns 1, 1 + 0.5 = 1.5, and a new episode's 4; ten times that for the second objective."""
    scale = RewardScale(1, 2)
    for reward, discount, is_over in ((1.0, 0.5, False), (1.0, 0.5, True), (4.0, 0.5, False)):
        scale.update(torch.tensor([[reward, 10 * reward]]), torch.tensor([discount]), torch.tensor([is_over]))
    expected = torch.tensor([1.0, 1.5, 4.0]).std(correction=0)
    assert scale.scale.tolist() == pytest.approx([float(expected), 10 * float(expected)], rel=1e-3)
