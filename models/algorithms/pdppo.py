"""Post-decision PPO: PPO with a second critic, of the states between a decision and what chance does to it.

Source: Felizardo et al. 2025 (IJCNN, arXiv 2504.05150); `algorithms.pdppo_advantages` says what is published and what
is corrected. Deviations: one ratio for a joint action (theirs has one per machine); the critic of post-decision states
sees all of the state; every layer is trained (in the published code the actor's first two keep their random weights);
each rollout is used once (theirs are kept for five updates).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from counterpoint.models.algorithms.cuda_graphs import check_device
from counterpoint.models.algorithms.optimiser_state import primed
from counterpoint.models.algorithms.pdppo_advantages import Span, corrected, faithful
from counterpoint.models.algorithms.pdppo_config import PdppoConfig
from counterpoint.models.algorithms.pdppo_rollout import CertainReward, PostDecisions, collect
from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_loss import ppo_loss, standardised
from counterpoint.models.algorithms.rollout import final_values
from counterpoint.models.algorithms.trees import cloned
from counterpoint.models.networks.mlp import Mlp
from counterpoint.models.networks.pdppo import PostCritic
from counterpoint.opt.interfaces import BatchEnvironment


class PdppoTrainer(PpoTrainer):
    """A run of post-decision PPO: a PPO run with another rollout, other advantages and one more critic.

    Parameters
    ----------
    environment : BatchEnvironment
        Also a `PostDecisionEnvironment` whose post-decision observations have the keys and shapes of the others.
    network : Mlp
        Actor and critic of states.
    post_critic : PostCritic
        On the same device.
    config : PdppoConfig
    certain_reward : callable
        ``certain_reward(observation, action)``: the part of the step's rewards, float [B, n], that the decision alone
        determines; called after ``post``, with what was observed before it.
    iterations, seed, card, evaluation
        As of `PpoTrainer`, which also says what is raised.

    Notes
    -----
    One Adam in three groups, actor and two critics, each with a clipped gradient norm of its own: the same as three.
    The policy it returns is the `Mlp`'s alone.
    """

    def __init__(
        self,
        environment: BatchEnvironment,
        network: Mlp,
        post_critic: PostCritic,
        config: PdppoConfig,
        *,
        certain_reward: CertainReward,
        iterations: int,
        seed: int,
        card: Mapping[str, Any],
        evaluation: Callable[[Any], dict[str, float]] | None = None,
    ) -> None:
        shared = config.ppo
        device = torch.device(environment.device)
        if shared.use_cuda_graphs:
            check_device(device)
        super().__init__(
            environment, network, replace(shared, use_cuda_graphs=False),
            iterations=iterations, seed=seed, card=card, evaluation=evaluation,
        )  # fmt: skip
        self.config, self.form = shared, config
        self.post_critic, self.certain_reward = post_critic, certain_reward
        judges = {id(p) for p in network.critic.parameters()}
        self.parts = (
            [p for p in network.parameters() if id(p) not in judges],
            list(network.critic.parameters()),
            list(post_critic.parameters()),
        )
        self.critic_rate = self.learning_rate.clone()
        rates = (self.learning_rate, self.critic_rate, self.critic_rate)
        groups = [{"params": part, "lr": rate} for part, rate in zip(self.parts, rates, strict=True)]
        self.optimiser = primed(torch.optim.Adam(groups, eps=1e-5, fused=True, capturable=device.type == "cuda"))
        self.between = PostDecisions.like(self.rollout)
        self.post_rows = {key: x.flatten(0, 1) for key, x in self.between.observation.items()}
        self.post_target = torch.zeros_like(self.batch.target)
        if shared.use_cuda_graphs:
            self._capture(device)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future."""
        return {**super().state_dict(), "post_critic": cloned(dict(self.post_critic.state_dict()))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state, in place."""
        super().load_state_dict(state)
        self.post_critic.load_state_dict(state["post_critic"])

    def _roll_eager(self) -> None:
        """Fill the rollout; what is observed then is kept in the same tensors."""
        last = collect(
            self.environment, self.network, self.rollout, self.between,
            self.observation, self.action_generator, self.certain_reward,
        )  # fmt: skip
        for key, tensor in self.observation.items():
            tensor.copy_(last[key])

    @torch.no_grad()
    def _assess(self) -> dict[str, float]:
        """Compute advantages and targets; return the figures of the episodes that ended."""
        rollout, config = self.rollout, self.config
        reward, certain, preference = rollout.reward, self.between.certain, self.preference
        if config.is_reward_scaled:
            done = rollout.terminated | rollout.truncated
            for t in range(config.steps):
                self.reward_scale.update(reward[t], config.gamma ** rollout.elapsed[t], done[t])
            scale = self.reward_scale.scale
            reward, certain, preference = reward / scale, certain / scale, preference * scale
        post_value = self.post_critic(self.post_rows).view_as(rollout.value)
        span = Span(
            reward, certain, rollout.value, post_value, rollout.last_value, rollout.terminated,
            rollout.truncated, rollout.elapsed, final_values(self.network, rollout),
        )  # fmt: skip
        judged = (
            faithful(span, gamma=config.gamma)
            if self.form.mode == "faithful"
            else corrected(span, gamma=config.gamma, lam=config.lam, shock_weight=self.form.shock_weight)
        )
        target = self.batch.target.copy_(judged.target.flatten(0, 1))
        post_target = self.post_target.copy_(judged.post_target.flatten(0, 1))
        weighed = (judged.advantage @ preference).flatten()
        self.batch.advantage.copy_(standardised(weighed) if config.advantages == "rollout" else weighed)
        unexplained = (target - self.batch.value).var() / target.var()
        post_unexplained = (post_target - post_value.flatten(0, 1)).var() / post_target.var()
        return {
            **self.episodes.figures(rollout),
            "explained_variance": 1 - float(unexplained),
            "post_explained_variance": 1 - float(post_unexplained),
        }

    def _update_eager(self) -> None:
        """Take one step of Adam on the minibatch of `rows`."""
        self.critic_rate.copy_(self.learning_rate * self.form.critic_rate)
        self.optimiser.zero_grad(set_to_none=True)
        loss, figures = ppo_loss(self.network, self.batch.select(self.rows), self.config, self.kl_weight, self.anchor)
        post = self.post_critic({key: x.index_select(0, self.rows) for key, x in self.post_rows.items()})
        error = (self.post_target.index_select(0, self.rows) - post).square().mean()
        (loss + self.config.value_weight * error).backward()
        norm, *_ = [nn.utils.clip_grad_norm_(part, self.config.max_gradient_norm) for part in self.parts]
        self.optimiser.step()
        self.figures += torch.cat([figures, norm.detach().view(1)])
