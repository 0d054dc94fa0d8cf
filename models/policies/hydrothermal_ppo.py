"""The policy that PPO learnt for a hydrothermal system: a network says where storages should go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.checkpoints import described, load_network
from counterpoint.models.networks.mlp import Mlp
from counterpoint.models.networks.mlp import Options as NetworkOptions
from counterpoint.models.threads import torch_threads
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation
from counterpoint.simulators.batched.hydrothermal_environment import NUM_TIMES, observe
from counterpoint.simulators.stage.cascade import cascade_of
from counterpoint.simulators.stage.operate import Operator

NETWORK = "mlp"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the policy that PPO learnt.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of ``counterpoint train hydrothermal --algorithm ppo``; needed.
    is_sampled : bool
        Draw every action, as in training, where the mean is taken otherwise.
    """

    checkpoint: str = ""
    is_sampled: bool = False


def policy(instance: Hydrothermal, seed: int, options: Options) -> Policy:
    """Build the policy.

    Raises
    ------
    OptionError
        If there is no checkpoint.
    CheckpointError
        If it is none of this network, or of a system of another size.
    """
    if not options.checkpoint:
        raise OptionError("needs checkpoint=FILE.safetensors, from counterpoint train hydrothermal --algorithm ppo")
    network, _ = load_network(options.checkpoint, NETWORK, Mlp, described(NetworkOptions))
    h, found = instance.num_reservoirs, network.options
    wanted = {"storage": h, "inflow": h, "time": NUM_TIMES}, (h,)
    if (dict(found.numbers), tuple(found.actions)) != wanted or found.choices or found.head != "gaussian":
        raise CheckpointError(f"not trained for {h} reservoirs", options.checkpoint)
    return LearnedPolicy(instance, network, seed if options.is_sampled else None)


class LearnedPolicy:
    """Operation towards the storages that a network says.

    Parameters
    ----------
    instance : Hydrothermal
    network : Mlp
        Of the system's size.
    seed : int, optional
        Of the draws, together with the episode's number; None takes the mean.
    """

    def __init__(self, instance: Hydrothermal, network: Mlp, seed: int | None = None) -> None:
        self.instance, self.network, self.seed = instance, network, seed
        self.operator = Operator(instance)
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario, with draws of its own."""
        generator = None
        if self.seed is not None:
            (drawn,) = np.random.SeedSequence([self.seed, episode]).generate_state(1)
            generator = torch.Generator().manual_seed(int(drawn))
        self.targets = targets_of(self.instance, self.network, generator)

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation."""
        stage, storage, inflow = observation.stage, observation.storage, observation.inflow
        with torch_threads():
            target = self.targets(stage, storage[None], inflow[None])[0]
        return self.operator.dispatch(stage, storage, inflow, target=target)


def targets_of(
    instance: Hydrothermal, network: Any, generator: torch.Generator | None = None
) -> Callable[[int, FloatArray, FloatArray], FloatArray]:
    """Return where a network wants storages to go, as `simulators.batched.hydrothermal.roll_out` asks for it.

    Parameters
    ----------
    instance : Hydrothermal
    network : Mlp
        On the CPU or elsewhere.
    generator : torch.Generator, optional
        On the network's device, to draw actions with; None takes the means.
    """
    cascade = cascade_of(instance)
    device = next(network.parameters()).device

    @torch.no_grad()
    def targets(stage: int, storage: FloatArray, inflow: FloatArray) -> FloatArray:
        stages = torch.full((len(storage),), stage, device=device)
        seen = observe(instance, *(torch.tensor(x, device=device) for x in (storage, inflow)), stages)
        distribution, _ = network(seen)
        action: Tensor = distribution.mode() if generator is None else distribution.sample(generator)
        return cascade.shares(storage, inflow, action.double().clamp(0.0, 1.0).cpu().numpy())

    return targets
