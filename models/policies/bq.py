"""What the method `bq` of every problem has in common: its options and its network.

Drakulic et al. 2023 (BQ-NCO, NeurIPS, arXiv 2301.03313): see `networks.bq`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from counterpoint.models.checkpoints import described
from counterpoint.models.checkpoints import load_network as load_policy_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.opt.errors import OptionError

WIDEST = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the learned method.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of `counterpoint train`; empty: the one shipped.
    width : int
        Partial solutions kept side by side (beam search); 1: greedy.
    samples : int
        Solutions drawn at random besides, step by step by the network's probabilities; the seed says which.
    window : int
        Candidates that the network is shown; 0: all; -1: about as many as it was taught with.
    rescale : bool
        Whether what a window shows is stretched to the size of what was learnt.
    reconstructions : int
        Rounds in which parts of the solution are taken out and built anew, kept where that is no worse; -1: as many as
        the budget's time or iterations allow (`solve` gives a minute where nothing is said).

    Raises
    ------
    OptionError
        If one is out of range.
    """

    checkpoint: str = ""
    width: int = 1
    samples: int = 0
    window: int = -1
    rescale: bool = True
    reconstructions: int = -1

    def __post_init__(self) -> None:
        if not 1 <= self.width <= WIDEST:
            raise OptionError(f"width must be in 1..{WIDEST}, not {self.width}")
        if not 0 <= self.samples <= WIDEST:
            raise OptionError(f"samples must be in 0..{WIDEST}, not {self.samples}")
        if self.window < -1:
            raise OptionError(f"window must be at least -1, not {self.window}")
        if self.reconstructions < -1:
            raise OptionError(f"reconstructions must be at least -1, not {self.reconstructions}")


def load(options: Options, name: str, build: Callable[[NetworkOptions], nn.Module]) -> tuple[nn.Module, int]:
    """Return the network called `name`, of the checkpoint or shipped, and the window to show it, 0 for all.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    """
    path: Any = options.checkpoint or shipped(name.replace("-", "_"))
    network, card = load_policy_network(path, name, build, described(NetworkOptions))
    if options.window >= 0:
        return network, options.window
    training = card["training"] if isinstance(card.get("training"), dict) else {}
    taught = training.get("window", training.get("size", 0))
    return network, taught if isinstance(taught, int) and 0 < taught < 2**31 else 0
