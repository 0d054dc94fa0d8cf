"""Settings of CP-guided training: those of a CPU by default, those published as an option."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from counterpoint.models.networks.cp_tokens import Options
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.cp_environment import PUBLISHED, View

PUBLISHED_INSTANCES = ("ta31", "ta32", "ta33", "ta34")

# name -> (on a CPU, published); the paper had an episode per core and gave its solver 60 + 100 seconds
PRESETS: dict[str, tuple[Any, Any]] = {
    "iterations": (200, 100),
    "episodes": (8, 16),
    "shops": (2, 4),
    "learning_rate": (5e-3, 2e-4),
    "clip": (0.3, 0.3),
    "epochs": (4, 20),
    "minibatches": (8, 20),
    "kl_limit": (0.05, 0.01),
    "effort": (0.5, 160.0),
    "instances": ((), PUBLISHED_INSTANCES),
    "view": (View(), PUBLISHED),
}


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training; None takes the preset's value, see `PRESETS`.

    Parameters
    ----------
    faithful : bool
        Take the published settings: ta31-34, 100 updates, and 160 deterministic seconds of CP-SAT per completion.
    iterations : int
        Updates; the learning rate falls linearly to 0 over them.
    episodes, shops : int
        Episodes of each update, and how many different shops they are of.
    learning_rate, clip, epochs, minibatches, kl_limit : number
        Of Adam (eps 1e-5) and of the clipped losses; an update ends after the epoch whose mean approximate KL
        divergence exceeds the limit.
    effort : float
        Deterministic seconds of CP-SAT for each completion.
    instances : tuple of str
        Public benchmarks to train on; with none, fresh random shops each update.
    variant : {"classical", "flexible", "blocking-swap"}
        Of random shops. The agent and its training are the same code for all.
    jobs, machines : int
        Of random shops.
    view : View
        What the agent sees.
    network : Options
    threads : int
        Completions at a time; results do not depend on it.
    validation : int
        Random shops on which the policy is judged, best of 32.
    """

    faithful: bool = False
    iterations: int | None = None
    episodes: int | None = None
    shops: int | None = None
    learning_rate: float | None = None
    clip: float | None = None
    epochs: int | None = None
    minibatches: int | None = None
    kl_limit: float | None = None
    effort: float | None = None
    instances: tuple[str, ...] | None = None
    variant: Literal["classical", "flexible", "blocking-swap"] = "classical"
    jobs: int = 16
    machines: int = 8
    view: View | None = None
    network: Options = dataclasses.field(default_factory=Options)
    threads: int = 1
    validation: int = 6

    def __post_init__(self) -> None:
        for name, preset in PRESETS.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, preset[self.faithful])
        for name in ("iterations", "episodes", "shops", "epochs", "minibatches", "jobs", "machines", "threads"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("learning_rate", "clip", "kl_limit", "effort"):
            if not 0 < getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be a positive number, not {getattr(self, name)}")
        if self.shops > self.episodes:  # type: ignore[operator]
            raise OptionError(f"{self.episodes} episodes cannot be of {self.shops} shops")
        if self.instances and self.variant != "classical":
            raise OptionError("variant is of random shops; leave it out where instances are named")
        if self.jobs * self.machines > 10_000:
            raise OptionError("jobs times machines must be at most 10,000")
        if self.validation < 1:
            raise OptionError(f"validation must be at least 1, not {self.validation}")
