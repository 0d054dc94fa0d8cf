"""The learned policy for plants of any size: a network that scores every pair of a machine and an item."""

from dataclasses import dataclass

import numpy as np
import torch

from counterpoint.models.checkpoints import described, load_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.stochastic_lot_sizing import Options as NetworkOptions
from counterpoint.models.networks.stochastic_lot_sizing import PairNetwork
from counterpoint.models.networks.stochastic_lot_sizing_features import Tables, View
from counterpoint.models.threads import torch_threads
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing

NETWORK = "plant-pairs"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the learned policy.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of ``counterpoint train stochastic-lot-sizing --algorithm imitation``; empty for the
        one shipped.
    """

    checkpoint: str = ""


def policy(instance: StochasticLotSizing, seed: int, options: Options) -> Policy:
    """Build the policy.

    Raises
    ------
    CheckpointError
        If the checkpoint is none of this network.
    """
    path = options.checkpoint or str(shipped("stochastic_lot_sizing"))
    network, _ = load_network(path, NETWORK, PairNetwork, described(NetworkOptions))
    return PairPolicy(instance, network)


class PairPolicy:
    """Every machine's likeliest choice, or a drawn one; `act` takes about a millisecond.

    Parameters
    ----------
    instance : StochasticLotSizing
    network : PairNetwork
        On the CPU or a GPU.
    generator : torch.Generator, optional
        Of draws, on the network's device; default: the likeliest.
    """

    def __init__(
        self, instance: StochasticLotSizing, network: PairNetwork, generator: torch.Generator | None = None
    ) -> None:
        self.network, self.horizon, self.generator = network, instance.horizon, generator
        self.device = network.common.device
        self.tables = Tables.of([instance], self.device)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine, int64 [M]."""
        choice: IntArray = self.act_all(observation.period, observation.inventory[None], observation.setup[None])[0]
        return choice

    @torch.no_grad()
    def act_all(self, period: int, inventory: IntArray, setup: IntArray) -> IntArray:
        """Return choices [B, M] for stocks [B, I] and setups [B, M]."""
        left = torch.full((len(setup),), float(self.horizon - period), device=self.device)
        stock, held = (torch.tensor(np.ascontiguousarray(x), device=self.device) for x in (inventory, setup))
        with torch_threads():
            drawn = self.network.decide(View(self.tables, stock.float(), held, left), self.generator)
        choice: IntArray = drawn.cpu().numpy()
        return choice
