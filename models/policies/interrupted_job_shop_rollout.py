"""Playing whole episodes of interrupted job shops with a network, many at once."""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from counterpoint.models.networks.distributions import MaskedCategorical
from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork
from counterpoint.simulators.batched.interrupted_job_shop import Batch, Decision, State, Traces, act, empty, to_decision
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics, View, observe
from counterpoint.simulators.batched.job_shop import Shops

ROUNDS = 4  # of the simulator between two looks at who is ready


@dataclass(frozen=True, slots=True)
class Played:
    """Episodes that ended.

    Parameters
    ----------
    makespan : int64 tensor [B]
    start : int64 tensor [B, n, K]
        Start of each operation.
    row : int64 tensor [D]
        Of each recorded decision, the episode; empty unless recorded.
    observation : dict of tensor [D, ...]
    action : int64 tensor [D]
    log_prob : float tensor [D]
    """

    makespan: Tensor
    start: Tensor
    row: Tensor
    observation: dict[str, Tensor]
    action: Tensor
    log_prob: Tensor


@torch.no_grad()
def play(
    network: InterruptedShopNetwork,
    batch: Batch,
    statics: Statics,
    generator: torch.Generator | None = None,
    *,
    waiting: bool = True,
    records: bool = False,
    temperature: float = 1.0,
) -> Played:
    """Play every episode to its end, by sampling from `generator` or, without one, greedily.

    Samples are drawn from the policy's probabilities to the power of 1 / `temperature`, and recorded as such.
    Decisions that leave no choice are neither asked of the network nor recorded. Finished episodes are dropped from
    the batch whenever they are half of it, so this waits for the device; training does not need a captured graph here.
    """
    rows = len(batch.shops.machine)
    device = batch.shops.machine.device
    state = empty(batch)
    makespan = torch.zeros(rows, dtype=torch.int64, device=device)
    start = torch.zeros_like(batch.shops.duration)
    episode = torch.arange(rows, device=device)
    kept: list[tuple[Tensor, dict[str, Tensor], Tensor, Tensor]] = []
    while len(episode):
        now = to_decision(batch, state, waiting=waiting, rounds=ROUNDS)
        done = state.is_done | state.is_stuck
        if 2 * int(done.sum()) >= len(episode):
            out = done.nonzero().squeeze(1)
            makespan[episode[out]], start[episode[out]] = state.time[out], state.start[out]
            live = (~done).nonzero().squeeze(1)
            batch, statics, state, now = (_take(x, live) for x in (batch, statics, state, now))
            episode = episode[live]
            if not len(episode):
                break
        options = now.eligible.sum(1) + now.may_wait
        action = torch.where(now.eligible.any(1), now.eligible.int().argmax(1), now.eligible.shape[1])
        asked = (now.is_due & (options > 1)).nonzero().squeeze(1)
        if len(asked):
            seen = observe(_take(statics, asked), View.of(batch, state, now).take(asked))
            policy, _ = network(seen)
            if temperature != 1.0:
                policy = MaskedCategorical(policy.log_probs / temperature, seen["action_mask"])
            chosen = policy.mode() if generator is None else policy.sample(generator)
            action[asked] = chosen
            if records:
                kept.append((episode[asked], seen, chosen, policy.log_prob(chosen)))
        act(batch, state, now, action)
    if not kept:
        empty_ = makespan.new_zeros(0)
        return Played(makespan, start, empty_, {}, empty_, empty_.float())
    row, seen_, chosen_, log_prob = zip(*kept, strict=True)
    observation = {key: torch.cat([one[key] for one in seen_]) for key in seen_[0]}
    return Played(makespan, start, torch.cat(row), observation, torch.cat(chosen_), torch.cat(log_prob))


def _take(data: Any, rows: Tensor) -> Any:
    """Return some rows of a batch, its constants, its state or its decisions."""
    if isinstance(data, Batch):
        return Batch(_take(data.shops, rows), _take(data.traces, rows), data.is_always, data.is_resumed)
    if isinstance(data, Shops):
        return Shops(data.machine[rows], data.duration[rows], data.length[rows], data.num_machines)
    if isinstance(data, Statics):
        return Statics(_take(data.shops, rows), data.tail[rows], data.mean[rows], data.risk[rows])
    assert isinstance(data, State | Decision | Traces)
    return type(data)(*(getattr(data, f.name)[rows] for f in fields(data)))
