"""A pointer network for job shops of any size: which of the candidate jobs goes first.

An encoder runs once per instance. It passes messages over the disjunctive graph: along each job, to the operation
before and after, and within each machine's clique, whose members all hear the mean and the maximum of the clique
(O(N) instead of O(N n)). A light decoder runs at each decision, on the candidates alone: the operation's embedding
and the dynamic features, then a comparison with the mean and maximum of its rivals, then one logit.

After Corsini, Porrello, Calderara and Dell'Amico 2024 (Self-Labeling the Job Shop Scheduling Problem, NeurIPS).
Deviation: their encoder is a graph attention network and their decoder attends over all jobs; here messages are means
and maxima, and jobs that cannot be chosen are heard only through the features.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from counterpoint.models.networks.job_shop_features import NUM_DYNAMIC, NUM_STATIC, Choices, static_features
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.job_shop import Shops


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the pointer network.

    Parameters
    ----------
    width : int
        Of the decoder's layers.
    embedding : int
        Width of the encoder's layers.
    layers : int
        Rounds of messages; 0 leaves the encoder out.
    """

    width: int = 64
    embedding: int = 48
    layers: int = 2

    def __post_init__(self) -> None:
        if not (1 <= self.width <= 4096 and 1 <= self.embedding <= 4096 and 0 <= self.layers <= 64):
            raise OptionError("width and embedding must lie in 1..4096 and layers in 0..64")


class JobShopPointer(nn.Module):
    """The network; see the module.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options) -> None:
        super().__init__()
        width, inner = options.width, options.embedding
        self.lift = nn.Linear(NUM_STATIC, inner)
        self.rounds = nn.ModuleList(_Round(inner) for _ in range(options.layers))
        self.project = nn.Linear(inner, width)
        self.read = nn.Linear(NUM_DYNAMIC, width)
        self.think = nn.Linear(width, width)
        self.compare = nn.Linear(3 * width, width)
        self.point = nn.Linear(width, 1)

    def encode(self, shops: Shops) -> Tensor:
        """Return an embedding of every operation, float [B * n * K, width]."""
        batch, n, k = shops.machine.shape
        is_real = (torch.arange(k, device=shops.machine.device) < shops.length.unsqueeze(2)).unsqueeze(3)
        clique = shops.machine + torch.arange(batch, device=shops.machine.device).view(-1, 1, 1) * shops.num_machines
        clique = clique.masked_fill(~is_real.squeeze(3), batch * shops.num_machines).flatten()
        hidden = torch.relu(self.lift(static_features(shops))) * is_real
        for one in self.rounds:
            hidden = one(hidden, clique, batch * shops.num_machines + 1) * is_real
        return self.project(hidden).view(batch * n * k, -1)

    def forward(self, embedding: Tensor, choices: Choices) -> Tensor:
        """Return the logits of the candidates, float [P]."""
        hidden = torch.relu(self.read(choices.features) + embedding.index_select(0, choices.operation))
        hidden = torch.relu(self.think(hidden))
        weight = self.compare.weight
        width = hidden.shape[1]
        mean = torch.segment_reduce(hidden, "mean", lengths=choices.count, unsafe=True)
        most = torch.segment_reduce(hidden, "max", lengths=choices.count, unsafe=True)
        rivals = torch.cat((mean, most), dim=1) @ weight[:, width:].T + self.compare.bias
        hidden = torch.relu(hidden @ weight[:, :width].T + rivals.index_select(0, choices.row))
        return self.point(hidden).squeeze(1)


class _Round(nn.Module):
    """One round of messages over the disjunctive graph."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(5 * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor, clique: Tensor, num_cliques: int) -> Tensor:
        batch, n, k, width = hidden.shape
        before = nn.functional.pad(hidden[:, :, :-1], (0, 0, 1, 0))
        after = nn.functional.pad(hidden[:, :, 1:], (0, 0, 0, 1))
        flat = hidden.reshape(-1, width)
        total = flat.new_zeros(num_cliques, width).index_add(0, clique, flat)
        size = torch.bincount(clique, minlength=num_cliques).clamp(min=1).unsqueeze(1)
        at = clique.unsqueeze(1).expand_as(flat)
        most = flat.new_zeros(num_cliques, width).scatter_reduce(0, at, flat, "amax", include_self=True)
        heard = torch.cat(((total / size)[clique], most[clique]), dim=1).view(batch, n, k, 2 * width)
        mixed = torch.relu(self.mix(torch.cat((hidden, before, after, heard), dim=3)))
        return self.norm(hidden + mixed)
