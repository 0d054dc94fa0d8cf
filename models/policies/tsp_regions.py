"""Tours made shorter where they pass a region more than once: all its places are taken out and built anew.

What Luo et al. 2023 (LEHD, NeurIPS, arXiv 2310.07985) rebuild is a stretch of the tour, and two strands that run side
by side, far from each other along the tour, never come into one. Here the places nearest to a random one come out;
what the tour does elsewhere is kept, as links that the new path must use (`simulators.batched.bq_tsp_linked`). The
network is not told of links: it is shown their ends as places like others, and what it makes of them is kept where the
tour is no longer for it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from counterpoint.models.policies.tsp_finish import shortest
from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.simulators.batched.bq_tsp import Paths
from counterpoint.simulators.batched.bq_tsp_linked import LinkedPaths

LARGEST = 50  # places that are shown, ends of links included
FORCED = 1e3  # lengths, in units of the picture, that a link saves: more than any path is long


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a tour that is rebuilt.

    Parameters
    ----------
    walk : int64 array [m + 2]
        Its places in the tour's order, between the ends of the stretch that was opened; of each kept stretch its ends.
    is_link : bool array [m + 1]
        Which legs of the walk stand for kept stretches.
    inside : int64 array [K]
        Those of its places that may get other neighbours on both sides.
    """

    walk: IntArray
    is_link: npt.NDArray[np.bool_]
    inside: IntArray


def regions(
    order: IntArray, points: FloatArray, size: int, random: np.random.Generator, *, is_closed: bool = True
) -> list[Region]:
    """Return regions of `size` places between their ends, none of which touches what another one changes.

    Parameters
    ----------
    order : int64 array [N]
    points : float64 array [N, 2]
    size : int
        At least 3.
    random : Generator
    is_closed : bool
        Whether the last place goes on to the first; if not, both ends stay where they are.
    """
    found: list[Region] = []
    is_free = np.ones(len(order), dtype=bool)  # of being inside a region that was chosen
    is_touched = np.zeros(len(order), dtype=bool)
    for centre in random.permutation(len(order))[: max(1, 2 * len(order) // size)].tolist():
        region = region_around(order, points, centre, size, is_closed=is_closed)
        if region is not None and is_free[region.walk].all() and not is_touched[region.inside].any():
            found.append(region)
            is_touched[region.walk], is_free[region.inside] = True, False
    return found


def region_around(
    order: IntArray, points: FloatArray, centre: int, size: int, *, is_closed: bool = True
) -> Region | None:
    """Return the region of the places nearest to one, as many as make `size` places to put in order; None if none do.

    O(N).
    """
    n = len(order)
    away = np.square(points - points[centre]).sum(1)
    if not is_closed:
        away[order[[0, -1]]] = np.inf
    most = min(size, n - 2)
    nearest = np.argpartition(away, most - 1)[:most]
    rank = np.full(n, n)
    rank[nearest[np.argsort(away[nearest], kind="stable")]] = np.arange(most)
    here = rank[order]
    before, after = np.roll(here, 1), np.roll(here, -1)
    sizes = _sizes(here, before, after, most)
    fitting = np.flatnonzero(sizes[1:] == size)
    if not len(fitting):
        return None
    is_in = here <= fitting[-1]
    first = np.flatnonzero(~is_in & np.roll(is_in, 1))  # where kept stretches begin, and end
    last = np.flatnonzero(~is_in & np.roll(is_in, -1))
    last = np.roll(last, -1) if last[0] < first[0] else last
    opened = int(np.argmax((last - first) % n))
    if last[opened] == first[opened]:
        return None  # nothing but single places is kept
    is_shown = is_in.copy()
    is_shown[first], is_shown[last] = True, True
    turned = np.roll(np.arange(n), -int(last[opened]))
    at = turned[is_shown[turned]]
    at = at[: np.flatnonzero(at == first[opened])[0] + 1]
    is_link = ~is_in[at[:-1]] & ~is_in[at[1:]]
    return Region(order[at], is_link, order[is_in])


def _sizes(here: IntArray, before: IntArray, after: IntArray, most: int) -> IntArray:
    """Return how many places there are to put in order if the nearest 0, 1, .. most are inside, [most + 1].

    Those inside; two for each kept stretch, one where it is a single place; without the two ends of the one opened.
    """

    def counted(low: IntArray, high: IntArray) -> IntArray:
        """Return for each K how often low < K <= high."""
        is_near = low < most
        begun, over = low[is_near] + 1, np.minimum(high[is_near], most) + 1
        return np.cumsum(np.bincount(begun, minlength=most + 2) - np.bincount(over, minlength=most + 2))[:-1]

    crossings = counted(np.minimum(here, after), np.maximum(here, after))
    around = np.maximum(before, after)
    is_single = around < here
    return np.arange(most + 1) + crossings - counted(around[is_single], here[is_single]) - 2


def linked(found: list[Region], points: Tensor) -> LinkedPaths:
    """Return what is to be put in order in each region."""
    walks = np.stack([region.walk for region in found])
    row, leg = np.nonzero([region.is_link for region in found])
    here, there = walks[row, leg], walks[row, leg + 1]
    link = np.full((len(found), len(points)), -1)
    link[row, here], link[row, there] = there, here
    places = torch.from_numpy(walks)
    paths = Paths(
        points.expand(len(found), -1, -1), torch.arange(len(found)), places[:, 0], places[:, -1],
        places[:, 1:-1].sort(dim=1).values, torch.zeros(len(found), dtype=torch.float64),
    )  # fmt: skip
    return LinkedPaths(paths, torch.from_numpy(link))


def finished(tails: LinkedPaths) -> Tensor:
    """Return the places that are left to each path in the best order that uses all links, int64 [R, m]."""
    paths = tails.paths
    if not paths.size:
        return paths.left
    origin, end, between = (paths.at(place).double() for place in (paths.origin, paths.end, paths.left))
    away = [torch.linalg.vector_norm(between - point.unsqueeze(1), dim=2) for point in (origin, end)]
    among = torch.linalg.vector_norm(between.unsqueeze(2) - between.unsqueeze(1), dim=3)
    other = tails.link[paths.row.unsqueeze(1), paths.left]
    is_linked = other.unsqueeze(2) == paths.left.unsqueeze(1)
    due = tails.due()
    order = shortest(away[0] - FORCED * due[0], among - FORCED * is_linked, away[1] - FORCED * due[1])
    return paths.left.gather(1, order)


def put_in(instance: Tsp, order: IntArray, found: list[Region], walks: IntArray) -> IntArray:
    """Return the tour with each region's new walk in it where that is no longer and leaves one tour.

    O(N) for each region that is tried.
    """
    beside = _beside(order)
    for region, walk in zip(found, walks, strict=True):
        kept = {frozenset(link) for link in _legs(region.walk)[region.is_link].tolist()}
        old = _legs(region.walk)[~region.is_link]
        new = np.array([leg for leg in _legs(walk).tolist() if frozenset(leg) not in kept])
        if _length(instance, new) <= _length(instance, old):
            _change(beside, old, new)
            if _tour(beside, order) is None:  # another region has changed how the rest hangs together
                _change(beside, new, old)
    after = _tour(beside, order)
    assert after is not None
    return after


def _legs(walk: IntArray) -> IntArray:
    """Return from where to where a walk [m + 2] leads, [m + 1, 2]."""
    return np.stack((walk[:-1], walk[1:]), axis=1)


def _length(instance: Tsp, legs: IntArray) -> float:
    return float(np.asarray(instance.places.lengths(legs[:, 0], legs[:, 1])).sum())


def _beside(order: IntArray) -> list[list[int]]:
    """Return the two neighbours of each place."""
    beside: list[list[int]] = [[] for _ in order]
    ring = order.tolist()
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        beside[a].append(b)
        beside[b].append(a)
    return beside


def _change(beside: list[list[int]], out: IntArray, into: IntArray) -> None:
    """Take legs out and others in."""
    for a, b in out.tolist():
        beside[a].remove(b)
        beside[b].remove(a)
    for a, b in into.tolist():
        beside[a].append(b)
        beside[b].append(a)


def _tour(beside: list[list[int]], like: IntArray) -> IntArray | None:
    """Return the places one after the other, from the first of a tour and not by its last; None if they are no tour."""
    first, last = int(like[0]), int(like[-1])
    before, here, tour = last, first, [first]
    if last not in beside[first]:  # of a closed tour, whose last place is now elsewhere
        before = beside[first][0]
    for _ in range(len(like) - 1):
        a, b = beside[here]
        before, here = here, b if a == before else a
        if here == first:
            return None
        tour.append(here)
    return np.array(tour)
