"""Settings of the imitation of tours."""

import math
from dataclasses import dataclass, field

from counterpoint.models.networks.bq import Options
from counterpoint.opt.errors import OptionError


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls; training may go on after it.
    places : int
        Of each random instance.
    labels : int
        Tours to learn from, at most; they come in over the first iterations.
    fresh : int
        Tours labelled in each iteration until there are enough.
    kicks : int
        Of the local search that makes a label.
    updates : int
        Steps of AdamW per iteration.
    batch : int
        Paths in each.
    learning_rate, final_rate : float
        The first, and the last as a share of it.
    weight_decay : float
    max_gradient_norm : float
    network : Options
    validation : int
        Instances in the fixed validation set.
    """

    iterations: int = 1000
    places: int = 20
    labels: int = 100_000
    fresh: int = 500
    kicks: int = 60
    updates: int = 20
    batch: int = 256
    learning_rate: float = 3e-3
    final_rate: float = 0.01
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    network: Options = field(default_factory=lambda: Options(layers=4, width=64, heads=4, inner=256))
    validation: int = 200

    def __post_init__(self) -> None:
        for name in ("iterations", "labels", "fresh", "kicks", "updates", "batch", "validation"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 5 <= self.places <= 10_000:
            raise OptionError(f"places must lie in 5..10000, not {self.places}")
        for name in ("learning_rate", "max_gradient_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be a positive number, not {getattr(self, name)}")
        for name in ("final_rate", "weight_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in 0..1, not {getattr(self, name)}")
        if self.network.features != 2:
            raise OptionError(f"network.features must be 2, the coordinates, not {self.network.features}")
