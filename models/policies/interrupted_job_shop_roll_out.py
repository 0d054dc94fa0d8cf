"""Roll-outs for interrupted job shops with the learned scores as base policy; see `solvers/replan` for the method."""

from dataclasses import dataclass

from counterpoint.models.policies.interrupted_job_shop_scores import load_scores
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop
from counterpoint.simulators.batched.interrupted_job_shop_play import NETWORK
from counterpoint.solvers.replan.interrupted_job_shop_roll_out import RollOut, check_budget


@dataclass(frozen=True, slots=True)
class Options:
    """Options of roll-outs with learned scores.

    Parameters
    ----------
    futures : int
        Per decision, at most; actions that are clearly worse drop out after 8, 16, ...
    plans : int
        Simulations of the search where machines never fail.
    checkpoint : str
        A file ``*.safetensors`` of `counterpoint train`; empty for the one shipped.
    """

    futures: int = 16
    plans: int = 4000
    checkpoint: str = ""

    def __post_init__(self) -> None:
        check_budget(self.futures, self.plans)


def policy(instance: InterruptedJobShop, seed: int, options: Options) -> Policy:
    """Build the policy.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    """
    network, waiting = load_scores(options.checkpoint)
    return RollOut(
        instance, seed, NETWORK, network.weights(), futures=options.futures, plans=options.plans, waiting=waiting
    )
