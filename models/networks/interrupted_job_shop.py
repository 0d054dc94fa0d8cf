"""An actor-critic over the dynamic graph of an interrupted job shop: jobs and machines that attend to one another.

Each layer lets machines attend to the jobs they are joined with, and jobs to their machines; what an edge says (held,
requested, how much work away) biases the attention and enters the message. Two layers carry a message from a job to
the job that blocks it and on to the one that blocks that. In the spirit of the graph network of Wong et al. 2023
(arXiv 2302.02506), whose details are not published in what is available to us; sizes are free.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from counterpoint.models.networks.distributions import MaskedCategorical
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop_graph import (
    EDGE_FEATURES,
    JOB_FEATURES,
    MACHINE_FEATURES,
)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the network.

    Parameters
    ----------
    width : int
        Of nodes; a multiple of `heads`.
    heads, layers : int
    """

    width: int = 32
    heads: int = 4
    layers: int = 2

    def __post_init__(self) -> None:
        if max(self.width, self.heads) > 1024 or self.layers > 64:
            raise OptionError(f"width and heads must be at most 1024, layers at most 64; not {asdict(self)}")
        if min(self.width, self.heads, self.layers) < 1 or self.width % self.heads:
            raise OptionError(f"width must be a positive multiple of heads, layers at least 1; not {asdict(self)}")


class _Messages(nn.Module):
    """One direction of attention along the edges: receivers [B, r, w] from senders [B, s, w]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.bias = nn.Linear(EDGE_FEATURES, heads)
        self.edge = nn.Linear(EDGE_FEATURES, width)
        self.out = nn.Linear(2 * width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, receivers: Tensor, senders: Tensor, edges: Tensor) -> Tensor:
        rows, r, width = receivers.shape
        s, h, d = senders.shape[1], self.heads, width // self.heads
        query = self.query(receivers).view(rows, r, h, d).transpose(1, 2)
        key = self.key(senders).view(rows, s, h, d).permute(0, 2, 3, 1)
        value = self.value(senders).view(rows, s, h, d).transpose(1, 2)
        score = query @ key / d**0.5 + self.bias(edges).permute(0, 3, 1, 2)
        is_edge = (edges[..., 0] > 0).unsqueeze(1)
        weight = score.masked_fill(~is_edge, -1e9).softmax(3) * is_edge
        message = (weight @ value).transpose(1, 2).reshape(rows, r, width)
        # what the edges themselves say: their features, averaged with the same weights, then embedded
        said = torch.einsum("bhrs,brsf->brhf", weight, edges)
        embedded = torch.einsum("brhf,hdf->brhd", said, self.edge.weight.view(h, d, -1)).reshape(rows, r, width)
        receivers = receivers + self.out(torch.cat([message + embedded + self.edge.bias, receivers], 2))
        mixed: Tensor = receivers + self.mix(receivers)
        return mixed


class InterruptedShopNetwork(nn.Module):
    """Scores the jobs that may enter the machine in question, and waiting; values the state.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options | None = None) -> None:
        super().__init__()
        self.options = options or Options()
        width, heads = self.options.width, self.options.heads
        self.job = nn.Sequential(nn.Linear(JOB_FEATURES, width), nn.ReLU(), nn.Linear(width, width))
        self.machine = nn.Sequential(nn.Linear(MACHINE_FEATURES, width), nn.ReLU(), nn.Linear(width, width))
        self.to_machines = nn.ModuleList(_Messages(width, heads) for _ in range(self.options.layers))
        self.to_jobs = nn.ModuleList(_Messages(width, heads) for _ in range(self.options.layers))
        self.enter = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.wait = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.worth = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        with torch.no_grad():  # at first all jobs are nearly alike, and waiting is rare
            for head in (self.enter, self.wait, self.worth):
                head[-1].weight.mul_(0.1)
            self.wait[-1].bias.fill_(-3.0)

    def forward(self, observation: dict[str, Tensor]) -> tuple[MaskedCategorical, Tensor]:
        """Return the distribution of the action [B] and the value [B, 1]."""
        exists = observation["job_mask"].unsqueeze(2).float()
        edges = observation["edges"]
        back = edges.transpose(1, 2)
        jobs, machines = self.job(observation["jobs"]), self.machine(observation["machines"])
        for to_machines, to_jobs in zip(self.to_machines, self.to_jobs, strict=True):
            machines = to_machines(machines, jobs, back)
            jobs = to_jobs(jobs, machines, edges)
        rows, n, width = jobs.shape
        all_jobs = (jobs * exists).sum(1) / exists.sum(1).clamp(min=1)
        here = machines.gather(1, observation["machine"].view(-1, 1, 1).expand(rows, 1, width)).squeeze(1)
        context = torch.cat([here, all_jobs], 1)
        score = self.enter(torch.cat([jobs, context.unsqueeze(1).expand(rows, n, 2 * width)], 2)).squeeze(2)
        logits = torch.cat([score, self.wait(context)], 1)
        value = self.worth(torch.cat([all_jobs, machines.mean(1)], 1))
        return MaskedCategorical(logits, observation["action_mask"]), value

    def card(self) -> dict[str, Any]:
        """Return the facts a checkpoint's card needs to rebuild it."""
        return {"name": "interrupted-job-shop", "options": asdict(self.options)}
