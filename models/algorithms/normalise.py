"""Running mean and variance of what a policy sees and earns; they move while it learns and stand still otherwise."""

import torch
from torch import Tensor, nn

from counterpoint.opt.interfaces import Observation


class RunningMoments(nn.Module):
    """Mean and variance of all rows seen, by Chan, Golub and LeVeque's update (1983, The American Statistician 37)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))
        self.register_buffer("count", torch.tensor(1e-4))  # what it starts from weighs next to nothing

    @torch.no_grad()
    def update(self, rows: Tensor) -> None:
        """Take in rows [b, *shape]."""
        variance, mean = torch.var_mean(rows.float(), dim=0, correction=0)
        total = self.count + len(rows)
        delta = mean - self.mean
        square = self.variance * self.count + variance * len(rows) + delta.square() * self.count * len(rows) / total
        self.mean += delta * (len(rows) / total)
        self.variance.copy_(square / total)
        self.count.copy_(total)


class ObservationNormaliser(nn.Module):
    """Shifts and scales some of an observation's tensors to mean 0 and variance 1, clipped to +-10.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        The keys to normalise, with the shape of one row.
    """

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.moments = nn.ModuleDict({key: RunningMoments(shape) for key, shape in shapes.items()})

    def update(self, observation: Observation) -> None:
        """Take in a batch of observations."""
        for key, moments in self.moments.items():
            moments.update(observation[key])

    def forward(self, observation: Observation) -> Observation:
        """Return the observation, normalised with the statistics as they stand."""
        scaled = {
            key: ((observation[key] - m.mean) * (m.variance + 1e-8).rsqrt()).clamp(-10, 10)
            for key, m in self.moments.items()
        }
        return {**observation, **scaled}


class RewardScale(nn.Module):
    """The standard deviation of each objective's discounted return, to divide rewards by (never shifted)."""

    def __init__(self, num_envs: int, reward_dim: int) -> None:
        super().__init__()
        self.register_buffer("running", torch.zeros(num_envs, reward_dim))
        self.moments = RunningMoments((reward_dim,))

    @torch.no_grad()
    def update(self, reward: Tensor, discount: Tensor, done: Tensor) -> None:
        """Take in one step: reward [B, n], its discount [B] and whether the episode ended [B]."""
        self.running.copy_(self.running * discount.unsqueeze(-1) + reward)
        self.moments.update(self.running)
        self.running.masked_fill_(done.unsqueeze(-1), 0.0)

    @property
    def scale(self) -> Tensor:
        """Standard deviation of each objective, [n]."""
        return (self.moments.variance + 1e-8).sqrt()
