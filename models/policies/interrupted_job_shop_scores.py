"""A learned policy for interrupted job shops: a small network scores who may enter, who is coming, and waiting.

Decides greedily; trained by `training/interrupted_job_shop_scores`. As the base of roll-outs it is in
`interrupted_job_shop_roll_out`.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.models.checkpoints import load_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.interrupted_job_shop_scores import CandidateScores
from counterpoint.models.networks.interrupted_job_shop_scores import Options as NetworkOptions
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.interrupted_job_shop import WAIT, InterruptedJobShop, Observation
from counterpoint.simulators.batched.interrupted_job_shop_play import NETWORK
from counterpoint.simulators.batched.interrupted_job_shop_present import Constants, tables
from counterpoint.solvers.replan.interrupted_job_shop_roll_out import base_action

NAME = "interrupted-job-shop-scores"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the learned policy.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of `counterpoint train`; empty for the one shipped.
    """

    checkpoint: str = ""


def policy(instance: InterruptedJobShop, seed: int, options: Options) -> Policy:
    """Build the policy.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    """
    network, waiting = load_scores(options.checkpoint)
    return ScorePolicy(instance, network, waiting=waiting)


def load_scores(checkpoint: str = "") -> tuple[CandidateScores, bool]:
    """Return the network of a checkpoint, the shipped one if empty, and whether it may wait."""
    path = checkpoint or str(shipped("interrupted_job_shop_scores"))
    network, card = load_network(path, NAME, CandidateScores, NetworkOptions)
    return network, card.get("waiting", True) is True


class ScorePolicy:
    """Greedy decisions of a network.

    Parameters
    ----------
    instance : InterruptedJobShop
    network : CandidateScores
    waiting : bool
        Whether it may let a machine wait.
    """

    def __init__(self, instance: InterruptedJobShop, network: CandidateScores, *, waiting: bool) -> None:
        self.constants, self.weights, self.waiting = Constants.of(instance), network.weights(), waiting
        n, most = self.constants.machine.shape
        self.keys = np.zeros((n, most + 1))

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept."""

    def act(self, observation: Observation) -> int:
        """Return the action of the greatest score."""
        jobs, machines, _ = tables(self.constants, observation)
        action = base_action(
            self.constants, observation, jobs, machines, NETWORK, self.weights, self.keys, waiting=self.waiting
        )  # fmt: skip
        return action if action < len(jobs) else WAIT
