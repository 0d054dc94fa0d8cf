"""Training the job-shop pointer network: on its own best samples, or on a tabu search's schedules.

Each iteration draws fresh random shops of one size, obtains a good schedule of each, and imitates it and schedules of
earlier iterations.

- ``labels="own"`` is self-labelling (see `algorithms.self_labelling`). Deviations from the paper: some of the samples
  are non-delay schedules, which are far better than active ones until the network knows when to wait; half of the
  samples schedule the shop backwards in time, and the best of all is the label; it
  is shifted left and right once (forward and backward, Giffler and Thompson's way), which can only shorten it; and it
  teaches both the shop and the shop run backwards in time, of which it is a schedule too.
- ``labels="tabu"`` is imitation of the foundation's tabu search, with the same replay; it needs numba.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.algorithms.self_labelling import Recent, cosine, imitation_loss
from counterpoint.models.checkpoints import load_into, load_policy
from counterpoint.models.networks.job_shop_pointer import JobShopPointer, Options
from counterpoint.models.policies.job_shop_replay import Replay, replay, reverse, reverse_start, stacked
from counterpoint.models.policies.job_shop_rollout import roll_out
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.job_shop import Shops

SIZES = ((6, 6), (8, 6), (8, 8), (10, 8), (10, 10), (15, 10), (20, 10), (15, 15))


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls and the sizes open up; training may go on after it.
    sizes : tuple of (int, int)
        (jobs, machines) of the shops to train on, smallest first.
    warm_up : float
        Share of the iterations after which all sizes are in use; they come in one after the other.
    operations : int
        Operations per iteration and sample: the number of shops is this over those of one shop.
    samples : int
        Schedules per shop and iteration, half of them of the shop run backwards; an even number.
    nondelay : float
        Share of the samples that are non-delay schedules at first; falls to a quarter of it.
    temperature : float
        Of the wildest sample; the others' fall evenly to 0, which is greedy.
    labels : {"own", "tabu"}
    tabu_moves : int
        Moves per shop for ``labels="tabu"``.
    updates : int
        Steps of Adam per iteration, each on one batch of labels.
    memory : int
        Batches of labels kept.
    learning_rate, final_rate : float
        The first, and the last as a share of it.
    max_gradient_norm : float
    network : Options
    start_from : str
        A checkpoint whose network to go on from (Adam and the labels start anew); empty for random weights.
    validation : int
        Shops in the fixed validation set of each of the last three sizes.
    """

    iterations: int = 3000
    sizes: tuple[tuple[int, int], ...] = SIZES
    warm_up: float = 0.3
    operations: int = 3600
    samples: int = 32
    nondelay: float = 0.5
    temperature: float = 1.0
    labels: Literal["own", "tabu"] = "own"
    tabu_moves: int = 5000
    updates: int = 8
    memory: int = 64
    learning_rate: float = 2e-3
    final_rate: float = 0.02
    max_gradient_norm: float = 1.0
    network: Options = field(default_factory=Options)
    start_from: str = ""
    validation: int = 8

    def __post_init__(self) -> None:
        at_least = {"iterations": 1, "operations": 1, "samples": 2, "tabu_moves": 1, "updates": 1, "memory": 2}
        for name, least in {**at_least, "validation": 1}.items():
            if getattr(self, name) < least:
                raise OptionError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if self.samples % 2:
            raise OptionError(f"samples must be even, not {self.samples}")
        if not self.sizes or any(min(size) < 1 or size[0] * size[1] > 100_000 for size in self.sizes):
            raise OptionError("sizes must list (jobs, machines), each at least 1, of at most 100,000 operations")
        for name in ("warm_up", "nondelay", "final_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must lie in 0..1, not {getattr(self, name)}")
        for name in ("temperature", "learning_rate", "max_gradient_norm"):
            if not 0 < getattr(self, name) < float("inf"):
                raise OptionError(f"{name} must be a positive number, not {getattr(self, name)}")


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
            start = _tabu(shops, config.tabu_moves, self.seed + self.iteration).to(self.device)
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
                gaps = _gaps(shops, built.start.view(len(shops.machine), samples, jobs, machines))
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


def random_shops(count: int, jobs: int, machines: int, generator: torch.Generator, device: Any = "cpu") -> Shops:
    """Draw shops like Taillard's: durations uniform on 1..99, every job once on every machine in random order."""
    duration = torch.randint(1, 100, (count, jobs, machines), generator=generator)
    machine = torch.rand(count, jobs, machines, generator=generator, dtype=torch.float64).argsort(2)
    length = torch.full((count, jobs), machines)
    return Shops(machine.to(device), duration.to(device), length.to(device), machines)


def _instances(shops: Shops) -> list[JobShop]:
    """Return rectangular shops as instances of the family."""
    pairs = torch.stack((shops.machine, shops.duration), dim=3).tolist()
    return [JobShop.from_jobs(f"shop-{b}", jobs, num_machines=shops.num_machines) for b, jobs in enumerate(pairs)]


def _gaps(shops: Shops, start: Tensor) -> float:
    """Return the mean over shops of the best sample's gap to the larger of machine load and job length."""
    load = torch.zeros(len(start), shops.num_machines, dtype=torch.int64, device=start.device)
    load.scatter_add_(1, shops.machine.flatten(1), shops.duration.flatten(1))
    bound = torch.maximum(load.amax(1), shops.duration.sum(2).amax(1)).tolist()
    best = (start + shops.duration.unsqueeze(1)).amax((2, 3)).argmin(1).tolist()
    gaps = []
    for b, shop in enumerate(_instances(shops)):
        verdict = check(shop, Schedule.from_starts(shop, start[b, best[b]].flatten().cpu().numpy()))
        assert verdict.is_feasible, str(verdict)
        assert verdict.objective is not None
        gaps.append(verdict.objective / bound[b] - 1)
    return float(np.mean(gaps))


def _tabu(shops: Shops, moves: int, seed: int) -> Tensor:
    """Return the starts of the tabu search's schedules."""
    from counterpoint.opt.budget import Budget
    from counterpoint.solvers.local_search.job_shop import Options as TabuOptions
    from counterpoint.solvers.local_search.job_shop import solve

    found = []
    for shop in _instances(shops):
        outcome = solve(shop, Budget(iterations=moves), seed, TabuOptions(), lambda *_, **__: None)
        found.append(torch.tensor(outcome.solution.start.copy()))
    return torch.stack(found).view_as(shops.duration)
