"""Policy gradient with a shared baseline for the candidates' scores, on the compiled simulator.

As `interrupted_job_shop_shared`: each iteration draws fresh shops with shutdown traces and plays each K times by
sampling; the advantage of a play is how much shorter it is than the mean of its K, in standard deviations. All K meet
the same shutdowns, so what is left is what the decisions did. One iteration of 512 plays takes about 0.2 CPU seconds.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.optimiser_state import load_optimiser_state, optimiser_state, primed
from counterpoint.models.algorithms.trees import cloned
from counterpoint.models.networks.interrupted_job_shop_scores import CandidateScores, Options
from counterpoint.models.policies.interrupted_job_shop_scores_play import Played, play_scores, words
from counterpoint.models.training.interrupted_job_shop_shared import compared
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, draw_batch
from counterpoint.simulators.batched.interrupted_job_shop_play import SPT

SEED = 20230206  # of the validation scenarios


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
        Decisions of an iteration to learn from, about; which ones is drawn at random.
    minibatch : int
        Decisions per step of Adam.
    learning_rate, entropy_weight, max_gradient_norm : float
    waiting : bool
        Whether the policy may let a machine wait.
    draw : Draw
        The shops to train on.
    network : Options
    """

    iterations: int = 1000
    scenarios: int = 32
    plays: int = 16
    decisions: int = 8192
    minibatch: int = 2048
    learning_rate: float = 3e-3
    entropy_weight: float = 0.003
    max_gradient_norm: float = 1.0
    waiting: bool = True
    draw: Draw = field(default_factory=Draw)
    network: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        for key in ("iterations", "scenarios", "decisions", "minibatch"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if self.plays < 2:
            raise OptionError(f"plays must be at least 2, to be compared; not {self.plays}")
        for key in ("learning_rate", "max_gradient_norm"):
            if not 0 < getattr(self, key) < float("inf"):
                raise OptionError(f"{key} must be a positive number, not {getattr(self, key)}")
        if not 0 <= self.entropy_weight < float("inf"):
            raise OptionError(f"entropy_weight must be at least 0, not {self.entropy_weight}")


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> "ScoreTrainer":
    """Return the trainer.

    Raises
    ------
    OptionError
        If the device is not the CPU, on which the simulator is compiled.
    """
    if torch.device(device).type != "cpu":
        raise OptionError("this training plays with the compiled simulator, on the CPU")
    return ScoreTrainer(config, seed)


class ScoreTrainer:
    """The trainer (`interfaces.Trainer`); one iteration as the module says."""

    def __init__(self, config: Config, seed: int) -> None:
        self.config, self.seed = config, seed
        self.iteration, self.samples, self.cpu_s = 0, 0, 0.0
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = CandidateScores(config.network)
        self.optimiser = primed(torch.optim.Adam(self.network.parameters(), lr=config.learning_rate))
        self.per_play = 60.0  # decisions, about
        self.validation = draw_batch(config.draw, 64, torch.Generator().manual_seed(SEED))
        batch, statics = self.validation
        self.rule = play_scores(None, batch, statics, words(64, 0), waiting=False, temperature=0.0, rule=SPT).makespan

    def step(self) -> dict[str, float]:
        """Play and learn from it."""
        config, started = self.config, time.process_time()
        plays = config.scenarios * config.plays
        batch, statics = draw_batch(config.draw, config.scenarios, self.generator)
        seed = int(torch.randint(2**62, (), generator=self.generator))
        share = min(1.0, config.decisions / (plays * self.per_play))
        played = play_scores(
            self.network, batch, statics, words(plays, seed), times=config.plays, waiting=config.waiting,
            kept=2 * config.decisions, share=share,
        )  # fmt: skip
        self.per_play = max(1.0, len(played.row) / (share * plays))
        cost = torch.from_numpy(played.makespan).double().view(config.scenarios, config.plays)
        advantage, relative = compared(cost)
        figures = self._learn(played, advantage)
        self.iteration += 1
        self.samples += len(played.row)
        self.cpu_s += time.process_time() - started
        return {"samples": float(self.samples), "spread_percent": 100 * relative, "cpu_s": self.cpu_s, **figures}

    def _learn(self, played: Played, advantage: Tensor) -> dict[str, float]:
        """Take one pass of policy-gradient steps; return mean figures."""
        config = self.config
        left = max(0.0, 1 - self.iteration / config.iterations)
        for group in self.optimiser.param_groups:
            group["lr"] = config.learning_rate * (0.1 + 0.9 * left)
        features, count, choice, row = (
            torch.from_numpy(x) for x in (played.features, played.count, played.choice, played.row)
        )
        total, steps = torch.zeros(3), 0
        order = torch.randperm(len(row), generator=self.generator)
        for rows in order.split(config.minibatch):
            is_candidate = torch.arange(features.shape[1]) < count[rows].unsqueeze(1)
            scores = torch.full(is_candidate.shape, -torch.inf)
            scores[is_candidate] = self.network(features[rows][is_candidate])
            logs = scores.log_softmax(1)
            chosen = logs.gather(1, choice[rows].unsqueeze(1)).squeeze(1)
            entropy = -(logs.exp() * logs.masked_fill(~is_candidate, 0.0)).sum(1).mean()
            loss = -(chosen * advantage[row[rows]]).mean() - config.entropy_weight * entropy
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
            self.optimiser.step()
            total += torch.stack([loss.detach(), entropy.detach(), norm.detach()])
            steps += 1
        return dict(zip(("loss", "entropy", "gradient_norm"), (total / max(steps, 1)).tolist(), strict=True))

    def evaluate(self) -> dict[str, float]:
        """Return the mean makespan of greedy play on fixed scenarios, and how much shorter it is than SPT's."""
        batch, statics = self.validation
        makespan = play_scores(
            self.network, batch, statics, words(64, 0), waiting=self.config.waiting, temperature=0.0
        ).makespan
        return {
            "cost": float(makespan.mean()),
            "below_spt_percent": 100 * float((1 - makespan / self.rule).mean()),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future."""
        return cloned(
            {
                "iteration": self.iteration,
                "samples": self.samples,
                "cpu_s": self.cpu_s,
                "per_play": self.per_play,
                "network": dict(self.network.state_dict()),
                "optimiser": optimiser_state(self.optimiser),
                "generator": self.generator.get_state(),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples = int(state["iteration"]), int(state["samples"])
        self.cpu_s, self.per_play = float(state["cpu_s"]), float(state["per_play"])
        self.network.load_state_dict(state["network"])
        load_optimiser_state(self.optimiser, state["optimiser"])
        self.generator.set_state(state["generator"])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the card's facts."""
        facts = {
            "problem": "interrupted-job-shop",
            "algorithm": "scores",
            "network": self.network.card(),
            "waiting": self.config.waiting,
            "draw": asdict(self.config.draw),
            "samples": self.samples,
            "training_cpu_s": self.cpu_s,
        }
        return dict(self.network.state_dict()), facts
