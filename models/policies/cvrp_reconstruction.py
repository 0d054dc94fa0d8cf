"""Routes made shorter: parts of them are taken out and built anew by the network, many at once.

Random re-construction (Luo, Lin, Liu, Zhang and Wang 2023, LEHD, NeurIPS, arXiv 2310.07985). A round lines up all
routes by their angle around the depot, from a random one on and each either way, and cuts the line into parts of one
random number of customers. A part begins within a route and ends with one: a vehicle under way and what it and others
after it serve, which is an instance like any other. Parts are rebuilt side by side, each in several of the eight ways
to turn and mirror it, and the best is kept where it is shorter.

Routes are steps as `simulators.batched.bq_cvrp` has them: customers in order, each with whether the way leads through
the depot.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import IntArray
from counterpoint.simulators.batched.bq import turned, unit_square
from counterpoint.simulators.batched.bq_cvrp import Deliveries

FEWEST, MOST = 8, 50  # customers in a part
TURNS = 8
ROWS = 64  # parts times turns that are rebuilt side by side, or as many as there are parts
TINY = 1e-12  # of a length: what rounding errors can feign

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Line:
    """Routes one after the other.

    Parameters
    ----------
    customers : int64 array [n]
    through : bool array [n]
        Whether the way to each leads through the depot.
    """

    customers: IntArray
    through: BoolArray


@dataclass(frozen=True, slots=True)
class Parts:
    """P parts of a line, of m customers each, that share nothing.

    Parameters
    ----------
    at : int64 array [P, m]
        Positions in the line.
    origin, load : int64 array [P]
        Where the vehicle is when a part begins, 0 for the depot, and what it can still take.
    """

    at: IntArray
    origin: IntArray
    load: IntArray


def reconstructed(
    instance: Cvrp,
    line: Line,
    points: Tensor,
    network: nn.Module,
    *,
    window: int = 0,
    rescale: bool = True,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Iterator[Line]:
    """Yield the routes after each round, never longer than before; ends when stopped.

    Parameters
    ----------
    instance : Cvrp
        By whose lengths parts are judged.
    line : Line
    points : float tensor [N, 2]
        What the network sees, the depot first.
    network : Module
    window : int
        See `Deliveries.observe`.
    rescale : bool
        Whether parts, and what is seen of them through a window, are stretched to the unit square.
    seed : int
    stop : callable, optional
        Asked again and again; a round that it cuts off counts for nothing.
    """
    random = np.random.default_rng(seed)
    while not (stop is not None and stop()):
        line = lined_up(instance, line, points.numpy(), random)
        parts = cut(instance, line, random)
        turns = min(TURNS, max(1, ROWS // len(parts.at)))
        ways = random.permutation(TURNS)[:turns]
        steps = rebuilt(instance, line, parts, points, network, window, ways, stop, rescale=rescale)
        if steps is None:
            return
        line = shorter(instance, line, parts, steps)
        yield line


def length(instance: Cvrp, line: Line) -> float:
    """Return how long routes are."""
    if not len(line.customers):
        return float(instance.places.lengths(instance.origin, 0)) if instance.origin else 0.0
    origin = np.array([instance.origin])
    return float(_lengths(instance, origin, line.customers[None], line.through[None])[0])


def lined_up(instance: Cvrp, line: Line, points: np.ndarray, random: np.random.Generator) -> Line:
    """Return the same routes by their angle around the depot; one that is under way stays first, and as it is."""
    route = np.cumsum(line.through)
    count, size = route[-1] + 1, np.bincount(route)
    away = points[line.customers] - points[0]
    angle = np.arctan2(np.bincount(route, away[:, 1]), np.bincount(route, away[:, 0]))
    rank = (random.choice((-1, 1)) * angle + random.uniform(0, 2 * np.pi)) % (2 * np.pi)
    is_turned = random.random(count) < 0.5
    if instance.origin:
        rank[0], is_turned[0] = -1.0, False
    stop = np.arange(len(route)) - np.searchsorted(route, route)
    stop = np.where(is_turned[route], size[route] - stop, stop)
    order = np.lexsort((stop, route, rank[route]))
    route = route[order]
    return Line(line.customers[order], np.r_[line.through[0], route[1:] != route[:-1]])


def cut(instance: Cvrp, line: Line, random: np.random.Generator) -> Parts:
    """Cut a line into parts of equally many customers, each of which ends where a route does."""
    n = len(line.customers)
    most = min(MOST, n)
    m = int(random.integers(min(FEWEST, most), most + 1))
    ends = np.r_[np.flatnonzero(line.through[1:]) + 1, n]
    last = []  # where each part ends
    while (k := int(np.searchsorted(ends, (last[-1] if last else 0) + m))) < len(ends):
        last.append(int(ends[k]))
    at = np.array(last)[:, None] - m + np.arange(m)
    first = at[:, 0]
    route = np.cumsum(line.through)
    demand = instance.demand[line.customers]
    served = np.cumsum(demand) - demand
    begin = np.searchsorted(route, route[first])
    load = np.where((route[first] == 0) & (instance.origin > 0), instance.load, instance.capacity)
    before = np.r_[instance.origin, line.customers[:-1]]
    is_new = line.through[first] & (first > 0)
    if instance.origin and line.through[0]:  # the vehicle under way may serve some yet
        load = np.where(first == 0, instance.load, load)
    return Parts(at, np.where(is_new, 0, before[first]), load - (served[first] - served[begin]))


def rebuilt(
    instance: Cvrp, line: Line, parts: Parts, points: Tensor, network: nn.Module, window: int, turns: IntArray,
    stop: Callable[[], bool] | None, *, rescale: bool = True,
) -> IntArray | None:  # fmt: skip
    """Return what the network makes of each part in each turn, steps [P, T, m]; None if stopped."""
    customers = line.customers[parts.at]
    count, m = customers.shape
    places = torch.from_numpy(np.column_stack((np.zeros(count, np.int64), parts.origin, customers)))
    seen = points[places]
    seen = (unit_square(seen) if rescale else seen).repeat_interleave(len(turns), 0)
    rows = count * len(turns)
    origin, load, demand = (
        torch.from_numpy(of).repeat_interleave(len(turns), 0)
        for of in (np.minimum(parts.origin, 1), parts.load, instance.demand[places.numpy()])
    )
    tails = Deliveries(
        turned(seen, torch.from_numpy(np.tile(turns, count))), demand, torch.full((rows,), instance.capacity),
        torch.arange(rows), origin, load,
        torch.arange(2, m + 2).expand(rows, m), torch.zeros(rows, dtype=torch.float64),
    )  # fmt: skip
    steps, left = roll_out(network, tails, window=window, rescale=rescale, stop=stop)
    if left.size:
        return None
    number = places.repeat_interleave(len(turns), 0).gather(1, steps // 2)
    found: IntArray = (2 * number + steps % 2).view(count, len(turns), m).numpy()
    return found


def shorter(instance: Cvrp, line: Line, parts: Parts, steps: IntArray) -> Line:
    """Return the line with the shortest of each part's steps put in where that is shorter than what is there."""
    customers, through = line.customers.copy(), line.through.copy()
    was_through = line.through[parts.at]
    was_through[:, 0] &= parts.origin > 0
    was = _lengths(instance, parts.origin, customers[parts.at], was_through)
    made = _lengths(instance, parts.origin[:, None], steps // 2, steps % 2 == 1)
    best = steps[np.arange(len(steps)), made.argmin(1)]
    is_shorter = made.min(1) < was * (1 - TINY)
    is_new = (parts.origin == 0) & (parts.at[:, 0] > 0)  # the way to the first leads through the depot anyhow
    begins = best % 2 == 1
    begins[:, 0] |= is_new
    customers[parts.at[is_shorter]] = best[is_shorter] // 2
    through[parts.at[is_shorter]] = begins[is_shorter]
    return Line(customers, through)


def _lengths(instance: Cvrp, origin: IntArray, customers: IntArray, through: BoolArray) -> np.ndarray:
    """Return lengths from an origin [...] over customers [..., m] home."""
    places = instance.places
    first = np.broadcast_to(origin[..., None], customers[..., :1].shape)
    before = np.concatenate((first, customers[..., :-1]), axis=-1)
    way = np.where(through, places.lengths(before, 0) + places.lengths(0, customers), places.lengths(before, customers))
    return np.asarray(way.sum(-1) + places.lengths(customers[..., -1], 0))
