"""Fixed validation scenarios of interrupted job shops, and what a rule reaches on them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork
from counterpoint.models.policies.interrupted_job_shop_rollout import play
from counterpoint.simulators.batched.interrupted_job_shop import BLOCKED, Batch, act, empty, to_decision
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, draw_batch
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics

SEED = 20230206


@dataclass(frozen=True, slots=True)
class Validation:
    """Scenarios, the makespans of the shortest-processing-time rule on them, and their shutdown probabilities' index.

    Parameters
    ----------
    batch : Batch
    statics : Statics
    rule : float tensor [B]
    """

    batch: Batch
    statics: Statics
    rule: Tensor

    @classmethod
    def draw(cls, draw: Draw, device: torch.device, count: int = 64) -> "Validation":
        """Draw `count` scenarios, always the same for the same settings."""
        batch, statics = draw_batch(draw, count, torch.Generator(device).manual_seed(SEED))
        return cls(batch, statics, shortest_first(batch).double())

    def judge(self, network: InterruptedShopNetwork, *, waiting: bool) -> dict[str, float]:
        """Return the mean makespan of greedy play, and how much shorter it is than the rule's in percent."""
        makespan = play(network, self.batch, self.statics, waiting=waiting).makespan.double()
        return {"cost": float(makespan.mean()), "below_spt_percent": 100 * float((1 - makespan / self.rule).mean())}


def shortest_first(batch: Batch) -> Tensor:
    """Play the rule "shortest processing time first" without waiting; return makespans [B]."""
    state = empty(batch)
    duration = batch.shops.duration
    now = to_decision(batch, state, waiting=False)
    while bool(now.is_due.any()):
        coming = (state.step + (state.status == BLOCKED)).clamp(max=duration.shape[2] - 1)
        work = duration.gather(2, coming.unsqueeze(2)).squeeze(2)
        act(batch, state, now, work.masked_fill(~now.eligible, 2**40).argmin(1))
        now = to_decision(batch, state, waiting=False)
    return state.time
