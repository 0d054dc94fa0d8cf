"""Random matrices with tours of a local search, and the paths that are cut from them to be learnt.

Each part of an optimal tour is an optimal path between its ends (Drakulic et al. 2023, NeurIPS, arXiv 2301.03313); and
so is each path run backwards, if all costs are turned round: a matrix and its transpose teach two paths.
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.datasets.generators.tsp import shortest_ways
from counterpoint.models.training.tsp_labels import judged_on
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp

LARGEST = 1_000_000  # of the numbers drawn


def labelled(count: int, places: int, kicks: int, seed: int) -> dict[str, Tensor]:
    """Return ``costs`` between places in the order of a good tour, float32 [count, places, places], whole numbers.

    Whole numbers below a million, drawn evenly and closed under the triangle inequality (Kwon et al. 2021, MatNet,
    NeurIPS, arXiv 2106.11113).

    Parameters
    ----------
    count, places : int
    kicks : int
        Of the local search, for each instance; the same seed gives the same tours.
    seed : int
    """
    from counterpoint.solvers.local_search.tsp import Options, solve  # numba, which acting does not need
    from counterpoint.solvers.warm_up.tsp import local_search

    local_search()
    random = np.random.default_rng(seed)
    costs = np.empty((count, places, places), np.float32)
    options = Options(bound=False)
    for k in range(count):
        drawn = shortest_ways(random.integers(0, LARGEST, (places, places)))
        case = Tsp("label", Places("explicit", None, drawn))
        order = solve(case, Budget(iterations=kicks), seed, options, unheard).solution.order
        costs[k] = drawn[np.ix_(order, order)]
    return {"costs": torch.from_numpy(costs)}


def cut(tours: Tensor, between: int, generator: torch.Generator) -> Tensor:
    """Cut a path from each tour: anywhere, every other one of the transposed matrix, backwards.

    Parameters
    ----------
    tours : float tensor [B, N, N]
        Costs between places in the order of visits.
    between : int
        Places between the ends, at most N - 1 (the whole tour, whose ends are one place).
    generator : torch.Generator

    Returns
    -------
    float tensor [B, 2 + between, 2 + between]
        Costs of the origin, the end, then the places between in the order of visits, so that the first of them is the
        label.
    """
    batch, n, _ = tours.shape
    first = torch.randint(n, (batch, 1), generator=generator)
    is_turned = torch.randint(2, (batch, 1), generator=generator).bool()
    along = torch.tensor([0, between + 1, *range(1, between + 1)])
    nodes = ((first + torch.where(is_turned, -along, along)) % n).to(tours.device)
    row = torch.arange(batch, device=tours.device)[:, None, None]
    costs = tours[row, nodes.unsqueeze(2), nodes.unsqueeze(1)]
    return torch.where(is_turned.to(tours.device).unsqueeze(2), costs.transpose(1, 2), costs)


def judged(tours: Tensor, orders: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return what visits in some order cost, and in the given one, float64 [B] each, by the checker."""
    return judged_on((Places("explicit", None, costs) for costs in tours.cpu().numpy()), orders)
