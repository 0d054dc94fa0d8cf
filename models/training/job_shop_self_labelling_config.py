"""Settings of the job-shop self-labelling."""

from dataclasses import dataclass, field
from typing import Literal

from counterpoint.models.networks.job_shop_pointer import Options
from counterpoint.opt.errors import OptionError

SIZES = ((6, 6), (8, 6), (8, 8), (10, 8), (10, 10), (15, 10), (20, 10), (15, 15))


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls and the sizes open up; training may go on after it.
    sizes : tuple of (int, int)
        (jobs, machines) of the shops to train on, smallest first.
    warm_up : float
        Share of the iterations after which all sizes are in use; they come in one after the other.
    operations : int
        Operations per iteration and sample: the number of shops is this over those of one shop.
    samples : int
        Schedules per shop and iteration, half of them of the shop run backwards; an even number.
    nondelay : float
        Share of the samples that are non-delay schedules at first; falls to a quarter of it.
    temperature : float
        Of the wildest sample; the others' fall evenly to 0, which is greedy.
    labels : {"own", "tabu"}
    tabu_moves : int
        Moves per shop for ``labels="tabu"``.
    updates : int
        Steps of Adam per iteration, each on one batch of labels.
    memory : int
        Batches of labels kept.
    learning_rate, final_rate : float
        The first, and the last as a share of it.
    max_gradient_norm : float
    network : Options
    start_from : str
        A checkpoint whose network to go on from (Adam and the labels start anew); empty for random weights.
    validation : int
        Shops in the fixed validation set of each of the last three sizes.
    """

    iterations: int = 3000
    sizes: tuple[tuple[int, int], ...] = SIZES
    warm_up: float = 0.3
    operations: int = 3600
    samples: int = 32
    nondelay: float = 0.5
    temperature: float = 1.0
    labels: Literal["own", "tabu"] = "own"
    tabu_moves: int = 5000
    updates: int = 8
    memory: int = 64
    learning_rate: float = 2e-3
    final_rate: float = 0.02
    max_gradient_norm: float = 1.0
    network: Options = field(default_factory=Options)
    start_from: str = ""
    validation: int = 8

    def __post_init__(self) -> None:
        at_least = {"iterations": 1, "operations": 1, "samples": 2, "tabu_moves": 1, "updates": 1, "memory": 2}
        for name, least in {**at_least, "validation": 1}.items():
            if getattr(self, name) < least:
                raise OptionError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.samples % 2:
            raise OptionError(f"samples must be even, not {self.samples}")
        if not self.sizes or any(min(size) < 1 or size[0] * size[1] > 100_000 for size in self.sizes):
            raise OptionError("sizes must list (jobs, machines), each at least 1, of at most 100,000 operations")
        for name in ("warm_up", "nondelay", "final_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in 0..1, not {getattr(self, name)}")
        for name in ("temperature", "learning_rate", "max_gradient_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise OptionError(f"{name} must be a positive number, not {getattr(self, name)}")
