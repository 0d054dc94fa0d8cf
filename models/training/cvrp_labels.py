"""Random instances of vehicle routing with routes of a local search, and the tails that are cut from them to be learnt.

Each end of an optimal solution is an optimal solution of what was left there (Drakulic et al. 2023, NeurIPS, arXiv
2301.03313). Which route comes first is nobody's concern but the learner's: the fullest first, as theirs, so that what
is hard to fill up is not left to the end. Routes run either way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.cvrp import Cvrp, Routes, check
from counterpoint.opt.problems.places import IntArray, Places
from counterpoint.simulators.batched.bq import turned
from counterpoint.simulators.batched.bq_cvrp import Deliveries
from counterpoint.simulators.bq.cvrp import routes_of

CAPACITIES = 30, 50  # those of published instances of 20 to 100 customers, whose demands are
MAX_DEMAND = 9
FEWEST = 0.4  # customers of the smallest instances, as a share of those of the largest; nobody's choice but ours


def labelled(count: int, customers: int, steps: int, seed: int) -> dict[str, Tensor]:
    """Return instances of various sizes and capacities, uniform on the unit square, with good routes.

    Parameters
    ----------
    count : int
    customers : int
        Of half the instances; others have down to two fifths of them, and end with places whose demand is -1.
    steps : int
        Of ruin and recreate, for each instance; the same seed gives the same routes.
    seed : int

    Returns
    -------
    dict
        ``points`` float32 [count, 1 + customers, 2], the depot first; ``demand`` int64 [count, 1 + customers];
        ``capacity`` int64 [count]; ``route`` int64 [count, 1 + customers], the number of each customer's route, 0 at
        the depot and of who is not there; ``stop`` likewise, its number within the route.
    """
    from counterpoint.solvers.local_search.cvrp import Options, solve  # numba, which acting does not need
    from counterpoint.solvers.warm_up.cvrp import local_search

    local_search()
    rng = np.random.default_rng(seed)
    points = rng.random((count, 1 + customers, 2), np.float32)
    demand = rng.integers(1, MAX_DEMAND, (count, 1 + customers), endpoint=True)
    size = np.full(count, customers)
    size[: count // 2] = rng.integers(round(FEWEST * customers), customers, count // 2, endpoint=True)
    capacity = rng.integers(*CAPACITIES, count, endpoint=True)
    demand[:, 0] = 0
    demand[np.arange(1 + customers) > size[:, None]] = -1
    route, stop = np.zeros_like(demand), np.zeros_like(demand)
    for k in range(count):
        case = _case(points[k], demand[k], capacity[k])
        found = solve(case, Budget(iterations=steps), seed, Options(), unheard).solution.routes
        for r, visits in enumerate(found):
            route[k, visits], stop[k, visits] = r, np.arange(len(visits))
    arrays = {"points": points, "demand": demand, "capacity": capacity, "route": route, "stop": stop}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@dataclass(frozen=True, slots=True)
class Ordered:
    """Solutions as the learner is to build them.

    Parameters
    ----------
    customers : int64 tensor [B, n]
        In order; who is not there comes last.
    route : int64 tensor [B, n]
        Number of the route of each of them.
    spare : int64 tensor [B, n]
        Capacity that this route leaves unused.
    is_end : bool tensor [B, n]
        Whether it is the first or the last of its route.
    """

    customers: Tensor
    route: Tensor
    spare: Tensor
    is_end: Tensor


def in_order(labels: Mapping[str, Tensor], generator: torch.Generator) -> Ordered:
    """Order routes, the fullest first, equally full ones and directions at random."""
    route, stop, demand = labels["route"], labels["stop"], labels["demand"].clamp(min=0)
    batch, places = route.shape
    random = torch.rand(2, batch, places, generator=generator).to(route.device)
    loads = torch.zeros_like(demand).scatter_add_(1, route, demand)
    spare = labels["capacity"].unsqueeze(1) - loads
    last = torch.zeros_like(stop).scatter_reduce_(1, route, stop, "amax")
    rank = (spare.double() + random[0]).argsort(1).argsort(1)
    rank, spare, last, is_turned = (of.gather(1, route) for of in (rank, spare, last, random[1] < 0.5))
    position = torch.where(is_turned, last - stop, stop)
    order = (rank * places + position).masked_fill(labels["demand"] < 0, places**2)
    order[:, 0] = places**2 + 1  # the depot
    customers = order.argsort(1)[:, :-1]
    is_end = (stop == 0) | (stop == last)
    return Ordered(customers, *(of.gather(1, customers) for of in (route, spare, is_end)))


def cut(labels: Mapping[str, Tensor], size: int, generator: torch.Generator) -> tuple[Deliveries, Tensor]:
    """Cut the last `size` steps from each solution that has so many, the picture turned or mirrored at random.

    Returns
    -------
    tails : Deliveries
    target : float tensor [R, 2 * size]
        Probability of each step. Where a new route begins, it may begin at either end of any of the fullest.
    """
    found = (labels["demand"] > 0).sum(1)
    labels = {name: rows[found >= size] for name, rows in labels.items()}
    ordered = in_order(labels, generator)
    done = (found[found >= size] - size).unsqueeze(1)
    number = torch.arange(ordered.customers.shape[1], device=done.device)
    here = (done - 1).clamp(min=0)
    origin = ordered.customers.gather(1, here).masked_fill(done == 0, 0)
    demand, capacity = labels["demand"].clamp(min=0), labels["capacity"].unsqueeze(1)
    is_behind = (number < done) & (ordered.route == ordered.route.gather(1, here))  # in the same route
    served = (demand.gather(1, ordered.customers) * is_behind).sum(1, keepdim=True)
    ahead = done + number[:size]
    left, route, spare, is_end = (
        of.gather(1, ahead) for of in (ordered.customers, ordered.route, ordered.spare, ordered.is_end)
    )
    is_new = (done == 0) | (route[:, :1] != ordered.route.gather(1, here))
    weight = torch.where(is_new, is_end & (spare == spare[:, :1]), number[:size] == 0).float()
    weight = weight / weight.sum(1, keepdim=True)
    is_through = is_new & (done > 0)
    target = torch.stack((weight * ~is_through, weight * is_through), dim=2).flatten(1)
    turn = torch.randint(2, (3, len(left)), generator=generator).to(done.device)
    tails = Deliveries(
        turned(labels["points"], turn[0] + 2 * turn[1] + 4 * turn[2]), demand, labels["capacity"],
        torch.arange(len(left), device=left.device), origin.squeeze(1), (capacity - served).squeeze(1), left,
        torch.zeros(len(left), dtype=torch.float64, device=left.device),
    )  # fmt: skip
    return tails, target


def judged(labels: Mapping[str, Tensor], steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths of the routes that steps make, and of the given ones, float64 [B] each, by the checker."""
    found = []
    arrays = {name: rows.cpu().numpy() for name, rows in labels.items()}
    for k, row in enumerate(steps.tolist()):
        case = _case(arrays["points"][k], arrays["demand"][k], arrays["capacity"][k])
        built = routes_of([(step // 2, step % 2 == 1) for step in row if step >= 0])
        verdicts = check(case, built), check(case, _given(arrays["route"][k], arrays["stop"][k], case.num_places))
        assert verdicts[0].is_feasible, str(verdicts[0])
        found.append([verdict.objective for verdict in verdicts])
    made, known = np.array(found, np.float64).T
    return made, known


def _case(points: np.ndarray, demand: IntArray, capacity: int) -> Cvrp:
    is_there = demand >= 0
    return Cvrp("label", Places("euclidean", points[is_there]), demand[is_there], capacity)


def _given(route: IntArray, stop: IntArray, places: int) -> Routes:
    order = 1 + np.lexsort((stop[1:places], route[1:places]))
    return Routes(tuple(np.split(order, np.flatnonzero(np.diff(route[order])) + 1)))
