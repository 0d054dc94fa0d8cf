"""What PPO asks of a network."""

from typing import Any, Protocol

from torch import Tensor

from counterpoint.models.networks.distributions import Distribution
from counterpoint.opt.interfaces import Observation


class ActorCritic(Protocol):
    """An `nn.Module` that acts and judges; any network of this form learns by `algorithms.ppo`.

    Parameters
    ----------
    normaliser : ObservationNormaliser, optional
        A submodule of that name, if there is one, takes in what was observed after each iteration; it must be applied
        in ``forward``.
    """

    normaliser: Any

    def __call__(self, observation: Observation) -> tuple[Distribution, Tensor]:
        """Return the distribution of the action and the value, float [B, n], of a batch of observations.

        Rows must not depend on one another: PPO shuffles them. Where the observation has an ``action_mask``, the
        distribution must be masked by it.
        """
