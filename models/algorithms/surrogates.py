"""What a policy step maximises: PPO's clipped ratio, a KL penalty, or mirror descent's.

- ``clip``: Schulman, Wolski, Dhariwal, Radford, Klimov 2017 (arXiv 1707.06347), eq. 7;
- ``kl``: the same paper, eq. 8, with a fixed weight: ratio * A - weight * KL(old || new);
- ``mdpo``: Tomar, Shani, Efroni, Ghavamzadeh 2022 (ICLR, arXiv 2005.09814), on-policy form:
  ratio * A - KL(new || old) / t_k with t_k = 1 - k / K falling over the run.
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
    clip: float,
    new: Distribution,
    old: Distribution | None,
    kl_weight: float,
    progress: float,
) -> Tensor:
    """Return the loss to minimise, a scalar.

    Parameters
    ----------
    ratio : float tensor [b]
        New over old probability of the actions taken.
    advantage : float tensor [b]
    clip : float
        Of ``clip``.
    new, old : Distribution
        Old is needed by ``kl`` and ``mdpo``.
    kl_weight : float
        Of ``kl``.
    progress : float
        Share of the run that is done, in [0, 1); of ``mdpo``.
    """
    if surrogate == "clip":
        return torch.maximum(-advantage * ratio, -advantage * ratio.clamp(1 - clip, 1 + clip)).mean()
    assert old is not None
    gain = (ratio * advantage).mean()
    if surrogate == "kl":
        return kl_weight * old.kl(new).mean() - gain
    return new.kl(old).mean() / max(1.0 - progress, 1e-3) - gain
