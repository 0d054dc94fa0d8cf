"""The settings of post-decision PPO."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.opt.errors import OptionError


@dataclass(frozen=True, slots=True)
class PdppoConfig:
    """The settings of post-decision PPO; see `algorithms.pdppo_advantages` for what the modes mean.

    Parameters
    ----------
    mode : {"corrected", "faithful"}
        "faithful" is the rule of the published code, the larger of two advantages; "corrected" uses the post-decision
        critic as an action value without noise.
    shock_weight : float
        Of what chance adds to an action's own step, in the advantages of "corrected": 0 leaves it out, 1 is plain PPO;
        the default did better than 0 in ``benchmarks/pdppo.py``.
    critic_rate : float
        Learning rate of both critics, as a multiple of the actor's.
    ppo : PpoConfig
        All that post-decision PPO shares with PPO. For "faithful", lambda is 1 whatever it says.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    mode: Literal["corrected", "faithful"] = "corrected"
    shock_weight: float = 0.5
    critic_rate: float = 1.0
    ppo: PpoConfig = field(default_factory=PpoConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.shock_weight <= 1:
            raise OptionError("shock_weight must be between 0 and 1")
        if not 0 < self.critic_rate < math.inf:
            raise OptionError("critic_rate must be positive and finite")
