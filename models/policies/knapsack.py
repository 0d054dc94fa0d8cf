"""The learned method for knapsacks: a transformer that was taught optimal packings packs item by item.

Drakulic et al. 2023 (see `networks.bq`). Dynamic programming is faster and exact: this is to learn and to compare.
"""

import numpy as np
import torch

from counterpoint.models.networks.bq import Bq, Form
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.bq import Options, load
from counterpoint.models.policies.bq_rollout import best, roll_out
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.bq_knapsack import start
from counterpoint.simulators.batched.bq_knapsack_features import FEATURES

__all__ = ["Options", "solve"]

NETWORK = "bq-knapsack"


def build(options: NetworkOptions) -> Bq:
    """Return the network."""
    return Bq(options, Form(features=FEATURES, special=0))
