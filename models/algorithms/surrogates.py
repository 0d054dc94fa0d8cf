"""What a policy step maximises: PPO's clipped ratio, a KL penalty, or mirror descent's.

- ``clip``: Schulman, Wolski, Dhariwal, Radford, Klimov 2017 (arXiv 1707.06347), eq. 7;
- ``kl``: the same paper, eq. 8: ratio * A - weight * KL(old || new);
- ``mdpo``: Tomar, Shani, Efroni, Ghavamzadeh 2022 (ICLR, arXiv 2005.09814), on-policy form:
  ratio * A - weight * KL(new || old), whose weight 1 / (1 - k / K) rises over the run's K iterations.
"""

from typing import Literal

import torch
from torch import Tensor

from counterpoint.models.networks.distributions import Distribution

Surrogate = Literal["clip", "kl", "mdpo"]


def policy_loss(
    surrogate: Surrogate,
    ratio: Tensor,
    advantage: Tensor,
    *,
    clip: float = 0.2,
    kl_weight: Tensor | float = 1.0,
    new: Distribution | None = None,
    old: Distribution | None = None,
) -> Tensor:
    """Return the loss to minimise, a scalar.

    Parameters
    ----------
    ratio : float tensor [b], or [b, n] of n decisions that are judged each by itself
        New over old probability of the actions taken.
    advantage : float tensor of the same shape
    clip : float
        Of ``clip``.
    kl_weight : float or scalar tensor
        Of ``kl`` and ``mdpo``.
    new, old : Distribution
        Of ``kl`` and ``mdpo``; gradients go through `new` only.
    """
    if surrogate == "clip":
        return torch.maximum(-advantage * ratio, -advantage * ratio.clamp(1 - clip, 1 + clip)).mean()
    assert new is not None
    assert old is not None
    penalty = old.kl(new) if surrogate == "kl" else new.kl(old)
    return (kl_weight * penalty - ratio * advantage).mean()
