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
from counterpoint.models.policies.bq_rollout import best, roll_out
from counterpoint.models.policies.knapsack_reconstruction import filled, reconstructed
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.bq_knapsack import Knapsacks, core, start
from counterpoint.simulators.batched.bq_knapsack_features import FEATURES

__all__ = ["Options", "solve"]

NETWORK = "bq-knapsack"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(features=FEATURES, special=0))


def solve(instance: Knapsack, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Pack, or take the best of the last beam, then take parts out and pack anew; the seed says which.

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
    with torch_threads():
        whole = knapsacks(instance)
        left, plain = core(whole, window) if window else (whole, whole.left[:, :0])
        steps, after = roll_out(network, left, width=options.width, stop=lambda: clock.remaining_s() <= 0)
        is_late = after.size > 0
        items = filled(whole, torch.cat((plain[0], steps[best(after, 1)[0]])).numpy())
        if is_late:  # the items of the likeliest beginning may be worse than none of them
            items = max(items, filled(whole, np.array([-1])), key=lambda packed: int(instance.value[packed].sum()))
        value = int(instance.value[items].sum())
        report(Packing(items))
        better = reconstructed(whole, items, network, window=window, seed=seed, stop=lambda: clock.remaining_s() <= 0)
        done = 0
        while (stopped := clock.stop(iteration=done, objective=value, sense="max")) is None:
            if done == options.reconstructions:
                break
            items = next(better, items)  # the same if the time is over
            done += 1
            if (found := int(instance.value[items].sum())) > value:
                value = found
                report(Packing(items))
    ended = Termination.TIME if is_late else stopped or Termination.COMPLETED
    return Outcome(Packing(items), float(value), ended, iterations=done)


def knapsacks(instance: Knapsack) -> Knapsacks:
    """Return the instance as a batch of one."""
    value, weight = (torch.tensor(array).unsqueeze(0) for array in (instance.value, instance.weight))
    return start(value, weight, torch.tensor([instance.capacity]))
