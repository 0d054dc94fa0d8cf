"""Policy gradient with a shared baseline for interrupted job shops: K plays of each scenario are judged by their mean.

Each iteration draws fresh shops with shutdown traces and plays each K times by sampling. The advantage of a play is how
much shorter it is than the mean of its K, in standard deviations; all K meet the same shutdowns, so what is left is
what the decisions did. One or two passes of PPO's clipped objective follow. No critic is needed (Kool, van Hoof and
Welling 2019, "Buy 4 REINFORCE samples, get a baseline for free!"; Kwon et al. 2020, POMO).
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork, Options
from counterpoint.models.policies.interrupted_job_shop_rollout import play
from counterpoint.models.training.interrupted_job_shop_validation import Validation
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, draw_batch

LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls to a tenth.
    scenarios, plays : int
        Scenarios per iteration, and plays K of each.
    decisions : int
        Decisions of an iteration to learn from, at most; which ones is drawn at random.
    passes, minibatch : int
        Passes over them, and decisions per step of Adam.
    learning_rate, clip, entropy_weight, max_gradient_norm : float
    waiting : bool
        Whether the policy may let a machine wait.
    draw : Draw
        The shops to train on.
    network : Options
    """

    iterations: int = 300
    scenarios: int = 16
    plays: int = 16
    decisions: int = 4096
    passes: int = 1
    minibatch: int = 512
    learning_rate: float = 2e-3
    clip: float = 0.2
    entropy_weight: float = 0.0
    max_gradient_norm: float = 1.0
    waiting: bool = True
    draw: Draw = field(default_factory=Draw)
    network: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        for key in ("iterations", "scenarios", "decisions", "passes", "minibatch"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if self.plays < 2:
            raise OptionError(f"plays must be at least 2, to be compared; not {self.plays}")
        for key in ("learning_rate", "clip", "max_gradient_norm"):
            if not 0 < getattr(self, key) < float("inf"):
                raise OptionError(f"{key} must be a positive number, not {getattr(self, key)}")
        if not 0 <= self.entropy_weight < float("inf"):
            raise OptionError(f"entropy_weight must be at least 0, not {self.entropy_weight}")


def compared(cost: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return advantages, and the plays' spread as a share of their mean, on average.

    Parameters
    ----------
    cost : float64 tensor [S, K]
        Of K plays of each scenario.

    Returns
    -------
    advantage : float32 tensor [S K]
        How much less a play costs than the mean of its K, in standard deviations.
    spread : float
    """
    mean, spread = cost.mean(1, keepdim=True), cost.std(1, keepdim=True)
    return ((mean - cost) / spread.clamp(min=LEAST_SPREAD)).float().flatten(), float((spread / mean).mean())


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> "SharedBaseline":
    """Return the trainer."""
    return SharedBaseline(config, seed, device)


class SharedBaseline:
    """The trainer (`interfaces.Trainer`); one iteration as the module says."""

    def __init__(self, config: Config, seed: int, device: torch.device | str = "cpu") -> None:
        self.config, self.seed, self.device = config, seed, torch.device(device)
        self.iteration, self.samples, self.cpu_s = 0, 0, 0.0
        self.generator = torch.Generator(self.device).manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = InterruptedShopNetwork(config.network).to(self.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.validation = Validation.draw(config.draw, self.device)

    def step(self) -> dict[str, float]:
        """Play and learn from it."""
        config, started = self.config, time.process_time()
        batch, statics = draw_batch(config.draw, config.scenarios, self.generator)
        batch, statics = batch.repeat(config.plays), statics.repeat(config.plays)
        played = play(self.network, batch, statics, self.generator, waiting=config.waiting, records=True)
        cost = played.makespan.double().view(config.scenarios, config.plays)
        advantage, relative = compared(cost)
        figures = self._learn(played, advantage)
        self.iteration += 1
        self.samples += len(played.row)
        self.cpu_s += time.process_time() - started
        return {"samples": float(self.samples), "spread_percent": 100 * relative, "cpu_s": self.cpu_s, **figures}

    def _learn(self, played: Any, advantage: torch.Tensor) -> dict[str, float]:
        """Take steps on the clipped objective; return mean figures."""
        config = self.config
        left = max(0.0, 1 - self.iteration / config.iterations)
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * (0.1 + 0.9 * left)
        total = torch.zeros(3, device=self.device)
        count = 0
        learned = torch.randperm(len(played.row), generator=self.generator, device=self.device)[: config.decisions]
        for _ in range(config.passes):
            order = torch.randperm(len(learned), generator=self.generator, device=self.device)
            for rows in learned[order].split(config.minibatch):
                policy, _ = self.network({key: value[rows] for key, value in played.observation.items()})
                ratio = (policy.log_prob(played.action[rows]) - played.log_prob[rows]).exp()
                gain = advantage[played.row[rows]]
                clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
                entropy = policy.entropy().mean()
                loss = -torch.minimum(ratio * gain, clipped * gain).mean() - config.entropy_weight * entropy
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                norm = nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
                self.optimiser.step()
                total += torch.stack([loss.detach(), entropy.detach(), norm.detach()])
                count += 1
        names = ("loss", "entropy", "gradient_norm")
        return dict(zip(names, (total / max(count, 1)).tolist(), strict=True))

    def evaluate(self) -> dict[str, float]:
        """Play the fixed validation scenarios greedily."""
        return self.validation.judge(self.network, waiting=self.config.waiting)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future."""
        return {
            "iteration": self.iteration,
            "samples": self.samples,
            "cpu_s": self.cpu_s,
            "network": {key: value.clone() for key, value in self.network.state_dict().items()},
            "optimiser": [
                {key: value.clone() for key, value in self.optimiser.state.get(parameter, {}).items()}
                for parameter in self.network.parameters()
            ],
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples = int(state["iteration"]), int(state["samples"])
        self.cpu_s = float(state["cpu_s"])
        self.network.load_state_dict(state["network"])
        self.optimiser.state.clear()
        for parameter, kept in zip(self.network.parameters(), state["optimiser"], strict=True):
            if kept:
                self.optimiser.state[parameter] = {key: value.clone() for key, value in kept.items()}
        self.generator.set_state(state["generator"].cpu())

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the card's facts."""
        facts = {
            "problem": "interrupted-job-shop",
            "algorithm": "shared-baseline",
            "network": self.network.card(),
            "waiting": self.config.waiting,
            "draw": asdict(self.config.draw),
            "samples": self.samples,
            "training_cpu_s": self.cpu_s,
        }
        return dict(self.network.state_dict()), facts
