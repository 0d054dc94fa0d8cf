"""The loss against torch's own, the schedule at its ends, the store of labels."""

import math

import pytest
import torch

from counterpoint.models.algorithms.self_labelling import Recent, cosine, imitation_loss


def test_loss_is_cross_entropy_over_ragged_rows() -> None:
    generator = torch.Generator().manual_seed(0)
    count = torch.tensor([2, 4, 3, 2])
    logits = (30 * torch.randn(11, generator=generator)).requires_grad_()
    target = torch.tensor([1, 2, 8, 9])
    loss = imitation_loss(logits, count, target)
    (gradient,) = torch.autograd.grad(loss, logits)
    rows = torch.split(logits, count.tolist())
    wanted = torch.stack(
        [
            torch.nn.functional.cross_entropy(row.unsqueeze(0), (t - o).unsqueeze(0))
            for row, t, o in zip(rows, target, [0, 2, 6, 9], strict=True)
        ]
    ).mean()
    (expected,) = torch.autograd.grad(wanted, logits)
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(gradient, expected)


def test_large_logits_do_not_overflow() -> None:
    loss = imitation_loss(torch.tensor([1e4, -1e4, 1e4]), torch.tensor([3]), torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(2), abs=1e-3)


def test_cosine() -> None:
    assert [cosine(x, 0.2) for x in (-1, 0, 1, 2)] == pytest.approx([1, 1, 0.2, 0.2])
    assert cosine(0.25) > 0.75 > cosine(0.5) == pytest.approx(0.5)


def test_recent_forgets_the_oldest_and_draws_the_newest_first() -> None:
    store = Recent(3)
    store.add([1, 2])
    store.add([3, 4])
    assert store.labels == [2, 3, 4]
    drawn = store.draw(2, 40, torch.Generator().manual_seed(0))
    assert drawn[:2] == [3, 4]
    assert len(drawn) == 40
    assert set(drawn[2:]) == {2, 3, 4}
    assert store.draw(2, 1, torch.Generator()) == [3]
