"""Teaching the transformer of `networks.bq` tours of a local search.

Deviations from Drakulic et al. 2023: theirs learns from the ends of tours cut open at one place, and the next place
only; here paths begin anywhere, run either way, and are turned and mirrored, and each teaches two places, the first and
the last between its ends.
"""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.policies.tsp import NETWORK
from counterpoint.models.policies.tsp import build as build_network
from counterpoint.models.policies.tsp_finish import MOST, completed, finished
from counterpoint.models.training.imitation import Imitation, Labels, Lesson, Task, shown
from counterpoint.models.training.imitation_config import Config
from counterpoint.models.training.tsp_labels import SIZES, cut, judged, labelled, shuffled
from counterpoint.simulators.batched.bq_tsp import ANSWERS, SPECIAL, Paths, visits
from counterpoint.simulators.batched.bq_tsp import start as start_paths

__all__ = ["TASK", "Config", "build"]

EASY = 5  # places between the ends; of fewer the policy asks nothing, it puts them in order by itself


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> Imitation:
    """Return the trainer."""
    return Imitation(TASK, config, seed, device)


def lesson(labels: Labels, generator: torch.Generator, window: int = 0) -> Lesson:
    """Cut paths of one length, drawn evenly; the first place between the ends follows the origin, the last the end.

    Of a whole tour, whose ends are one place, either does either.
    """
    sizes = [name for name in SIZES if name in labels]  # about as much work on each
    drawn = int(torch.randint(3, (), generator=generator)) if len(sizes) > 1 else 0
    tours = labels[sizes[min(drawn, len(sizes) - 1)]]
    least = min(EASY, tours.shape[1] // 3)
    between = int(torch.randint(least, tours.shape[1], (), generator=generator))
    x = cut(tours, between, generator)
    row = torch.arange(len(x), device=x.device)
    left = SPECIAL + torch.arange(between, device=x.device).expand(len(x), -1)
    paths = Paths(x, row, torch.zeros_like(row), torch.ones_like(row), left, torch.zeros(len(x), device=x.device))
    target = torch.zeros(len(x), between, ANSWERS, device=x.device)
    if between == tours.shape[1] - 1:
        target[:, [0, -1]] = 0.25
    else:
        target[:, 0, 0] = target[:, -1, 1] = 0.5
    return shown(paths, target.flatten(1), window)


def start(labels: Labels) -> Paths:
    """Return closed tours cut open at place 0, their places shuffled."""
    return start_paths(labels["points"][:, shuffled(labels["points"])])


def judge(labels: Labels, steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths of the tours found and of those known."""
    inner = visits(steps)
    order = torch.cat((torch.zeros_like(inner[:, :1]), inner), dim=1)
    return judged(labels["points"], shuffled(labels["points"])[order])


TASK = Task(
    "tsp", NETWORK, 20, 60, labelled, lesson, start, judge, build_network,
    leave=MOST, finish=partial(completed, finished=finished),
)  # fmt: skip
