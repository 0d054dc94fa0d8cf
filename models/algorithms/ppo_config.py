"""The settings of PPO."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from counterpoint.models.algorithms.surrogates import Surrogate
from counterpoint.opt.errors import OptionError


@dataclass(frozen=True, slots=True)
class PpoConfig:
    """The settings of PPO; the defaults are those in common use (37 details of PPO, Huang et al. 2022).

    Parameters
    ----------
    steps : int
        Steps of each environment per iteration, T.
    epochs : int
        Passes over an iteration's samples.
    minibatches : int
        Per pass; must divide T times the number of environments.
    learning_rate : float
        Of Adam (epsilon 1e-5).
    is_annealed : bool
        Whether the learning rate falls linearly to 0 over the run.
    gamma : float
        Discount per unit of elapsed time; at most 1.
    lam : float
        Lambda of the advantages, per step.
    surrogate : {"clip", "kl", "mdpo"}
        See `algorithms.surrogates`.
    clip : float
        Of the ratio.
    kl_weight : float
        Of ``kl`` at first; with `target_kl` it is doubled and halved to keep the divergence near that.
    target_kl : float, optional
        ``clip`` and ``mdpo``: no further pass once the divergence is over 1.5 times this.
    entropy_weight, value_weight : float
        In the loss; the value's is of the mean squared error, unhalved.
    value_clip : float, optional
        The value may move this far per iteration (Schulman's form, the larger loss counts); default: freely.
    max_gradient_norm : float
    advantages : {"minibatch", "rollout", "raw"}
        Over what advantages are brought to mean 0 and deviation 1.
    preference : tuple of float, optional
        Weight of each objective in the advantage; default: all 1.
    is_reward_scaled : bool
        Whether each objective is divided by the running deviation of its discounted return; the preference still
        weighs the rewards as the environment pays them.
    use_cuda_graphs : bool
        Replay rollouts and updates as CUDA graphs; see `algorithms.cuda_graphs`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}  # a mistyped key must not be ignored

    steps: int = 128
    epochs: int = 4
    minibatches: int = 4
    learning_rate: float = 2.5e-4
    is_annealed: bool = True
    gamma: float = 0.99
    lam: float = 0.95
    surrogate: Surrogate = "clip"
    clip: float = 0.2
    kl_weight: float = 1.0
    target_kl: float | None = None
    entropy_weight: float = 0.0
    value_weight: float = 0.5
    value_clip: float | None = None
    max_gradient_norm: float = 0.5
    advantages: Literal["minibatch", "rollout", "raw"] = "minibatch"
    preference: tuple[float, ...] | None = None
    is_reward_scaled: bool = False
    use_cuda_graphs: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "epochs", "minibatches"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1")
        for name in ("gamma", "lam"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must be between 0 and 1")
        for name in ("learning_rate", "clip", "max_gradient_norm", "kl_weight", "target_kl", "value_clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise OptionError(f"{name} must be positive and finite")
        for name in ("entropy_weight", "value_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be at least 0 and finite")
        if self.preference is not None and not all(map(math.isfinite, self.preference)):
            raise OptionError("preference must be finite")
