"""Training the job-shop pointer network: on its own best samples, or on a tabu search's schedules.

Each iteration draws fresh random shops of one size, obtains a good schedule of each, and imitates it and schedules of
earlier iterations.

- ``labels="own"`` is self-labelling (see `algorithms.self_labelling`). Deviations from the paper: some of the samples
  are non-delay schedules, which are far better than active ones until the network knows when to wait; half of the
  samples schedule the shop backwards in time, and the best of all is the label; it is shifted right and left once
  (Giffler and Thompson's way), which can only shorten it; and it teaches both the shop and the shop run backwards, of
  which it is a schedule too.
- ``labels="tabu"`` is imitation of the foundation's tabu search, with the same replay; it needs numba.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.algorithms.self_labelling import Recent, cosine, imitation_loss
from counterpoint.models.checkpoints import load_into, load_policy
from counterpoint.models.networks.job_shop_pointer import JobShopPointer
from counterpoint.models.policies.job_shop_replay import Replay, replay, reverse, reverse_start, stacked
from counterpoint.models.policies.job_shop_rollout import roll_out
from counterpoint.models.training.job_shop_labels import mean_gap, random_shops, tabu_starts
from counterpoint.models.training.job_shop_self_labelling_config import Config
from counterpoint.simulators.batched.job_shop import Shops

__all__ = ["Config", "SelfLabelling", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> "SelfLabelling":
    """Return the trainer."""
    return SelfLabelling(config, seed, device)


@dataclass(frozen=True, slots=True)
class Label:
    """Schedules of shops of one size, and the decisions that build them."""

    shops: Shops
    replay: Replay


class SelfLabelling:
    """The trainer (`interfaces.Trainer`); one iteration as the module says."""

    def __init__(self, config: Config, seed: int, device: torch.device | str = "cpu") -> None:
        self.config = config
        self.seed = seed
        self.device = torch.device(device)
        self.iteration = 0
        self.samples = 0  # operations scheduled so far, in all samples
        self.cpu_s = 0.0
        self.shops_generator = torch.Generator().manual_seed(seed)  # on the CPU: the same shops on every device
        self.generator = torch.Generator(self.device).manual_seed(seed + 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = JobShopPointer(config.network).to(self.device)
        if config.start_from:
            found = load_policy(config.start_from)
            load_into(self.network, found, config.start_from)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.recent = Recent(config.memory)

    def step(self) -> dict[str, float]:
        """Label fresh shops and learn."""
        started = time.process_time()
        shops = random_shops(*self._shape(), self.shops_generator, self.device)
        start, sampled = self._label(shops)
        makespan = (start + shops.duration).amax((1, 2))
        mirrored = reverse(shops)
        backward = replay(mirrored, reverse_start(shops, start, makespan))
        forward = replay(shops, reverse_start(mirrored, backward.start, backward.makespan))
        self.recent.add([Label(mirrored, backward), Label(shops, forward)])
        losses = [self._learn(label) for label in self.recent.draw(2, self.config.updates, self.shops_generator)]
        self.iteration += 1
        self.cpu_s += time.process_time() - started
        return {
            "samples": float(self.samples),
            "loss": float(np.mean(losses)),
            "fresh_loss": float(np.mean(losses[:2])),
            "label_gain_percent": 100 * float((1 - forward.makespan / makespan).mean()),
            "mean_to_label_percent": 100 * float((sampled / forward.makespan - 1).mean()),
            "jobs": float(shops.machine.shape[1]),
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "cpu_s": self.cpu_s,
        }

    def _progress(self) -> float:
        return min(1.0, self.iteration / self.config.iterations)

    def _shape(self) -> tuple[int, int, int]:
        """Draw how many shops of which size."""
        config = self.config
        opened = 1.0 if config.warm_up == 0 else min(1.0, self._progress() / config.warm_up)
        among = max(1, round(opened * len(config.sizes)))
        jobs, machines = config.sizes[int(torch.randint(among, (), generator=self.shops_generator))]
        return max(1, round(config.operations / (jobs * machines))), jobs, machines

    def _label(self, shops: Shops) -> tuple[Tensor, Tensor]:
        """Return a good start of every operation, and the mean makespan of the samples."""
        config = self.config
        if config.labels == "tabu":
            start = tabu_starts(shops, config.tabu_moves, self.seed + self.iteration).to(self.device)
            return start, (start + shops.duration).amax((1, 2)).double()
        batch, samples = len(shops.machine), config.samples // 2
        other = reverse(shops)
        both = stacked([shops, other])
        with torch.no_grad():
            embedding = self.network.encode(both)
        built = roll_out(
            self.network,
            both,
            embedding,
            temperature=torch.linspace(0, config.temperature, samples),
            generator=self.generator,
            nondelay=round(samples * config.nondelay * (1 - 0.75 * self._progress())),
        )
        assert built is not None
        self.samples += 2 * int(shops.length.sum()) * samples
        makespan, best = built.makespan.view(2, batch, samples).min(2)
        ahead, back = (
            built.start.view(2, batch, samples, *shops.machine.shape[1:])[
                way, torch.arange(batch, device=self.device), best[way]
            ]
            for way in (0, 1)
        )
        is_ahead = (makespan[0] <= makespan[1]).view(-1, 1, 1)
        start = torch.where(is_ahead, ahead, reverse_start(other, back, makespan[1]))
        return start, built.makespan.view(2, batch, samples).double().mean((0, 2))

    def _learn(self, label: Label) -> float:
        """Do one step of Adam on one batch of labels; return the loss."""
        config = self.config
        choices, target = label.replay.choices, label.replay.target
        assert choices is not None
        if not len(target):
            return 0.0
        self.optimiser.param_groups[0]["lr"] = config.learning_rate * cosine(self._progress(), config.final_rate)
        logits = self.network(self.network.encode(label.shops), choices)
        loss = imitation_loss(logits, choices.count, target)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
        self.optimiser.step()
        return float(loss.detach())

    def evaluate(self) -> dict[str, float]:
        """Return the mean gap to a simple lower bound on fixed fresh shops, judged by the checker.

        The bound is the largest machine load or job length, so a gap of 0 is seldom to be had; what counts is the
        difference between two evaluations. Greedy, and the best of 16 samples.
        """
        figures: dict[str, float] = {}
        for jobs, machines in self.config.sizes[-3:]:
            shops = random_shops(
                self.config.validation, jobs, machines, torch.Generator().manual_seed(2**40 + jobs * 1000 + machines),
                self.device,
            )  # fmt: skip
            with torch.no_grad():
                embedding = self.network.encode(shops)
            generator = torch.Generator(self.device).manual_seed(0)
            for name, samples in (("greedy", 1), ("best_of_16", 16)):
                built = roll_out(
                    self.network,
                    shops,
                    embedding,
                    temperature=torch.linspace(0, 1, samples),
                    generator=generator,
                )
                assert built is not None
                gaps = mean_gap(shops, built.start.view(len(shops.machine), samples, jobs, machines))
                figures[f"{name}_gap_percent_{jobs}x{machines}"] = 100 * gaps
        for name in ("greedy", "best_of_16"):
            figures[f"{name}_gap_percent"] = float(np.mean([v for key, v in figures.items() if key.startswith(name)]))
        figures["cost"] = figures["greedy_gap_percent"]  # what a run keeps its best policy by
        return figures

    def state_dict(self) -> dict[str, Any]:
        """Return everything a resume needs; labels as shops and starts, whose decisions are derived again."""
        labels = [
            {**{name: getattr(x.shops, name) for name in ("machine", "duration", "length")}, "start": x.replay.start}
            for x in self.recent.labels
        ]
        return {
            "iteration": self.iteration,
            "samples": self.samples,
            "cpu_s": self.cpu_s,
            "network": dict(self.network.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "shops_generator": self.shops_generator.get_state(),
            "generator": self.generator.get_state(),
            "labels": labels,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples, self.cpu_s = state["iteration"], state["samples"], state["cpu_s"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.shops_generator.set_state(state["shops_generator"])
        self.generator.set_state(state["generator"])
        self.recent = Recent(self.config.memory)
        for label in state["labels"]:
            tensors = (label[name].to(self.device) for name in ("machine", "duration", "length"))
            shops = Shops(*tensors, int(label["machine"].max()) + 1)
            self.recent.add([Label(shops, replay(shops, label["start"].to(self.device)))])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the facts of its card."""
        card = {
            "problem": "job-shop",
            "algorithm": "self-labelled" if self.config.labels == "own" else "imitation",
            "network": {"name": "job-shop-pointer", "options": asdict(self.config.network)},
            "training": {
                "seed": self.seed, "iterations": self.iteration, "operations": self.samples, "cpu_s": self.cpu_s,
                "labels": self.config.labels, "sizes": [list(size) for size in self.config.sizes],
            },
        }  # fmt: skip
        return dict(self.network.state_dict()), card
