"""The losses of the CP-guided agent: imitate a constraint solver's completions, shun one's own.

Source: Tassel, Gebser and Schekotihin 2023 (ICAPS 33:614-622). There is no reward, critic or entropy bonus: PPO's
clipped ratio serves as the weight of an imitation. An episode is cut, the solver completes the rest, and its
relative improvement says how much to move towards its decisions and away from the agent's own.
"""

import torch
from torch import Tensor

ILLEGAL = -3.4e38


def ranked_log_prob(logits: Tensor, taken: Tensor) -> Tensor:
    """Log-probability of each decision of ranked lists drawn without replacement (Plackett and Luce).

    Parameters
    ----------
    logits : float tensor [M, A]
    taken : int64 tensor [M, K]
        Decisions in order; -1 behind the last.

    Returns
    -------
    float tensor [M, K]
        log p(a_k | not a_1 ... a_{k-1}); 0 behind the last.
    """
    columns = []
    for k in range(taken.shape[1]):
        action = taken[:, k : k + 1].clamp(min=0)
        is_made = taken[:, k : k + 1] >= 0
        one = logits.gather(1, action) - logits.logsumexp(1, keepdim=True)
        columns.append(torch.where(is_made, one, 0.0))
        logits = logits.scatter(1, action, torch.where(is_made, ILLEGAL, logits.gather(1, action)))
    return torch.cat(columns, dim=1)


def improvement_weights(agent: Tensor, completed: Tensor, group: Tensor) -> Tensor:
    """Weight of each completion, float [E]: relative improvement, min-max scaled to [0, 1] within its instance.

    Where an instance's completions improve by the same share, the weight is 1 if that is any, else 0: the description
    leaves it open.

    Parameters
    ----------
    agent, completed : tensor [E]
        Makespans.
    group : int64 tensor [E]
        The instance each is of.
    """
    agent, completed = agent.double(), completed.double()
    gain = (agent - completed) / agent
    same = group.unsqueeze(0) == group.unsqueeze(1)
    low = torch.where(same, gain.unsqueeze(0), torch.inf).amin(1)
    high = torch.where(same, gain.unsqueeze(0), -torch.inf).amax(1)
    scaled = (gain - low) / (high - low).clamp(min=1e-12)
    return torch.where(high > low, scaled, (gain > 0).double()).float()


def prefix_costs(completed: Tensor, group: Tensor) -> Tensor:
    """Cost of each beginning, float [E]: z-score within its instance of its completed makespan; 0 if all are equal."""
    completed = completed.double()
    same = (group.unsqueeze(0) == group.unsqueeze(1)).double()
    count = same.sum(1)
    mean = same @ completed / count
    deviation = ((same * (completed.unsqueeze(0) - mean.unsqueeze(1)) ** 2).sum(1) / count).sqrt()
    return torch.where(deviation > 1e-9, (completed - mean) / deviation.clamp(min=1e-9), 0.0).float()


def clipped_loss(log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """PPO's clipped surrogate, to be minimised, element by element."""
    ratio = (log_prob - old_log_prob).exp()
    return torch.maximum(-advantage * ratio, -advantage * ratio.clamp(1 - clip, 1 + clip))
