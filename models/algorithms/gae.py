"""Generalised advantage estimation for vector rewards and steps of different length.

Schulman, Moritz, Levine, Jordan, Abbeel 2016 (ICLR, arXiv 1506.02438), eq. 16; for semi-Markov steps that take a time
dt_k the discount of a step is gamma ** dt_k, while lambda counts steps:

    delta_k = r_k + gamma ** dt_k * V(s_k+1) - V(s_k),    A_k = delta_k + gamma ** dt_k * lambda * A_k+1.

A terminated episode has no value beyond its end; a truncated one is bootstrapped with the value of the state in which
it was cut off, not of the new episode's first state. In both the recursion stops.
"""

import torch
from torch import Tensor


def gae(
    reward: Tensor,
    value: Tensor,
    last_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: float,
    lam: float,
    elapsed: Tensor | None = None,
    final_value: Tensor | None = None,
) -> Tensor:
    """Return the advantages, float [T, B, n]; returns (targets of the critic) are advantages + `value`.

    Parameters
    ----------
    reward : float tensor [T, B, n]
        Paid at the start of each step.
    value : float tensor [T, B, n]
        Of the state each step was taken in.
    last_value : float tensor [B, n]
        Of the state after the last step (after a restart, if there was one).
    terminated, truncated : bool tensor [T, B]
    gamma, lam : float
    elapsed : float tensor [T, B], optional
        Time each step took; default 1.
    final_value : float tensor [T, B, n], optional
        Of the state in which an episode was cut off; read where `truncated`. Needed if anything is.

    Notes
    -----
    O(T B n), T small tensor operations.
    """
    steps = len(reward)
    discount = (torch.full_like(reward[..., 0], gamma) if elapsed is None else gamma**elapsed).unsqueeze(-1)
    beyond = torch.cat([value[1:], last_value.unsqueeze(0)])
    if final_value is not None:
        beyond = torch.where(truncated.unsqueeze(-1), final_value, beyond)
    beyond = beyond.masked_fill(terminated.unsqueeze(-1), 0.0)
    delta = reward + discount * beyond - value
    carry = discount * lam * (~(terminated | truncated)).unsqueeze(-1)
    advantage = torch.empty_like(delta)
    running = torch.zeros_like(last_value)
    for t in range(steps - 1, -1, -1):
        running = delta[t] + carry[t] * running
        advantage[t] = running
    return advantage
