"""Losses and gradients of the three surrogates, worked out by hand on two actions."""

import math

import pytest
import torch

from counterpoint.models.algorithms.surrogates import policy_loss
from counterpoint.models.networks.distributions import MaskedCategorical


def two(logit):
    """Probabilities sigmoid(logit), 1 - sigmoid(logit)."""
    return MaskedCategorical(torch.stack([logit, torch.zeros_like(logit)], -1))


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (1.1, 2.0, -2.2, -2.0),  # inside the band: the plain gradient
        (1.5, 2.0, -2.4, 0.0),  # a good action is already 20 % likelier: no more of it
        (0.5, 2.0, -1.0, -2.0),  # a good action has become rarer: back
        (0.5, -2.0, 1.6, 0.0),  # a bad action is already 20 % rarer
        (1.5, -2.0, 3.0, 2.0),  # a bad action has become likelier: back
    ],
)
def test_clip(ratio, advantage, loss, slope):
    r = torch.tensor([ratio], requires_grad=True)
    found = policy_loss("clip", r, torch.tensor([advantage]), clip=0.2)
    found.backward()
    assert float(found) == pytest.approx(loss)
    assert float(r.grad) == pytest.approx(slope)


@pytest.mark.parametrize("surrogate", ["kl", "mdpo"])
def test_penalties(surrogate):
    """At old 1/2, new p: KL(old||new) = -log(4 p (1-p)) / 2, KL(new||old) = p log 2p + (1-p) log 2(1-p)."""
    logit = torch.tensor([0.7], requires_grad=True)
    old, new = two(torch.zeros(1)), two(logit)
    p = 1 / (1 + math.exp(-0.7))
    ratio = (new.log_prob(torch.tensor([0])) - old.log_prob(torch.tensor([0]))).exp()
    found = policy_loss(surrogate, ratio, torch.tensor([3.0]), kl_weight=2.0, new=new, old=old)
    found.backward()
    divergence = {
        "kl": -0.5 * math.log(4 * p * (1 - p)),
        "mdpo": p * math.log(2 * p) + (1 - p) * math.log(2 * (1 - p)),
    }[surrogate]
    slope = {"kl": p - 0.5, "mdpo": p * (1 - p) * 0.7}[surrogate]  # of the divergence by the logit
    assert float(found) == pytest.approx(2 * divergence - 2 * p * 3, abs=1e-6)
    assert float(logit.grad) == pytest.approx(2 * slope - 2 * p * (1 - p) * 3, abs=1e-6)


@pytest.mark.parametrize("surrogate", ["kl", "mdpo"])
def test_a_heavy_penalty_keeps_the_policy_where_it_was(surrogate):
    logit = torch.tensor([1.0], requires_grad=True)
    old = two(torch.zeros(1))
    for _ in range(200):
        new = two(logit)
        ratio = (new.log_prob(torch.tensor([0])) - old.log_prob(torch.tensor([0]))).exp()
        loss = policy_loss(surrogate, ratio, torch.tensor([1.0]), kl_weight=1000.0, new=new, old=old)
        (gradient,) = torch.autograd.grad(loss, logit)
        with torch.no_grad():
            logit -= 0.004 * gradient
    # where 1000 * slope of the divergence, about logit / 4, balances the gain's 1/2
    assert float(logit.detach()) == pytest.approx(0.002, abs=1e-4)
