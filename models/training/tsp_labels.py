"""Random places with tours of a local search, and the paths that are cut from them to be learnt.

Each part of an optimal tour is an optimal path between its ends, which makes labels of all sizes from labels of one
(Drakulic et al. 2023, NeurIPS, arXiv 2301.03313).
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp, check
from counterpoint.simulators.batched.bq import turned

FEWER, FEWEST = 40, 100  # places from which on smaller instances are labelled, too, and much smaller ones
SIZES = "points", "fewer", "fewest"


def labelled(count: int, places: int, kicks: int, seed: int) -> dict[str, Tensor]:
    """Return points uniform on the unit square in the order of good tours, float32.

    Parameters
    ----------
    count, places : int
    kicks : int
        Of the local search, for each instance; the same seed gives the same tours.
    seed : int

    Returns
    -------
    dict of str to tensor
        ``points`` [count, places, 2]; of large instances also ``fewer``, [count, 2 / 5 places, 2], of still larger ones
        half as many places and, ``fewest``, a fifth, for parts of a tour are no whole tours, and one that was taught
        none of a size is bad at them.
    """
    from counterpoint.solvers.warm_up.tsp import local_search  # numba, which acting does not need

    local_search()
    random = np.random.default_rng(seed)
    sizes = {"points": places}
    if places >= FEWEST:
        sizes |= {"fewer": places // 2, "fewest": places // 5}
    elif places >= FEWER:
        sizes["fewer"] = 2 * places // 5
    return {name: _tours(random.random((count, size, 2), np.float32), kicks, seed) for name, size in sizes.items()}


def _tours(points: np.ndarray, kicks: int, seed: int) -> Tensor:
    """Return sets of points [count, N, 2] in the order of their tours."""
    from counterpoint.solvers.local_search.tsp import Options, solve

    options = Options(bound=False)
    for k in range(len(points)):
        case = Tsp("label", Places("euclidean", points[k]))
        points[k] = points[k][solve(case, Budget(iterations=kicks), seed, options, unheard).solution.order]
    return torch.from_numpy(points)


def cut(tours: Tensor, between: int, generator: torch.Generator) -> Tensor:
    """Cut a path from each tour: anywhere, in either direction, the picture turned or mirrored at random.

    Parameters
    ----------
    tours : float tensor [B, N, 2]
        In the unit square, in the order of visits.
    between : int
        Places between the ends, at most N - 1 (the whole tour, whose ends are one place).
    generator : torch.Generator

    Returns
    -------
    float tensor [B, 2 + between, 2]
        The origin, the end, then the places between in the order of visits, so that the first of them is the label.
    """
    batch, n, _ = tours.shape
    first = torch.randint(n, (batch, 1), generator=generator)
    way = 2 * torch.randint(2, (batch, 1), generator=generator) - 1
    along = torch.tensor([0, between + 1, *range(1, between + 1)])
    path = tours.gather(1, ((first + way * along) % n).unsqueeze(2).expand(-1, -1, 2).to(tours.device))
    turn = torch.randint(2, (3, batch), generator=generator).to(tours.device)
    return turned(path, turn[0] + 2 * turn[1] + 4 * turn[2])


def judged(tours: Tensor, orders: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return how long visits in some order are, and in the given one, float64 [B] each, by the checker."""
    return judged_on((Places("euclidean", points) for points in tours.cpu().numpy()), orders)


def judged_on(drawn: Iterable[Places], orders: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the same, of places that stand in the given order."""
    found = []
    for places, order in zip(drawn, orders.cpu().numpy(), strict=True):
        case = Tsp("validation", places)
        verdicts = check(case, Tour(order)), check(case, Tour(np.arange(len(order))))
        assert verdicts[0].is_feasible, str(verdicts[0])
        found.append([verdict.objective for verdict in verdicts])
    made, known = np.array(found, np.float64).T
    return made, known


def shuffled(tours: Tensor) -> Tensor:
    """Return an order of the places of tours [B, N, ...] that gives nothing away, int64 [N]."""
    return torch.randperm(tours.shape[1], generator=torch.Generator().manual_seed(0)).to(tours.device)
