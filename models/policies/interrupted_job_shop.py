"""The learned policy for interrupted blocking job shops: a graph network decides who enters a free machine.

Decides greedily, one network pass per decision. Where machines never fail (q = 0) the whole future is known, so it can
also play many times by sampling before it starts, and then do what the best play did.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.checkpoints import load_network as load_policy_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork
from counterpoint.models.networks.interrupted_job_shop import Options as NetworkOptions
from counterpoint.models.policies.interrupted_job_shop_rollout import play
from counterpoint.models.threads import torch_threads
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.interrupted_job_shop import (
    WAIT,
    InterruptedJobShop,
    Observation,
    draw_scenarios,
)
from counterpoint.simulators.batched.interrupted_job_shop import Batch
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics, View, observe
from counterpoint.simulators.batched.job_shop import Shops

NETWORK = "interrupted-job-shop"
STATES = ("source", "processing", "blocked", "out")  # numbered as in the batched simulator
CHUNK = 128  # plays at once


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the learned policy.

    Parameters
    ----------
    samples : int
        1 decides greedily; more, where machines never fail, repeats the best of one greedy and `samples` - 1 sampled
        plays.
    temperature : float
        Of the sampled plays; the default was chosen for the shipped network on eight random 10 x 10 shops, best of 64
        plays of each: it is nearly certain of its choices, so that lower ones repeat each other.
    checkpoint : str
        A file ``*.safetensors`` of `counterpoint train`; empty for the one shipped.
    """

    samples: int = 1
    temperature: float = 12.0
    checkpoint: str = ""

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise OptionError(f"samples must be at least 1, not {self.samples}")
        if not 0 < self.temperature < math.inf:
            raise OptionError(f"temperature must be a positive number, not {self.temperature}")


def policy(instance: InterruptedJobShop, seed: int, options: Options) -> Policy:
    """Build the policy.

    Raises
    ------
    UnsupportedError
        If it is to sample although machines fail.
    CheckpointError
        If the checkpoint is not one of this network.
    """
    network, waiting = load_network(options.checkpoint)
    if options.samples == 1:
        return LearnedPolicy(instance, network, waiting=waiting)
    if instance.shutdown_probability > 0:
        raise UnsupportedError("plays can be sampled beforehand only where machines never fail (q = 0)")
    with torch_threads():
        starts = best_play(instance, network, options.samples, seed, waiting=waiting, temperature=options.temperature)
    return Follow(instance, starts)


def load_network(checkpoint: str = "") -> tuple[InterruptedShopNetwork, bool]:
    """Return the network of a checkpoint, the shipped one if empty, and whether it may wait."""
    path = checkpoint or str(shipped("interrupted_job_shop"))
    network, card = load_policy_network(path, NETWORK, InterruptedShopNetwork, NetworkOptions)
    return network, card.get("waiting", True) is True


def best_play(
    instance: InterruptedJobShop,
    network: InterruptedShopNetwork,
    samples: int,
    seed: int,
    *,
    waiting: bool,
    temperature: float = 1.0,
) -> list[list[int]]:
    """Return the starts of each job's operations in the best of a greedy and `samples` - 1 sampled plays, q = 0."""
    scenario = draw_scenarios(instance, 1, 0)[0]
    batch, statics = Batch.of([instance], [scenario]), statics_of(instance)
    best = play(network, batch, statics, waiting=waiting)
    cost, starts = int(best.makespan), best.start[0]
    generator = torch.Generator().manual_seed(seed % 2**63)
    for first in range(0, samples - 1, CHUNK):
        count = min(CHUNK, samples - 1 - first)
        played = play(
            network, batch.repeat(count), statics.repeat(count), generator, waiting=waiting, temperature=temperature
        )
        row = int(played.makespan.argmin())
        if int(played.makespan[row]) < cost:
            cost, starts = int(played.makespan[row]), played.start[row]
    return [[int(x) for x in row] for row in starts.tolist()]


def statics_of(instance: InterruptedJobShop) -> Statics:
    """Return what of an instance the network sees throughout."""
    q = torch.tensor([instance.shutdown_probability], dtype=torch.float64)
    return Statics.of(Shops.of([instance.shop]), q, torch.tensor([float(instance.repair_mean)], dtype=torch.float64))


class LearnedPolicy:
    """Greedy decisions of a network; `act` takes about a millisecond.

    Parameters
    ----------
    instance : InterruptedJobShop
    network : InterruptedShopNetwork
    waiting : bool
        Whether it may let a machine wait.
    """

    def __init__(self, instance: InterruptedJobShop, network: InterruptedShopNetwork, *, waiting: bool) -> None:
        self.instance, self.network, self.waiting = instance, network, waiting
        self.statics = statics_of(instance)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    @torch.no_grad()
    def act(self, observation: Observation) -> int:
        """Return the likeliest action."""
        if len(observation.eligible) == 1 and not (self.waiting and observation.may_wait):
            return observation.eligible[0]
        with torch_threads():
            distribution, _ = self.network(observe(self.statics, self.view(observation)))
            action = int(distribution.mode())
        return action if action < len(observation.job_state) else WAIT

    def view(self, seen: Observation) -> View:
        """Return the batched simulator's view of what the reference simulator shows."""
        shop = self.instance.shop
        n, m = shop.num_jobs, shop.num_machines
        first = shop.job_offsets[:-1]
        status = np.array([STATES.index(s) for s in seen.job_state])
        coming = first + np.array(seen.operation) + (status == 2)
        want = np.where((status == 0) | (status == 2), shop.machine[np.minimum(coming, shop.num_operations - 1)], m)
        occupant = np.array([n if j < 0 else j for j in seen.occupant])
        left = np.array([0 if j < 0 else seen.remaining[j] for j in seen.occupant])
        eligible = np.zeros(n, bool)
        eligible[list(seen.eligible)] = True

        def row(values: object) -> Tensor:
            return torch.as_tensor(np.asarray(values)).unsqueeze(0)

        return View(
            time=row(seen.time),
            status=row(status),
            step=row(seen.operation),
            place=row([m if k < 0 else k for k in seen.job_machine]),
            want=row(want),
            since=row(seen.since),
            occupant=row(occupant),
            left=row(left),
            is_down=row(seen.is_down),
            machine=row(seen.machine),
            eligible=row(eligible),
            may_wait=row(seen.may_wait and self.waiting),
        )


class Follow:
    """Starts every operation when a plan says so; for shops without failures, where the plan cannot go wrong.

    Parameters
    ----------
    instance : InterruptedJobShop
    starts : list of list of int
        Start of each operation of each job; longer rows are cut.
    """

    def __init__(self, instance: InterruptedJobShop, starts: list[list[int]]) -> None:
        shop = instance.shop
        self.starts = starts
        # when each operation leaves its machine: of several that start at once the first to leave comes first
        self.leave = [
            [*row[1:length], row[length - 1] + int(shop.duration[end - 1])]
            for row, length, end in zip(starts, np.diff(shop.job_offsets).tolist(), shop.job_offsets[1:], strict=True)
        ]

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> int:
        """Return the job whose start is now, or `WAIT`."""
        coming = ((j, observation.operation[j] + (observation.job_state[j] == "blocked")) for j in observation.eligible)
        now = [(self.leave[j][k], j) for j, k in coming if self.starts[j][k] == observation.time]
        return min(now)[1] if now else WAIT  # refused by the simulator if the plan is of another shop
