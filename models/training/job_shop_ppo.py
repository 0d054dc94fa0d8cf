"""Training the graph network to dispatch by PPO, on classical or flexible job shops; no solver, no labels.

Each iteration draws fresh random shops of one size, builds several schedules of each by sampling, and improves the
policy on them. A step's reward is minus the growth of the lower bound on the makespan, in first bounds; nothing is
discounted, so a return is what the makespan costs beyond the first bound. Moments without a choice are no decisions:
their rewards belong to the decision before. Shops share one encoding over all their schedules and decisions.

Schulman et al. 2017 (PPO) and 2016 (advantages), see `models.algorithms`; Zhang et al. 2020 (L2D) for the reward.
"""

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from counterpoint.models.algorithms.gae import gae
from counterpoint.models.networks.job_shop_gnn import Decisions, JobShopGnn, Options, graph_of
from counterpoint.models.policies.job_shop_gnn_rollout import Notes, roll_out
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops
from counterpoint.simulators.batched.job_shop_random import random_flexible_shops, random_lengths, random_shops


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls to 0.
    is_flexible : bool
        Whether to train on flexible shops.
    sizes : tuple of (int, int), optional
        (jobs, machines) of the shops to train on, one drawn per iteration.
    scheme : {"nondelay", "active", "append"}
        Which schedules are built.
    shops, samples : int
        Shops per iteration, schedules of each.
    epochs, minibatches : int
        Passes over the decisions of an iteration, steps of Adam per pass.
    learning_rate : float
    lam : float
        Of the advantages, per decision.
    clip : float
    entropy_weight, value_weight : float
    max_gradient_norm : float
    target_kl : float
        No further pass once the divergence is over 1.5 times this.
    network : Options
    validation : int
        Shops of each size in the fixed validation set.
    """

    iterations: int = 1000
    is_flexible: bool = False
    sizes: tuple[tuple[int, int], ...] = ((8, 8), (10, 8), (10, 10), (12, 10), (15, 10))
    scheme: Literal["nondelay", "active", "append"] = "nondelay"
    shops: int = 16
    samples: int = 8
    epochs: int = 4
    minibatches: int = 2
    learning_rate: float = 1e-3
    lam: float = 0.98
    clip: float = 0.2
    entropy_weight: float = 0.003
    value_weight: float = 5.0
    max_gradient_norm: float = 0.5
    target_kl: float = 0.03
    network: Options = field(default_factory=Options)
    validation: int = 8

    def __post_init__(self) -> None:
        for name in ("iterations", "shops", "samples", "epochs", "minibatches", "validation"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not self.sizes or any(min(size) < 1 or size[0] * size[1] > 100_000 for size in self.sizes):
            raise OptionError("sizes must list (jobs, machines), each at least 1, of at most 100,000 operations")
        for name in ("learning_rate", "clip", "max_gradient_norm", "target_kl"):
            if not 0 < getattr(self, name) < float("inf"):
                raise OptionError(f"{name} must be a positive number, not {getattr(self, name)}")
        for name in ("entropy_weight", "value_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise OptionError(f"{name} must be a number >= 0, not {getattr(self, name)}")
        if not 0 <= self.lam <= 1:
            raise OptionError(f"lam must lie in 0..1, not {self.lam}")


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> "JobShopPpo":
    """Return the trainer."""
    return JobShopPpo(config, seed, device)


class JobShopPpo:
    """The trainer (`interfaces.Trainer`); one iteration as the module says."""

    def __init__(self, config: Config, seed: int, device: torch.device | str = "cpu") -> None:
        self.config = config
        self.seed = seed
        self.device = torch.device(device)
        self.iteration = 0
        self.samples = 0  # operations scheduled so far
        self.cpu_s = 0.0
        self.shops_generator = torch.Generator().manual_seed(seed)  # on the CPU: the same shops on every device
        self.generator = torch.Generator(self.device).manual_seed(seed + 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = JobShopGnn(config.network).to(self.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate, eps=1e-5)

    def step(self) -> dict[str, float]:
        """Build schedules of fresh shops and learn from them."""
        started = time.process_time()
        config = self.config
        jobs, machines = config.sizes[int(torch.randint(len(config.sizes), (), generator=self.shops_generator))]
        shops = draw_shops(config.shops, jobs, machines, config.is_flexible, self.shops_generator, self.device)
        graph = graph_of(shops)
        with torch.no_grad():
            embeddings = self.network.encode(graph)
        built = roll_out(
            self.network, shops, embeddings, samples=config.samples, scheme=config.scheme, generator=self.generator,
            takes_notes=True,
        )  # fmt: skip
        assert built is not None
        self.samples += int(shops.length.sum()) * config.samples
        cost = built.makespan / built.unit
        figures = self._learn(graph, built.notes, cost.float()) if built.notes is not None else {}
        self.iteration += 1
        self.cpu_s += time.process_time() - started
        return {
            "samples": float(self.samples),
            "makespan_to_bound": float(cost.mean()),
            "jobs": float(jobs),
            **figures,
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "cpu_s": self.cpu_s,
        }

    def _learn(self, graph: Any, notes: Notes, cost: Tensor) -> dict[str, float]:
        """Improve policy and critic on the decisions of one iteration."""
        config = self.config
        advantage = advantages(notes, cost, config.lam)
        target = advantage + notes.value
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        rate = config.learning_rate * max(0.0, 1 - self.iteration / config.iterations)
        self.optimiser.param_groups[0]["lr"] = rate
        figures: dict[str, list[float]] = {"policy_loss": [], "value_loss": [], "entropy": [], "kl": []}
        for _ in range(config.epochs):
            order = torch.randperm(len(target), generator=self.shops_generator).to(self.device)
            divergence = []
            for part in order.chunk(config.minibatches):
                rows = part.sort().values
                decisions, chosen = select(notes, rows)
                log_probs, value = self.network(self.network.encode(graph), decisions)
                log_ratio = log_probs[chosen] - notes.log_prob[rows]
                ratio = log_ratio.exp()
                gain = advantage[rows]
                policy = torch.maximum(-gain * ratio, -gain * ratio.clamp(1 - config.clip, 1 + config.clip)).mean()
                error = (value - target[rows]).square().mean()
                entropy = -(log_probs.exp() * log_probs).sum() / len(rows)
                loss = policy + config.value_weight * error - config.entropy_weight * entropy
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
                self.optimiser.step()
                divergence.append(float((ratio - 1 - log_ratio).detach().mean()))
                for name, x in (("policy_loss", policy), ("value_loss", error), ("entropy", entropy)):
                    figures[name].append(float(x.detach()))
            figures["kl"] += divergence
            if sum(divergence) / len(divergence) > 1.5 * config.target_kl:
                break
        explained = 1 - (target - notes.value).var() / target.var().clamp(min=1e-12)
        return {name: sum(x) / len(x) for name, x in figures.items()} | {"explained_variance": float(explained)}

    def evaluate(self) -> dict[str, float]:
        """Return mean makespans over the first bound, on fixed fresh shops of each size, in the exact simulator.

        The bound is seldom to be had; what counts is the difference between two evaluations. In percent, greedy and
        the best of 16 samples.
        """
        config = self.config
        found: dict[str, list[float]] = {"greedy": [], "best_of_16": []}
        for jobs, machines in config.sizes:
            fixed = torch.Generator().manual_seed(2**40 + jobs * 1000 + machines)
            shops = draw_shops(config.validation, jobs, machines, config.is_flexible, fixed, self.device)
            with torch.no_grad():
                embeddings = self.network.encode(graph_of(shops))
            generator = torch.Generator(self.device).manual_seed(0)
            for name, samples in (("greedy", 1), ("best_of_16", 16)):
                built = roll_out(
                    self.network, shops, embeddings, samples=samples, scheme=config.scheme,
                    generator=generator if samples > 1 else None,
                )  # fmt: skip
                assert built is not None
                best = (built.makespan / built.unit).view(-1, samples).amin(1)
                found[name].append(100 * float(best.mean() - 1))
        figures = {f"{name}_gap_percent": sum(x) / len(x) for name, x in found.items()}
        return {**figures, "cost": figures["greedy_gap_percent"]}  # what a run keeps its best policy by

    def state_dict(self) -> dict[str, Any]:
        """Return everything a resume needs."""
        return {
            "iteration": self.iteration,
            "samples": self.samples,
            "cpu_s": self.cpu_s,
            "network": {key: tensor.clone() for key, tensor in self.network.state_dict().items()},
            "optimiser": deepcopy(self.optimiser.state_dict()),
            "shops_generator": self.shops_generator.get_state(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples, self.cpu_s = state["iteration"], state["samples"], state["cpu_s"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(deepcopy(state["optimiser"]))
        self.shops_generator.set_state(state["shops_generator"])
        self.generator.set_state(state["generator"])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the facts of its card."""
        config = self.config
        card = {
            "problem": "job-shop",
            "algorithm": "ppo",
            "network": {"name": "job-shop-gnn", "options": asdict(config.network)},
            "scheme": config.scheme,
            "training": {
                "seed": self.seed, "iterations": self.iteration, "operations": self.samples, "cpu_s": self.cpu_s,
                "is_flexible": config.is_flexible, "sizes": [list(size) for size in config.sizes],
            },
        }  # fmt: skip
        return dict(self.network.state_dict()), card


def draw_shops(
    count: int, jobs: int, machines: int, is_flexible: bool, generator: torch.Generator, device: torch.device
) -> FlexibleShops:
    """Draw random shops on the generator's device and send them to `device`; classical ones have one option each."""
    if is_flexible:
        shops = random_flexible_shops(random_lengths(count, jobs, machines, generator), machines, generator)
        return FlexibleShops(*(x.to(device) for x in (shops.machine, shops.duration, shops.count)), machines)
    plain = random_shops(count, jobs, machines, generator)
    machine, duration = plain.machine.unsqueeze(3).to(device), plain.duration.unsqueeze(3).to(device)
    return FlexibleShops(machine, duration, torch.ones_like(plain.machine, device=device), machines)


def advantages(notes: Notes, cost: Tensor, lam: float) -> Tensor:
    """Return the advantage of every decision, float [D].

    A decision is paid minus the growth of the bound until the next decision of its schedule; the last one until the
    end, when the bound is the makespan, `cost` [R].
    """
    order = notes.row.argsort(stable=True)  # by schedule, then in time
    row = notes.row[order]
    count = torch.bincount(row, minlength=len(cost))
    first = count.cumsum(0) - count
    place = torch.arange(len(row), device=row.device) - first[row]
    longest = int(count.max())
    value, bound = (notes.value.new_zeros(longest + 1, len(cost)) for _ in range(2))
    bound += cost  # beyond the last decision
    value[place, row], bound[place, row] = notes.value[order], notes.bound[order]
    is_last = torch.arange(longest, device=row.device).unsqueeze(1) == count - 1
    found = gae(
        (bound[:-1] - bound[1:]).unsqueeze(2),
        value[:-1].unsqueeze(2),
        value[-1].unsqueeze(1),
        is_last,
        torch.zeros_like(is_last),
        gamma=1.0,
        lam=lam,
    ).squeeze(2)
    out = torch.empty_like(notes.value)
    out[order] = found[place, row]
    return out


def select(notes: Notes, rows: Tensor) -> tuple[Decisions, Tensor]:
    """Return some decisions (`rows` ascending) and the candidates taken, as indices into theirs."""
    given = notes.decisions
    number = torch.full_like(given.count, -1)
    number[rows] = torch.arange(len(rows), device=rows.device)
    decision = number[given.decision]
    kept = decision >= 0
    place = kept.cumsum(0) - 1
    few = Decisions(
        given.features[kept], given.operation[kept], given.machine[kept], decision[kept], given.count[rows],
        given.state[rows],
    )  # fmt: skip
    return few, place[notes.chosen[rows]]
