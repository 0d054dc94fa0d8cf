"""Settings of imitation, the same for every problem."""

import math
from dataclasses import dataclass, field

from counterpoint.models.networks.bq import Options
from counterpoint.models.precision import Precision, check_precision
from counterpoint.opt.errors import OptionError

LARGEST = 10_000
MOST = 10**9


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls; training may go on after it.
    size : int
        Places, customers or items of each random instance; 0: what the problem's trainer takes for good.
    labels : int
        Solutions to learn from, at most; they come in over the first iterations.
    fresh : int
        Solutions made in each iteration until there are enough.
    effort : int
        Iterations of the solver that makes a label; 0: what the problem's trainer takes for enough.
    folder : str
        Labels made before, by ``counterpoint label``, instead of fresh ones; empty: none.
    updates : int
        Steps of AdamW per iteration.
    batch : int
        Tails in each.
    learning_rate, final_rate : float
        The first, and the last as a share of it.
    weight_decay : float
    max_gradient_norm : float
    network : Options
    weights : str
        A checkpoint of such a network to begin with; empty: begin at random.
    window : int
        Candidates that the network is shown, those that a policy would be shown of more; 0: all.
    validation : int
        Instances in the fixed validation set.
    precision : str
        ``float32``, ``bfloat16`` or ``auto`` (`models.precision`); validation is in float32.
    """

    iterations: int = 1000
    size: int = 0
    labels: int = 100_000
    fresh: int = 500
    effort: int = 0
    folder: str = ""
    updates: int = 20
    batch: int = 256
    learning_rate: float = 3e-3
    final_rate: float = 0.01
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    network: Options = field(default_factory=lambda: Options(layers=4, width=64, heads=4, inner=256))
    weights: str = field(default="", metadata={"before": ""})  # runs older than the field are resumed with this
    window: int = field(default=0, metadata={"before": 0})
    validation: int = 200
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        for name in ("iterations", "labels", "fresh", "updates", "batch", "validation"):
            if not 1 <= getattr(self, name) <= MOST:
                raise OptionError(f"{name} must lie in 1..{MOST}, not {getattr(self, name)}")
        if self.size and not 5 <= self.size <= LARGEST:
            raise OptionError(f"size must be 0 or lie in 5..{LARGEST}, not {self.size}")
        for name in ("effort", "window"):
            if getattr(self, name) < 0:
                raise OptionError(f"{name} must be at least 0, not {getattr(self, name)}")
        for name in ("learning_rate", "max_gradient_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be a positive number, not {getattr(self, name)}")
        for name in ("final_rate", "weight_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in 0..1, not {getattr(self, name)}")
