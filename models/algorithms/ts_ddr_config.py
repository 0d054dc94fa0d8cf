"""Settings of two-stage deep decision rules, whatever the system."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from counterpoint.opt.errors import OptionError

PHASES = ((0.1, 2), (1.0, 2), (10.0, 4), (30.0, 16))  # of the penalty: multiple, and share of the run (of their sum)


@dataclass(frozen=True, slots=True)
class TsDdrConfig:
    """Settings of the algorithm.

    Parameters
    ----------
    form : {"strict", "penalty"}
        Targets as constraints, or wished for at a price.
    penalty : float
        Cost of a unit of storage beside its target; 0: the greatest cost of anything in a stage. The penalty form goes
        through 0.1, 1, 10 and 30 times that, for 2, 2, 4 and 16 parts of the run.
    samples : int
        Scenarios of an update.
    is_stratified : bool
        Draw the scenarios of an update so that in every stage they spread over the inflows; each by itself is as if
        drawn alone.
    learning_rate : float
        After the warm-up, at first.
    final_rate : float
        At the end, as a share of `learning_rate`; the way there is a cosine.
    warm_up : int
        Updates over which the rate rises from 0.
    max_gradient_norm : float
        Longer gradients are shortened; of the cost divided by the first update's.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    form: Literal["strict", "penalty"] = "strict"
    penalty: float = 0.0
    samples: int = 16
    is_stratified: bool = True
    learning_rate: float = 2e-3
    final_rate: float = 0.03
    warm_up: int = 20
    max_gradient_norm: float = 1.0

    def __post_init__(self) -> None:
        if self.samples < 1 or self.warm_up < 0:
            raise OptionError(f"samples must be at least 1 and warm_up 0, not {self.samples} and {self.warm_up}")
        if not 0 <= self.penalty < math.inf:
            raise OptionError(f"penalty must be at least 0, not {self.penalty}")
        for key in ("learning_rate", "final_rate", "max_gradient_norm"):
            if not 0 < getattr(self, key) < math.inf:
                raise OptionError(f"{key} must be positive, not {getattr(self, key)}")

    def rate(self, iteration: int, iterations: int) -> float:
        """Learning rate of an update, from 0."""
        left = (1 + math.cos(math.pi * min(iteration / iterations, 1.0))) / 2
        rise = min(1.0, (iteration + 1) / (self.warm_up + 1))
        return self.learning_rate * rise * (self.final_rate + (1 - self.final_rate) * left)

    def multiple(self, iteration: int, iterations: int) -> float:
        """Multiple of the penalty that an update pays, from 0.

        >>> [TsDdrConfig().multiple(i, 24) for i in (0, 2, 4, 8, 23)]
        [0.1, 1.0, 10.0, 30.0, 30.0]
        """
        over = iteration / iterations * sum(length for _, length in PHASES)
        for multiple, length in PHASES:
            over -= length
            if over < 0:
                return multiple
        return PHASES[-1][0]
