"""The learned method for job shops: a pointer network builds schedules, greedily, by sampling or by beam search.

Anytime: the greedy schedule comes first, then batches of samples (or wider and wider beams) until the budget ends; one
iteration is one schedule. Half the schedules are of the shop run backwards in time, which is as good a way to build
one and finds others. The best schedule of each batch is shifted left and right once more, which can only shorten it.

Classical job shops. The network's checkpoint and its card are described in `checkpoints_shipped`.
"""

import math
from dataclasses import dataclass
from typing import Literal

from counterpoint.models.checkpoints import load_network as load_policy_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.job_shop_pointer import JobShopPointer
from counterpoint.models.networks.job_shop_pointer import Options as NetworkOptions
from counterpoint.models.policies.job_shop_run import Run
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.result import Outcome

NETWORK = "job-shop-pointer"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the learned method.

    Parameters
    ----------
    mode : {"sample", "greedy", "beam"}
        Greedy and samples; one greedy schedule; greedy and beams of width 4, 8, 16, ...
    samples : int
        Schedules at most, 0 for as many as the budget allows (128 if it sets no limit at all).
    temperature : float
        Of the samples; the default was chosen on fresh random shops of 15 x 15 and 30 x 15.
    scheme : {"active", "nondelay", "mixed"}
        Which schedules are built; mixed samples are half of either.
    both_ways : bool
        Whether half the schedules are of the shop run backwards.
    checkpoint : str
        A file ``*.safetensors`` of `counterpoint train`; empty for the one shipped.
    """

    mode: Literal["sample", "greedy", "beam"] = "sample"
    samples: int = 0
    temperature: float = 0.35
    scheme: Literal["active", "nondelay", "mixed"] = "active"
    both_ways: bool = True
    checkpoint: str = ""

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise OptionError(f"samples must be at least 0, not {self.samples}")
        if not 0 <= self.temperature < math.inf:
            raise OptionError(f"temperature must be a finite number >= 0, not {self.temperature}")


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build schedules until the budget ends or the bound is met.

    The same seed and number of iterations give the same schedules, whatever the time they take; a time limit cuts the
    sequence. One thread, whatever the budget allows. If not even a greedy schedule fits in, the rule of most work
    remaining builds one.

    Raises
    ------
    UnsupportedError
        If the shop is not classical.
    CheckpointError
        If the checkpoint is not one of this network.
    """
    if instance.features:
        raise UnsupportedError(f"the learned method handles classical shops only, not {', '.join(instance.features)}")
    clock = budget.start()
    network = load_network(options.checkpoint)
    with torch_threads():
        return Run(instance, network, clock, seed, options, report).solve()


def load_network(checkpoint: str = "") -> JobShopPointer:
    """Return the network of a checkpoint, the shipped one if empty."""
    path = checkpoint or str(shipped("job_shop_self_labelled"))
    network: JobShopPointer = load_policy_network(path, NETWORK, JobShopPointer, NetworkOptions)[0]
    return network


def warm_up() -> None:
    """Build one tiny schedule, so that no run's clock pays for imports and compilation; on the calling thread alone."""
    shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)]])
    solve(shop, Budget(iterations=1, threads=1), 0, Options(), lambda solution=None, *, bound=None: None)
