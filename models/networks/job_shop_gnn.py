"""A graph network for job shops, classical and flexible, of any size: actor and critic over the disjunctive graph.

The encoder runs once per shop: nodes are operations and machines; messages pass along each job, to the operation
after and before, and between an operation and every machine it may run on, weighted by what it would take there. An
operation so hears of all others of its machines through the machine's node: the disjunctive cliques at O(N) edges in
place of O(N n). The actor then looks, at each decision, at the candidates alone: embeddings of operation and machine,
what is seen of the action now, and a comparison with the mean and the maximum of its rivals. The critic reads the
same comparison.

In the spirit of Zhang, Song, Cao, Zhang, Tan and Xu 2020 (L2D, NeurIPS, arXiv 2010.12367) and Song, Chen, Li and Cao
2023 (IEEE TII 19:1600-1610). Deviation: they encode the graph anew at every decision.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.job_shop import NEVER
from counterpoint.simulators.batched.job_shop_candidates import FEATURES
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops
from counterpoint.simulators.batched.job_shop_graph import options_of

OPERATION, MACHINE, STATE = 5, 3, 2  # features of an operation, a machine, a decision


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the graph network.

    Parameters
    ----------
    width : int
        Of embeddings and layers.
    layers : int
        Rounds of messages.
    """

    width: int = 48
    layers: int = 2

    def __post_init__(self) -> None:
        if not (1 <= self.width <= 4096 and 0 <= self.layers <= 64):
            raise OptionError("width must lie in 1..4096 and layers in 0..64")


@dataclass(frozen=True, slots=True)
class ShopGraph:
    """B shops as one flat graph, built once.

    Parameters
    ----------
    operation : float tensor [B * n * K, 5]
        Least duration, work of the job up to and including it and after it (shares of the longest job or busiest
        machine), share of the shop's machines it may run on, place in its job (0 to 1). Padding is 0.
    machine : float tensor [B * m, 3]
        Work (shared equally among an operation's machines), operations (share of the shop's), whether it is used.
    successor : int64 tensor [2, E]
        From an operation to the next of its job.
    eligible : int64 tensor [2, P]
        Operations and machines they may run on.
    duration : float tensor [P, 1]
        What the operation takes there.
    """

    operation: Tensor
    machine: Tensor
    successor: Tensor
    eligible: Tensor
    duration: Tensor


@dataclass(frozen=True, slots=True)
class Decisions:
    """D decisions among P candidates in all, ordered by decision.

    Parameters
    ----------
    features : float tensor [P, 9]
        See `simulators.batched.job_shop_candidates`.
    operation, machine : int64 tensor [P]
        Nodes of the `ShopGraph`.
    decision : int64 tensor [P]
        Which decision a candidate belongs to.
    count : int64 tensor [D]
        Candidates of each; at least 1.
    state : float tensor [D, 2]
        Share of operations scheduled; bound on the makespan now over the first one, less 1.
    """

    features: Tensor
    operation: Tensor
    machine: Tensor
    decision: Tensor
    count: Tensor
    state: Tensor


def graph_of(shops: FlexibleShops) -> ShopGraph:
    """Describe shops; waits for the device."""
    machine, duration, is_option = options_of(shops)
    batch, n, k, _ = machine.shape
    m, device = shops.num_machines, machine.device
    is_real = is_option[..., 0]
    least = duration.masked_fill(~is_option, NEVER).amin(3).masked_fill(~is_real, 0).float()
    options = is_option.sum(3)
    row = torch.arange(batch, device=device)
    work = torch.zeros(batch, m, device=device)
    share = is_option / options.clamp(min=1).unsqueeze(3)
    work.scatter_add_(1, machine.flatten(1), (duration * share).flatten(1).float())
    visits = torch.zeros(batch, m, device=device).scatter_add_(1, machine.flatten(1), share.flatten(1).float())
    unit = torch.maximum(least.sum(2).amax(1), work.amax(1)).clamp(min=1)
    scaled = least / unit.view(-1, 1, 1)
    jobs = is_real.any(2).sum(1).view(-1, 1, 1)  # a shop of n jobs has durations of about 1 / n
    done = scaled.cumsum(2)
    used = (visits > 0).float()
    place = torch.arange(k, device=device) / is_real.sum(2, keepdim=True).clamp(min=1)
    operation = torch.stack([
        scaled * jobs, done, scaled.sum(2, keepdim=True) - done, options / used.sum(1).clamp(min=1).view(-1, 1, 1),
        place.expand(batch, n, k),
    ], 3) * is_real.unsqueeze(3)  # fmt: skip
    total = is_real.flatten(1).sum(1, keepdim=True).clamp(min=1)
    machines = torch.stack([work / unit.unsqueeze(1), visits * used.sum(1, keepdim=True) / total, used], 2)
    node = torch.arange(batch * n * k, device=device).view(batch, n, k)
    has_next = is_real[:, :, 1:]
    successor = torch.stack([node[:, :, :-1][has_next], node[:, :, 1:][has_next]])
    flat_machine = machine + (row * m).view(-1, 1, 1, 1)
    eligible = torch.stack([node.unsqueeze(3).expand_as(machine)[is_option], flat_machine[is_option]])
    taken = (duration / unit.view(-1, 1, 1, 1) * jobs.unsqueeze(3))[is_option].unsqueeze(1)
    return ShopGraph(operation.view(-1, OPERATION), machines.view(-1, MACHINE), successor, eligible, taken)


class JobShopGnn(nn.Module):
    """The network; see the module.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options) -> None:
        super().__init__()
        width = options.width
        self.lift_operation = nn.Linear(OPERATION, width)
        self.lift_machine = nn.Linear(MACHINE, width)
        self.rounds = nn.ModuleList(_Round(width) for _ in range(options.layers))
        self.from_operation = nn.Linear(width, width)
        self.from_machine = nn.Linear(width, width, bias=False)
        self.read = nn.Linear(len(FEATURES), width, bias=False)
        self.think = nn.Linear(width, width)
        self.rivals = nn.Linear(2 * width + STATE, width)
        self.compare = nn.Linear(width, width, bias=False)
        self.point = nn.Linear(width, 1)
        self.judge = nn.Linear(width, 1)
        for layer, gain in ((self.point, 0.01), (self.judge, 0.1)):
            nn.init.orthogonal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)

    def encode(self, graph: ShopGraph) -> tuple[Tensor, Tensor]:
        """Return embeddings of operations and machines, float [B * n * K, width] and [B * m, width]."""
        operation = torch.relu(self.lift_operation(graph.operation))
        machine = torch.relu(self.lift_machine(graph.machine))
        for one in self.rounds:
            operation, machine = one(operation, machine, graph)
        return self.from_operation(operation), self.from_machine(machine)

    def forward(self, embeddings: tuple[Tensor, Tensor], decisions: Decisions) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of the candidates, float [P], and values of the decisions, float [D].

        A value is minus the expected growth of the bound until the end, in first bounds.
        """
        operation, machine = embeddings
        hidden = self.read(decisions.features)
        hidden = hidden + operation.index_select(0, decisions.operation) + machine.index_select(0, decisions.machine)
        hidden = torch.relu(self.think(torch.relu(hidden)))
        mean = torch.segment_reduce(hidden, "mean", lengths=decisions.count, unsafe=True)
        most = torch.segment_reduce(hidden, "max", lengths=decisions.count, unsafe=True)
        rivals = self.rivals(torch.cat([mean, most, decisions.state], 1))
        logits = self.point(torch.relu(self.compare(hidden) + rivals.index_select(0, decisions.decision))).squeeze(1)
        value = self.judge(torch.relu(rivals)).squeeze(1)
        return log_softmax(logits, decisions), value


def log_softmax(logits: Tensor, decisions: Decisions) -> Tensor:
    """Return the log-probability of every candidate among those of its decision, float [P]."""
    most = torch.segment_reduce(logits.detach(), "max", lengths=decisions.count, unsafe=True)
    shifted = logits - most.index_select(0, decisions.decision)
    total = torch.zeros_like(most).index_add(0, decisions.decision, shifted.exp())
    return shifted - total.log().index_select(0, decisions.decision)


class _Round(nn.Module):
    """One round of messages: operations hear their neighbours and machines, then machines their operations."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.along = _Mean()
        self.across = _Weighted(width)
        self.back = _Weighted(width)
        self.mix = nn.Linear(4 * width, width)
        self.mix_machine = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.norm_machine = nn.LayerNorm(width)

    def forward(self, operation: Tensor, machine: Tensor, graph: ShopGraph) -> tuple[Tensor, Tensor]:
        size = (len(operation), len(machine))
        heard = self.back((operation, machine), graph.eligible, graph.duration, size)
        machine = self.norm_machine(machine + torch.relu(self.mix_machine(torch.cat([machine, heard], 1))))
        before = self.along(operation, graph.successor)
        after = self.along(operation, graph.successor.flip(0))
        across = self.across((machine, operation), graph.eligible.flip(0), graph.duration, size[::-1])
        mixed = torch.relu(self.mix(torch.cat([operation, before, after, across], 1)))
        return self.norm(operation + mixed), machine


class _Mean(MessagePassing):
    """The mean of what a node's neighbours are."""

    def __init__(self) -> None:
        super().__init__(aggr="mean")

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.propagate(edge_index, x=x)


class _Weighted(MessagePassing):
    """The mean of what the neighbours are and of what the edges say, one number each."""

    def __init__(self, width: int) -> None:
        super().__init__(aggr="mean")
        self.edge = nn.Linear(1, width)

    def forward(self, x: tuple[Tensor, Tensor], edge_index: Tensor, weight: Tensor, size: tuple[int, int]) -> Tensor:
        return self.propagate(edge_index, x=x, weight=weight, size=size)

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        return torch.relu(x_j + self.edge(weight))
