"""Advantages and targets of post-decision PPO, in its published and in its corrected form.

A step splits into a decision's certain part (reward c, post-decision state x) and chance (reward r - c, next state s'):

- ``corrected``: W(x) = E[r - c + gamma V(s')], so that c + W(x) is the value of the action with no noise in it. A
  generalised advantage begins with r + gamma V(s') - V(s), which falls into what the decision adds, c + W(x) - V(s),
  and what chance adds, a shock of mean 0 that says nothing of the action,

      shock_t = r_t - c_t + gamma V(s_t+1) - W(x_t),

  and is taken out: A_t = generalised advantage_t - (1 - weight) * shock_t. Weight 1 is plain PPO; at weight 0 chance is
  averaged out by W, whose errors come in its place, and with lambda = 0 what is left is c + W(x) - V(s).
- ``faithful``: Felizardo, Fadda, Brandimarte, Del-Moral-Hernandez, Nascimento 2025 (IJCNN, arXiv 2504.05150), as in the
  last version of their code: V(s) is fitted to the discounted sum of the uncertain rewards r - c, W(x) to that of the
  certain rewards c, and A = max(sum of r - c - V(s), sum of c - W(x)), which is not the advantage of anything.
  Deviation: a time limit and the rollout's end are bootstrapped, where theirs count as the end of the world.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from counterpoint.models.algorithms.gae import gae


class Judged(NamedTuple):
    """What a rollout teaches, each float [T, B, n]."""

    advantage: Tensor
    target: Tensor  # of the critic of states
    post_target: Tensor  # of the critic of post-decision states


class Span(NamedTuple):
    """T steps of B environments, of n rewards, as `gae` takes them; `certain` and `post_value` beside."""

    reward: Tensor
    certain: Tensor
    value: Tensor
    post_value: Tensor
    last_value: Tensor
    terminated: Tensor
    truncated: Tensor
    elapsed: Tensor
    final_value: Tensor | None

    def gae(self, reward: Tensor, *, gamma: float, lam: float) -> Tensor:
        """Return the generalised advantages of such rewards."""
        return gae(
            reward, self.value, self.last_value, self.terminated, self.truncated,
            gamma=gamma, lam=lam, elapsed=self.elapsed, final_value=self.final_value,
        )  # fmt: skip


def corrected(span: Span, *, gamma: float, lam: float, shock_weight: float) -> Judged:
    """Return advantages, the shock of the action's own step weighed by `shock_weight`; targets are lambda-returns."""
    one_step = span.gae(span.reward, gamma=gamma, lam=0.0) + span.value
    shock = one_step - span.certain - span.post_value
    plain = span.gae(span.reward, gamma=gamma, lam=lam)
    return Judged(plain - (1 - shock_weight) * shock, plain + span.value, plain + span.value - span.certain)


def faithful(span: Span, *, gamma: float) -> Judged:
    """Return the larger of the uncertain and the certain part's advantages, and the sums they are measured against.

    Where an episode is cut off, the sum of the certain rewards is bootstrapped by the last post-decision value itself.
    """
    uncertain = span.gae(span.reward - span.certain, gamma=gamma, lam=1.0)
    discount = (gamma**span.elapsed).unsqueeze(-1)
    cut, ends = span.truncated.unsqueeze(-1), span.terminated.unsqueeze(-1)
    total = torch.empty_like(span.certain)
    running = span.post_value[-1]
    for t in range(len(total) - 1, -1, -1):
        if t < len(total) - 1:
            running = torch.where(cut[t], span.post_value[t], span.certain[t] + discount[t] * running)
        running = torch.where(ends[t], span.certain[t], running)
        total[t] = running
    return Judged(torch.maximum(uncertain, total - span.post_value), uncertain + span.value, total)
