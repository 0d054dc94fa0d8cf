"""Teaching the transformer of `networks.bq` tours of a local search.

Deviation from Drakulic et al. 2023: theirs learns from the ends of tours cut open at one place; here paths begin
anywhere, run either way, and are turned and mirrored.
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.policies.tsp import NETWORK
from counterpoint.models.policies.tsp import build as build_network
from counterpoint.models.training.imitation import Imitation, Labels, Lesson, Task
from counterpoint.models.training.imitation_config import Config
from counterpoint.models.training.tsp_labels import cut, judged, labelled
from counterpoint.simulators.batched.bq import View
from counterpoint.simulators.batched.bq_tsp import Paths
from counterpoint.simulators.batched.bq_tsp import start as start_paths

__all__ = ["TASK", "Config", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> Imitation:
    """Return the trainer."""
    return Imitation(TASK, config, seed, device)


def lesson(labels: Labels, generator: torch.Generator) -> Lesson:
    """Cut paths of one length, drawn evenly; the first place between the ends is the one to choose."""
    tours = labels["points"]
    between = int(torch.randint(2, tours.shape[1], (), generator=generator))
    x = cut(tours, between, generator)
    choice = torch.arange(between, device=x.device).expand(len(x), -1)
    target = torch.zeros(len(x), between, device=x.device)
    target[:, 0] = 1.0
    return Lesson(View(x, choice), target)


def start(labels: Labels) -> Paths:
    """Return closed tours cut open at place 0, their places shuffled."""
    return start_paths(labels["points"][:, shuffled(labels)])


def judge(labels: Labels, steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths of the tours found and of those known."""
    visits = torch.cat((torch.zeros_like(steps[:, :1]), steps), dim=1)
    return judged(labels["points"], shuffled(labels)[visits])


def shuffled(labels: Labels) -> Tensor:
    """Return an order of places that gives nothing away, int64 [N]."""
    points = labels["points"]
    return torch.randperm(points.shape[1], generator=torch.Generator().manual_seed(0)).to(points.device)


TASK = Task("tsp", NETWORK, 20, 60, labelled, lesson, start, judge, build_network)
