"""Learning from decisions somebody else took, or from the best of one's own.

Behaviour cloning minimises the weighted cross-entropy of the decisions seen. Self-imitation (Oh, Guo, Singh, Lee 2018,
ICML, arXiv 1806.05635, eq. 2-3) does so where the return R was better than the critic's value V:
``-log pi(a|s) * (R - V)+`` for the actor and ``((R - V)+)^2 / 2`` for the critic.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from counterpoint.models.networks.actor_critic import ActorCritic
from counterpoint.models.networks.distributions import Distribution
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation


@dataclass(frozen=True, slots=True)
class Decisions:
    """N decisions as they were taken.

    Parameters
    ----------
    observation : dict of tensor [N, ...]
        ``action_mask`` among them, where actions can be illegal.
    action : tensor [N, ...]
    weight : float tensor [N]
        What each counts; 0 for padding.
    """

    observation: Observation
    action: Tensor
    weight: Tensor

    def __post_init__(self) -> None:
        rows = {len(self.action), len(self.weight), *(len(x) for x in self.observation.values())}
        if len(rows) != 1:
            raise OptionError(f"decisions need as many observations as actions and weights, not {sorted(rows)}")

    def __len__(self) -> int:
        return len(self.action)

    def select(self, rows: Tensor) -> "Decisions":
        """Return the rows of an int64 tensor."""
        return Decisions({k: x[rows] for k, x in self.observation.items()}, self.action[rows], self.weight[rows])

    def batches(self, size: int, generator: torch.Generator) -> Iterator["Decisions"]:
        """Yield them all in random order, `size` at a time; the last batch may be smaller."""
        order = torch.randperm(len(self), generator=generator, device=generator.device)
        for rows in order.split(size):
            yield self.select(rows.to(self.action.device))


def cloning_loss(distribution: Distribution, action: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean of -log pi(action), a scalar; 0 if all weights are.

    Parameters
    ----------
    distribution : Distribution
        B rows, masked as the decision was.
    action : tensor [B, ...]
    weight : float tensor [B]
        Rows of weight 0 give no gradient, whatever is in them.
    """
    # where, not a product: a row of weight 0 may hold an action that its mask forbids
    surprise = torch.where(weight > 0, -distribution.log_prob(action), 0.0)
    return (weight * surprise).sum() / weight.sum().clamp(min=torch.finfo(torch.float32).tiny)


def clone(
    network: ActorCritic,
    decisions: Decisions,
    optimiser: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int,
    generator: torch.Generator,
    max_gradient_norm: float = 0.5,
) -> list[float]:
    """Fit the network's actor to the decisions; return the mean loss of each epoch."""
    losses = []
    for _ in range(epochs):
        total = torch.zeros((), device=decisions.action.device)
        for batch in decisions.batches(batch_size, generator):
            loss = cloning_loss(network(batch.observation)[0], batch.action, batch.weight)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            held = [p for group in optimiser.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(held, max_gradient_norm)
            optimiser.step()
            total += loss.detach() * len(batch)
        losses.append(float(total) / len(decisions))
    return losses


def self_imitation_loss(
    distribution: Distribution, value: Tensor, action: Tensor, gain: Tensor, *, value_weight: float = 0.01
) -> Tensor:
    """Return the loss of self-imitation, a scalar.

    Parameters
    ----------
    distribution : Distribution
        B rows.
    value, gain : float tensor [B]
        V and R, of one (weighed) objective.
    action : tensor [B, ...]
    value_weight : float
        Of the critic's part.
    """
    better = (gain - value).clamp(min=0.0)
    actor = (-distribution.log_prob(action) * better.detach()).mean()
    return actor + value_weight * 0.5 * better.square().mean()


def best_of(returns: Tensor, groups: int) -> Tensor:
    """Return which row of each group has the highest return, int64 [groups]; ties go to the first.

    Rows g * K ... g * K + K - 1 are the K attempts at case g.

    >>> best_of(torch.tensor([1.0, 3.0, 2.0, 5.0, 5.0, 4.0]), groups=2)
    tensor([1, 3])
    """
    attempts = returns.view(groups, -1)
    return attempts.argmax(1) + torch.arange(groups, device=returns.device) * attempts.shape[1]


class BestTrajectories:
    """The best trajectory found of each of C cases, in tensors of fixed size.

    Parameters
    ----------
    cases : int
    trajectory : dict of tensor [T, ...]
        One, as an example of shapes and types; ``weight`` 0 marks padded steps.
    device : torch.device or str
    """

    def __init__(self, cases: int, trajectory: dict[str, Tensor], device: torch.device | str = "cpu") -> None:
        self.returns = torch.full((cases,), -torch.inf, device=device)
        self.kept = {key: torch.zeros(cases, *x.shape, dtype=x.dtype, device=device) for key, x in trajectory.items()}

    def offer(self, case: Tensor, returns: Tensor, trajectory: dict[str, Tensor]) -> Tensor:
        """Keep what is better than what is held; return where it was, bool [b].

        Parameters
        ----------
        case : int64 tensor [b]
            Each at most once.
        returns : float tensor [b]
        trajectory : dict of tensor [b, T, ...]
        """
        is_better = returns > self.returns[case]
        self.returns[case] = torch.where(is_better, returns, self.returns[case])
        for key, held in self.kept.items():
            new = trajectory[key]
            shape = (-1, *[1] * (new.dim() - 1))
            held[case] = torch.where(is_better.view(shape), new, held[case])
        return is_better
