"""Training the transformer of `networks.bq` to go on with a path as a good tour does, by cross-entropy.

Drakulic et al. 2023 (NeurIPS, arXiv 2301.03313). Each iteration labels some fresh instances by local search and does
some updates; all paths of an update are of one length, drawn evenly from the shortest with a choice to the whole tour.
Deviations: theirs learns from the ends of tours cut open at one place; here paths begin anywhere, run either way, and
are turned and mirrored. AdamW and a half cosine, where they have Adam and steps.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.algorithms.self_labelling import cosine
from counterpoint.models.networks.bq import Bq
from counterpoint.models.policies.tsp_rollout import roll_out
from counterpoint.models.training.tsp_imitation_config import Config
from counterpoint.models.training.tsp_labels import cut, labelled, mean_gap
from counterpoint.simulators.batched.bq_tsp import start

__all__ = ["Config", "TspImitation", "build"]

VALIDATION_SEED = 2**40  # training draws from seeds of 64 random bits
BEAM = 16


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> "TspImitation":
    """Return the trainer."""
    return TspImitation(config, seed, device)


class TspImitation:
    """The trainer (`interfaces.Trainer`); one iteration as the module says."""

    def __init__(self, config: Config, seed: int, device: torch.device | str = "cpu") -> None:
        self.config = config
        self.seed = seed
        self.device = torch.device(device)
        self.iteration = 0
        self.samples = 0  # paths learnt so far
        self.cpu_s = 0.0
        self.generator = torch.Generator().manual_seed(seed)  # on the CPU: the same paths on every device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Bq(config.network).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.tours = torch.zeros(0, config.places, 2, device=self.device)
        self._validation: Tensor | None = None

    def step(self) -> dict[str, float]:
        """Label some instances and learn."""
        started, config = time.process_time(), self.config
        if (wanted := min(config.fresh, config.labels - len(self.tours))) > 0:
            fresh = labelled(wanted, config.places, config.kicks, _mixed(self.seed, self.iteration))
            self.tours = torch.cat((self.tours, fresh.to(self.device)))
        losses = [self._learn() for _ in range(config.updates)]
        self.iteration += 1
        self.samples += config.updates * config.batch
        self.cpu_s += time.process_time() - started
        return {
            "samples": float(self.samples),
            "loss": float(np.mean(losses)),
            "labels": float(len(self.tours)),
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "cpu_s": self.cpu_s,
        }

    def _learn(self) -> float:
        """Do one step of AdamW on one batch of paths; return the loss."""
        config = self.config
        between = int(torch.randint(2, config.places, (), generator=self.generator))
        rows = torch.randint(len(self.tours), (config.batch,), generator=self.generator)
        paths = cut(self.tours[rows.to(self.device)], between, self.generator)
        progress = min(1.0, self.iteration / config.iterations)
        self.optimiser.param_groups[0]["lr"] = config.learning_rate * cosine(progress, config.final_rate)
        loss = _loss(self.network, paths)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
        self.optimiser.step()
        return float(loss.detach())

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Return the mean gap to local search on fixed fresh instances, judged by the checker, and losses by size.

        Greedy, and by beam search of width 16, whose likeliest tours are judged by their lengths.
        """
        tours = self._validated()
        figures: dict[str, float] = {}
        # the tours stand in the order to be found: shuffled, so that no tie can give it away
        order = torch.randperm(tours.shape[1], generator=torch.Generator().manual_seed(0))
        shuffled = tours[:, order.to(tours.device)]
        for name, width in (("greedy", 1), (f"beam_{BEAM}", BEAM)):
            visits, left = roll_out(self.network, start(shuffled), width=width)
            total = left.walked + (left.at(left.origin) - left.at(left.end)).double().square().sum(1).sqrt()
            best = total.view(len(tours), -1).argmin(1)
            visits = visits.view(len(tours), -1, tours.shape[1] - 1)[torch.arange(len(tours)), best]
            orders = order[torch.cat((torch.zeros_like(visits[:, :1]), visits), dim=1).cpu()]
            figures[f"{name}_gap_percent"] = 100 * mean_gap(tours, orders)
        for between in np.unique(np.linspace(2, tours.shape[1] - 1, 4).round().astype(int)).tolist():
            paths = cut(tours, between, torch.Generator().manual_seed(0))
            figures[f"loss_{between}_places"] = float(_loss(self.network, paths))
        figures["cost"] = figures["greedy_gap_percent"]  # what a run keeps its best policy by
        return figures

    def _validated(self) -> Tensor:
        if self._validation is None:
            config = self.config
            found = labelled(config.validation, config.places, 2 * config.kicks, VALIDATION_SEED)
            self._validation = found.to(self.device)
        return self._validation

    def state_dict(self) -> dict[str, Any]:
        """Return everything a resume needs, the labels included."""
        return {
            "iteration": self.iteration,
            "samples": self.samples,
            "cpu_s": self.cpu_s,
            "network": dict(self.network.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "tours": self.tours,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples, self.cpu_s = state["iteration"], state["samples"], state["cpu_s"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.tours = state["tours"].to(self.device)

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the facts of its card."""
        card = {
            "problem": "tsp",
            "algorithm": "imitation",
            "network": {"name": "bq-tsp", "options": asdict(self.config.network)},
            "training": {
                "seed": self.seed, "iterations": self.iteration, "paths": self.samples, "cpu_s": self.cpu_s,
                "places": self.config.places, "labels": len(self.tours),
            },
        }  # fmt: skip
        return dict(self.network.state_dict()), card


def _loss(network: Bq, paths: Tensor) -> Tensor:
    """Return the mean cross-entropy; the first place between the ends is the one to choose."""
    label = torch.zeros(len(paths), dtype=torch.int64, device=paths.device)
    return torch.nn.functional.cross_entropy(network(paths), label)


def _mixed(seed: int, iteration: int) -> int:
    """Return a seed for the labels of an iteration; runs of neighbouring seeds share none."""
    return int(np.random.SeedSequence([seed % 2**63, iteration]).generate_state(1, np.uint64)[0])
