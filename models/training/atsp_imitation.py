"""Teaching the transformer of `networks.bq_matrix` tours of a local search, where distances are matrices.

As `tsp_imitation`: paths begin anywhere and teach two places each; every other one is of the transposed matrix and runs
backwards.
"""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.policies.atsp import NETWORK
from counterpoint.models.policies.atsp import build as build_network
from counterpoint.models.policies.atsp_finish import finished
from counterpoint.models.policies.tsp_finish import MOST, completed
from counterpoint.models.training.atsp_labels import cut, judged, labelled
from counterpoint.models.training.imitation import Imitation, Labels, Lesson, Task
from counterpoint.models.training.imitation_config import Config
from counterpoint.models.training.tsp_labels import shuffled
from counterpoint.simulators.batched.bq_atsp import ANSWERS, MatrixPaths, seen
from counterpoint.simulators.batched.bq_atsp import start as start_paths
from counterpoint.simulators.batched.bq_tsp import visits

__all__ = ["TASK", "Config", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> Imitation:
    """Return the trainer."""
    return Imitation(TASK, config, seed, device)


def lesson(labels: Labels, generator: torch.Generator, _: int = 0) -> Lesson:
    """Cut paths of one length, drawn evenly; the first place between the ends follows the origin, the last the end."""
    tours = labels["costs"]
    between = int(torch.randint(2, tours.shape[1], (), generator=generator))
    costs = cut(tours, between, generator)
    target = torch.zeros(len(costs), between, ANSWERS, device=costs.device)
    target[:, 0, 0] = target[:, -1, 1] = 0.5
    return Lesson(seen(costs, torch.arange(between, device=costs.device).expand(len(costs), -1)), target.flatten(1))


def start(labels: Labels) -> MatrixPaths:
    """Return closed tours cut open at place 0, their places shuffled."""
    order = shuffled(labels["costs"])
    return start_paths(labels["costs"][:, order][:, :, order])


def judge(labels: Labels, steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return costs of the tours found and of those known."""
    inner = visits(steps)
    order = torch.cat((torch.zeros_like(inner[:, :1]), inner), dim=1)
    return judged(labels["costs"], shuffled(labels["costs"])[order])


TASK = Task(
    "tsp", NETWORK, 30, 150, labelled, lesson, start, judge, build_network, algorithm="imitation-asymmetric",
    is_windowed=False, leave=MOST, finish=partial(completed, finished=finished),
)  # fmt: skip
