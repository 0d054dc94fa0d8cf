"""PPO that judges every machine by the items it has to do with: learning on plants of many machines, from costs alone.

A joint advantage tells ten machines at once that a period went well. Here the reward is a vector, an item each, and so
are critic and advantages; a machine's own advantage is that of the item it is given and of the item it leaves, and its
ratio is clipped by itself. What others do to other items is noise to it, and left out; what it does to them by not
being free later is left out too, so a share of the whole advantage is added that grows to 1 over the run: at the end
the gradient is the usual one. Other differences from `training.stochastic_lot_sizing`: an episode ends at the horizon
and the periods left are seen, as it is the horizon's cost that is judged; discount 0.99, as a setup that pays for
itself within a hundred periods may not within twenty; setups are likely to be kept at first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.gae import gae
from counterpoint.models.algorithms.optimiser_state import load_optimiser_state, optimiser_state, primed
from counterpoint.models.algorithms.surrogates import policy_loss
from counterpoint.models.algorithms.trees import cloned
from counterpoint.models.checkpoints import described, load_network
from counterpoint.models.networks.stochastic_lot_sizing import ItemCritic, Options, PairNetwork
from counterpoint.models.networks.stochastic_lot_sizing_features import Tables, View
from counterpoint.models.policies.stochastic_lot_sizing_pairs import NETWORK, PairPolicy
from counterpoint.models.training import stochastic_lot_sizing as plain
from counterpoint.models.training.stochastic_lot_sizing_lessons import varied
from counterpoint.models.training.stochastic_lot_sizing_validation import SEED
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.simulators.batched.stochastic_lot_sizing_by_item import PlantsByItem
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations : int
        Of `steps` x `num_envs` x `plants` periods each.
    case : str
        File or public benchmark that holds the plant; empty: `generated`.
    generated : Generated
        The plant if there is no `case`.
    plants : int
        If more than 1, random ones of the size of `generated` and from its seed on, by
        `stochastic_lot_sizing_lessons.varied`.
    num_envs : int
        Copies of each plant.
    steps, epochs, minibatches : int
    learning_rate : float
        At first; it falls linearly to nothing.
    gamma, lam, clip, entropy_weight : float
        The entropy is of all machines together.
    share : float
        Of the whole advantage in a machine's own, at first; it grows with the square of the run to 1.
    weights : str
        A checkpoint of this network to begin with; empty: from scratch.
    critic_first : int
        Iterations in which the critic alone learns, for who begins with weights.
    hidden : int
    keep_bias : float
        Of `networks.stochastic_lot_sizing.Options`; the last two are not for who begins with weights.
    scenarios : int
        To evaluate on, always the same.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 94
    case: str = ""
    generated: plain.Generated = field(default_factory=plain.Generated)
    plants: int = 1
    num_envs: int = 64
    steps: int = 50
    epochs: int = 4
    minibatches: int = 8
    learning_rate: float = 1.5e-3
    gamma: float = 0.99
    lam: float = 0.95
    clip: float = 0.2
    entropy_weight: float = 0.01
    share: float = 0.05
    weights: str = ""
    critic_first: int = 0
    hidden: int = 32
    keep_bias: float = 4.0
    scenarios: int = 128

    def __post_init__(self) -> None:
        for key in ("iterations", "plants", "num_envs", "steps", "epochs", "minibatches", "scenarios"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        for key in ("gamma", "lam", "share"):
            if not 0 <= getattr(self, key) <= 1:
                raise OptionError(f"{key} must be between 0 and 1, not {getattr(self, key)}")
        for key in ("learning_rate", "clip"):
            if not 0 < getattr(self, key) < 1:
                raise OptionError(f"{key} must be between 0 and 1, not {getattr(self, key)}")
        if self.critic_first < 0 or self.entropy_weight < 0:
            raise OptionError("critic_first and entropy_weight must be at least 0")
        if self.steps * self.num_envs * self.plants % self.minibatches:
            raise OptionError("minibatches must divide steps x num_envs x plants")
        if self.case and self.plants > 1:
            raise OptionError("case is one plant: leave plants at 1")


def build(config: Config, seed: int, device: str) -> "ByMachine":
    """Return the trainer.

    Raises
    ------
    InstanceError, UnknownNameError, OptionError, CheckpointError
        If there is no such plant, or the weights are none of this network.
    """
    own = plain.Config(case=config.case, generated=config.generated)
    if config.plants == 1:
        return ByMachine(config, [plain.plant_of(own)], seed, device)
    size = config.generated.items, config.generated.machines
    return ByMachine(config, [varied(*size, config.generated.seed + k) for k in range(config.plants)], seed, device)


class Samples(NamedTuple):
    """What is learnt from, b rows.

    Parameters
    ----------
    stock, setup, left, plant : tensor [b, ...]
        As observed.
    action : int64 tensor [b, M]
    log_prob, advantage : float tensor [b, M]
        Of each machine.
    target : float tensor [b, I]
        Of the critic.
    """

    stock: Tensor
    setup: Tensor
    left: Tensor
    plant: Tensor
    action: Tensor
    log_prob: Tensor
    advantage: Tensor
    target: Tensor


class ByMachine:
    """The run (`interfaces.Trainer`).

    Parameters
    ----------
    config : Config
    plants : list of StochasticLotSizing
    seed : int
    device : str
    """

    def __init__(self, config: Config, plants: list[StochasticLotSizing], seed: int, device: str = "cpu") -> None:
        self.config, self.plants = config, plants
        self.iteration, self.samples = 0, 0
        first, second, third = (int(x) for x in np.random.SeedSequence(seed).generate_state(3))
        self.environment = PlantsByItem(plants, config.num_envs, device=device)
        self.observation = cloned(self.environment.reset(first))
        self.tables = Tables.of(plants, device)
        weights = torch.Generator().manual_seed(seed)
        if config.weights:
            self.actor = load_network(config.weights, NETWORK, PairNetwork, described(Options))[0].train()
        else:
            self.actor = PairNetwork(Options(config.hidden, config.keep_bias), weights)
        self.critic = ItemCritic(self.actor.options.hidden, weights)
        self.actor.to(device)
        self.critic.to(device)
        self.generator = torch.Generator(device).manual_seed(second)
        self.shuffle = torch.Generator(device).manual_seed(third)
        held = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimiser = primed(torch.optim.Adam(held, config.learning_rate, eps=1e-5, fused=True))

    def step(self) -> dict[str, float]:
        """Roll out and learn from it."""
        config = self.config
        done = min(self.iteration / config.iterations, 1.0)
        self.optimiser.param_groups[0]["lr"] = config.learning_rate * (1 - done)
        samples, explained = self._roll(config.share + (1 - config.share) * done**2)
        size = len(samples.left) // config.minibatches
        figures = [
            self._learn(Samples(*(tensor[rows] for tensor in samples)))
            for _ in range(config.epochs)
            for rows in torch.randperm(len(samples.left), generator=self.shuffle, device=self.shuffle.device).split(
                size
            )
        ]
        self.iteration += 1
        self.samples += len(samples.left)
        mean = torch.stack(figures).mean(0).tolist()
        names = ("value_loss", "entropy", "kl")
        return {"samples": float(self.samples), "explained_variance": explained, **dict(zip(names, mean, strict=True))}

    def evaluate(self) -> dict[str, float]:
        """Return the mean cost of the likeliest and of drawn choices on scenarios that are always the same."""
        likeliest, drawn = [], []
        generator = torch.Generator(self.generator.device).manual_seed(SEED)
        for plant in self.plants:
            scenarios = draw_scenarios(plant, self.config.scenarios, SEED)
            likeliest.append(total_costs(plant, scenarios, PairPolicy(plant, self.actor).act_all).mean())
            drawn.append(total_costs(plant, scenarios, PairPolicy(plant, self.actor, generator).act_all).mean())
        return {"cost": float(np.mean(likeliest)), "drawn_cost": float(np.mean(drawn))}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future."""
        return cloned(
            {
                "iteration": self.iteration,
                "samples": self.samples,
                "actor": dict(self.actor.state_dict()),
                "critic": dict(self.critic.state_dict()),
                "optimiser": optimiser_state(self.optimiser),
                "generator": self.generator.get_state(),
                "shuffle": self.shuffle.get_state(),
                "environment": self.environment.state_dict(),
                "observation": self.observation,
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples = int(state["iteration"]), int(state["samples"])
        self.actor.load_state_dict(state["actor"])
        self.critic.load_state_dict(state["critic"])
        load_optimiser_state(self.optimiser, state["optimiser"])
        self.generator.set_state(state["generator"])
        self.shuffle.set_state(state["shuffle"])
        self.environment.load_state_dict(state["environment"])
        self.observation = cloned(state["observation"])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the actor's tensors and the facts of its card."""
        card = {
            "problem": StochasticLotSizing.problem,
            "algorithm": "ppo-by-machine",
            "network": {"name": NETWORK, "options": asdict(self.actor.options)},
            "plants": [{"name": plant.name, "hash": plant.content_hash} for plant in self.plants],
            "samples": self.samples,
        }
        return dict(self.actor.state_dict()), card

    @torch.no_grad()
    def _roll(self, share: float) -> tuple[Samples, float]:
        """Play; return the samples, and the share of the returns' variance that the critic knew."""
        held: list[tuple[Tensor, ...]] = []
        for _ in range(self.config.steps):
            seen = self.observation
            view = self._view(seen)
            action = self.actor.decide(view, self.generator)
            step = self.environment.step(action)
            log_prob = self.actor(view, action).parts.log_prob(action)
            held.append((*seen.values(), action, log_prob, self.critic(view), step.reward, step.terminated))
            self.observation = cloned(step.observation)
        columns = [torch.stack(column) for column in zip(*held, strict=True)]
        (stock, setup, left, plant, action, log_prob, value, reward, terminated) = columns
        last = self.critic(self._view(self.observation))
        advantage = gae(
            reward, value, last, terminated, torch.zeros_like(terminated), gamma=self.config.gamma, lam=self.config.lam
        )
        target = advantage + value
        own = share * advantage.sum(2, keepdim=True) + (1 - share) * concerned(advantage, setup, action)
        explained = 1 - float((target - value).var() / target.var())
        rows = (stock, setup, left, plant, action, log_prob, own, target)
        return Samples(*(tensor.flatten(0, 1) for tensor in rows)), explained

    def _learn(self, samples: Samples) -> Tensor:
        """Take a step of Adam; return the figures."""
        config = self.config
        view = self._view(samples._asdict())
        distribution = self.actor(view, samples.action)
        log_ratio = distribution.parts.log_prob(samples.action) - samples.log_prob
        ratio = log_ratio.exp()
        advantage = samples.advantage - samples.advantage.mean(0)
        advantage = advantage / (advantage.std() + 1e-8)
        machines = advantage.shape[1]
        value_loss, entropy = (samples.target - self.critic(view)).square().mean(), distribution.entropy().mean()
        loss = 0.5 * value_loss
        if self.iteration >= config.critic_first:
            loss = loss + machines * policy_loss("clip", ratio, advantage, clip=config.clip)
            loss = loss - config.entropy_weight * entropy
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for network in (self.actor, self.critic):
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        self.optimiser.step()
        kl = (ratio - 1 - log_ratio).sum(1).mean()
        return torch.stack([value_loss, entropy, kl]).detach()

    def _view(self, seen: Observation) -> View:
        tables = self.tables if len(self.plants) == 1 else self.tables.select(seen["plant"])
        return View(tables, seen["stock"], seen["setup"], seen["left"])


def concerned(advantage: Tensor, setup: Tensor, action: Tensor) -> Tensor:
    """Return each machine's own advantage [..., M]: of the item it is given, and of the one it leaves for it.

    Parameters
    ----------
    advantage : float tensor [..., I]
    setup, action : int64 tensor [..., M]
        0 idle, i + 1 item i.

    Examples
    --------
    >>> concerned(torch.tensor([1.0, 10.0]), torch.tensor([1, 1, 2]), torch.tensor([1, 2, 0]))
    tensor([ 1., 11., 10.])
    """
    wide = nn.functional.pad(advantage, (1, 0))
    return wide.gather(-1, action) + wide.gather(-1, setup) * (action != setup)
