"""Teaching the transformer of `networks.bq` walks of a local search.

Deviation from Drakulic et al. 2023: sizes, lengths and prizes vary, walks run either way and are turned and mirrored,
and stretches between any two stops are learnt, not the ends of walks alone.
"""

from dataclasses import replace

import torch

from counterpoint.models.policies.orienteering import NETWORK
from counterpoint.models.policies.orienteering import build as build_network
from counterpoint.models.training.imitation import Imitation, Labels, Lesson, Task, shown
from counterpoint.models.training.imitation_config import Config
from counterpoint.models.training.orienteering_labels import cut, judged, labelled
from counterpoint.simulators.batched.bq_orienteering import Walks
from counterpoint.simulators.batched.bq_orienteering import start as start_walks

__all__ = ["TASK", "Config", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> Imitation:
    """Return the trainer."""
    return Imitation(TASK, config, seed, device)


def lesson(labels: Labels, generator: torch.Generator, window: int = 0) -> Lesson:
    """Cut a stretch from each walk; only those of about the size of one drawn are kept, so that little is filled up."""
    tails, target = cut(labels, generator)
    count = (tails.left >= 0).sum(1)
    sizes = count[count > 1]  # of a single candidate there is nothing to learn
    if len(sizes):
        drawn = sizes[int(torch.randint(len(sizes), (), generator=generator))]
        kept = torch.nonzero((count > drawn // 2) & (count <= drawn) & (count > 1)).squeeze(1)
        most = int(drawn)
        tails, target = replace(tails.picked(kept), left=tails.left[kept, :most]), target[kept, :most]
    return shown(tails, target, window)


def start(labels: Labels) -> Walks:
    """Return whole instances; places stand in no order."""
    depot = torch.zeros(len(labels["length"]), dtype=torch.int64, device=labels["length"].device)
    return start_walks(
        labels["points"].double(), labels["prize"].double(), labels["length"].double(), depot, depot,
        between=labels["prize"] >= 0,
    )  # fmt: skip


TASK = Task("orienteering", NETWORK, 50, 3000, labelled, lesson, start, judged, build_network)
