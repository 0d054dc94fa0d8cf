"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) in B environments at once.

One `PpoTrainer` for every problem: masked, joint and Gaussian actions come with the network, vector rewards and steps
of unequal length with the environment. The objectives have a critic each and are weighed in the advantage alone.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.cuda_graphs import captured, check_device
from counterpoint.models.algorithms.episodes import Episodes
from counterpoint.models.algorithms.gae import gae
from counterpoint.models.algorithms.normalise import RewardScale
from counterpoint.models.algorithms.optimiser_state import load_optimiser_state, optimiser_state, primed
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.algorithms.ppo_loss import FIGURES, Samples, ppo_loss, standardised
from counterpoint.models.algorithms.rollout import Rollout, collect, final_values
from counterpoint.models.algorithms.trees import cloned
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import BatchEnvironment


class PpoTrainer:
    """A run of PPO; an `interfaces.Trainer`.

    Parameters
    ----------
    environment : BatchEnvironment
    network : nn.Module
        An `ActorCritic`, on the environment's device.
    config : PpoConfig
    iterations : int
        Length of the run, over which rates fall.
    seed : int
        Of the environment's first reset, of actions and of the shuffling.
    evaluation : callable, optional
        ``evaluation(network)`` returns figures; called without gradients. ``cost``, if it is among them, is minimised.
    card : mapping
        Facts of the checkpoint's card: ``problem``, ``algorithm``, ``network``.

    Raises
    ------
    OptionError
        If minibatches do not divide the samples, the preference does not fit the objectives, or there is no GPU for
        `use_cuda_graphs`.

    Notes
    -----
    With `use_cuda_graphs` the environment must keep its state in the same tensors, and list its generators in an
    attribute ``generators``.
    """

    def __init__(
        self,
        environment: BatchEnvironment,
        network: nn.Module,
        config: PpoConfig,
        *,
        iterations: int,
        seed: int,
        card: Mapping[str, Any],
        evaluation: Callable[[Any], dict[str, float]] | None = None,
    ) -> None:
        if config.use_cuda_graphs:
            check_device(torch.device(environment.device))
        total = config.steps * environment.num_envs
        if total % config.minibatches:
            raise OptionError(f"minibatches must divide steps x environments = {total}; {config.minibatches} does not")
        if config.preference is not None and len(config.preference) != environment.reward_dim:
            raise OptionError(
                f"preference has {len(config.preference)} weights for {environment.reward_dim} objectives"
            )
        self.environment, self.network, self.config = environment, network, config
        self.iterations, self.card, self.evaluation = iterations, card, evaluation
        self.iteration, self.samples = 0, 0
        device = torch.device(environment.device)
        first, second, third = (int(x) for x in np.random.SeedSequence(seed).generate_state(3))
        self.observation = cloned(environment.reset(first))
        self.action_generator = torch.Generator(device).manual_seed(second)
        self.shuffle_generator = torch.Generator(device).manual_seed(third)
        self.preference = torch.tensor(
            config.preference or [1.0] * environment.reward_dim, dtype=torch.float32, device=device
        )
        self.learning_rate = torch.tensor(config.learning_rate, device=device)
        self.kl_weight = torch.tensor(config.kl_weight, device=device)
        self.optimiser = primed(
            torch.optim.Adam(
                network.parameters(), self.learning_rate, eps=1e-5, fused=True, capturable=device.type == "cuda"
            )
        )
        self.anchor = None if config.surrogate == "clip" else deepcopy(network).requires_grad_(False)
        self.reward_scale = RewardScale(environment.num_envs, environment.reward_dim).to(device)
        self.episodes = Episodes(environment.num_envs, environment.reward_dim, device)
        self.rollout = Rollout.empty(config.steps, network, self.observation)
        self.batch = _samples(self.rollout)
        self.rows = torch.zeros(total // config.minibatches, dtype=torch.int64, device=device)
        self.figures = torch.zeros(len(FIGURES) + 1, device=device)
        self._roll, self._update = self._roll_eager, self._update_eager
        if config.use_cuda_graphs:
            self._capture(device)

    def step(self) -> dict[str, float]:
        """Roll out and learn from it."""
        config, network = self.config, self.network
        left = 1 - self.iteration / self.iterations
        self.learning_rate.fill_(config.learning_rate * (max(left, 0.0) if config.is_annealed else 1.0))
        if config.surrogate == "mdpo":
            self.kl_weight.fill_(1 / max(left, 1 / self.iterations))
        normaliser = getattr(network, "normaliser", None)
        self._roll()
        if normaliser is not None and self.iteration == 0:  # nothing is known yet of what it normalises by
            self.samples += self.rows.numel() * config.minibatches
            self._assess()
            normaliser.update(self.batch.observation)
            self._roll()
        self.samples += self.rows.numel() * config.minibatches
        figures = self._assess()
        if self.anchor is not None:
            self.anchor.load_state_dict(network.state_dict())
        figures |= self._learn()
        if normaliser is not None:
            normaliser.update(self.batch.observation)
        self.iteration += 1
        return {"samples": float(self.samples), **figures}

    def evaluate(self) -> dict[str, float]:
        """Return the figures of `evaluation`."""
        if self.evaluation is None:
            return {}
        with torch.no_grad():
            return self.evaluation(self.network)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future."""
        return cloned(
            {
                "iteration": self.iteration,
                "samples": self.samples,
                "network": dict(self.network.state_dict()),
                "optimiser": optimiser_state(self.optimiser),
                "kl_weight": self.kl_weight,
                "action_generator": self.action_generator.get_state(),
                "shuffle_generator": self.shuffle_generator.get_state(),
                "environment": self.environment.state_dict(),
                "observation": self.observation,
                "reward_scale": dict(self.reward_scale.state_dict()),
                "episodes": self.episodes.state_dict(),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state, in place."""
        self.iteration, self.samples = int(state["iteration"]), int(state["samples"])
        self.network.load_state_dict(state["network"])
        load_optimiser_state(self.optimiser, state["optimiser"])
        self.kl_weight.copy_(state["kl_weight"])
        self.action_generator.set_state(state["action_generator"])
        self.shuffle_generator.set_state(state["shuffle_generator"])
        self.environment.load_state_dict(state["environment"])
        for key, tensor in self.observation.items():
            tensor.copy_(state["observation"][key])
        self.reward_scale.load_state_dict(state["reward_scale"])
        self.episodes.load_state_dict(state["episodes"])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the card's facts."""
        return dict(self.network.state_dict()), {**self.card, "samples": self.samples}

    def _roll_eager(self) -> None:
        """Fill the rollout; what is observed then is kept in the same tensors."""
        last = collect(self.environment, self.network, self.rollout, self.observation, self.action_generator)
        for key, tensor in self.observation.items():
            tensor.copy_(last[key])

    @torch.no_grad()
    def _assess(self) -> dict[str, float]:
        """Compute advantages and targets; return the figures of the episodes that ended."""
        rollout, config = self.rollout, self.config
        reward, preference = rollout.reward, self.preference
        if config.is_reward_scaled:
            done = rollout.terminated | rollout.truncated
            for t in range(config.steps):
                self.reward_scale.update(reward[t], config.gamma ** rollout.elapsed[t], done[t])
            reward, preference = reward / self.reward_scale.scale, preference * self.reward_scale.scale
        advantage = gae(
            reward,
            rollout.value,
            rollout.last_value,
            rollout.terminated,
            rollout.truncated,
            gamma=config.gamma,
            lam=config.lam,
            elapsed=rollout.elapsed,
            final_value=final_values(self.network, rollout),
        )
        target = self.batch.target.copy_((advantage + rollout.value).flatten(0, 1))
        weighed = (advantage @ preference).flatten()
        self.batch.advantage.copy_(standardised(weighed) if config.advantages == "rollout" else weighed)
        unexplained = (target - self.batch.value).var() / target.var()
        return {**self.episodes.figures(rollout), "explained_variance": 1 - float(unexplained)}

    def _learn(self) -> dict[str, float]:
        """Do the passes over the samples; return the mean figures of the updates, and the last pass's divergence."""
        config, size = self.config, self.rows.numel()
        total, count = torch.zeros_like(self.figures), 0
        for _ in range(config.epochs):
            order = torch.randperm(size * config.minibatches, generator=self.shuffle_generator, device=self.rows.device)
            self.figures.zero_()
            for rows in order.split(size):
                self.rows.copy_(rows)
                self._update()
            total += self.figures
            count += config.minibatches
            kl_at = FIGURES.index("kl")
            limit = None if config.surrogate == "kl" else config.target_kl
            if limit is not None and float(self.figures[kl_at]) > 1.5 * limit * config.minibatches:
                break
        if config.target_kl is not None and config.surrogate == "kl":  # the paper's section 4
            kl = float(self.figures[kl_at]) / config.minibatches
            self.kl_weight *= 2.0 if kl > 1.5 * config.target_kl else 0.5 if kl < config.target_kl / 1.5 else 1.0
        names = (*FIGURES, "gradient_norm")
        return {**dict(zip(names, (total / count).tolist(), strict=True)), "learning_rate": float(self.learning_rate)}

    def _update_eager(self) -> None:
        """Take one step of Adam on the minibatch of `rows`."""
        self.optimiser.zero_grad(set_to_none=True)
        loss, figures = ppo_loss(self.network, self.batch.select(self.rows), self.config, self.kl_weight, self.anchor)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_gradient_norm)
        self.optimiser.step()
        self.figures += torch.cat([figures, norm.detach().view(1)])

    def _capture(self, device: torch.device) -> None:
        """Replace both loops by graphs; capturing runs them, so the state is put back afterwards."""
        before = self.state_dict()
        environments: list[torch.Generator] = getattr(self.environment, "generators", [])
        self._roll = captured(self._roll_eager, device, [self.action_generator, *environments])
        self._update = captured(self._update_eager, device, [])
        self.load_state_dict(before)


def _samples(rollout: Rollout) -> Samples:
    """Return the rollout as rows: views of its buffers, with room for advantages and targets."""
    value: Tensor = rollout.value.flatten(0, 1)
    return Samples(
        observation={key: tensor.flatten(0, 1) for key, tensor in rollout.observation.items()},
        action=rollout.action.flatten(0, 1),
        log_prob=rollout.log_prob.flatten(),
        value=value,
        advantage=torch.zeros_like(value[:, 0]),
        target=torch.zeros_like(value),
    )
