"""The learned method for knapsacks: a transformer that was taught optimal packings packs item by item.

Drakulic et al. 2023 (see `networks.bq`). What the linear relaxation makes plain is decided at once, and the network
packs the core (see `simulators.batched.bq_knapsack.core`), so knapsacks of all sizes look alike to it. Dynamic
programming is faster and exact: this is to learn and to compare.
"""

import numpy as np
import torch

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import begun, best, roll_out
from counterpoint.models.policies.bq_run import run
from counterpoint.models.policies.knapsack_reconstruction import filled, reconstructed
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq_knapsack import Knapsacks, core, start
from counterpoint.simulators.batched.bq_knapsack_features import FEATURES

__all__ = ["Options", "solve"]

NETWORK = "bq-knapsack"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(features=FEATURES, special=0))


def solve(instance: Knapsack, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Pack, then by a beam, then take parts out of the better and pack anew; the seed says which.

    ``window`` is the size of the core; with 0 the network decides on every item. ``rescale`` changes nothing: what is
    seen has no units. What still fits where the core or the time ends is packed by density. One thread, whatever the
    budget allows.

    Raises
    ------
    CheckpointError
        If the checkpoint is not one of this network.
    """
    clock = budget.start()
    network, window = load(options, NETWORK, build)
    whole = knapsacks(instance)
    left, plain = core(whole, window) if window else (whole, whole.left[:, :0])

    def value(items: IntArray) -> float:
        return float(instance.value[items].sum())

    def construct(width: int, samples: int) -> tuple[IntArray, bool]:
        rows, generator = begun(left, samples, seed)
        steps, after = roll_out(network, rows, width=width, generator=generator, stop=clock.is_up)
        items = filled(whole, torch.cat((plain[0], steps[best(after, 1)[0]])).numpy())
        if after.size:  # the items of the likeliest beginning may be worse than none of them
            items = max(items, filled(whole, np.array([-1])), key=value)
        return items, after.size > 0

    with torch_threads():
        return run(
            construct,
            lambda items: reconstructed(whole, items, network, window=window, seed=seed, stop=clock.is_up),
            value, Packing, options=options, clock=clock, report=report, sense="max",
        )  # fmt: skip


def knapsacks(instance: Knapsack) -> Knapsacks:
    """Return the instance as a batch of one."""
    value, weight = (torch.tensor(array).unsqueeze(0) for array in (instance.value, instance.weight))
    return start(value, weight, torch.tensor([instance.capacity]))
