import itertools
import math

import pytest
import torch

from counterpoint.models.algorithms.cp_guided import (
    ILLEGAL,
    clipped_loss,
    improvement_weights,
    prefix_costs,
    ranked_log_prob,
)


def test_ranked_log_probabilities_by_hand_and_sum_to_one():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    found = ranked_log_prob(logits, torch.tensor([[1, 0, -1]]))
    torch.testing.assert_close(found, torch.tensor([[math.log(0.3), math.log(0.5 / 0.7), 0.0]]))
    orders = torch.tensor(list(itertools.permutations(range(3))))
    total = ranked_log_prob(logits.expand(6, 3), orders).sum(1).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-6)


def test_the_only_legal_decision_is_certain_with_finite_gradients():
    logits = torch.full((1, 2000), ILLEGAL)
    logits[0, 7] = 0.3
    logits.requires_grad_()
    found = ranked_log_prob(logits, torch.tensor([[7, -1]]))
    assert found.tolist() == [[0.0, 0.0]]
    found.sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_improvement_is_scaled_within_each_instance():
    agent, completed = torch.tensor([100, 100, 200, 50, 50]), torch.tensor([90, 70, 160, 50, 50])
    group = torch.tensor([0, 0, 0, 1, 1])
    # gains 0.1, 0.3, 0.2 of instance 0; none of instance 1
    torch.testing.assert_close(improvement_weights(agent, completed, group), torch.tensor([0.0, 1.0, 0.5, 0.0, 0.0]))
    alone = improvement_weights(torch.tensor([10]), torch.tensor([9]), torch.tensor([0]))
    assert alone.tolist() == [1.0]


def test_prefix_costs_are_z_scores_within_each_instance():
    found = prefix_costs(torch.tensor([10, 20, 30, 7, 7]), torch.tensor([0, 0, 0, 1, 1]))
    expected = 10 / math.sqrt(200 / 3)
    torch.testing.assert_close(found, torch.tensor([-expected, 0.0, expected, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "has_gradient"),
    [
        (1.0, 1.0, -1.0, True), (1.5, 1.0, -1.3, False), (0.5, 1.0, -0.5, True),
        (1.5, -1.0, 1.5, True), (0.5, -1.0, 0.7, False),
    ],
)  # fmt: skip
def test_clipping_by_hand(ratio, advantage, loss, has_gradient):
    log_prob = torch.tensor([math.log(ratio)], requires_grad=True)
    found = clipped_loss(log_prob, torch.zeros(1), torch.tensor([advantage]), 0.3)
    assert found.item() == pytest.approx(loss, abs=1e-6)
    found.sum().backward()
    assert (log_prob.grad.abs().item() > 0) == has_gradient
