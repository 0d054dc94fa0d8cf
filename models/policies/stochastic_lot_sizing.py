"""The learned policy for a plant of parallel machines: the actor that PPO or post-decision PPO trained for it."""

from dataclasses import dataclass

import numpy as np
import torch

from counterpoint.models.checkpoints import described, load_network
from counterpoint.models.networks.mlp import Mlp
from counterpoint.models.networks.mlp import Options as NetworkOptions
from counterpoint.models.threads import torch_threads
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing

NETWORK = "mlp"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the learned policy.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of ``counterpoint train stochastic-lot-sizing``; needed.
    is_sampled : bool, optional
        Draw every action, or take the likeliest; default: as the card says, which is how the checkpoint was selected.
        A card that says nothing is of a time when all were selected by what drawn actions cost.
    """

    checkpoint: str = ""
    is_sampled: bool | None = None


def policy(instance: StochasticLotSizing, seed: int, options: Options) -> Policy:
    """Build the policy.

    Raises
    ------
    OptionError
        If there is no checkpoint.
    CheckpointError
        If it is none of this network, or of a plant of another size, or its card does not say how to play.
    """
    if not options.checkpoint:
        raise OptionError("needs checkpoint=FILE.safetensors, from counterpoint train stochastic-lot-sizing")
    network, card = load_network(options.checkpoint, NETWORK, Mlp, described(NetworkOptions))
    machines, items = instance.num_machines, instance.num_items
    found = network.options
    wanted = {"inventory": items, "setup": machines * (items + 1)}, (items + 1,) * machines
    if (dict(found.numbers), tuple(found.actions)) != wanted or found.choices or found.head != "multi-discrete":
        raise CheckpointError(f"not trained for {items} items on {machines} machines", options.checkpoint)
    is_sampled = card.get("is_sampled", True) if options.is_sampled is None else options.is_sampled
    if not isinstance(is_sampled, bool):
        raise CheckpointError("is_sampled must be true or false", options.checkpoint)
    return LearnedPolicy(instance, network, seed if is_sampled else None)


class LearnedPolicy:
    """Decisions of a network, greedy or drawn; `act` takes about a millisecond.

    Parameters
    ----------
    instance : StochasticLotSizing
    network : Mlp
        Of the plant's size.
    seed : int, optional
        Of the draws, together with the episode's number; None decides greedily.
    """

    def __init__(self, instance: StochasticLotSizing, network: Mlp, seed: int | None = None) -> None:
        self.network, self.seed = network, seed
        self.choices = np.arange(instance.num_items + 1)
        self.limit = torch.tensor(instance.max_inventory, dtype=torch.float64)
        self.mask = torch.tensor(instance.can_choose.ravel()).unsqueeze(0)
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario, with draws of its own."""
        self.generator = None
        if self.seed is not None:
            (drawn,) = np.random.SeedSequence([self.seed, episode]).generate_state(1)
            self.generator = torch.Generator().manual_seed(int(drawn))

    @torch.no_grad()
    def act(self, observation: Observation) -> IntArray:
        """Return a choice per machine, int64 [M]."""
        one_hot = observation.setup[:, None] == self.choices
        seen = {
            "inventory": (torch.tensor(observation.inventory) / self.limit).float().unsqueeze(0),
            "setup": torch.tensor(one_hot.ravel(), dtype=torch.float32).unsqueeze(0),
            "action_mask": self.mask,
        }
        with torch_threads():
            distribution, _ = self.network(seen)
            action = distribution.mode() if self.generator is None else distribution.sample(self.generator)
        chosen: IntArray = action[0].numpy()
        return chosen
