"""Cloning recovers the decisions it was shown; weights, masks and the best of one's own count as they should."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from counterpoint.models.algorithms.imitation import (
    BestTrajectories,
    Decisions,
    best_of,
    clone,
    cloning_loss,
    self_imitation_loss,
)
from counterpoint.models.networks.distributions import MaskedCategorical
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.opt.errors import OptionError


def decisions(environment: Any, count: int, wrong: float = 0.0) -> Decisions:
    """An expert that names the symbol, and sometimes another, which is weighed 0."""
    g = torch.Generator().manual_seed(0)
    rows = [environment.draw() for _ in range(count // environment.num_envs)]
    observation = {key: torch.cat([row[key] for row in rows]) for key in rows[0]}
    symbol = observation["symbol"]
    is_wrong = torch.rand(len(symbol), generator=g) < wrong
    action = torch.where(is_wrong, (symbol + 1) % environment.count, symbol)
    return Decisions(observation, action, (~is_wrong).float())


@pytest.mark.parametrize("wrong", [0.0, 0.7])
def test_clones_what_counts(matching: Callable[..., Any], wrong: float) -> None:
    environment = matching("single")
    shown = decisions(environment, 1024, wrong)
    g = torch.Generator().manual_seed(0)
    network = Mlp(Options.of(environment), g)
    critic = [p.detach().clone() for p in network.critic.parameters()]
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = clone(network, shown, optimiser, epochs=10, batch_size=128, generator=g)
    assert losses[0] > 0.5 > 0.05 > losses[-1]
    every = {"symbol": torch.arange(4), "action_mask": torch.ones(4, 4, dtype=torch.bool)}
    assert network(every)[0].mode().tolist() == [0, 1, 2, 3]
    assert all(torch.equal(a, b) for a, b in zip(critic, network.critic.parameters(), strict=True))


def test_cloning_loss_by_hand() -> None:
    d = MaskedCategorical(torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
                          torch.tensor([[True, True, False], [True, True, True], [True, False, False]]))  # fmt: skip
    loss = cloning_loss(d, torch.tensor([0, 1, 2]), torch.tensor([3.0, 1.0, 0.0]))  # the last is forbidden, weight 0
    assert float(loss) == pytest.approx((3 * math.log(2) + math.log(3)) / 4)
    assert float(cloning_loss(d, torch.zeros(3, dtype=torch.int64), torch.zeros(3))) == 0.0


def test_padding_gives_no_gradient() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    mask = torch.tensor([[True, True, True], [False, False, False]])
    cloning_loss(MaskedCategorical(logits, mask), torch.tensor([1, 0]), torch.tensor([1.0, 0.0])).backward()
    assert logits.grad is not None
    assert logits.grad[0].tolist() == pytest.approx([1 / 3, -2 / 3, 1 / 3])
    assert logits.grad[1].tolist() == [0.0, 0.0, 0.0]


def test_self_imitation_learns_from_what_was_better_than_expected_only() -> None:
    logits = torch.zeros(2, 2, requires_grad=True)
    value = torch.tensor([1.0, 5.0], requires_grad=True)
    loss = self_imitation_loss(
        MaskedCategorical(logits), value, torch.tensor([0, 0]), torch.tensor([4.0, 4.0]), value_weight=0.1
    )
    assert float(loss.detach()) == pytest.approx((math.log(2) * 3 + 0.1 * 0.5 * 9) / 2)
    loss.backward()
    assert logits.grad is not None
    assert value.grad is not None
    assert logits.grad.tolist() == [pytest.approx([-0.75, 0.75]), [0.0, 0.0]]
    assert value.grad.tolist() == [pytest.approx(-0.1 * 3 / 2), 0.0]


def test_the_best_of_each_case_is_kept() -> None:
    assert best_of(torch.tensor([1.0, 3.0, 2.0, 5.0, 5.0, 4.0]), groups=2).tolist() == [1, 3]
    kept = BestTrajectories(3, {"action": torch.zeros(2, dtype=torch.int64), "weight": torch.zeros(2)})

    def offer(case: list[int], returns: list[float], action: list[list[int]]) -> list[bool]:
        weight = torch.ones(len(case), 2)
        return kept.offer(
            torch.tensor(case), torch.tensor(returns), {"action": torch.tensor(action), "weight": weight}
        ).tolist()

    assert offer([0, 2], [1.0, 5.0], [[1, 1], [2, 2]]) == [True, True]
    assert offer([2, 0, 1], [4.0, 1.5, -9.0], [[3, 3], [4, 4], [5, 5]]) == [False, True, True]
    assert kept.kept["action"].tolist() == [[4, 4], [5, 5], [2, 2]]
    assert kept.returns.tolist() == [1.5, -9.0, 5.0]
    assert offer([0], [1.5], [[9, 9]]) == [False]


def test_uneven_decisions_are_refused() -> None:
    with pytest.raises(OptionError, match="as many observations"):
        Decisions({"x": torch.zeros(3, 1)}, torch.zeros(2), torch.zeros(3))
