"""Proximal policy optimisation over any batched environment, with vector rewards and steps of different length.

Schulman, Wolski, Dhariwal, Radford, Klimov 2017 (arXiv 1707.06347); the details that matter after Huang et al. 2022
(ICLR blog, "The 37 implementation details of PPO"): Adam with epsilon 1e-5, annealed step size, advantages standardised
per minibatch, gradient clipped by its global norm, minibatches shuffled over environments and steps, bootstrapping on
truncation. Several objectives are scalarised in the advantage, with `weights`, after each critic head has learnt its
own return; rewards are scaled per objective for the critic alone, so that scaling changes no preference.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.gae import gae
from counterpoint.models.algorithms.normalise import ObservationNormaliser, RewardScale
from counterpoint.models.algorithms.rollout import EpisodeReturns, Rollout, collect
from counterpoint.models.algorithms.surrogates import Surrogate, policy_loss
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import BatchEnvironment, Observation


@dataclass(frozen=True, slots=True)
class PpoConfig:
    """Settings of PPO.

    Parameters
    ----------
    iterations : int
        Rollouts, each followed by an update.
    steps : int
        Of a rollout, in each environment.
    epochs, minibatches : int
        Passes over a rollout, and parts it is cut into in each.
    lr : float
        Step size of Adam.
    anneal : bool
        Let it fall linearly to 0 over the run.
    gamma : float
        Discount per unit of time.
    lam : float
        Of advantage estimation, per step.
    surrogate : {"clip", "kl", "mdpo"}
    clip : float
        Of the ratio ("clip"), and of the value if `clip_value`.
    kl_weight : float
        Of "kl".
    entropy, value : float
        Weights of the entropy bonus and of the critic's loss.
    clip_value : bool
    max_grad_norm : float
    target_kl : float, optional
        End an update's passes when the policy has moved this far (estimate k3; Schulman 2020).
    normalise_advantage : bool
    normalise_observation : list of str
        Keys of the observation to shift and scale.
    normalise_reward : bool
    weights : list of float
        Preference among the objectives.
    """

    iterations: int = 100
    steps: int = 128
    epochs: int = 4
    minibatches: int = 4
    lr: float = 3e-4
    anneal: bool = True
    gamma: float = 0.99
    lam: float = 0.95
    surrogate: Surrogate = "clip"
    clip: float = 0.2
    kl_weight: float = 1.0
    entropy: float = 0.0
    value: float = 0.5
    clip_value: bool = False
    max_grad_norm: float = 0.5
    target_kl: float | None = None
    normalise_advantage: bool = True
    normalise_observation: tuple[str, ...] = ()
    normalise_reward: bool = False
    weights: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for key in ("iterations", "steps", "epochs", "minibatches"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        for key in ("gamma", "lam"):
            if not 0 <= getattr(self, key) <= 1:
                raise OptionError(f"{key} must lie in [0, 1], not {getattr(self, key)}")
        for key in ("lr", "clip", "max_grad_norm"):
            if not getattr(self, key) > 0:
                raise OptionError(f"{key} must be positive, not {getattr(self, key)}")


@dataclass(frozen=True, slots=True)
class Batch:
    """What a minibatch's loss is computed from; b rows."""

    observation: Observation
    action: Tensor
    log_prob: Tensor  # [b] when it was taken
    advantage: Tensor  # [b] scalarised
    value: Tensor  # [b, n] when it was taken, in units of the critic
    target: Tensor  # [b, n] likewise


def losses(
    agent: nn.Module,
    batch: Batch,
    config: PpoConfig,
    *,
    old: nn.Module | None = None,
    progress: float = 0.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a minibatch's loss and its parts: ``policy``, ``value``, ``entropy``, ``approx_kl``, ``clip_share``."""
    distribution, value = agent(batch.observation)
    log_ratio = distribution.log_prob(batch.action) - batch.log_prob
    ratio = log_ratio.exp()
    advantage = batch.advantage
    if config.normalise_advantage and len(advantage) > 2:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    before = None
    if config.surrogate != "clip" and old is not None:
        with torch.no_grad():
            before = old(batch.observation)[0]
    policy = policy_loss(
        config.surrogate,
        ratio,
        advantage,
        clip=config.clip,
        new=distribution,
        old=before,
        kl_weight=config.kl_weight,
        progress=progress,
    )
    error = (value - batch.target).square()
    if config.clip_value:
        near = batch.value + (value - batch.value).clamp(-config.clip, config.clip)
        error = torch.maximum(error, (near - batch.target).square())
    critic = error.mean()
    entropy = distribution.entropy().mean()
    loss = policy + config.value * critic - config.entropy * entropy
    with torch.no_grad():
        parts = {
            "policy": policy.detach(),
            "value": critic.detach(),
            "entropy": entropy.detach(),
            "approx_kl": (ratio - 1 - log_ratio).mean(),
            "clip_share": ((ratio - 1).abs() > config.clip).float().mean(),
        }
    return loss, parts


class Ppo:
    """A PPO run: an `interfaces.Trainer`.

    Parameters
    ----------
    env : BatchEnvironment
    agent : nn.Module
        ``agent(observation) -> (distribution, value [B, n])``.
    config : PpoConfig
    seed : int
        Of the environment, the actions and the shuffling; the agent's weights are its maker's.
    evaluate : callable
        ``evaluate(policy) -> dict of float``; `policy` is a module like `agent` that normalises what it sees by itself.
    network : dict
        What the card says of the agent: ``name`` and ``options``.
    """

    def __init__(
        self,
        env: BatchEnvironment,
        agent: nn.Module,
        config: PpoConfig,
        seed: int,
        evaluate: Callable[[nn.Module], dict[str, float]],
        network: Mapping[str, Any],
    ) -> None:
        if len(config.weights) != env.reward_dim:
            raise OptionError(f"weights must be {env.reward_dim} numbers, one per objective, not {len(config.weights)}")
        self.env, self.agent, self.config, self.network = env, agent, config, dict(network)
        self.judge = evaluate
        device = env.device
        self.generator = torch.Generator(device).manual_seed(seed)
        self.optimiser = torch.optim.Adam(agent.parameters(), lr=config.lr, eps=1e-5)
        self.observation = env.reset(seed)
        shapes = {key: tuple(self.observation[key].shape[1:]) for key in config.normalise_observation}
        self.normaliser = ObservationNormaliser(shapes).to(device) if shapes else None
        self.reward_scale = RewardScale(env.num_envs, env.reward_dim).to(device) if config.normalise_reward else None
        self.weights = torch.tensor(config.weights, device=device)
        self.rollout: Rollout | None = None
        self.returns = EpisodeReturns.zeros(torch.zeros(env.num_envs, env.reward_dim, device=device))
        self.iteration = 0

    def step(self) -> dict[str, float]:
        """Collect one rollout, learn from it; return the figures."""
        config, progress = self.config, self.iteration / self.config.iterations
        for group in self.optimiser.param_groups:
            group["lr"] = config.lr * (1.0 - progress) if config.anneal else config.lr
        rollout = self._collect()
        flat = self._batch(rollout)
        figures = self._learn(flat, progress)
        self.iteration += 1
        explained = _explained(flat.value, flat.target)
        return {
            "samples": float(self.iteration * config.steps * self.env.num_envs),
            **self.returns.take(),
            **figures,
            "explained_variance": explained,
        }

    def evaluate(self) -> dict[str, float]:
        """Judge the policy; its own randomness and the environment's stay untouched."""
        return self.judge(self.actor())

    def actor(self) -> nn.Module:
        """Return the policy with its normalisation, statistics as they stand."""
        return Seeing(self.agent, self.normaliser)

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the tensors of `actor`, and the card's facts."""
        keys = list(self.config.normalise_observation)
        return self.actor().state_dict(), {"network": self.network, "normalised": keys}

    def state_dict(self) -> dict[str, Any]:
        """Return everything a bit-for-bit resume needs."""
        modules = {"agent": self.agent, "normaliser": self.normaliser, "reward_scale": self.reward_scale}
        returns = {key: getattr(self.returns, key) for key in EpisodeReturns.__slots__}
        return {
            **{name: None if module is None else module.state_dict() for name, module in modules.items()},
            "iteration": self.iteration,
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "environment": self.env.state_dict(),
            "observation": self.observation,
            "returns": returns,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        device = self.env.device
        for name in ("agent", "normaliser", "reward_scale"):
            if state[name] is not None:
                getattr(self, name).load_state_dict(state[name])
        self.iteration = int(state["iteration"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"].cpu())
        self.env.load_state_dict(state["environment"])
        self.observation = {key: tensor.to(device) for key, tensor in state["observation"].items()}
        self.returns = EpisodeReturns(**{key: tensor.to(device) for key, tensor in state["returns"].items()})

    def _collect(self) -> Rollout:
        if self.rollout is None:
            with torch.no_grad():
                seen = self.observation if self.normaliser is None else self.normaliser(self.observation)
                distribution, value = self.agent(seen)
                like = distribution.mode()  # draws nothing: the first rollout is as any other
            self.rollout = Rollout.reserve(self.config.steps, seen, like, value)
        self.observation = collect(
            self.env,
            self.agent,
            self.observation,
            self.rollout,
            self.generator,
            gamma=self.config.gamma,
            normaliser=self.normaliser,
            reward_scale=self.reward_scale,
            returns=self.returns,
        )
        return self.rollout

    def _batch(self, rollout: Rollout) -> Batch:
        """Return the whole rollout as one batch of T x B rows, advantages scalarised."""
        config = self.config
        scale = torch.ones_like(self.weights) if self.reward_scale is None else self.reward_scale.scale
        advantage = gae(
            (rollout.reward / scale).clamp(-10, 10) if self.reward_scale is not None else rollout.reward,
            rollout.value,
            rollout.last_value,
            rollout.terminated,
            rollout.truncated,
            gamma=config.gamma,
            lam=config.lam,
            elapsed=rollout.elapsed,
            final_value=rollout.final_value,
        )
        # back to the objectives' own units before they are weighed against each other
        weighed = (advantage * scale * self.weights).sum(-1)
        return Batch(
            {key: tensor.flatten(0, 1) for key, tensor in rollout.observation.items()},
            rollout.action.flatten(0, 1),
            rollout.log_prob.flatten(),
            weighed.flatten(),
            rollout.value.flatten(0, 1),
            (advantage + rollout.value).flatten(0, 1),
        )

    def _learn(self, flat: Batch, progress: float) -> dict[str, float]:
        config, kept = self.config, []
        old = copy.deepcopy(self.agent) if config.surrogate != "clip" else None
        passes = 0
        for _ in range(config.epochs):
            for batch in self._minibatches(flat):
                loss, parts = losses(self.agent, batch, config, old=old, progress=progress)
                self.optimiser.zero_grad()
                loss.backward()
                norm = nn.utils.clip_grad_norm_(self.agent.parameters(), config.max_grad_norm)
                self.optimiser.step()
                kept.append({**parts, "grad_norm": norm})
            passes += 1
            recent = kept[-config.minibatches :]
            if (
                config.target_kl is not None
                and sum(float(p["approx_kl"]) for p in recent) / len(recent) > config.target_kl
            ):
                break
        means = {key: float(torch.stack([parts[key] for parts in kept]).mean()) for key in kept[0]}
        return {**means, "epochs": float(passes), "lr": self.optimiser.param_groups[0]["lr"]}

    def _minibatches(self, flat: Batch) -> Iterator[Batch]:
        rows = len(flat.log_prob)
        order = torch.randperm(rows, generator=self.generator, device=flat.log_prob.device)
        for part in order.tensor_split(self.config.minibatches):
            yield Batch(
                {key: tensor[part] for key, tensor in flat.observation.items()},
                flat.action[part],
                flat.log_prob[part],
                flat.advantage[part],
                flat.value[part],
                flat.target[part],
            )


class Seeing(nn.Module):
    """A policy that normalises what it sees by itself: what is evaluated and saved."""

    def __init__(self, agent: nn.Module, normaliser: ObservationNormaliser | None) -> None:
        super().__init__()
        self.agent, self.normaliser = agent, normaliser

    def forward(self, observation: Observation) -> Any:
        """Return the agent's distribution and value."""
        return self.agent(observation if self.normaliser is None else self.normaliser(observation))


def _explained(value: Tensor, target: Tensor) -> float:
    """Return the share of the targets' variance that the critic explains; 1 is perfect, 0 says nothing."""
    spread = target.var()
    return float(1.0 - (target - value).var() / spread) if float(spread) > 0 else 0.0
