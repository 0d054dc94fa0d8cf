"""Teaching the transformer of `networks.bq` routes of a local search.

Deviation from Drakulic et al. 2023: sizes and capacities vary, routes run either way and are turned and mirrored, and
where a route begins, both its ends are as good.
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.policies.cvrp import NETWORK
from counterpoint.models.policies.cvrp import build as build_network
from counterpoint.models.training.cvrp_labels import cut, judged, labelled
from counterpoint.models.training.imitation import Imitation, Labels, Lesson, Task, shown
from counterpoint.models.training.imitation_config import Config
from counterpoint.simulators.batched.bq_cvrp import Deliveries
from counterpoint.simulators.batched.bq_cvrp import start as start_deliveries

__all__ = ["TASK", "Config", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> Imitation:
    """Return the trainer."""
    return Imitation(TASK, config, seed, device)


def lesson(labels: Labels, generator: torch.Generator, window: int = 0) -> Lesson:
    """Cut tails of one size, drawn evenly; instances with fewer customers are left out."""
    most = int((labels["demand"] > 0).sum(1).max())
    tails, target = cut(labels, int(torch.randint(1, most + 1, (), generator=generator)), generator)
    return shown(tails, target, window)


def start(labels: Labels) -> Deliveries:
    """Return whole instances; customers stand in no order."""
    return start_deliveries(labels["points"], labels["demand"], labels["capacity"])


def judge(labels: Labels, steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths of the routes found and of those known."""
    return judged(labels, steps)


TASK = Task("cvrp", NETWORK, 40, 3000, labelled, lesson, start, judge, build_network)
