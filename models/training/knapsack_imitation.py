"""Teaching the transformer of `networks.bq` optimal packings of a dynamic programme.

As Drakulic et al. 2023, the items that are left of the optimal packing are all as good: the order in which they are
packed is immaterial.
Deviations: which items are packed already leans to the dense ones, as under a policy; see `knapsack_labels.cut`, and
`simulators.batched.bq_knapsack_features` for what is seen.
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.policies.knapsack import NETWORK
from counterpoint.models.policies.knapsack import build as build_network
from counterpoint.models.training.imitation import Imitation, Labels, Lesson, Task
from counterpoint.models.training.imitation_config import Config
from counterpoint.models.training.knapsack_labels import cut, judged, labelled
from counterpoint.simulators.batched.bq import View
from counterpoint.simulators.batched.bq_knapsack import Knapsacks
from counterpoint.simulators.batched.bq_knapsack import start as start_knapsacks
from counterpoint.simulators.batched.bq_knapsack_features import FEATURES

__all__ = ["TASK", "Config", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> Imitation:
    """Return the trainer."""
    return Imitation(TASK, config, seed, device)


def lesson(labels: Labels, generator: torch.Generator, _: int = 0) -> Lesson:
    """Pack a part; each of the items that are left of the optimal packing is as likely to come next."""
    left, is_good = cut(labels["value"], labels["weight"], labels["packed"], labels["capacity"], generator)
    rows = torch.where(is_good.any(1))[0]  # a small core may be one into which nothing fits
    if not len(rows):
        return Lesson(View(torch.zeros(0, 1, FEATURES), rows.unsqueeze(1)), torch.zeros(0, 1))
    is_good = is_good[rows]
    return Lesson(left.picked(rows).observe(), is_good / is_good.sum(1, keepdim=True))


def start(labels: Labels) -> Knapsacks:
    """Return whole knapsacks, whose items come by density."""
    return start_knapsacks(labels["value"], labels["weight"], labels["capacity"])


def judge(labels: Labels, steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return minus the values found and known."""
    return judged(dict(labels), steps)


TASK = Task("knapsack", NETWORK, 32, 1, labelled, lesson, start, judge, build_network, is_windowed=False)
