"""What can be said of an arc of a matrix without saying which one it is: its costs, and what an assignment makes of it.

A path leaves each node but the end once and enters each but the origin once. So only what an arc costs more than others
out of the same node, or into the same, tells paths apart: nothing changes which is shortest if all arcs out of a node
become dearer by the same. Costs are therefore reduced as the Hungarian method begins (Kuhn 1955, Naval Research
Logistics Quarterly 2:83-97). The usual relaxation of the asymmetric problem is the cheapest assignment of successors;
arcs get their shares of one that is made smooth (entropic, by a few rounds of Sinkhorn's scaling: Cuturi 2013, NeurIPS,
arXiv 1306.0895).
"""

import math

import torch
from torch import Tensor

ARC = 3  # numbers that are said of an arc
DESCRIPTION = 2 * ARC
FEW = 3  # cheapest arcs out of a node that say what cheap is
LEAST = 0.01  # of the median: costs that differ by less are as good as the same
SMOOTH = 0.3  # temperature of the assignment, in units of what is cheap
ROUNDS = 10
DEAREST = 5.0  # logarithm of costs in the same units: what is dearer, and what cannot be, looks like this
RAREST = 30.0  # minus the logarithm of the smallest share


def described(costs: Tensor, is_node: Tensor | None = None) -> Tensor:
    """Return descriptions of ordered pairs of nodes, those of the pair reversed behind them; no gradient is meant.

    Parameters
    ----------
    costs : float tensor [B, n, n]
        ``[b, i, j]``: from i to j; of the origin, the end, then the others. Scale does not matter.
    is_node : bool tensor [B, n], optional

    Returns
    -------
    float tensor [B, n, n, DESCRIPTION]
    """
    return both_ways(told(costs, is_node))


def told(costs: Tensor, is_node: Tensor | None = None) -> Tensor:
    """Return what is said of each arc alone, [B, n, n, ARC]: its cost, and its share in two forms; see `described`."""
    can = possible(costs.shape[1], costs.device, is_node)
    dear = reduced(costs, can)
    share = _shares(dear)
    cost = dear.log1p().clamp(max=DEAREST)
    return torch.stack((cost, share / 10, share.exp()), dim=3)


def both_ways(arcs: Tensor) -> Tensor:
    """Return what is said of arcs [B, n, n, ARC], and of the reversed ones behind it."""
    return torch.cat((arcs, arcs.transpose(1, 2)), dim=3)


def nothing(like: Tensor) -> Tensor:
    """Return what is said of an arc that cannot be, [ARC]."""
    return like.new_tensor([DEAREST, -RAREST / 10, math.exp(-RAREST)])


def possible(n: int, device: torch.device, is_node: Tensor | None) -> Tensor:
    """Return which arcs a path with something between its ends can have, bool [1 or B, n, n]."""
    can = ~torch.eye(n, dtype=torch.bool, device=device).unsqueeze(0)
    can[:, 1] = can[:, :, 0] = can[:, 0, 1] = False
    return can if is_node is None else can & is_node.unsqueeze(1) & is_node.unsqueeze(2)


def reduced(costs: Tensor, can: Tensor) -> Tensor:
    """Return by how much arcs are dearer than they must be, in units of what is cheap; infinite where none can be."""
    dear = costs.masked_fill(~can, torch.inf)
    for way in (2, 1):
        least = dear.amin(way, keepdim=True)
        dear = dear - least.masked_fill(least == torch.inf, 0.0)
    few = dear.topk(min(FEW, dear.shape[2]), dim=2, largest=False).values.flatten(1)
    cheap = few.masked_fill(few == torch.inf, torch.nan).nanmean(1)
    median = dear.masked_fill(~can, torch.nan).flatten(1).nanmedian(1).values  # no mean: arcs may be barred by cost
    unit = torch.maximum(cheap, LEAST * median).clamp(min=torch.finfo(costs.dtype).tiny)
    return dear / unit[:, None, None]


def _shares(dear: Tensor) -> Tensor:
    """Return logarithms of shares of a smooth assignment, at least -`RAREST`."""
    weight = torch.exp(-dear / SMOOTH)  # each row and column has a 1 in it, or only noughts
    out = dear.new_ones(dear.shape[0], dear.shape[1], 1)
    into = out
    for _ in range(ROUNDS):
        out = 1 / (weight @ into).clamp(min=1e-20)
        into = 1 / (weight.transpose(1, 2) @ out).clamp(min=1e-20)
    logarithm = out.log() + into.log().transpose(1, 2) - dear / SMOOTH
    return logarithm.clamp(min=-RAREST)
